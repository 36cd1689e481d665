"""Customers in the console: found, changed, let in and shut out, and seen with their eyes (C2)."""

from __future__ import annotations

import datetime as dt
from itertools import combinations

import pytest

from portico import clock as portico_clock
from portico.db import db, unit_of_work
from portico.records.account import PortalAccount
from portico.records.activity import AccessLog
from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.document import Document
from portico.records.link import PortalLink
from portico.records.staff import Role
from portico.services import customers, projects, sending, shares, team
from portico.services.shares import Shows
from tests.cast import CHIYO, MARIT, OLAF, PASSWORD, Person
from tests.journeys.test_A12_statement import pay
from tests.journeys.test_W1_projects import make

JONAS = Person("Jonas Dahl", "jonas@fjordhus.example", MARIT.customer, "halden", "acme")


@pytest.fixture
def kari(acme):
    return acme.staff(Role.MANAGER)


def _at(company, person):
    return f"{company.console}/customers/{company.customer(person).id}"


def _of(company, person):
    return f"{_at(company, person)}/contacts/{company.contact(person).id}"


def _press(visitor, company, person, ending, **typed):
    """A button on the page of a person's customer, sent as htmx would."""
    return visitor.fill_in(_at(company, person), typed, form=ending, htmx=True)


def test_those_who_must_not(acme, stage):
    """A customer, another organization, and a viewer who tries to change what they may read."""
    marit, chiyos = acme.account(MARIT), acme.staff(Role.OWNER, "brightwater")
    viewer, sales = acme.staff(Role.VIEWER), acme.staff(Role.SALES)
    urls = [_at(acme, MARIT) + more for more in ("", "/edit", "/preview", "/why", "/contacts/new")]
    for url in urls:
        assert "/staff/login" in marit.get(url).location
        assert chiyos.get(url).status == 404
    before = acme.dump()
    page = viewer.get(_at(acme, MARIT))
    assert page.status == 200
    assert list(page.forms()) == [f"{_at(acme, MARIT).partition('example')[2]}/why"]
    _, key = viewer.get(f"{acme.console}/logout").form("/logout")
    for ending in ("/active", "/portal", "/revoke-links", "/contacts"):
        assert viewer.post(_at(acme, MARIT) + ending, key | {"on": "no"}).status == 403
    for ending in ("/invite", "/access", "/account", "/active", "/edit"):
        assert viewer.post(_of(acme, MARIT) + ending, key | {"on": "no"}).status == 403
    # Who may edit contacts and not accounts cannot have somebody's next password mailed elsewhere.
    theirs = {"email": "mallory@elsewhere.example"}
    assert sales.fill_in(_of(acme, MARIT) + "/edit", theirs, form="/edit").status == 403
    assert sales.fill_in(_of(acme, MARIT) + "/edit", {"role": "boss"}, form="/edit").status == 303
    assert acme.contact(MARIT).email == MARIT.email
    acme.execute("UPDATE contacts SET role = ''")
    after = acme.dump()
    del before["staff_sessions"], after["staff_sessions"]
    assert after == before


def test_a_list_is_searched_and_paged(acme, kari):
    with acme.scope():
        for number in range(60):
            team.create_customer("halden", f"Bygg {number:02}", external_id=f"B-{number}")
    page = kari.get(f"{acme.console}/customers")
    assert len(page.tree.findall(".//tbody/tr")) == 25
    names: list[str] = []
    url = f"{acme.console}/customers"
    while url:
        page = kari.get(url, htmx=True)
        names += [row.text_content().split("\n")[0].strip() for row in page.tree.findall(".//td/a")]
        more = page.tree.xpath(".//a[@rel='next']/@href")
        url = f"{acme.public_url}{more[0]}" if more else ""
    assert len(names) == len(set(names)) == 62
    assert names == sorted(names)
    back = kari.get(acme.public_url + page.tree.xpath(".//a[@rel='prev']/@href")[0])
    assert [row.text_content().strip() for row in back.tree.findall(".//td/a")] == names[25:50]
    for term, found in (
        ("fjord", ["Fjordhus AS"]), ("B-59", ["Bygg 59"]), ("OLAF", ["Tinde Bygg"]),
        ("marit@", ["Fjordhus AS"]), ("kumo", []), ("%", []), ("\ud800'", []),
    ):  # fmt: skip
        page = kari.get(f"{acme.console}/customers?q={term.encode('utf-8', 'replace').decode()}")
        assert [row.text_content().strip() for row in page.tree.findall(".//td/a")] == found, term
    for odd in ("beyond=99999999999999999999", "beyond=x&before=-1", f"before={2**63 - 1}"):
        assert kari.get(f"{acme.console}/customers?{odd}").status == 200
    for path in ("customers/99999999999999999999", "customers/0", f"customers/{2**63}/preview"):
        assert kari.get(f"{acme.console}/{path}").status == 404


