"""C1: the team signs in, with roles of its own; sessions end where they should."""

from __future__ import annotations

import itertools

import pytest

from portico.records.mail import MailState
from portico.records.staff import Role, StaffMember, StaffSession, StaffToken
from portico.services import activity, colleagues, demo_people, staff
from portico.services.activity import Visitor
from tests.cast import CHIYO, MARIT, PASSWORD

NEW = "a kettle sings before dawn"
OWNER, VIEWER = "owner@halden.example", "viewer@halden.example"
WRONG = "This address and password do not belong together. Please look at both again."


def _sign_in(company, email=OWNER, password=PASSWORD, address="203.0.113.9", **fields):
    visitor = company.stage.visitor(address)
    return visitor, visitor.sign_in(company.public_url, email, password, door="staff", **fields)


def _is_in(company, visitor):
    answer = visitor.get(f"{company.console}/")
    assert answer.status in {200, 303}
    return answer.status == 200


def _id_of(company, email):
    with company.scope():
        return staff.find(email).id


def _log(company):
    with company.scope():
        activity.flush()
    return [
        (row.type, row.actor, row.organization_id)
        for row in company.log()
        if row.actor_kind == "staff" and row.actor != "Kari"
    ]


def test_the_outsider_learns_nothing_from_the_answer(stage):
    stage.acme.staff()
    stage.acme.hire(Role.SALES, email="invited@halden.example")
    stage.acme.staff(Role.VIEWER)
    stage.acme.staff(Role.MANAGER)
    with stage.acme.scope():
        colleagues.disable(staff.find(VIEWER).id, 1, by="Kari")
        colleagues.remove(staff.find("manager@halden.example").id, 1, by="Kari")
    for email, password in {
        "mallory@nowhere.example": PASSWORD,
        OWNER: NEW,
        "invited@halden.example": PASSWORD,
        VIEWER: PASSWORD,
        "manager@halden.example": PASSWORD,  # who has no role any more
    }.items():
        failures = len(_log(stage.acme))
        _visitor, answer = _sign_in(stage.acme, email, password)
        assert (answer.status, WRONG in answer.text) == (422, True), email
        assert [row[0] for row in _log(stage.acme)[failures:]] == ["failed_login"], email


def test_a_customer_is_nobody_here_and_the_team_nobody_there(stage):
    stage.acme.account(MARIT)
    stage.acme.staff()
    assert _sign_in(stage.acme, MARIT.email)[1].status == 422
    mistaken = stage.visitor().sign_in(stage.acme.public_url, OWNER, PASSWORD, org="halden")
    assert mistaken.status == 422


def test_an_invitation_leads_in_once_and_scanners_do_not_spend_it(both):
    way_in = both.acme.hire(Role.VIEWER)
    typed = {"password": PASSWORD, "again": PASSWORD}
    for _look in range(3):
        both.visitor("198.51.100.4").head(way_in)
        page = both.visitor("198.51.100.4").get(way_in)
        assert page.heading == "Welcome, Viewer Nilsen"
    visitor = both.visitor()
    refused = visitor.fill_in(way_in, typed | {"again": "something else"})
    assert "not the same" in refused.text
    assert (
        "Please take another" in visitor.fill_in(way_in, dict.fromkeys(typed, "viewer nilsen")).text
    )
    assert visitor.fill_in(way_in, typed).location == f"{both.acme.console}/"
    assert _is_in(both.acme, visitor)
    for late in (visitor.get(way_in), both.visitor().get(way_in)):
        assert late.status in {303, 410}
    assert both.acme.rows(StaffMember)[0].set_up_at is not None


def test_a_second_click_on_the_last_step_ends_signed_in_as_the_first_would(both, clock):
    acme = both.acme
    typed = {"password": PASSWORD, "again": PASSWORD}
    for path in ("setup", "reset-password"):
        if path == "setup":
            way_in = acme.hire(Role.VIEWER)
        else:
            clock.advance(minutes=5)
            both.visitor().fill_in(f"{acme.console}/forgot-password", {"email": VIEWER})
            both.deliver()
            way_in = both.way_in(VIEWER)
        first, second, mallory = both.visitor(), both.visitor(), both.visitor("198.51.100.66")
        page, theirs = first.get(way_in), mallory.get(way_in)
        second.steal(first)  # what is sent before the first answer is there
        assert first.fill_in(page, typed).location == f"{acme.console}/"
        assert mallory.fill_in(theirs, typed).status == 410, "another browser"
        other = dict.fromkeys(typed, NEW)
        assert second.fill_in(page, other).status == 410, "another password"
        again = second.fill_in(page, typed)
        assert again.location == f"{acme.console}/"
        assert _is_in(acme, second)
        late = first.fill_in(page, typed)  # and when the first answer was there
        assert late.location == f"{acme.console}/"
        slow = both.visitor()
        token = slow.get(f"{acme.console}/login").form("/login")[1]["csrf_token"]
        clock.advance(minutes=1)
        assert slow.post(way_in, {**typed, "csrf_token": token}).status == 410, "a minute later"


