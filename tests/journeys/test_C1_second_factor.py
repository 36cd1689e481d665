"""C1: a second factor, for whoever wants one: codes of an app, recovery codes, and their loss."""

from __future__ import annotations

import base64
import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

import pyotp
import pytest

from portico import clock as portico_clock
from portico.records.staff import RecoveryCode, Role, StaffMember
from portico.services import colleagues, second_factor, staff
from portico.services.activity import Visitor
from tests.cast import KEY, PASSWORD

OWNER = "owner@halden.example"
WRONG = "This code does not work."
_CODE = re.compile(r"\b[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}\b")


def _halfway(company, email=OWNER, address="203.0.113.9"):
    """Somebody who typed the right password, and is asked for a code."""
    visitor = company.stage.visitor(address)
    answer = visitor.sign_in(company.public_url, email, PASSWORD, door="staff")
    assert answer.location == f"{company.console}/second-factor"
    return visitor


def _type(company, visitor, code, **fields):
    return visitor.fill_in(
        f"{company.console}/second-factor", {"code": code, **fields}, form="/second-factor"
    )


def _is_in(company, visitor):
    return visitor.get(f"{company.console}/").status == 200


def _now(app, steps=0):
    return app.at(portico_clock.now() + dt.timedelta(seconds=30 * steps))


def _act(company, visitor, ending, htmx=False, **typed):
    return visitor.fill_in(f"{company.console}/you", typed, form=ending, htmx=htmx)


def test_the_outsider_with_the_password_alone_stays_outside(both):
    both.acme.staff()
    app, _codes = both.acme.app_of(OWNER)
    mallory = _halfway(both.acme)
    for wrong in ("", "000000", "12345", "１２３４５６", "x" * 10_000, "\x00", "AAAA-" * 4, "😀"):
        assert _type(both.acme, mallory, wrong).status == 422
        assert not _is_in(both.acme, mallory)
    assert _type(both.acme, _halfway(both.acme, address="198.51.100.9"), _now(app)).status == 303


def test_it_is_set_up_in_place_and_asked_for_from_then_on(stage, clock):
    visitor, other = stage.acme.staff(), stage.visitor()
    other.sign_in(stage.acme.public_url, OWNER, PASSWORD, door="staff")
    wrong = _act(stage.acme, visitor, "/begin", current="not this one")
    assert (wrong.status, "not your present password" in wrong.text) == (422, True)
    page = _act(stage.acme, visitor, "/begin", htmx=True, current=PASSWORD)
    secret = page.tree.findtext(".//span[@class='code']")
    picture = page.tree.find(".//img").get("src")
    assert picture.startswith("data:image/svg+xml")
    assert "<svg" in unquote(picture)
    assert _is_in(stage.acme, other), "nothing is asked before a code confirmed it"
    app = pyotp.TOTP(secret)
    (link,) = page.tree.xpath(".//a[starts-with(@href, 'otpauth:')]/@href")
    assert pyotp.parse_uri(link).secret == secret
    assert page.tree.find(".//input[@name='code']").get("inputmode") == "numeric"
    refused = _act(stage.acme, visitor, "/confirm", code="000000", htmx=True)
    assert (refused.status, "not the code" in refused.text) == (422, True)
    shown = _act(stage.acme, visitor, "/confirm", code=_now(app), htmx=True)
    assert len(set(_CODE.findall(shown.text))) == 10
    page = visitor.get(f"{stage.acme.console}/you")
    assert not _CODE.search(page.text), "they are shown once"
    assert secret not in page.source
    assert "10 of your recovery codes" in page.text
    assert not _is_in(stage.acme, other), "it was opened without a code"
    assert _is_in(stage.acme, visitor)
    halfway = _halfway(stage.acme)
    assert _type(stage.acme, halfway, _now(app)).status == 422, "the code of the set-up is spent"
    clock.advance(seconds=30)
    door = halfway.get(f"{stage.acme.console}/second-factor")
    for _click in range(2):
        code = f" {_now(app)[:3]} {_now(app)[3:]} "
        there = halfway.fill_in(door, {"code": code}, form="/second-factor")
        assert there.location == f"{stage.acme.console}/"
    assert _is_in(stage.acme, halfway)
    stage.deliver()
    assert stage.letters_to(OWNER)[-1].message["Subject"] == "Your sign-in asks for a code now"


