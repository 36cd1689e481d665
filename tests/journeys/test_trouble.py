"""A locked database, a full disk: 503 with Retry-After, nothing changed, and well again after."""

from __future__ import annotations

import resource
import sqlite3
from contextlib import closing, contextmanager

import pytest

from portico import db as portico_db
from tests.cast import MARIT
from tests.crowd import ask, running

YES = {"name": "Marit Solberg", "revision": "1"}


@pytest.fixture
def hurried(monkeypatch, raise_curtain, clock):
    """An installation that waits a tenth of a second for a lock, not ten."""
    monkeypatch.setattr(portico_db, "BUSY_SECONDS", 0.1)
    return raise_curtain()


@contextmanager
def _locked(file):
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


@pytest.mark.parametrize("htmx", [False, True])
def test_while_the_database_is_locked_an_answer_is_asked_for_later(hurried, htmx):
    quote, link = hurried.acme.quote()
    before = hurried.acme.dump()
    with _locked(hurried.folder / "tenants" / "acme.db"):
        answer = hurried.visitor().post(f"{link}/accept", YES, htmx=htmx)
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "nothing was changed" in answer.text
    assert hurried.acme.dump() == before
    assert hurried.visitor().post(f"{link}/accept", YES).status == 303
    assert hurried.acme.read(quote).state == "accepted"


def test_while_the_database_is_locked_pages_are_still_read(hurried):
    _quote, link = hurried.acme.quote()
    with _locked(hurried.folder / "tenants" / "acme.db"):
        assert hurried.visitor().get(link).status == 200
    assert hurried.acme.log()[-1].type == "view_quote"


def test_while_the_database_is_locked_the_signed_in_read_on(hurried, clock):
    """Also when it is time to write down that their session was used."""
    document = hurried.acme.document(MARIT)
    marit, kari = hurried.acme.account(), hurried.acme.staff()
    clock.advance(minutes=10)
    with _locked(hurried.folder / "tenants" / "acme.db"):
        for path in ("dashboard", "quotes", f"quotes/{document}", "statement", "settings"):
            assert marit.get(f"{hurried.acme.portal}/{path}").status == 200
        assert kari.get(f"{hurried.acme.console}/customers").status == 200


@pytest.mark.parametrize("backend", ["postgres"])
def test_a_database_that_went_away_is_a_503(raise_curtain, clock, backend, postgres):
    stage = raise_curtain(backend)
    _quote, link = stage.acme.quote()
    with postgres.database() as url:
        stage.move(stage.acme, url)
    answer = stage.visitor().get(link)
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert stage.visitor().get(f"{stage.bolt.public_url}/i/{'A' * 43}").status == 404


def test_a_full_disk_is_a_503_and_changes_nothing(raise_curtain):
    """A real server process whose files may not grow: what a full disk does to a database."""
    stage = raise_curtain(PORTICO_PROXY_HOPS="1")
    quote, link = stage.acme.quote()
    before = stage.acme.dump()
    with running(stage) as (port,):
        assert ask(port, "GET", link).status == 200
        with _no_room(stage.processes_at(port)):
            for refused in (ask(port, "POST", f"{link}/accept", YES), ask(port, "GET", link)):
                assert refused.status == 503
                assert "nothing was changed" in refused.text
        assert stage.acme.dump() == before
        assert ask(port, "POST", f"{link}/accept", YES).status == 303
    assert stage.acme.read(quote).state == "accepted"


@contextmanager
def _no_room(processes):
    for process in processes:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    yield
    for process in processes:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(process, resource.RLIMIT_FSIZE, unlimited)


def test_a_store_of_limits_that_is_down_lets_nobody_guess_uncounted(raise_curtain):
    stage = raise_curtain(PORTICO_LIMITS_URL="redis://127.0.0.1:9/0")
    stage.acme.copy(stage.acme.document(MARIT))
    answer = stage.visitor().get(f"{stage.acme.public_url}/i/{'A' * 43}")
    assert answer.status == 503
    assert answer.headers["Retry-After"]