def test_a_customer_and_a_contact_are_written_down(acme, kari):
    new = {"name": " Åsgard  AS ", "external_id": "7", "tax_id": "", "endpoint": "0192:9"}
    made = kari.fill_in(f"{acme.console}/customers/new", new, form="/customers")
    page = kari.get(made.location)
    assert page.heading == "Åsgard AS"
    assert "written down" in page.text
    taken = kari.fill_in(f"{acme.console}/customers/new", new, form="/customers")
    assert taken.status == 422
    assert "Another customer has the id '7'" in taken.text
    twin = {"name": "Fjordhus AS", "external_id": ""}  # or what a second click would make
    refused = kari.fill_in(f"{acme.console}/customers/new", twin, form="/customers")
    assert (refused.status, "such a customer already" in refused.text) == (422, True)
    for name in ("", "x" * 10_000, "a\u202eb"):
        typed = new | {"name": name, "external_id": "8"}
        refused = kari.fill_in(f"{acme.console}/customers/new", typed, form="/customers")
        assert refused.status == 422
    assert len(acme.rows(Customer)) == 4
    add = page.tree.xpath(".//a[contains(@href, '/contacts/new')]/@href")[0]
    url = f"{acme.public_url}{add}"
    for odd in ("not one", "æ@æ.example", "İ@x.example", "\u017fam@asgard.example"):
        refused = kari.fill_in(url, {"name": "Liv", "email": odd}, form="/contacts")
        assert refused.status == 422, odd
    assert "Before the @ no accents and no other scripts work" in refused.text
    done = kari.fill_in(url, {"name": "Liv", "email": "Liv@asgard.example"}, form="/contacts")
    assert "Liv@asgard.example" in kari.get(done.location).text
    again = kari.fill_in(url, {"name": "Liv", "email": "Liv@asgard.example"}, form="/contacts")
    assert (again.status, "a contact of this customer already" in again.text) == (422, True)
    edit = made.location.partition("?")[0] + "/edit"
    assert kari.fill_in(edit, {"name": "Asgard"}, form="/edit", htmx=True).headers["HX-Redirect"]
    assert kari.get(made.location).heading == "Asgard"
    assert [row.details for row in acme.log() if row.type == "update_profile"] == [
        {"created": True}, {"created": True}, {"changed": ["name"]},
    ]  # fmt: skip
    (liv,) = [one for one in acme.rows(Contact) if one.name == "Liv"]
    assert {row.contact_id for row in acme.log() if row.type == "update_profile"} == {None, liv.id}
    told = kari.get(made.location).text
    for line in ("added the customer", "added a contact – Liv", "changed the customer (name)"):
        assert line in told


