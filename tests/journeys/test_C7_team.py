"""C7: who is on the team, and as what; by page and by command."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from portico.db import db
from portico.records.mail import MailKind
from portico.records.staff import Role, StaffMember, StaffRole
from portico.refusals import Refusal
from portico.services import colleagues, staff
from tests.cast import PASSWORD

OWNER, SALES = "owner@halden.example", "sales@halden.example"
LAST = "This is the last owner who can sign in"
HALDEN, BRIGHTWATER = 1, 2


@pytest.fixture
def owner(stage):
    """The owner of halden, signed in."""
    return stage.acme.staff()


def _id_of(company, email):
    with company.scope():
        return staff.find(email).id


def _roles(company, email):
    with company.scope():
        return staff.roles_of(staff.find(email).id)


def _all_roles(company):
    with company.scope():
        return list(db.session.scalars(sa.select(StaffRole)))


def _person(company, email):
    return f"{company.console}/team/{_id_of(company, email)}"


def _invite(company, visitor, htmx=False, **typed):
    form = {"name": "Bo Lund", "email": "bo@halden.example", "role": "sales"} | typed
    return visitor.fill_in(f"{company.console}/team", form, form="/team", htmx=htmx)


def _signs_in(company, email):
    visitor = company.stage.visitor()
    visitor.sign_in(company.public_url, email, PASSWORD, door="staff")
    return visitor.get(f"{company.console}/").status == 200


def test_who_is_no_owner_does_not_see_the_team(stage, owner):
    manager = stage.acme.staff(Role.MANAGER)
    neighbour = stage.acme.staff(Role.OWNER, "brightwater")
    assert manager.get(f"{stage.acme.console}/team").status == 403
    assert "/staff/team" not in manager.get(f"{stage.acme.console}/you").source
    person = _person(stage.acme, OWNER)
    assert neighbour.get(person).status == 404
    assert OWNER not in neighbour.get(f"{stage.acme.console}/team").text
    assert OWNER in owner.get(f"{stage.acme.console}/team").text


def test_somebody_is_invited_and_works_by_their_role(stage, owner):
    done = _invite(stage.acme, owner)
    assert "bo@halden.example is on the team" in owner.get(done.location).text
    assert "Invited" in owner.get(_person(stage.acme, "bo@halden.example")).text
    stage.deliver()
    bo = stage.visitor()
    bo.fill_in(stage.way_in("bo@halden.example"), dict.fromkeys(("password", "again"), PASSWORD))
    assert bo.get(f"{stage.acme.console}/").heading == "Hello, Bo Lund"
    assert bo.get(f"{stage.acme.console}/team").status == 403
    assert "Active" in owner.get(_person(stage.acme, "bo@halden.example")).text
    row = next(row for row in stage.acme.log() if row.type == "invite_staff" and row.session_id)
    assert (row.actor, row.session_id, row.details) == (
        "Owner Nilsen", "staff 1", {"staff": "Bo Lund", "role": "sales"},
    )  # fmt: skip


def test_what_cannot_be_taken_is_said_at_the_field_and_changes_nothing(stage, owner):
    before = stage.acme.dump()
    odd = {
        "name": ("", "\x00", "x" * 10_000, "\u202eoB"),
        "email": (
            "",
            "bo",
            "bo@",
            "x" * 10_000 + "@y.example",
            "a b@c.example",
            OWNER.upper(),
            "æ@æ.example",
            "İ@x.example",
            "\u017fales@halden.example",
            "\u212aari@halden.example",
        ),
        "role": ("", "king", "OWNER", "x" * 10_000),
    }
    for name, values in odd.items():
        for value in values:
            answer = _invite(stage.acme, owner, htmx=True, **{name: value})
            assert answer.status in {409, 422}, (name, value[:20])
            assert answer.tree.findall(".//p[@class='error']"), (name, value[:20])
    assert stage.acme.dump() == before
    person = owner.get(_person(stage.acme, OWNER))
    assert owner.fill_in(person, {"role": "king"}, form="/role").status == 422
    assert owner.fill_in(person, {"role": ["owner", "viewer"]}, form="/role").status == 422
    assert stage.acme.dump() == before


def test_who_works_for_others_already_is_put_on_the_team_and_told(stage, owner):
    neighbour = stage.acme.staff(Role.OWNER, "brightwater", name="Nina Voss")
    email = "owner@brightwater.example"
    pages = [
        owner.get(_invite(stage.acme, owner, name="Any Name", email=one).location).text
        for one in ("bo@halden.example", email.title())
    ]
    assert "bo@halden.example is on the team. A mail is on its way." in pages[0]
    assert f"{email} is on the team. A mail is on its way." in pages[1]
    assert _roles(stage.acme, email) == {HALDEN: Role.SALES, BRIGHTWATER: Role.OWNER}
    assert "Nina Voss" in owner.get(f"{stage.acme.console}/team").text, "the name is theirs"
    stage.deliver()
    letter = stage.letters_to(email)[-1].message
    assert letter["Subject"] == "You are on the team of Halden of Acme"
    assert [mail.kind for mail in stage.acme.mails()][-2:] == [
        MailKind.STAFF_INVITATION, MailKind.STAFF_NOTICE,
    ]  # fmt: skip
    assert neighbour.get(f"{stage.acme.console}/team").status == 200, "nothing else changed"
    again = _invite(stage.acme, owner, email=email)
    assert (again.status, "is on the team already" in again.text) == (409, True)


def test_who_never_came_is_invited_anew_under_the_right_name(stage, owner):
    _invite(stage.acme, owner, name="Bo Lnid")
    owner.fill_in(_person(stage.acme, "bo@halden.example"), form="/remove")
    _invite(stage.acme, owner, name="Bo Lind")
    assert "Bo Lind" in owner.get(f"{stage.acme.console}/team").text


def test_an_invitation_is_sent_again_until_it_is_used(stage, owner):
    _invite(stage.acme, owner)
    stage.deliver()
    first = stage.way_in("bo@halden.example")
    person = _person(stage.acme, "bo@halden.example")
    assert "A new mail is on its way" in owner.fill_in(person, form="/resend", htmx=True).text
    old_page = owner.get(person)
    stage.deliver()
    assert stage.visitor().get(first).status == 410
    typed = dict.fromkeys(("password", "again"), PASSWORD)
    stage.visitor().fill_in(stage.way_in("bo@halden.example"), typed)
    late = owner.fill_in(old_page, form="/resend")
    assert (late.status, "has a password already" in late.text) == (409, True)


def test_a_role_changes_from_the_next_request_on(stage, owner):
    sales = stage.acme.staff(Role.SALES)
    assert sales.get(f"{stage.acme.console}/team").status == 403
    done = owner.fill_in(_person(stage.acme, SALES), {"role": "owner"}, form="/role", htmx=True)
    assert "The role is owner now." in done.text
    assert sales.get(f"{stage.acme.console}/team").status == 200
    done = sales.fill_in(_person(stage.acme, OWNER), {"role": "viewer"}, form="/role")
    assert done.status == 303
    refused = owner.get(f"{stage.acme.console}/team")
    assert (refused.status, "Back to the start" in refused.text) == (403, True)
    assert [row.details for row in stage.acme.log() if row.type == "change_team"] == [
        {"staff": "Sales Nilsen", "change": "role", "role": "owner", "before": "sales"},
        {"staff": "Owner Nilsen", "change": "role", "role": "viewer", "before": "owner"},
    ]


def test_who_gives_up_their_own_place_is_led_on(stage, owner):
    second = stage.acme.staff(Role.OWNER, email="second@halden.example")
    done = owner.fill_in(_person(stage.acme, OWNER), {"role": "sales"}, form="/role")
    assert "The role is sales now." in owner.get(done.location).text
    stage.acme.staff(Role.OWNER, email="third@halden.example")
    gone = second.fill_in(_person(stage.acme, "second@halden.example"), form="/remove")
    assert "You are signed out." in second.get(gone.location).text


def test_no_organization_loses_its_last_owner(both):
    """Also not by one who is invited and never came, is disabled, or owns only elsewhere."""
    owner = both.acme.staff()
    both.acme.hire(Role.OWNER, email="pending@halden.example")
    both.acme.staff(Role.OWNER, email="gone@halden.example")
    with both.acme.scope():
        colleagues.disable(_id_of(both.acme, "gone@halden.example"), HALDEN, by="Kari")
    both.acme.staff(Role.OWNER, "brightwater")
    before = both.acme.dump()
    person = _person(both.acme, OWNER)
    for ending, typed in (("/role", {"role": "manager"}), ("/remove", {})):
        for htmx in (True, False):
            answer = owner.fill_in(person, typed, form=ending, htmx=htmx)
            assert (answer.status, LAST in answer.text) == (409, True), ending
    for words in (("roles", "halden", OWNER, "none"), ("disable", "halden", OWNER)):
        done = both.command("staff", *words)
        assert (done.exit_code, LAST in done.output) == (1, True), words
    assert both.acme.dump() == before
    for email in ("pending@halden.example", "gone@halden.example"):
        assert owner.fill_in(_person(both.acme, email), form="/remove").status == 303


def test_two_owners_who_demote_each_other_at_once_leave_one(both):
    emails = [f"owner{number}@halden.example" for number in range(4)]
    for email in emails:
        both.acme.staff(email=email)
    ids = [_id_of(both.acme, email) for email in emails]

    def demote(one):
        with both.acme.scope():
            try:
                colleagues.change_role(one, HALDEN, Role.VIEWER, by="Kari")
            except colleagues.LastOwner:
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(demote, ids)) == [False, True, True, True]
    assert [row.role for row in _all_roles(both.acme)].count(Role.OWNER) == 1


def test_two_who_invite_the_same_address_at_once_make_one_person(both):
    def invite(organization_id):
        with both.acme.scope():
            try:
                colleagues.invite("Bo", "bo@x.example", organization_id, Role.SALES, by="Kari")
            except Refusal:
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(invite, (HALDEN, BRIGHTWATER, HALDEN, BRIGHTWATER)))
    assert len(both.acme.rows(StaffMember)) == 1
    assert len(_roles(both.acme, "bo@x.example")) == sum(done) >= 1


def test_a_person_is_disabled_and_let_in_again(stage, owner):
    sales = stage.acme.staff(Role.SALES)
    person = _person(stage.acme, SALES)
    assert "Disabled" in owner.fill_in(person, form="/disable", htmx=True).text
    assert sales.get(f"{stage.acme.console}/").status == 303
    assert not _signs_in(stage.acme, SALES)
    assert _roles(stage.acme, SALES) == {HALDEN: Role.SALES}, "what they were stays on record"
    assert "They can sign in again." in owner.fill_in(person, form="/enable", htmx=True).text
    assert sales.get(f"{stage.acme.console}/").status == 303, "no session comes back"
    assert _signs_in(stage.acme, SALES)
    token = owner.get(person).form("/remove")[1]
    me = owner.post(f"{_person(stage.acme, OWNER)}/disable", token)
    assert (me.status, "Nobody disables themselves" in me.text) == (422, True)


def test_of_somebody_who_works_elsewhere_too_an_owner_takes_no_more_than_the_role(both):
    owner, shared = both.acme.staff(), both.acme.staff(Role.SALES)
    with both.acme.scope():
        colleagues.invite("S", SALES, BRIGHTWATER, Role.VIEWER, by="Kari")
    done = owner.fill_in(_person(both.acme, SALES), form="/disable", htmx=True)
    assert done.headers["HX-Redirect"] == "/staff/team"
    assert "taken off this team and no more" in owner.get(f"{both.acme.console}/team").text
    assert _roles(both.acme, SALES) == {BRIGHTWATER: Role.VIEWER}
    assert shared.get(f"{both.acme.console}/").status == 303, "the session here ended"
    assert _signs_in(both.acme, SALES)
    with both.acme.scope():  # and of somebody disabled by others, no more than that they are
        colleagues.invite("S", SALES, HALDEN, Role.VIEWER, by="Kari")
        colleagues.disable(_id_of(both.acme, SALES), BRIGHTWATER, by="Kari")
    refused = owner.fill_in(_person(both.acme, SALES), form="/enable")
    assert (refused.status, refused.heading) == (403, "This takes more than one owner")
    assert not _signs_in(both.acme, SALES)


def test_who_is_disabled_elsewhere_is_not_invited_and_their_owner_lets_them_in(both):
    owner, neighbour = both.acme.staff(), both.acme.staff(Role.OWNER, "brightwater")
    both.acme.staff(Role.SALES)
    person = _person(both.acme, SALES)
    owner.fill_in(person, form="/disable")
    before = both.acme.dump()
    refused = _invite(both.acme, neighbour, htmx=True, email=SALES)
    assert refused.status == 409
    assert "is disabled, so nothing was mailed" in refused.text
    assert "An owner of the team that they are on" in refused.text
    here = _invite(both.acme, owner, htmx=True, email=SALES)
    assert (here.status, "on the team, but disabled" in here.text) == (409, True)
    command = both.command("staff", "invite", "brightwater", "--name", "S", "--email", SALES)
    assert (command.exit_code, "is disabled" in command.output) == (1, True)
    assert both.acme.dump() == before
    assert "They can sign in again." in owner.fill_in(person, form="/enable", htmx=True).text
    assert _signs_in(both.acme, SALES)
    # On no team any more, they are nobody's to let in but who invites them.
    owner.fill_in(person, form="/disable")
    owner.fill_in(person, form="/remove")
    done = _invite(both.acme, neighbour, email=SALES)
    assert "A mail is on its way." in neighbour.get(done.location).text
    both.deliver()
    letter = both.letters_to(SALES)[-1].message
    assert letter["Subject"] == "You are on the team of Brightwater of Acme"
    assert _signs_in(both.acme, SALES)


def test_an_owner_of_all_their_places_disables_the_person(stage, owner):
    stage.acme.staff(Role.SALES)
    with stage.acme.scope():
        colleagues.invite("S", SALES, BRIGHTWATER, Role.VIEWER, by="Kari")
        colleagues.invite("O", OWNER, BRIGHTWATER, Role.OWNER, by="Kari")
    assert (
        "They cannot sign in"
        in owner.fill_in(_person(stage.acme, SALES), form="/disable", htmx=True).text
    )
    changes = [row.organization_id for row in stage.acme.log() if row.type == "change_team"]
    assert changes == [HALDEN, BRIGHTWATER], "both teams read of it"


def test_who_is_taken_off_the_last_team_gets_no_mail_to_come_back(stage, owner):
    _invite(stage.acme, owner)
    stage.deliver()
    way_in = stage.way_in("bo@halden.example")
    owner.fill_in(_person(stage.acme, "bo@halden.example"), form="/remove")
    assert stage.visitor().get(way_in).status == 410
    stage.visitor().fill_in(f"{stage.acme.console}/forgot-password", {"email": "bo@halden.example"})
    arrived = len(stage.letters_to("bo@halden.example"))
    stage.deliver()
    assert len(stage.letters_to("bo@halden.example")) == arrived


def test_by_command_the_team_is_kept_too(stage):
    def run(*words, code=0):
        done = stage.command("staff", *words)
        assert done.exit_code == code, done.output
        return done.output

    assert "no organization" in run("list", "nowhere", code=1)
    assert "Nobody of the team" in run("disable", "halden", "mallory@nowhere.example", code=1)
    for name in ("kari", "bo"):
        run(
            "invite",
            "halden",
            "--name",
            name.title(),
            "--email",
            f"{name}@x.example",
            "--as",
            "Root",
        )
    stage.deliver()
    for name in ("kari", "bo"):
        typed = dict.fromkeys(("password", "again"), PASSWORD)
        stage.visitor().fill_in(stage.way_in(f"{name}@x.example"), typed)
    assert "has a password already" in run("resend", "halden", "bo@x.example", code=1)
    assert "Bo is sales at Halden of Acme." in run("roles", "halden", "bo@x.example", "sales")
    stage.acme.app_of("bo@x.example")
    assert run("list", "halden").splitlines() == [
        "bo@x.example\tBo\tsales\tactive\tsecond factor",
        "kari@x.example\tKari\towner\tactive\tpassword only",
    ]
    run("reset-second-factor", "halden", "bo@x.example")
    run("disable", "halden", "BO@x.example")
    assert "disabled\tpassword only" in run("list", "halden")
    run("enable", "halden", "bo@x.example")
    run("roles", "halden", "bo@x.example", "none")
    assert "bo@x.example" not in run("list", "halden")
    assert "not on this team" in run("enable", "halden", "bo@x.example", code=1)
    assert [row.actor for row in stage.acme.log() if row.type == "invite_staff"] == ["Root", "Root"]