def test_a_newer_invitation_voids_the_older_and_three_days_end_it(stage, clock):
    first = stage.acme.hire(Role.VIEWER)
    with stage.acme.scope():
        colleagues.resend(staff.find(VIEWER).id, 1, by="Kari")
    stage.deliver()
    second = stage.acme.stage.way_in(VIEWER)
    assert second != first
    assert stage.visitor().get(first).status == 410
    clock.advance(days=3, seconds=-1)
    assert stage.visitor().get(second).status == 200
    clock.advance(seconds=1)
    assert stage.visitor().get(second).status == 410


def test_signing_in_leads_where_one_wanted_to_go_and_nowhere_else(stage):
    stage.acme.staff()
    visitor = stage.visitor()
    sent_away = visitor.get(f"{stage.acme.console}/team")
    there = visitor.fill_in(
        sent_away.location, {"email": OWNER, "password": PASSWORD}, form="/login"
    )
    assert there.location == f"{stage.acme.console}/team"
    for elsewhere in ("https://mallory.example/staff/", "//mallory.example", "/customer-portal/"):
        _visitor, answer = _sign_in(stage.acme, next=elsewhere)
        assert answer.location == f"{stage.acme.console}/"
    sent_away = stage.visitor().get(f"{stage.acme.console}/logout?x=1")
    assert sent_away.location == f"{stage.acme.console}/login", "nobody signs in to sign out"


def test_each_sign_in_is_a_session_of_its_own_with_a_token_of_its_own(stage):
    stage.acme.staff()
    visitor = stage.visitor()
    page = visitor.get(f"{stage.acme.console}/login")
    before, (_action, old) = visitor.cookies(), page.form("/login")
    visitor.fill_in(page, {"email": OWNER, "password": PASSWORD}, form="/login")
    assert visitor.cookies() != before, "a cookie planted before would be signed in now"
    planted = {"csrf_token": old["csrf_token"]}
    assert visitor.post(f"{stage.acme.console}/logout", planted).status == 403
    assert _is_in(stage.acme, visitor)


def test_limits_lock_address_and_person_together_never_the_person(stage, clock):
    stage.acme.staff()
    for _try in range(10):
        assert _sign_in(stage.acme, password=NEW)[1].status == 422
    assert _sign_in(stage.acme)[1].status == 429, "also with the right password"
    assert _sign_in(stage.acme, address="198.51.100.1")[1].status == 303, "from elsewhere"
    clock.advance(minutes=15)
    assert _sign_in(stage.acme)[1].status == 303


def _logs_out(stage, visitor):
    done = visitor.fill_in(f"{stage.acme.console}/logout", form="/logout")
    assert done.location == f"{stage.acme.console}/login?done=out"


def _is_disabled(stage, _visitor):
    with stage.acme.scope():
        colleagues.disable(staff.find(VIEWER).id, 1, by="Kari")


def _loses_the_role(stage, _visitor):
    with stage.acme.scope():
        colleagues.remove(staff.find(VIEWER).id, 1, by="Kari")


def _gets_a_new_password_by_mail(stage, _visitor):
    stage.visitor().fill_in(f"{stage.acme.console}/forgot-password", {"email": VIEWER})
    stage.deliver()
    typed = {"password": NEW, "again": NEW}
    assert stage.visitor().fill_in(stage.way_in(VIEWER), typed).status == 303


ENDS = (_logs_out, _is_disabled, _loses_the_role, _gets_a_new_password_by_mail)


@pytest.mark.parametrize("end", ENDS)
def test_a_session_ends_at_once_and_a_copy_of_its_cookie_with_it(stage, end):
    visitor = stage.acme.staff(Role.VIEWER)
    copy = stage.visitor()
    copy.steal(visitor)
    assert _is_in(stage.acme, copy)
    end(stage, visitor)
    assert not _is_in(stage.acme, copy)
    assert not _is_in(stage.acme, visitor)
    assert stage.acme.rows(StaffSession)[0].ended_because


