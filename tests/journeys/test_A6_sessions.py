"""A6: a session rotates, ends when it should, and a stolen cookie is worth nothing after that."""

from __future__ import annotations

import pytest

from portico.records.account import PortalSession
from portico.records.decision import Via
from portico.services import credentials, team
from portico.services.actors import Actor
from tests.cast import MARIT, OLAF, PASSWORD

OTHER = "the oak door sticks in autumn"
NAMED = ("halden", MARIT.customer, MARIT.email)


def _is_in(visitor, company):
    answer = visitor.get(f"{company.portal}/dashboard")
    assert answer.status in {200, 303}
    return answer.status == 200


def _thief(stage, owner):
    """Somebody elsewhere, with a copy of the owner's cookies."""
    thief = stage.visitor("198.51.100.66", User_Agent="curl/8")
    thief.steal(owner)
    return thief


def test_the_outsider_has_no_session(both):
    both.acme.account()
    for value in (
        "",
        "x",
        "x.y.z",
        "é",
        '"',
        "eyJfdXNlcl9pZCI6ImN1c3RvbWVyOmFjbWU6MTp4In0.aaaaaa.bbbb",
    ):
        cookie = f"__Host-portico_customer={value}; remember_token={value}|{value}"
        answer = both.visitor().get(f"{both.acme.portal}/dashboard", Cookie=cookie)
        assert answer.status == 303
    assert [one.ended_at for one in both.acme.rows(PortalSession)] == [None]


def test_signing_in_makes_everything_anew(both):
    """A cookie planted before the sign-in, and its form's token, open nothing after it."""
    both.acme.account()
    visitor = both.visitor()
    page = visitor.get(f"{both.acme.portal}/login")
    planted = _thief(both, visitor)
    before = visitor.cookies()
    typed = {"email": MARIT.email, "password": PASSWORD, "org": "halden"}
    assert visitor.fill_in(page, typed, form="/login").status == 303
    assert visitor.cookies() != before
    assert _is_in(visitor, both.acme)
    assert not _is_in(planted, both.acme)
    old = page.form("/login")[1]["csrf_token"]
    assert visitor.post(f"{both.acme.portal}/logout", {"csrf_token": old}).status == 403
    assert _is_in(visitor, both.acme)


def _log_out(stage, owner):
    owner.fill_in(f"{stage.acme.portal}/logout", form="/logout")


def _reset(stage, _owner):
    stage.visitor("203.0.113.9").fill_in(
        f"{stage.acme.portal}/forgot-password?org=halden", {"email": MARIT.email}
    )
    stage.deliver()
    new = {"password": OTHER, "again": OTHER}
    assert stage.visitor("203.0.113.9").fill_in(stage.way_in(MARIT), new).status == 303


def _run(*words):
    def run(stage, _owner):
        assert stage.command(*words).exit_code == 0

    return run


def _change_email(stage, _owner):
    contact = stage.acme.contact(MARIT).id
    with stage.acme.scope():
        team.change_contact(contact, email="m@new.example", by="Kari")


def _change_elsewhere(stage, _owner):
    other = stage.visitor("203.0.113.9")
    other.sign_in(stage.acme.public_url, MARIT.email, PASSWORD, org="halden")
    session, contact = stage.acme.rows(PortalSession)[-1], stage.acme.contact(MARIT)
    actor = Actor(
        Via.ACCOUNT, contact.organization_id, contact.customer_id, contact.id, contact.name,
        contact.email, account_id=session.account_id, session_id=session.id,
    )  # fmt: skip
    with stage.acme.scope():
        credentials.change_password(actor, PASSWORD, OTHER)
    assert _is_in(other, stage.acme)


ENDS = {
    "logging out": _log_out,
    "a reset": _reset,
    "another password elsewhere": _change_elsewhere,
    "another address": _change_email,
    "disabling": _run("account", "disable", *NAMED),
    "the contact's access off": _run("contact", "access", *NAMED, "off"),
    "the customer's access off": _run("customer", "access", *NAMED[:2], "off"),
    "the contact switched off": _run("contact", "switch", *NAMED, "off"),
    "the customer switched off": _run("customer", "switch", *NAMED[:2], "off"),
}
BACK = {
    "disabling": ["account", "enable", *NAMED],
    "the contact's access off": ["contact", "access", *NAMED, "on"],
    "the customer's access off": ["customer", "access", *NAMED[:2], "on"],
    "the contact switched off": ["contact", "switch", *NAMED, "on"],
    "the customer switched off": ["customer", "switch", *NAMED[:2], "on"],
}