def test_a_set_up_can_be_left_and_begun_anew(stage):
    visitor = stage.acme.staff()
    secrets = []
    for _begin in range(2):
        page = _act(stage.acme, visitor, "/begin", htmx=True, current=PASSWORD)
        secrets.append(page.tree.findtext(".//span[@class='code']"))
        _act(stage.acme, visitor, "/give-up", htmx=True)
        assert secrets[-1] not in visitor.get(f"{stage.acme.console}/you").source
    assert len(set(secrets)) == 2
    assert stage.visitor().sign_in(
        stage.acme.public_url, OWNER, PASSWORD, door="staff"
    ).location == f"{stage.acme.console}/"  # fmt: skip


def test_a_secret_that_was_not_confirmed_is_shown_where_it_was_begun_and_not_for_long(both, clock):
    visitor = both.acme.staff()
    you = f"{both.acme.console}/you"
    page = _act(both.acme, visitor, "/begin", htmx=True, current=PASSWORD)
    secret = page.tree.findtext(".//span[@class='code']")
    other = both.visitor()
    other.sign_in(both.acme.public_url, OWNER, PASSWORD, door="staff")
    assert secret not in other.get(you).source
    clock.advance(minutes=9, seconds=29)
    late = visitor.get(you)
    assert secret in late.source
    clock.advance(minutes=1)
    assert secret not in visitor.get(you).source
    refused = visitor.fill_in(late, {"code": _now(pyotp.TOTP(secret))}, form="/confirm")
    assert (refused.status, "Please begin again" in refused.text) == (409, True)
    page = _act(both.acme, visitor, "/begin", htmx=True, current=PASSWORD)
    again = page.tree.findtext(".//span[@class='code']")
    assert again != secret
    typed = {"code": _now(pyotp.TOTP(again))}
    assert _CODE.search(visitor.fill_in(page, typed, form="/confirm").text)
    reloaded = visitor.fill_in(page, typed, form="/confirm")
    assert (reloaded.status, "second factor is on already" in reloaded.text) == (409, True)
    assert "Make new recovery codes" in reloaded.text


def test_a_clock_may_be_half_a_minute_off(stage, clock):
    stage.acme.staff()
    app, _codes = stage.acme.app_of(OWNER)
    for steps, works in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        clock.advance(minutes=5)
        answer = _type(stage.acme, _halfway(stage.acme), _now(app, steps))
        assert answer.status == (303 if works else 422), steps


def test_a_code_works_once_and_none_before_it_any_more(both, clock):
    both.acme.staff()
    app, _codes = both.acme.app_of(OWNER)
    clock.advance(minutes=5)
    assert _type(both.acme, _halfway(both.acme), _now(app)).status == 303
    for steps in (0, -1):
        again = _type(both.acme, _halfway(both.acme, address="198.51.100.9"), _now(app, steps))
        assert (again.status, WRONG in again.text) == (422, True)
    clock.advance(seconds=30)
    assert _type(both.acme, _halfway(both.acme), _now(app)).status == 303


@pytest.mark.parametrize("by", ["app", "recovery code"])
def test_of_many_at_once_one_gets_in_by_the_same_code(both, by):
    both.acme.staff()
    app, codes = both.acme.app_of(OWNER)
    code = _now(app) if by == "app" else codes[0]
    with both.acme.scope():
        opened = [staff.sign_in(OWNER, PASSWORD, Visitor()) for _one in range(6)]

    def enter(one):
        with both.acme.scope():
            return second_factor.finish_sign_in(one.id, code, Visitor())

    with ThreadPoolExecutor(6) as pool:
        secrets = list(pool.map(enter, opened))
    assert len([secret for secret in secrets if secret]) == 1


