"""A2-A4: who gets an account, and how: invited by staff, set up by the mail, and by nothing else."""

from __future__ import annotations

import unicodedata

import pytest

from portico.records.account import PortalAccount, PortalSession, SetupToken
from portico.records.activity import Activity
from portico.records.mail import Mail
from portico.services import accounts, reasons, team
from tests.cast import BEA, CHIYO, MARIT, OLAF, PASSWORD, Person, bodies, token_of

NEW = {"password": PASSWORD, "again": PASSWORD}
NAMED = ("halden", MARIT.customer, MARIT.email)


def _token(link):
    return link.partition("token=")[2]


def test_the_outsider_finds_no_way_in(both):
    both.acme.invite(MARIT)
    mallory = both.visitor("198.51.100.66")
    portal = both.acme.portal
    for path in ("/dashboard", "/", "/logout"):
        assert mallory.get(portal + path).location.startswith(f"{portal}/login")
    for left in (f"{portal}/logout", f"{portal}/login?next=/customer-portal/logout%3Fx"):
        answer = mallory.get(left)
        page = mallory.get(answer.location) if answer.status == 303 else answer
        assert "next" not in page.form("/login")[1], "nobody signs in to sign out"
    for page in ("setup", "reset-password"):
        for guess in ("", "A" * 43, "A" * 10_000, "%00", "%ff", "../x", "ä"):
            assert mallory.get(f"{portal}/{page}?token={guess}").status == 410
    form = mallory.get(f"{portal}/login").form("/login")[1]
    posted = mallory.post(f"{portal}/setup?token={'A' * 43}", form | NEW)
    assert posted.status == 410
    assert both.acme.rows(PortalSession) == []


def test_the_bare_address_leads_to_where_customers_sign_in(stage):
    for company in (stage.acme, stage.bolt):
        led = stage.visitor().get(f"{company.public_url}/")
        assert (led.status, led.location) == (303, f"{company.portal}/login")
        page = stage.visitor().get(led.location)
        assert page.heading == "Sign in"
    marit = stage.acme.account()
    led = marit.get(marit.get(f"{stage.acme.public_url}/").location)
    assert led.location == f"{stage.acme.portal}/dashboard"
    assert stage.visitor().get("https://nobody.example/").status == 404
    bare = stage.visitor().get(stage.bolt.public_url)
    assert (bare.status, bare.location) == (308, f"{stage.bolt.public_url}/")


def test_an_invitation_leads_to_the_dashboard(both):
    link = both.acme.invite(MARIT)
    assert link.startswith(f"{both.acme.public_url}/customer-portal/setup?token=")
    letter = both.letters_to(MARIT)[-1]
    assert letter.message["Subject"] == "Your account at Halden of Acme"
    assert len(bodies(letter)) == 2
    visitor = both.visitor()
    page = visitor.get(link)
    assert page.heading == "Welcome, Marit Solberg"
    fields = {node.get("name"): node.get("autocomplete") for node in page.tree.iter("input")}
    assert fields["email"] == "username"
    assert fields["password"] == fields["again"] == "new-password"
    done = visitor.fill_in(page, NEW)
    assert (done.status, done.location) == (303, f"{both.acme.portal}/dashboard")
    assert "Marit" in visitor.get(done.location).text
    assert visitor.get(f"{both.acme.portal}/login").location == done.location
    assert visitor.get(link).location == done.location
    for_olaf = both.acme.invite(OLAF)
    sent_on = visitor.get(for_olaf).location
    assert sent_on == f"{done.location}?invited=yes"
    assert "The invitation that you followed is for another account" in visitor.get(sent_on).text
    assert visitor.post(for_olaf, NEW).location == done.location
    account, olafs = both.acme.rows(PortalAccount)
    assert (olafs.set_up_at, olafs.password_hash) == (None, None)
    assert PASSWORD not in repr(account.__dict__)
    assert _token(link) not in repr(both.acme.dump())
    types = [line.type for line in both.acme.log()]
    assert [
        types.count(one) for one in (Activity.INVITE, Activity.SET_UP_ACCOUNT, Activity.LOGIN)
    ] == [2, 1, 1]