@pytest.mark.parametrize("what", ENDS)
def test_the_next_request_is_a_guests(both, what):
    owner = both.acme.account()
    thief = _thief(both, owner)
    assert _is_in(thief, both.acme)
    token = owner.get(f"{both.acme.portal}/logout").form("/logout")[1]
    ENDS[what](both, owner)
    assert not _is_in(thief, both.acme)
    assert not _is_in(owner, both.acme)
    before = both.acme.dump()
    assert thief.post(f"{both.acme.portal}/logout", token).status == 303
    assert both.acme.dump() == before
    if what in BACK:
        assert both.command(*BACK[what]).exit_code == 0
        assert not _is_in(thief, both.acme), "what was ended comes back"
        again = both.visitor().sign_in(both.acme.public_url, MARIT.email, PASSWORD, org="halden")
        assert again.status == 303


def test_whoever_is_signed_out_while_a_page_is_open_is_led_back_to_it(stage):
    """Also where htmx asks for a part, which no sign-in page may be swapped into."""
    acme, entrance = stage.acme, "/customer-portal/login"
    for here, back in (
        (f"{acme.portal}/quotes?state=accepted#list", "?next=/customer-portal/quotes?state%3Daccepted"),
        (f"{acme.public_url}/staff/", ""), ("https://mallory.example//customer-portal/x", ""),
        ("https://[", ""), ("é", ""), (None, ""),
    ):  # fmt: skip
        answer = stage.visitor().get(f"{acme.portal}/invoices", htmx=True, HX_Current_URL=here)
        assert (answer.data, answer.headers["HX-Redirect"]) == (b"", entrance + back)


def test_twelve_idle_hours_end_it(both, clock):
    marit = both.acme.account()
    for _ in range(3):
        clock.advance(hours=11, minutes=59)
        assert _is_in(marit, both.acme)
    clock.advance(hours=12)
    assert not _is_in(marit, both.acme)


def test_fourteen_days_end_it_however_busy(stage, clock):
    marit = stage.acme.account()
    for _ in range(14 * 4 - 1):
        clock.advance(hours=6)
        assert _is_in(marit, stage.acme)
    clock.advance(hours=6)
    assert not _is_in(marit, stage.acme)


def test_signing_out_ends_this_session_alone_and_says_so(both):
    phone, desk = both.acme.account(), both.visitor("203.0.113.8")
    desk.sign_in(both.acme.public_url, MARIT.email, PASSWORD, org="halden")
    asked = phone.get(f"{both.acme.portal}/logout")
    assert asked.heading == "Sign out?"
    assert _is_in(phone, both.acme), "a GET signs nobody out"
    done = phone.fill_in(asked, form="/logout")
    assert phone.cookies() == {}
    assert "signed out" in phone.get(done.location).text
    assert _is_in(desk, both.acme)
    assert [line.type for line in both.acme.log()].count("logout") == 1


def test_a_session_is_a_row_without_its_secret(stage):
    marit = stage.acme.account(User_Agent="Mozilla/5.0 (iPhone)")
    (session,) = stage.acme.rows(PortalSession)
    assert (session.ip, session.user_agent) == ("203.0.113.7", "Mozilla/5.0 (iPhone)")
    assert len(session.secret_sha256) == 32
    cookie = marit.cookies()["__Host-portico_customer"]
    stage.acme.log()
    kept = b"".join(one.read_bytes() for one in stage.folder.rglob("*") if one.is_file())
    assert cookie.encode() not in kept


def test_two_browsers_are_two_sessions_of_their_own(stage):
    marit, olaf = stage.acme.account(), stage.acme.account(OLAF, address="203.0.113.8")
    assert MARIT.name in marit.get(f"{stage.acme.portal}/dashboard").text
    assert OLAF.name in olaf.get(f"{stage.acme.portal}/dashboard").text
    marit.steal(olaf)
    assert OLAF.name in marit.get(f"{stage.acme.portal}/dashboard").text