def test_a_recovery_code_works_once_however_it_is_written(stage):
    stage.acme.staff()
    _app, codes = stage.acme.app_of(OWNER)
    there = _type(stage.acme, _halfway(stage.acme), f" {codes[3].lower().replace('-', ' ')} ")
    assert there.status == 303
    assert _type(stage.acme, _halfway(stage.acme), codes[3]).status == 422
    assert _type(stage.acme, _halfway(stage.acme), codes[0]).status == 303
    with stage.acme.scope():
        assert second_factor.codes_left(1) == 8
    stage.deliver()
    assert stage.letters_to(OWNER)[-1].message["Subject"] == "A recovery code was used"


def test_new_recovery_codes_void_the_old_and_need_the_password(stage):
    visitor = stage.acme.staff()
    app, old = stage.acme.app_of(OWNER)
    visitor = _halfway(stage.acme)
    _type(stage.acme, visitor, _now(app))
    assert _act(stage.acme, visitor, "/codes", current="no").status == 422
    shown = _act(stage.acme, visitor, "/codes", current=PASSWORD)
    new = _CODE.findall(shown.text)
    assert len(new) == 10
    assert not set(new) & set(old)
    assert _type(stage.acme, _halfway(stage.acme), old[0]).status == 422
    assert _type(stage.acme, _halfway(stage.acme), new[0]).status == 303


def test_switching_it_off_needs_the_password(stage):
    stage.acme.staff()
    app, _codes = stage.acme.app_of(OWNER)
    visitor = _halfway(stage.acme)
    _type(stage.acme, visitor, _now(app))
    assert _act(stage.acme, visitor, "/off", current="no").status == 422
    assert _act(stage.acme, visitor, "/off", current=PASSWORD).status == 303
    assert stage.acme.rows(RecoveryCode) == []
    plain = stage.visitor()
    plain.sign_in(stage.acme.public_url, OWNER, PASSWORD, door="staff")
    assert _is_in(stage.acme, plain)
    assert [row.details["change"] for row in stage.acme.log() if row.type == "change_second_factor"] == [
        "second_factor_on", "second_factor_off",
    ]  # fmt: skip


def test_a_right_password_buys_no_more_tries_at_the_code(stage, clock):
    """Ten for a person in an hour, from wherever, and signing in again forgives none of them."""
    stage.acme.staff()
    app, _codes = stage.acme.app_of(OWNER)
    for number in range(10):
        visitor = _halfway(stage.acme, address=f"198.51.100.{number}")
        assert _type(stage.acme, visitor, "000000").status == 422
    late = _halfway(stage.acme, address="198.51.100.99")
    assert _type(stage.acme, late, _now(app)).status == 429
    clock.advance(hours=1)
    assert _type(stage.acme, _halfway(stage.acme), _now(app)).status == 303
    tries = 0
    while True:
        visitor = stage.visitor("198.51.100.200")
        if visitor.sign_in(stage.acme.public_url, OWNER, PASSWORD, door="staff").status == 429:
            break
        tries += 1
    assert tries == 10, "from one address, passwords that led to no code count as well"


def test_halfway_ends_after_a_quarter_of_an_hour_and_on_signing_out(stage, clock):
    stage.acme.staff()
    app, _codes = stage.acme.app_of(OWNER)
    slow, changed_mind = _halfway(stage.acme), _halfway(stage.acme)
    done = changed_mind.fill_in(f"{stage.acme.console}/logout", form="/logout")
    assert done.location.endswith("/login?done=out")
    assert changed_mind.get(f"{stage.acme.console}/second-factor").status == 303
    clock.advance(minutes=15)
    assert "/login" in slow.get(f"{stage.acme.console}/second-factor").location
    wanted = stage.visitor()
    answer = wanted.fill_in(
        f"{stage.acme.console}/login?next=/staff/team", {"email": OWNER, "password": PASSWORD}
    )
    there = wanted.fill_in(answer.location, {"code": _now(app)}, form="/second-factor")
    assert there.location == f"{stage.acme.console}/team"
    assert wanted.get(f"{stage.acme.console}/second-factor").location == f"{stage.acme.console}/"