def test_access_from_invitation_to_the_end(acme, stage, kari):
    """Invite, resend, disable, enable, switch off: every button in place, each in the log."""
    answer = _press(kari, acme, MARIT, "/invite")
    assert "An invitation is on its way." in answer.text
    assert "Being invited" in answer.text
    stage.deliver()
    first = stage.way_in(MARIT)
    page = kari.get(_at(acme, MARIT))
    assert "Resend invitation" in page.text
    twice = [kari.fill_in(page, form="/invite", htmx=True) for _ in range(2)]
    assert [one.status for one in twice] == [200, 409]
    assert "perhaps by a second click" in twice[1].text
    assert stage.deliver() == 1
    marit = stage.visitor()
    assert marit.get(first).status == 410
    password = {"password": PASSWORD, "again": PASSWORD}
    assert marit.fill_in(stage.way_in(MARIT), password).status == 303
    page = kari.get(_at(acme, MARIT))
    assert "Set up" in page.text
    assert not [action for action in page.forms() if action.endswith("/invite")]
    assert marit.get(f"{acme.portal}/dashboard").status == 200
    account = f"/contacts/{acme.contact(MARIT).id}/account"
    _press(kari, acme, MARIT, account)
    assert "/login" in marit.get(f"{acme.portal}/dashboard").location
    _press(kari, acme, MARIT, account)
    marit.sign_in(acme.public_url, MARIT.email, PASSWORD, org="halden")
    assert marit.get(f"{acme.portal}/dashboard").status == 200
    for ending, said in (("/access", "Portal access is off"), ("/portal", "The portal is off")):
        answer = _press(kari, acme, MARIT, ending)
        assert said in answer.text
        assert "/login" in marit.get(f"{acme.portal}/dashboard").location
        _press(kari, acme, MARIT, ending)
        marit.sign_in(acme.public_url, MARIT.email, PASSWORD, org="halden")
        assert marit.get(f"{acme.portal}/dashboard").status == 200
    moved = {"email": "marit.solberg@fjordhus.example"}
    assert kari.fill_in(_of(acme, MARIT) + "/edit", moved, form="/edit").status == 303
    assert "/login" in marit.get(f"{acme.portal}/dashboard").location
    page = kari.get(_at(acme, MARIT))
    text = page.text
    while older := page.tree.xpath(".//*[@id='happened']//a[@rel='next']/@href"):
        page = kari.get(acme.public_url + older[0])
        text += page.text
    for line in (
        "invited to the portal – Marit Solberg", "set up an account", "signed in",
        "disabled an account – Marit Solberg", "switched portal access off – Marit Solberg",
        "switched portal access on – Marit Solberg", "switched portal access off 12 Nov",
        "changed a contact (email) – Marit Solberg",
    ):  # fmt: skip
        assert line in text
    staff = [row for row in acme.log() if row.actor == "Manager Nilsen"]
    assert {"invite", "disable_account", "enable_account", "switch_access"} <= {
        row.type for row in staff
    }
    assert all(row.ip and row.session_id.startswith("staff ") for row in staff)


def test_links_are_revoked_after_a_question(acme, stage, kari):
    _, link = acme.quote(MARIT)
    _, other = acme.quote(OLAF, number="Q-2")
    page = kari.get(_at(acme, MARIT))
    assert "Revoke 1 link" in page.text
    unsure = kari.fill_in(page, form="/revoke-links", htmx=True)
    assert unsure.status == 422
    assert stage.visitor().get(link).status == 200
    sure = kari.fill_in(page, {"sure": "yes"}, form="/revoke-links")
    done = kari.get(sure.location)
    assert "Every link" in done.text
    assert not [action for action in done.forms() if action.endswith("/revoke-links")]
    assert stage.visitor().get(link).status == 404
    assert stage.visitor().get(other).status == 200


def test_links_in_an_old_mailbox_can_be_revoked_with_the_address(both):
    acme = both.acme
    kari, sales = acme.staff(Role.MANAGER), acme.staff(Role.SALES)
    at = _of(acme, MARIT) + "/edit"
    assert "old one" not in kari.get(at).text  # nothing was mailed there
    _, link = acme.quote(MARIT)
    _, other = acme.quote(OLAF, number="Q-2")
    project = make(acme)
    with acme.scope():
        contact = acme.contact(MARIT).id
        _, shared = shares.issue(project, Shows(), by="Kari", contact_id=contact)
        waiting = acme.document(MARIT, Kind.INVOICE)
        sending.send(waiting, [contact], by="Kari")
    visitor = both.visitor()

    def opens():
        return [visitor.get(url).status for url in (link, shared, other)]

    # Who may not revoke is not asked, and cannot by a box of their own.
    page = sales.get(at)
    assert "old one" not in page.text
    sales.fill_in(page, {"email": "m@fjordhus.example", "revoke": "yes"}, form="/edit")
    assert kari.get(at).form("/edit")[1]["email"] == "m@fjordhus.example"
    assert opens() == [200, 200, 200]
    # The same in capitals, another name, and an address with the box unticked take nothing away.
    for typed in (
        {"email": "M@fjordhus.example"}, {"name": "Marit S."},
        {"email": "ms@fjordhus.example", "revoke": ""},
    ):  # fmt: skip
        changed = kari.fill_in(at, typed, form="/edit")
        assert "revoked" not in kari.get(changed.location).text
        assert opens() == [200, 200, 200]
    # What is refused takes nothing away either.
    assert kari.fill_in(at, {"email": "no address"}, form="/edit").status == 422
    assert opens() == [200, 200, 200]
    # The box is ticked unless somebody unticks it; what has yet to go out goes to the new address.
    moved = kari.fill_in(at, {"email": MARIT.email}, form="/edit")
    assert "the links in the old mailbox are revoked" in kari.get(moved.location).text
    assert opens() == [404, 404, 200]
    assert [row.details["count"] for row in acme.log() if row.type == "revoke_link"] == [2]
    assert "old one" not in kari.get(at).text
    both.deliver()
    assert visitor.get(both.link_to(MARIT)).status == 200
    olaf = ("contact", "change", "halden", OLAF.customer, OLAF.email, "--email", "o@tinde.example")
    assert both.command(*olaf, "--revoke-links").exit_code == 0
    assert opens() == [404, 404, 404]