def test_scanners_that_open_the_link_spend_nothing(both):
    link = both.acme.invite(MARIT)
    before = both.acme.dump()
    for number in range(3):
        scanner = both.visitor(f"198.51.100.{number}")
        assert scanner.get(link).status == scanner.head(link).status == 200
    assert both.acme.dump() == before
    assert both.visitor().fill_in(link, NEW).status == 303


def test_a_link_works_once_and_for_sixty_minutes_from_delivery(both, clock):
    link = both.acme.invite(MARIT)
    clock.advance(minutes=59, seconds=59)
    visitor, late = both.visitor(), both.visitor("203.0.113.8")
    page = late.get(link)
    assert visitor.fill_in(link, NEW).status == 303
    spent = late.fill_in(page, NEW)
    assert spent.status == 410
    assert (
        late.get(link).identity()[1]
        == both.visitor().get(f"{both.acme.portal}/setup?token={'A' * 43}").identity()[1]
    )

    olafs = both.acme.invite(OLAF)
    clock.advance(minutes=60)
    old = both.visitor().get(olafs)
    assert old.status == 410
    assert "older than 60 minutes" in old.text
    again = both.visitor().fill_in(
        f"{both.acme.portal}/forgot-password?org=halden", {"email": OLAF.email}
    )
    assert again.status == 200
    both.deliver()
    assert both.visitor().fill_in(both.way_in(OLAF), NEW).status == 303


def test_a_second_click_ends_signed_in_as_the_first_would(both, clock):
    setup = both.acme.invite(MARIT)
    for way_in in (setup, None):
        if way_in is None:
            clock.advance(minutes=5)
            forgotten = f"{both.acme.portal}/forgot-password?org=halden"
            both.visitor().fill_in(forgotten, {"email": MARIT.email})
            both.deliver()
            way_in = both.way_in(MARIT)
        first, second, mallory = both.visitor(), both.visitor(), both.visitor("198.51.100.66")
        page, theirs = first.get(way_in), mallory.get(way_in)
        second.steal(first)  # what is sent before the first answer is there
        there = first.fill_in(page, NEW).location
        assert there == f"{both.acme.portal}/dashboard"
        assert mallory.fill_in(theirs, NEW).status == 410, "another browser"
        other = dict.fromkeys(NEW, "a kettle sings before dawn")
        assert second.fill_in(page, other).status == 410, "another password"
        assert second.fill_in(page, NEW).location == there
        assert second.get(there).status == 200
        assert first.fill_in(page, NEW).location == there, "when the first answer was there"
        late = both.visitor()
        token = late.get(f"{both.acme.portal}/login").form("/login")[1]["csrf_token"]
        clock.advance(minutes=1)
        assert late.post(way_in, {**NEW, "csrf_token": token}).status == 410, "a minute later"


def test_the_hour_begins_when_the_mail_server_takes_the_mail(stage, clock):
    contact = stage.acme.contact(MARIT).id
    stage.inbox.go_down()
    with stage.acme.scope():
        accounts.invite(contact, by="Kari")
    stage.deliver()
    clock.advance(minutes=90)
    stage.inbox.behave()
    stage.deliver()
    clock.advance(minutes=59)
    assert stage.visitor().get(stage.way_in(MARIT)).status == 200
    assert len(stage.acme.rows(SetupToken)) == 1


def test_a_newer_mail_voids_the_older_one(both):
    first = both.acme.invite(MARIT)
    second = both.acme.invite(MARIT)
    assert first != second
    assert both.visitor().get(first).status == 410
    assert both.visitor().fill_in(second, NEW).status == 303
    told = both.command("account", "resend", *NAMED)
    assert told.exit_code == 1
    assert "has an account already" in told.output


def test_two_mails_that_wait_leave_one_live_link(both):
    contact = both.acme.contact(MARIT).id
    for _ in range(3):
        with both.acme.scope():
            accounts.invite(contact, by="Kari")
    with both.acme.scope():
        waiting = [mail.id for mail in both.acme.mails()]
    both.deliver()
    letters = both.letters_to(MARIT)
    assert len(letters) == 1
    states = {mail.id: mail.state for mail in both.acme.rows(Mail)}
    assert [states[one] for one in waiting] == ["skipped", "skipped", "sent"]
    assert both.visitor().get(both.way_in(MARIT)).status == 200