def test_a_role_that_is_given_again_revives_no_session(stage):
    visitor = stage.acme.staff(Role.VIEWER)
    with stage.acme.scope():
        colleagues.remove(staff.find(VIEWER).id, 1, by="Kari")
        colleagues.invite("Viewer Nilsen", VIEWER, 1, Role.VIEWER, by="Kari")
    assert not _is_in(stage.acme, visitor)
    assert _sign_in(stage.acme, VIEWER)[1].status == 303


def test_idle_and_absolute_limits_end_a_session(stage, clock):
    visitor = stage.acme.staff()
    clock.advance(hours=10)
    assert not _is_in(stage.acme, visitor)
    busy, _answer = _sign_in(stage.acme)
    for _pause in range(7 * 24 // 9):
        clock.advance(hours=9)
        assert _is_in(stage.acme, busy)
    clock.advance(hours=6)
    assert not _is_in(stage.acme, busy), "seven days are all"


def test_one_works_only_where_one_has_a_role(both):
    visitor = both.acme.staff(Role.SALES)
    console = both.acme.console
    page = visitor.get(f"{console}/team")
    assert page.status == 403
    _action, fields = visitor.get(f"{console}/logout").form("/logout")
    token = {"csrf_token": fields["csrf_token"]}
    for slug in ("brightwater", "nowhere", "", "x\x00y", "ö" * 10_000):
        assert visitor.post(f"{console}/organization", token | {"slug": slug}).status == 404
    with both.acme.scope():
        colleagues.invite("Any name", "sales@halden.example", 2, Role.OWNER, by="Kari")
    done = visitor.post(f"{console}/organization", token | {"slug": "brightwater"})
    assert done.location == f"{console}/"
    old_tab = visitor.post(f"{console}/organization", token | {"slug": "halden"})
    assert old_tab.status == 403, "a form of the other organization does nothing here"
    assert "You changed to another organization while this page was open" in old_tab.text
    team = visitor.get(f"{console}/team")
    assert team.status == 200, "an owner there"
    assert "Sales Nilsen" in team.text
    again, _answer = _sign_in(both.acme, "sales@halden.example")
    assert "Brightwater" in again.get(f"{console}/team").text, "where one worked last"


def test_a_reset_writes_the_same_whoever_is_meant(stage):
    stage.acme.staff()
    stage.acme.staff(Role.VIEWER, "brightwater")
    addresses = (OWNER, "nobody@nowhere.example", "viewer@brightwater.example", "x\x00" * 3000)
    answers = set()
    for email in addresses:
        visitor = stage.visitor()
        sent = visitor.fill_in(f"{stage.acme.console}/forgot-password", {"email": email})
        answers.add((sent.status, sent.text))
    assert len(answers) == 1
    asked = stage.acme.mails()[-4:]
    assert len({(one.kind, one.organization_id, one.state, *one.reference) for one in asked}) == 1
    stage.deliver()
    states = [one.state for one in stage.acme.mails()[-4:]]
    assert states == [MailState.SENT, MailState.SKIPPED, MailState.SENT, MailState.SKIPPED]
    assert stage.acme.mails()[-2].organization_id == 2, "in the name of those whom they work for"
    assert {row.ip for row in stage.acme.log() if row.type == "request_reset"} == {"203.0.113.7"}


def test_what_happened_at_the_door_is_in_the_log(stage):
    stage.acme.staff(Role.VIEWER, "brightwater", address="203.0.113.77")
    for email, password in ((VIEWER.replace("halden", "brightwater"), NEW), ("x@y.example", NEW)):
        _sign_in(stage.acme, email, password)
    assert _log(stage.acme)[-4:] == [
        ("set_up_account", "Viewer Nilsen", 2),
        ("login", "Viewer Nilsen", 2),
        ("failed_login", "Viewer Nilsen", 2),
        ("failed_login", "", 1),
    ]
    row = next(row for row in stage.acme.log() if row.type == "login")
    assert (row.ip, row.session_id, row.browser) == ("203.0.113.77", "staff 1", "Firefox")


# --- one's own sign-in ----------------------------------------------------------------------


def test_a_new_password_needs_the_present_one_and_ends_the_others(both):
    here, elsewhere = both.acme.staff(), _sign_in(both.acme)[0]
    you = f"{both.acme.console}/you"
    typed = {"current": PASSWORD, "password": NEW, "again": NEW}
    for change, words in (
        ({"current": NEW}, "not your present password"),
        ({"again": "x"}, "not the same"),
        (dict.fromkeys(("password", "again"), "short"), "at least 12"),
        (dict.fromkeys(("password", "again"), "owner@halden.example"), "one of the first"),
        (dict.fromkeys(("password", "again"), "x" * 10_000), "no more than 1000"),
    ):
        answer = here.fill_in(you, typed | change, form="/password", htmx=True)
        assert answer.status == 422
        assert words in answer.text
    assert _is_in(both.acme, elsewhere)
    assert (
        "Your password is changed"
        in here.get(here.fill_in(you, typed, form="/password").location).text
    )
    assert _is_in(both.acme, here)
    assert not _is_in(both.acme, elsewhere)
    assert _sign_in(both.acme)[1].status == 422
    assert _sign_in(both.acme, password=NEW)[1].status == 303
    both.deliver()
    letter = both.letters_to(OWNER)[-1].message
    assert letter["Subject"] == "Your password was changed"
    assert "/staff/login" in str(letter.get_body(("plain",)))


def test_guessing_the_present_password_is_limited_like_signing_in(stage):
    visitor = stage.acme.staff()
    you = f"{stage.acme.console}/you"
    typed = {"current": NEW, "password": NEW, "again": NEW}
    for _try in range(10):
        assert visitor.fill_in(you, typed, form="/password").status == 422
    assert visitor.fill_in(you, typed | {"current": PASSWORD}, form="/password").status == 429


def test_name_and_sessions_are_ones_own(stage):
    stage.acme.staff(Role.OWNER)
    visitor, other = stage.acme.staff(Role.VIEWER), _sign_in(stage.acme, VIEWER)[0]
    you = f"{stage.acme.console}/you"
    for name in ("", "\u202egnp.exe", "x" * 201, "\x00", "😀" * 5000):
        assert visitor.fill_in(you, {"name": name}, form="/you").status == 422
    assert visitor.fill_in(you, {"name": "  Ada   Vik "}, form="/you", htmx=True).status == 200
    page = visitor.get(you)
    assert "Ada Vik" in page.source
    _action, fields = page.form("/you")
    token = {"csrf_token": fields["csrf_token"]}
    assert visitor.post(f"{you}/sessions/1/end", token).status == 404, "the owner's"
    assert "That session is ended." in visitor.get(visitor.fill_in(page, form="/end").location).text
    assert not _is_in(stage.acme, other)
    assert _is_in(stage.acme, visitor)


def test_the_log_says_who_did_it_from_which_session(stage):
    visitor = stage.acme.staff(address="203.0.113.80")
    you = f"{stage.acme.console}/you"
    visitor.fill_in(you, {"name": "Ada"}, form="/you")
    row = stage.acme.log()[-1]
    assert (row.type, row.actor, row.session_id, row.ip) == (
        "update_profile", "Owner Nilsen", "staff 1", "203.0.113.80",
    )  # fmt: skip


def test_odd_input_at_the_door_is_answered_and_changes_nothing(stage):
    stage.acme.staff()
    before = stage.acme.dump()
    visitor = stage.visitor()
    page = visitor.get(f"{stage.acme.console}/login")
    odd = ("", " ", "x" * 10_000, "\x00", "a@b\u2028.example", "😀")
    for number, (email, password) in enumerate(itertools.product(odd, odd)):
        answer = stage.visitor(f"198.51.100.{number}").sign_in(
            stage.acme.public_url, email, password, door="staff"
        )
        assert answer.status == 422
    _action, fields = page.form("/login")
    url = f"{stage.acme.console}/login"
    twice = {**fields, "email": [OWNER, CHIYO.email], "password": PASSWORD}
    assert visitor.post(url, twice).status == 422
    assert visitor.post(url, b"{}", content_type="application/json").status == 415
    for token in ("", "x", "A" * 43, "\x00" * 43, "é" * 5000):
        for page_of in ("setup", "reset-password"):
            assert (
                stage.visitor().get(f"{stage.acme.console}/{page_of}?token={token}").status == 410
            )
    assert stage.acme.dump() == before
    assert stage.acme.rows(StaffToken)[-1].used_at is not None


def test_the_demonstrations_owner_signs_in_to_both_organizations_again_and_again(stage):
    _name, email = demo_people.OWNER
    for password in (PASSWORD, PASSWORD, NEW):  # the second start, and one that lost demo.json
        with stage.acme.scope():
            demo_people.let_owner_in(password, by="Ingrid", browser=Visitor())
        visitor, answer = _sign_in(stage.acme, email, password)
        assert answer.status == 303
        page = visitor.get(f"{stage.acme.console}/team")
        assert "Work at Brightwater of Acme" in page.text
    assert len(stage.acme.rows(StaffMember)) == 1
