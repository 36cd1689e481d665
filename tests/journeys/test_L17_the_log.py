"""L17, C6: every view is logged, labelled with its reason, and chained so that changes show."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress

import pytest

from portico.records.activity import AccessLog, Activity, ActorKind
from portico.records.content import Kind
from portico.services import activity, activity_chain
from tests.cast import MARIT, OLAF

CHROME = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/141.0 Mobile Safari/537.36"
)
IPAD = "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15"


def _last(stage):
    return stage.acme.log()[-1]


def _verify(stage):
    with stage.acme.scope():
        activity.flush()
        return activity_chain.verify()


def test_the_outsider_leaves_no_line_in_anybodys_log(both):
    before = len(both.acme.log())
    both.visitor().get(f"{both.acme.public_url}/i/{'A' * 43}")
    assert len(both.acme.log()) == before


@pytest.mark.parametrize(
    ("kind", "type_"), [(Kind.QUOTE, "view_quote"), (Kind.INVOICE, "view_invoice"), (Kind.CREDIT_NOTE, "view_document")]
)  # fmt: skip
def test_a_view_is_logged_with_all_that_is_known(both, kind, type_, clock):
    document = both.acme.document(MARIT, kind)
    link = both.acme.mailed(document, MARIT)
    both.visitor("203.0.113.50", User_Agent=CHROME).get(link)
    row = _last(both)
    assert (row.type, row.actor, row.actor_kind) == (type_, MARIT.name, "customer")
    assert (row.document_id, row.link_id) == (document, both.acme.links()[0].id)
    assert (row.customer_id, row.contact_id) == (
        both.acme.customer(MARIT).id,
        both.acme.contact(MARIT).id,
    )
    assert (row.ip, row.user_agent) == ("203.0.113.50", CHROME)
    assert (row.device_type, row.platform) == ("mobile", "Android")
    assert row.browser.startswith("Chrome")
    assert row.occurred_at == clock.moment
    assert (row.label, bool(row.label_reason)) == ("person", True)


LOOKS: dict[str, tuple[dict[str, str | None], str]] = {
    "a browser": ({}, "person"),
    "a tablet": ({"User_Agent": IPAD}, "person"),
    "a gateway by name": ({"User_Agent": "Mozilla/5.0 (compatible; BarracudaCentral)"}, "scanner"),
    "a chat program's preview": ({"User_Agent": "Slackbot-LinkExpanding 1.0"}, "scanner"),
    "a script": ({"User_Agent": "python-requests/2.32"}, "scanner"),
    "no name at all": ({"User_Agent": ""}, "scanner"),
    "a browser without language": ({"Accept_Language": None, "Sec_Fetch_Mode": None}, "scanner"),
    "a prefetch": ({"Sec_Purpose": "prefetch;prerender"}, "scanner"),
}  # fmt: skip


@pytest.mark.parametrize("look", LOOKS)
def test_a_view_says_who_probably_looked(stage, look):
    headers, label = LOOKS[look]
    _quote, link = stage.acme.quote()
    stage.visitor().get(link, **headers)
    assert (_last(stage).label, bool(_last(stage).label_reason)) == (label, True)


def test_asking_for_the_headers_is_no_person(stage):
    _quote, link = stage.acme.quote()
    stage.visitor().head(link)
    assert _last(stage).label == "scanner"


def test_a_preview_by_staff_is_no_view_of_the_customers(stage):
    entry = activity.Entry(Activity.VIEW_QUOTE, ActorKind.CUSTOMER, preview=True)
    with stage.acme.scope():
        activity.note(entry)
    assert _last(stage).label == "preview"


def test_a_label_refuses_nobody(stage):
    quote, link = stage.acme.quote()
    scanner = stage.visitor(User_Agent="python-requests/2.32")
    assert scanner.post(f"{link}/accept", {"name": "M", "revision": "1"}).status == 303
    assert stage.acme.read(quote).state == "accepted"


def test_a_whole_life_is_told_by_command(both):
    _quote, link = both.acme.quote()
    both.visitor().get(link)
    both.visitor().get(f"{link}/pdf")
    both.visitor().post(f"{link}/ask", {"question": "?!a"})
    both.visitor().post(f"{link}/accept", {"name": "Marit", "revision": "1"})
    both.visitor().get(f"{link}/receipt")
    both.visitor().post(f"{link}/end")
    both.acme.log()
    told = both.command("activity", "show", "halden", "quote", "Q-2041")
    assert told.exit_code == 0
    types = [
        line.split()[2]
        for line in told.output.splitlines()
        if line[:2] == "20" and "  mail " not in line
    ]
    for type_ in ("send_document", "mail_sent", "view_quote", "download_pdf", "send_message",
                  "approve_quote", "download_receipt", "end_link"):  # fmt: skip
        assert type_ in types
    assert "203.0.113.7" in told.output
    assert link.rpartition("/")[2] not in told.output


def test_security_and_financial_events_are_marked():
    marked = Activity
    assert marked.REVOKE_LINK.is_security_event
    assert marked.VIEW_INVOICE.is_financial_action
    assert not marked.VIEW_DOCUMENT.is_financial_action


# --- the chain -------------------------------------------------------------------------------


@pytest.fixture
def chained(both):
    """A log of a dozen rows in which nothing is wrong."""
    for person in (MARIT, OLAF):
        link = both.acme.mailed(both.acme.document(person, external_id=person.name), person)
        for _ in range(3):
            both.visitor().get(link)
    verdict = _verify(both)
    assert (verdict.rows, verdict.problem) == (10, None)
    return both


SPOILED = {
    "a changed name": "UPDATE portal_access_logs SET actor = 'Mallory' WHERE id = 4",
    "a changed time": "UPDATE portal_access_logs SET occurred_at = '2026-01-01 00:00:00' WHERE id = 4",
    "a changed type": "UPDATE portal_access_logs SET type = 'view_invoice' WHERE id = 4",
    "a changed label": "UPDATE portal_access_logs SET label = 'scanner' WHERE id = 4",
    "a changed address": "UPDATE portal_access_logs SET ip = '198.51.100.1' WHERE id = 4",
    "a changed browser": "UPDATE portal_access_logs SET user_agent = 'x' WHERE id = 4",
    "a changed device": "UPDATE portal_access_logs SET platform = 'ZX' WHERE id = 4",
    "a changed document": "UPDATE portal_access_logs SET document_id = 99 WHERE id = 4",
    "a deleted row": "DELETE FROM portal_access_logs WHERE id = 4",
    "the first row gone": "DELETE FROM portal_access_logs WHERE id = 1",
    "a cut tail": "DELETE FROM portal_access_logs WHERE id > 7",
    "an emptied log": "DELETE FROM portal_access_logs",
    "an address under an erased salt": "UPDATE portal_access_logs SET salt = NULL, ip = '198.51.100.1' WHERE id = 4",
    "erased without a word": "UPDATE portal_access_logs SET salt = NULL, ip = NULL, user_agent = NULL, device_type = NULL, browser = NULL, platform = NULL WHERE id = 4",
    "an erased salt, and another address": "UPDATE portal_access_logs SET salt = NULL, personal_sha256 = chain_sha256 WHERE id = 4",
}  # fmt: skip


def test_a_log_that_was_touched_shows(chained, subtests):
    acme = chained.acme
    with acme.kept("portal_access_logs"):
        for how, statement in SPOILED.items():
            with subtests.test(how):
                acme.execute(statement)
                assert _verify(chained).problem
                told = chained.command("activity", "verify")
                assert told.exit_code == 1
                assert "not whole" in told.output
            acme.execute("DELETE FROM portal_access_logs")
            acme.execute("INSERT INTO portal_access_logs SELECT * FROM as_it_was")
            assert _verify(chained).problem is None


def test_rows_that_changed_places_show(chained):
    for statement in (
        "UPDATE portal_access_logs SET id = 99 WHERE id = 4",
        "UPDATE portal_access_logs SET id = 4 WHERE id = 5",
        "UPDATE portal_access_logs SET id = 5 WHERE id = 99",
    ):
        chained.acme.execute(statement)
    assert _verify(chained).problem


def test_a_tail_that_was_cut_along_with_the_end_of_the_chain_shows(chained):
    rows = chained.acme.rows(AccessLog)
    chained.acme.execute("DELETE FROM portal_access_logs WHERE id > 7")
    chained.acme.execute(
        "UPDATE activity_chain SET length = 7, chain_sha256 = :digest", digest=rows[6].chain_sha256
    )
    assert "not sealed" in _verify(chained).problem


def _slip_in(acme, number):
    """A copy of a row under another number."""
    names = [column.name for column in AccessLog.__table__.columns if column.name != "id"]
    values = ["'slipped in'" if name == "event_id" else name for name in names]
    acme.execute(
        f"INSERT INTO portal_access_logs (id, {', '.join(names)}) "
        f"SELECT {number}, {', '.join(values)} FROM portal_access_logs WHERE id = 4"
    )


@pytest.mark.parametrize("number", [0, -7, 11, 99])
def test_a_row_that_was_slipped_in_shows(chained, number):
    _slip_in(chained.acme, number)
    assert _verify(chained).problem
    with chained.acme.scope():
        assert activity_chain.verify(newest=3).problem


def _cut(acme):
    digest = acme.rows(AccessLog)[6].chain_sha256
    acme.execute("DELETE FROM portal_access_logs WHERE id > 7")
    acme.execute("UPDATE activity_chain SET length = 7, chain_sha256 = :digest", digest=digest)


def _empty(acme):
    acme.execute("DELETE FROM portal_access_logs")
    acme.execute("UPDATE activity_chain SET length = 0, chain_sha256 = :none", none=bytes(32))
    acme.execute("UPDATE activity_chain SET seal = :none", none=bytes(32))


def _forge(acme):
    """Another name, and every hash behind it made anew, as anybody can who has read the code."""
    acme.execute("UPDATE portal_access_logs SET actor = 'Mallory' WHERE id = 4")
    head = bytes(32)
    for row in acme.rows(AccessLog):
        head = activity_chain.link(head, row)
        acme.execute(
            "UPDATE portal_access_logs SET chain_sha256 = :head WHERE id = :id",
            head=head,
            id=row.id,
        )
    acme.execute("UPDATE activity_chain SET chain_sha256 = :head", head=head)


@pytest.mark.parametrize("meddle", [_cut, _empty, _forge])
def test_going_on_does_not_seal_what_was_done_to_the_log(chained, clock, meddle):
    clock.advance(hours=2)
    meddle(chained.acme)
    assert _verify(chained).problem
    _quote, link = chained.acme.quote(number="Q-77")
    chained.visitor().get(link)
    assert _verify(chained).problem
    # Sealed anew by who runs the installation, it says so.
    assert chained.command("activity", "seal", "--as", "Kari").exit_code == 0
    assert _verify(chained).problem is None
    assert (_last(chained).type, _last(chained).actor) == ("seal_activity", "Kari")


def test_a_seal_made_anew_hides_no_change(chained):
    chained.acme.execute("UPDATE portal_access_logs SET actor = 'Mallory' WHERE id = 4")
    assert chained.command("activity", "seal", "--as", "Kari").exit_code == 0
    assert "row 4 was changed" in _verify(chained).problem


@pytest.mark.parametrize(
    "statement",
    ["UPDATE portal_access_logs SET details = '{' WHERE id = 4",
     "UPDATE portal_access_logs SET occurred_at = 'soon' WHERE id = 4"],
)  # fmt: skip
def test_a_row_that_cannot_be_read_shows(stage, statement):
    _quote, link = stage.acme.quote()
    for _ in range(4):
        stage.visitor().get(link)
    assert _verify(stage).problem is None
    stage.acme.execute(statement)
    told = stage.command("activity", "verify")
    assert told.exit_code == 1
    assert "cannot be read" in told.output


def test_a_log_and_its_end_that_were_both_emptied_show(chained):
    chained.acme.execute("DELETE FROM portal_access_logs")
    chained.acme.execute("DELETE FROM activity_chain")
    assert _verify(chained).problem


def test_erasing_a_customers_addresses_leaves_the_chain_whole(chained):
    told = chained.command("activity", "erase", "halden", MARIT.customer, "--as", "Kari")
    assert told.exit_code == 0
    for row in chained.acme.rows(AccessLog):
        gone = row.customer_id == chained.acme.customer(MARIT).id
        assert (row.ip is None and row.user_agent is None and row.salt is None) or not gone
        if row.type == "view_quote" and not gone:
            assert row.ip == "203.0.113.7"
    assert _verify(chained).problem is None
    assert chained.command("activity", "verify").exit_code == 0


def test_what_is_old_is_erased_in_portions_and_the_chain_stays_whole(chained, clock, monkeypatch):
    monkeypatch.setattr(activity, "_FORGOTTEN_AT_ONCE", 3)
    clock.advance(days=40)
    _quote, link = chained.acme.quote(OLAF, number="Q-78")
    chained.visitor().get(link)
    old, young = chained.acme.rows(AccessLog)[:10], chained.acme.log()[10:]
    had = [row.id for row in old if row.salt is not None]
    told = chained.command("activity", "erase-older", "30", "--as", "Kari")
    assert f"{len(had)} rows" in told.output
    log = chained.acme.log()
    assert [row.id for row in log if row.salt is None] == had
    assert [row.salt for row in young] == [row.salt for row in log[10 : 10 + len(young)]]
    assert sum(row.details["rows"] for row in log if row.type == "erase_activity") == len(had)
    assert _verify(chained).problem is None


def test_tenants_have_chains_of_their_own(chained):
    chained.acme.execute("DELETE FROM portal_access_logs WHERE id = 4")
    assert chained.command("activity", "verify", tenant="bolt").exit_code == 0


# --- the spool -------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from app import create_app
from portico import config
from portico.services import activity
from portico.services.tenants import tenant_scope
app = create_app(config.load())
app.extensions["portico.spool"]._every = 3600  # nothing is brought in before the end
with tenant_scope(app, "acme"):
    for number in range(25):
        activity.note(activity.Entry(
            activity.Activity.VIEW_QUOTE, activity.ActorKind.CUSTOMER, actor=str(number)))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_views_survive_the_sudden_death_of_their_process(both):
    process = both.spawn([sys.executable, "-c", KILLED])
    assert process.wait(30) == -signal.SIGKILL
    assert len(list((both.folder / "spool").glob("*.jsonl"))) == 1
    both.work()
    assert [row.actor for row in both.acme.log()] == [str(number) for number in range(25)]
    both.work()
    assert len(both.acme.log()) == 25
    assert list((both.folder / "spool").glob("*.jsonl")) == []
    assert _verify(both).problem is None


def _noted_view(stage):
    """What a view leaves in the spool, read before it is brought in, which is half a second."""
    _quote, link = stage.acme.quote()
    while True:
        stage.visitor().get(link)
        for file in (stage.folder / "spool").glob("*.jsonl"):
            with suppress(FileNotFoundError):
                if lines := file.read_bytes():
                    return lines


def test_a_batch_that_was_stored_and_not_removed_is_not_stored_twice(stage):
    lines = _noted_view(stage)
    count = len(stage.acme.log())
    (stage.folder / "spool" / "1-left.jsonl").write_bytes(lines)
    stage.work()
    assert len(stage.acme.log()) == count


def test_half_a_line_spoils_only_itself(stage):
    lines = _noted_view(stage)
    count = len(stage.acme.log())
    (stage.folder / "spool" / "1-left.jsonl").write_bytes(b'["acme", {"half\n' + lines + b'["ac')
    stage.work()
    assert len(stage.acme.log()) == count