def test_a_password_that_would_be_guessed_is_refused_and_spends_nothing(stage):
    link = stage.acme.invite(MARIT)
    before = stage.acme.dump()
    refused = {
        "floorboards": "12 characters",
        "password1234": "first that would be tried",
        "maritfjordhus": "first that would be tried",
        "a" * 1001: "1000 characters",
    }
    for password, said in refused.items():
        page = stage.visitor().fill_in(link, {"password": password, "again": password})
        assert page.status == 422
        assert said in page.text
        assert password not in page.source
        assert page.tree.find(".//input[@id='f-password']").get("aria-describedby")
    typo = stage.visitor().fill_in(link, NEW | {"again": PASSWORD + "!"})
    assert typo.status == 422
    assert "not the same" in typo.text
    assert stage.acme.dump() == before


@pytest.mark.parametrize(
    "password",
    [
        "é" * 3 + " café au lait crème brûlée",
        "the boathouse floor creaks, and " * 4 + "x",
        "ключ под ковриком у двери",
        "  spaces before and after  ",
    ],
)
def test_any_characters_are_a_password_and_nothing_is_cut(stage, password):
    stage.acme.account(password=password)
    portal = stage.acme.public_url
    wrong = stage.visitor().sign_in(portal, MARIT.email, password[:-1], org="halden")
    assert wrong.status == 422
    decomposed = unicodedata.normalize("NFD", password)
    assert stage.visitor().sign_in(portal, MARIT.email, decomposed, org="halden").status == 303


def test_an_account_is_one_organizations(stage):
    """Chiyo, of another organization of the same tenant, and Bea, of another tenant."""
    stage.acme.account()
    stage.acme.account(CHIYO, address="203.0.113.8")
    stage.bolt.account(BEA, address="203.0.113.9")
    assert stage.visitor().get(stage.acme.portal + "/login").form("/login")[1]["org"] == ""
    for person, org, status in (
        (MARIT, "halden", 303),
        (MARIT, "brightwater", 422),
        (CHIYO, "halden", 422),
        (CHIYO, "brightwater", 303),
        (BEA, "halden", 422),
        (MARIT, "nobody", 422),
        (MARIT, "", 422),
    ):
        visitor = stage.visitor()
        answer = visitor.sign_in(stage.acme.public_url, person.email, PASSWORD, org=org)
        assert answer.status == status, (person.name, org)
    assert stage.visitor().sign_in(stage.bolt.public_url, BEA.email, PASSWORD).status == 303
    assert stage.visitor().sign_in(stage.bolt.public_url, MARIT.email, PASSWORD).status == 422


def test_the_same_address_at_two_organizations_is_two_accounts(stage):
    with stage.acme.scope():
        team.add_contact("brightwater", CHIYO.customer, "Marit Solberg", MARIT.email)
    there = Person(MARIT.name, MARIT.email, CHIYO.customer, "brightwater", "acme")
    stage.acme.account()
    stage.acme.account(there, "another sentence altogether", address="203.0.113.8")
    portal = stage.acme.public_url
    assert stage.visitor().sign_in(portal, MARIT.email, PASSWORD, org="brightwater").status == 422
    assert stage.visitor().sign_in(portal, MARIT.email, PASSWORD, org="halden").status == 303


@pytest.mark.parametrize(
    ("switch", "why"),
    [
        (["contact", "switch", *NAMED, "off"], "is switched off"),
        (["customer", "switch", *NAMED[:2], "off"], "is switched off"),
        (["contact", "change", *NAMED, "--email", ""], "no e-mail address"),
    ],
)
def test_who_may_not_be_invited_is_not(both, switch, why):
    contact = both.acme.contact(MARIT).id
    assert both.command(*switch).exit_code == 0
    before = both.acme.dump()
    with both.acme.scope(), pytest.raises(Exception, match=why):
        accounts.invite(contact, by="Kari")
    assert both.acme.dump() == before