def test_why_somebody_sees_nothing(acme, kari):
    draft = acme.document(MARIT, post=False)
    acme.document(OLAF, Kind.INVOICE)
    marit = acme.contact(MARIT).id

    def why(number=""):
        return kari.get(f"{_at(acme, MARIT)}/why?contact={marit}&number={number}", htmx=True).text

    assert "cannot see the portal" in why()
    text = why("Q-2041")
    for reason in ("The portal is off for Fjordhus AS", "no account yet", "is a draft"):
        assert reason in text
    assert "does not belong to Fjordhus AS" in why("INV-1007")
    assert "There is no document X" in why("X")
    acme.account(MARIT)
    acme.execute(
        "UPDATE documents SET posted_at = created_at, state = 'posted' WHERE id = :id", id=draft
    )
    assert "can see Quote Q-2041" in why("Q-2041")
    for odd in ("contact=x", f"contact={2**70}", f"contact={acme.contact(OLAF).id}&number=Q-2041"):
        assert "see Quote" not in kari.get(f"{_at(acme, MARIT)}/why?{odd}").text


SWITCHES = ("customer", "portal", "contact", "access", "account", "posted", "valid", "section")
LINKS = {
    "live": "opens it until", "expired": "ran out on", "revoked": "was revoked by Kari on",
    "ended": "ended the link mailed to them on", "a colleague's": "No link to it was mailed",
}  # fmt: skip


def _stand(acme, off, standing):
    """All of Marit's is on but what is *off*, and the link to her order is as *standing* says."""
    acme.set_organization("halden", sections=[] if "section" in off else ["orders"])
    marit, jonas, now = acme.contact(MARIT).id, acme.contact(JONAS).id, portico_clock.now()
    day = dt.timedelta(days=1)
    with acme.scope(), unit_of_work():
        (link,) = db.session.query(PortalLink)
        order = db.session.get_one(Document, link.document_id)
        contact = db.session.get_one(Contact, marit)
        customer = db.session.get_one(Customer, contact.customer_id)
        (account,) = db.session.query(PortalAccount)
        customer.is_active, customer.portal_enabled = "customer" not in off, "portal" not in off
        contact.is_active, contact.portal_access = "contact" not in off, "access" not in off
        account.is_active = "account" not in off
        account.disabled_by = None if account.is_active else "Kari"
        order.state = "draft" if "posted" in off else "cancelled" if "valid" in off else "sent"
        order.posted_at = None if "posted" in off else now
        link.contact_id = jonas if standing == "a colleague's" else marit
        link.expires_at = now - day if standing == "expired" else now + day
        link.revoked_at, link.revoked_by = (now, "Kari") if standing == "revoked" else (None, None)
        link.ended_at = now if standing == "ended" else None
        link.is_active = standing not in {"revoked", "ended"}


def test_why_says_what_opens_whatever_is_switched(both, subtests):
    """By signing in and by link, against the portal and the link themselves."""
    acme = both.acme
    with acme.scope():
        team.add_contact("halden", MARIT.customer, JONAS.name, JONAS.email)
    kari, marit = acme.staff(Role.VIEWER), acme.account(MARIT)
    order = acme.document(MARIT, Kind.SALES_ORDER)
    mailed, number = acme.mailed(order, MARIT), acme.read(order).number
    asked = f"{_at(acme, MARIT)}/why?contact={acme.contact(MARIT).id}&number={number}"
    cases = [(off, standing) for off in ((), *zip(SWITCHES)) for standing in LINKS]
    cases += [(pair, "live") for pair in combinations(SWITCHES, 2)]
    for count, (off, standing) in enumerate(cases):
        with subtests.test(f"{off} off, {standing}"):
            _stand(acme, off, standing)
            signed_in = marit.get(f"{acme.portal}/orders/{order}").status == 200
            opens = both.visitor(f"10.0.0.{count}").get(mailed).status == 200
            by_link = opens and standing != "a colleague's"
            answer = kari.get(asked, htmx=True)
            verdict = answer.tree.find(".//h3").text_content().split(number)
            assert verdict == [
                f"Marit Solberg {'can' if signed_in or by_link else 'cannot'} see Sales order ",
                "" if signed_in == by_link
                else " by signing in, not by link" if signed_in else " by link, not by signing in",
            ]  # fmt: skip
            said = answer.tree.xpath("string((//ul)[last()])")
            assert ("Yes" in said) is by_link
            stopped = not {"customer", "contact", "posted"}.isdisjoint(off)
            if standing in {"live", "expired"} and stopped:
                assert "does not open while" in said
            else:
                assert LINKS[standing] in said