def test_a_new_password_by_mail_does_not_get_round_it(stage):
    stage.acme.staff()
    app, _codes = stage.acme.app_of(OWNER)
    thief = stage.visitor()
    thief.fill_in(f"{stage.acme.console}/forgot-password", {"email": OWNER})
    stage.deliver()
    typed = dict.fromkeys(("password", "again"), "a kettle sings before dawn")
    thief.fill_in(stage.way_in(OWNER), typed)
    assert not _is_in(stage.acme, thief)
    assert _type(stage.acme, thief, _now(app)).status == 303
    assert _is_in(stage.acme, thief)


def test_a_new_secret_goes_on_after_the_code(stage):
    """Whoever had the cookie of the first half has nothing in the second."""
    stage.acme.staff()
    app, _codes = stage.acme.app_of(OWNER)
    visitor, copy = _halfway(stage.acme), stage.visitor()
    copy.steal(visitor)
    _type(stage.acme, visitor, _now(app))
    assert _is_in(stage.acme, visitor)
    assert not _is_in(stage.acme, copy)


def test_an_owner_lets_a_colleague_in_without_but_not_somebody_elses(both):
    owner = both.acme.staff()
    both.acme.staff(Role.SALES)
    email = "sales@halden.example"
    both.acme.app_of(email)
    with both.acme.scope():
        sales = staff.find(email).id
        colleagues.invite("Sales", email, 2, Role.VIEWER, by="Kari")
    person = f"{both.acme.console}/team/{sales}"
    shared = owner.fill_in(person, form="/second-factor")
    assert (shared.status, shared.heading) == (403, "This takes more than one owner")
    with both.acme.scope():
        colleagues.remove(sales, 2, by="Kari")
    assert owner.fill_in(person, form="/second-factor", htmx=True).status == 200
    plain = both.visitor()
    plain.sign_in(both.acme.public_url, email, PASSWORD, door="staff")
    assert _is_in(both.acme, plain)
    assert both.acme.rows(RecoveryCode) == []
    both.deliver()
    assert both.letters_to(email)[-1].message["Subject"] == "Your sign-in asks for no code any more"
    changes = [row.details for row in both.acme.log() if row.type == "change_team"]
    assert changes[-1] == {"staff": "Sales Nilsen", "change": "second factor removed"}


def test_keys_rotate_and_a_database_alone_makes_no_codes(stage, raise_curtain):
    stage.acme.staff()
    app, codes = stage.acme.app_of(OWNER)
    kept = b"".join(
        value for row in stage.acme.rows(StaffMember) for value in (row.totp_nonce, row.totp_sha256)
    )
    kept += b"".join(row.code_seal for row in stage.acme.rows(RecoveryCode))
    assert base64.b32decode(app.secret) not in kept
    raw = stage.folder.joinpath("tenants", "acme.db").read_bytes()
    raw += stage.folder.joinpath("tenants", "acme.db-wal").read_bytes()
    for secret in (app.secret, base64.b32decode(app.secret), *codes):
        plain = secret if isinstance(secret, bytes) else secret.encode()
        assert plain not in raw
    newer = "another-key-for-tests-9876543210-zyxwvutsrq"
    for keys, works in ((f"{newer},{KEY}", True), (newer, False)):
        stage.environment["PORTICO_SECRET_KEYS"] = keys
        stage.close()
        stage.app = stage.start()
        typed = _now(app) if works else codes[1]
        assert _type(stage.acme, _halfway(stage.acme), typed).status == (303 if works else 422)