def test_an_invitation_on_its_way_is_stopped_by_switching_off(stage):
    contact = stage.acme.contact(MARIT).id
    with stage.acme.scope():
        accounts.invite(contact, by="Kari")
        accounts.withdraw_from_contact(contact, by="Kari")
    stage.deliver()
    assert stage.letters_to(MARIT) == []
    link = stage.acme.invite(OLAF)
    with stage.acme.scope():
        accounts.withdraw_from_customer(stage.acme.customer(OLAF).id, by="Kari")
    assert stage.visitor().get(link).status == 410


def test_a_new_address_takes_the_account_with_it(both):
    marit = both.acme.account()
    forgotten = both.visitor().fill_in(
        f"{both.acme.portal}/forgot-password?org=halden", {"email": MARIT.email}
    )
    assert forgotten.status == 200
    both.deliver()
    mailed = both.way_in(MARIT)
    contact = both.acme.contact(MARIT).id
    both.acme.account(OLAF, address="203.0.113.8")
    before = both.acme.dump()
    taken = both.command("contact", "change", *NAMED, "--email", OLAF.email)
    assert "signs in with" in taken.output
    assert both.acme.dump() == before
    with both.acme.scope():
        team.change_contact(contact, email="Marit@New.example", by="Kari")
    assert marit.get(f"{both.acme.portal}/dashboard").status == 303
    assert both.visitor().get(mailed).status == 410
    portal = both.acme.public_url
    assert both.visitor().sign_in(portal, MARIT.email, PASSWORD, org="halden").status == 422
    assert both.visitor().sign_in(portal, "marit@new.example", PASSWORD, org="halden").status == 303


def test_why_somebody_gets_in_or_not(stage):
    document = stage.acme.document(MARIT)
    stage.acme.document(OLAF, external_id="o", number="Q-1")
    contact = stage.acme.contact(MARIT).id
    told = stage.command("account", "why", *NAMED)
    assert "cannot sign in" in told.output
    assert "no account yet" in told.output
    stage.acme.account()
    told = stage.command("account", "why", *NAMED, "quote", "Q-2041")
    assert told.exit_code == 0
    assert "NO" not in told.output
    assert "can sign in and see quote Q-2041" in told.output
    assert "By link: No link to it was mailed to Marit Solberg." in told.output
    stage.command("account", "disable", *NAMED, "--as", "Kari")
    stage.command("contact", "access", *NAMED, "off")
    stage.command("customer", "access", *NAMED[:2], "off")
    with stage.acme.scope():
        missing = [one.sentence for one in reasons.why(contact, document) if not one.holds]
    assert missing == [
        "The portal is off for Fjordhus AS (by the team).",
        "Portal access is off for Marit Solberg (by the team).",
        "The account was disabled by Kari.",
    ]
    told = stage.command("account", "why", *NAMED, "quote", "Q-1")
    assert "Quote Q-1 does not belong to Fjordhus AS." in told.output


def test_switching_access_on_invites_whoever_has_no_password_yet(stage):
    assert "invitation is on its way" in stage.command("contact", "access", *NAMED, "on").output
    stage.deliver()
    marit = stage.visitor()
    assert marit.fill_in(stage.way_in(MARIT), NEW).status == 303
    assert stage.command("contact", "access", *NAMED, "off").exit_code == 0
    assert marit.get(f"{stage.acme.portal}/dashboard").status == 303
    told = stage.command("contact", "access", *NAMED, "on").output
    assert "invitation" not in told
    stage.deliver()
    assert len(stage.letters_to(MARIT)) == 1
    assert marit.get(f"{stage.acme.portal}/dashboard").status == 303  # ended is ended
    again = stage.visitor().sign_in(stage.acme.public_url, MARIT.email, PASSWORD, org="halden")
    assert again.status == 303


def test_the_mailed_secret_is_nowhere_but_in_the_mail(stage):
    link = stage.acme.invite(MARIT)
    visitor = stage.visitor()
    visitor.fill_in(link, NEW)
    stage.acme.log()
    assert token_of(link.replace("?token=", "/")).encode() not in b"".join(
        file.read_bytes() for file in stage.folder.rglob("*") if file.is_file()
    )