def test_why_tells_a_link_on_its_way_from_one_that_ran_out(acme, stage, kari, clock):
    asked = f"{_at(acme, MARIT)}/why?contact={acme.contact(MARIT).id}&number=Q-2041"

    def why():
        return kari.get(asked, htmx=True).text

    quote = acme.document(MARIT)
    assert "No link to it was mailed to Marit Solberg." in why()
    acme.send(quote, MARIT)
    assert "A link is on its way to Marit Solberg." in why()
    stage.deliver()
    assert "can see Quote Q-2041 by link, not by signing in" in why()
    assert "opens it until 13 Nov 2026, 10:00 CET." in why()
    clock.advance(hours=24)
    kari.sign_in(acme.public_url, "manager@halden.example", PASSWORD, door="staff")
    assert "ran out on 13 Nov 2026, 10:00 CET; on its page they can ask for a fresh one." in why()
    with acme.scope():
        team.change_contact(acme.contact(MARIT).id, email="", by="Kari")
    assert "ran out on 13 Nov 2026, 10:00 CET and cannot be renewed." in why()


def test_actions_and_questions_keep_to_the_page_of_contacts(acme, kari):
    acme.quote(MARIT)  # there is something to revoke
    with acme.scope():
        many = [
            team.add_contact("halden", MARIT.customer, f"P{n}", f"p{n}@fjordhus.example").id
            for n in range(55)
        ]
    page = kari.get(_at(acme, MARIT))
    assert "more contacts" in page.tree.xpath("string(//*[@id='why'])")
    page = kari.get(acme.public_url + page.tree.xpath("//a[text()='More contacts']/@href")[0])
    last = f"/contacts/{many[-1]}/active"
    for answer in (
        kari.fill_in(page, form=last, htmx=True),
        kari.get(kari.fill_in(page, {"on": "yes"}, form=last).location),
        kari.fill_in(page, form="/revoke-links", htmx=True),
    ):
        assert [action for action in answer.forms() if action.endswith(last)]
        assert not [action for action in answer.forms() if action.endswith(f"/{many[0]}/active")]
    whole, asked = page.form("/why")
    for people in (asked["people"], ""):  # where they stand, and where they do not
        query = f"{whole}?contact={many[-1]}&people={people}"
        chosen = kari.get(acme.public_url + query).tree.xpath("//option[@selected]/text()")
        assert chosen[:1] == ["P54"]


def test_why_finds_the_customers_own_among_many_of_one_number(both):
    acme = both.acme
    kari, marit = acme.staff(Role.VIEWER), acme.contact(MARIT).id
    acme.document(MARIT, Kind.INVOICE, number="INV-Ø-1")
    for number in range(6):
        acme.document(OLAF, Kind.INVOICE, number="INV-Ø-1", external_id=f"o{number}")
    said = "Marit Solberg cannot see Invoice INV-Ø-1"
    for typed in ("INV-Ø-1", "inv-ø-1", "Inv-Ø-1"):
        page = kari.get(f"{_at(acme, MARIT)}/why?contact={marit}&number={typed}", htmx=True)
        found = [one.text_content() for one in page.tree.findall(".//h3")]
        assert found == [said, *[f"{said} of Tinde Bygg"] * 5], typed


