"""L2: every mailed token is searched for, raw, wherever the installation keeps anything."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from portico.db import make_engine
from portico.records.link import Purpose
from tests.cast import BEA, CHIYO, LINK, MARIT, OLAF, bodies, token_of
from tests.crowd import ask, running, until, working


def _everything(url):
    """All rows of all tables, as the server would dump them."""
    engine = make_engine(url)
    with engine.connect() as connection:
        for table in sa.inspect(connection).get_table_names():
            for row in connection.execute(sa.text(f"SELECT CAST(t AS text) FROM {table} t")):
                yield row[0]
    engine.dispose()


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_no_mailed_token_lies_anywhere(raise_curtain, backend):
    stage = raise_curtain(backend, PORTICO_PROXY_HOPS="1", PORTICO_ACCESS_LOG="1")
    with running(stage) as (port,), working(stage):
        copied = []
        for person in (MARIT, OLAF, CHIYO, BEA):
            company = stage.company_of(person)
            quote = company.document(person, external_id=f"of {person.name}")
            company.send(quote, person, attach_pdf=True)
            copied.append(company.copy(quote, Purpose.QUOTE))
        until(lambda: len(stage.inbox.messages) == 4, 60)
        mailed = [stage.link_to(person) for person in (MARIT, OLAF, CHIYO, BEA)]
        for link in mailed + copied:
            for path in (
                "",
                "/pdf",
                "/end",
                "/settings",
                "/accept",
                "?x=1",
                "/nothing",
                "/files/1",
            ):
                ask(port, "GET", link + path, Referer=link)
                ask(port, "HEAD", link + path)
            ask(port, "PUT", link)
            ask(port, "POST", f"{link}/accept", {"name": "", "revision": "x"})
            ask(
                port,
                "POST",
                f"{link}/accept",
                {"name": "M", "revision": "1"},
                Sec_Fetch_Site="none",
            )
            ask(port, "POST", f"{link}/ask", {"question": "Why?"}, HX_Request="true")
            ask(port, "POST", f"{link}/accept", {"name": "M", "revision": "1"})
            ask(port, "POST", f"{link}/request-access", {})
            assert ask(port, "GET", link).status == 200
        until(lambda: {one.state for one in stage.acme.mails()} == {"sent"}, 60)
        until(lambda: {one.state for one in stage.bolt.mails()} == {"sent"}, 60)
        tokens = {token_of(link) for letter in stage.inbox.messages
                  for body in bodies(letter) for link in LINK.findall(body)}  # fmt: skip
        tokens |= {token_of(link) for link in copied}
        assert len(tokens) == 8
        files = [file for file in stage.folder.parent.rglob("*") if file.is_file()]
        names = {file.name for file in files}
        assert {"queue.db", "limits.db", "worker.log", f"server-{port}.log"} <= names
        if backend == "sqlite":
            assert {"acme.db", "acme.db-wal", "bolt.db"} <= names
        for file in sorted(files, key=lambda file: file.parent.name != "spool"):
            try:
                data = file.read_bytes()
            except FileNotFoundError:  # its rows went into a database, which is read after it
                assert file.parent.name == "spool", file
                continue
            for token in tokens:
                assert token.encode() not in data, file.name
    if backend == "postgres":
        for company in (stage.acme, stage.bolt):
            found = "\n".join(_everything(company.database_url))
            assert len(found) > 10_000
            assert all(token not in found for token in tokens)
    log = (stage.folder.parent / f"server-{port}.log").read_text()
    assert '"GET /i/…" 200' in log
    assert '"POST /q/…/accept" 303' in log


def test_a_scanner_that_opens_every_link_20_times_changes_nothing(both):
    links = []
    for person in (MARIT, OLAF, CHIYO, BEA):
        company = both.company_of(person)
        quote = company.document(person, external_id=f"of {person.name}")
        links += [company.mailed(quote, person), company.copy(quote, Purpose.QUOTE)]
    before = [company.dump() for company in (both.acme, both.bolt)]
    scanner = both.visitor(User_Agent="Mozilla/5.0 (compatible; Proofpoint)")
    for link in links:
        for _ in range(20):
            assert scanner.get(link).status == 200
            assert scanner.head(link).status == 200
    assert [company.dump() for company in (both.acme, both.bolt)] == before
    views = [row for row in both.acme.log() if row.type == "view_quote"]
    assert len(views) == 240
    assert {row.label for row in views} == {"scanner"}