def test_a_preview_is_read_only_and_no_view_of_theirs(acme, stage):
    viewer = acme.staff(Role.VIEWER)
    quote, _ = acme.quote(MARIT)
    draft = acme.document(MARIT, Kind.INVOICE, post=False)
    olafs = acme.document(OLAF, Kind.INVOICE, number="INV-9")
    root = f"{_at(acme, MARIT)}/preview"
    project, elsewhere = make(acme, name="Oak room"), make(acme, OLAF)
    paid, theirs = pay(acme, MARIT, "PAY-1"), pay(acme, OLAF, "PAY-2")
    with acme.scope():
        projects.comment_by_staff(project, "The oak is here.", by="Kari")
    acme.set_organization("halden", sections=["projects", "documents"])
    before = acme.dump()
    for path, said in (
        ("", "Oak room"), ("/quotes", "Q-2041"), (f"/quotes/{quote}", "Oak floor, brushed"),
        ("/payments", "PAY-1"), (f"/payments/{paid}", "Received on"), ("/statement", "PAY-1"),
        ("/projects", "Oak room"), (f"/projects/{project}", "No documents yet"),
        (f"/projects/{project}?tab=comments", "The oak is here."), ("/documents", "Nothing here"),
    ):  # fmt: skip
        page = viewer.get(root + path)
        assert "You see what Fjordhus AS sees" in page.text
        assert said in page.text
        assert page.tree.xpath("count(.//nav[@aria-label='Portal']/a[@aria-current])") == 1
        assert "/customer-portal" not in page.source
        assert all("/preview/" in action for action in page.forms()), page.forms()
        assert "post" not in [form.get("method") for form in page.tree.iter("form")]
    assert "Now nobody of theirs can sign in to see it: the portal is off" in page.text
    assert "Q-2041" in viewer.get(f"{root}/quotes", htmx=True).text
    assert viewer.get(f"{root}/quotes/{quote}?open=accept", htmx=True).headers["HX-Redirect"]
    assert viewer.get(f"{root}/quotes/{quote}/pdf").data.startswith(b"%PDF")
    for path in (f"/invoices/{draft}", f"/invoices/{olafs}", f"/invoices/{quote}", "/orders",
                 "/nonsense", f"/quotes/{2**64}", f"/invoices/{draft}/pdf", f"/payments/{theirs}",
                 f"/projects/{elsewhere}", f"/projects/{2**64}", f"/payments/{2**64}"):  # fmt: skip
        assert viewer.get(root + path).status == 404, path
    for path in ("/accept", "/decline", "/ask"):
        assert viewer.post(f"{root}/quotes/{quote}{path}").status in {404, 405}
    after = acme.dump()
    assert after == before
    seen = [row for row in acme.log() if row.type in {"view_quote", "download_pdf"}]
    assert {(row.actor_kind, row.label, row.actor) for row in seen} == {
        ("staff", "preview", "Viewer Nilsen")
    }
    assert "Viewer" not in acme.account(MARIT).get(f"{acme.portal}/dashboard").text
    assert "Now nobody" not in viewer.get(root).text
    with acme.scope():
        customers.switch(acme.customer(MARIT).id, on=False, by="Kari")
    assert "nobody of theirs can see it: the customer is switched off" in viewer.get(root).text


def test_another_organizations_people_stay_theirs(acme, kari):
    """Ids of customer and contact are looked for together."""
    before = len(acme.rows(AccessLog))
    strange = f"{_at(acme, MARIT)}/contacts/{acme.contact(OLAF).id}"
    assert kari.get(f"{strange}/edit").status == 404
    assert kari.get(_at(acme, CHIYO)).status == 404
    key = {"csrf_token": kari.get(_at(acme, MARIT)).form("/portal")[1]["csrf_token"], "on": "no"}
    for url in (strange, f"{_at(acme, CHIYO)}/contacts/{acme.contact(CHIYO).id}"):
        for ending in ("/active", "/access", "/account", "/invite", "/edit"):
            assert kari.post(url + ending, key).status == 404
    assert kari.post(f"{_at(acme, MARIT)}/active", key | {"on": "maybe"}).status == 422
    assert len(acme.rows(AccessLog)) == before


def test_access_that_is_on_is_not_switched_on_again(acme, kari, stage):
    _, form = kari.get(f"{acme.console}/logout").form("/logout")
    for _ in range(2):  # the second after the first one's mail went out
        switched = kari.post(f"{_of(acme, MARIT)}/access", form | {"on": "yes"})
        assert switched.status == 303
        stage.deliver()
    assert len(stage.letters_to(MARIT)) == 1
    assert stage.visitor().get(stage.way_in(MARIT)).status == 200
    types = [row.type for row in acme.log() if row.type in {"invite", "switch_access"}]
    assert types == ["switch_access", "invite"]
