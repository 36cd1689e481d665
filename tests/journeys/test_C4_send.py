"""C4, W7: a document is sent by e-mail, to whom the team chooses, and looks as it was shown."""

from __future__ import annotations

from portico.records.content import Kind
from portico.records.staff import Role
from portico.services import team
from tests.cast import MARIT, OLAF, bodies, dearer, link_in
from tests.journeys.test_C4_documents import at


def ticked(page):
    boxes = page.tree.findall(".//input[@name='contact']")
    return {
        box.getparent().text_content().split()[0]: box.get("checked") is not None for box in boxes
    }


def colleague(acme, name="Nils Vik", email="nils@fjordhus.example"):
    with acme.scope():
        return team.add_contact("halden", MARIT.customer, name, email).id


def test_who_may_not_send_cannot_even_open_the_page(stage, acme):
    invoice = acme.document(MARIT, Kind.INVOICE)
    viewer, desk = acme.staff(Role.VIEWER), acme.staff(Role.OWNER, "brightwater")
    before = acme.dump()
    assert viewer.get(at(acme, invoice, "send")).status == 403
    assert desk.get(at(acme, invoice, "send")).status == 404
    assert stage.visitor().get(at(acme, invoice, "send")).status == 303
    assert acme.dump() == before


def test_an_imported_invoice_is_sent_in_two_clicks_from_the_start(stage, acme):
    acme.document(MARIT, Kind.INVOICE)
    sales = acme.staff(Role.SALES)
    start = sales.get(f"{acme.console}/")
    [send] = [one.get("href") for one in start.tree.iter("a") if one.text_content() == "Send"]
    page = sales.get(f"{acme.public_url}{send}")
    assert ticked(page) == {"Marit": True}
    done = sales.fill_in(page, form="/send")
    assert done.status == 303
    assert "It is on its way." in sales.get(done.location).text
    assert "It is on its way." not in sales.get(done.location).text, "a reload says how it stands"
    stage.deliver()
    assert stage.visitor().get(stage.link_to(MARIT)).status == 200


def test_the_mail_is_as_it_was_shown(stage, acme):
    quote, _ = acme.quote()
    acme.revise(quote, dearer(acme.content(quote)))
    sales = acme.staff(Role.SALES)
    page = sales.get(at(acme, quote, "send"))
    words = "Here it is,\nas <b>promised</b>."
    action, fields = page.form("/send")
    shown = sales.post(f"{acme.public_url}{action}/preview", fields | {"message": words}, htmx=True)
    assert "6,352.85" in shown.text
    assert sales.fill_in(page, {"message": words, "attach_pdf": "yes"}, form="/send").status == 303
    stage.deliver()
    letter = stage.letters_to(MARIT)[-1]
    link = link_in(letter)
    [text] = shown.tree.xpath(".//p[contains(@class, 'letter')]")
    theirs = bodies(letter)[0].replace(link, f"{acme.public_url}/i/…")
    assert " ".join(theirs.split()) == " ".join(text.text_content().split())
    assert letter.message["Subject"] in shown.text
    assert acme.log()[-1].type == "mail_sent"
    sent = [row for row in acme.log() if row.type == "send_document"][-1]
    assert (sent.actor, sent.details) == ("Sales Nilsen", {"revision": 2})
    assert acme.read(quote).sent_revision == 2


def test_of_several_contacts_who_had_it_before_is_chosen(stage, acme):
    sales = acme.staff(Role.SALES)
    quote = acme.document(MARIT)
    nils = colleague(acme)
    page = sales.get(at(acme, quote, "send"))
    assert ticked(page) == {"Marit": False, "Nils": False}
    assert "Choose a recipient" in page.text
    nobody = sales.fill_in(page, form="/send", htmx=True)
    assert (nobody.status, "at least one contact" in nobody.text) == (422, True)
    both = [str(nils), str(acme.contact(MARIT).id)]
    done = sales.fill_in(page, {"contact": both}, form="/send", htmx=True)
    assert done.headers["HX-Redirect"].endswith(f"/documents/{quote}")
    stage.deliver()
    links = {link_in(stage.letters_to(one)[-1]) for one in (MARIT, "nils@fjordhus.example")}
    assert len(links) == 2
    assert ticked(sales.get(at(acme, quote, "send"))) == {"Marit": True, "Nils": True}


def test_a_second_click_sends_nothing_and_nobody_sends_what_was_not_on_screen(stage, acme):
    sales = acme.staff(Role.SALES)
    quote = acme.document(MARIT)
    page = sales.get(at(acme, quote, "send"))
    assert sales.fill_in(page, form="/send").status == 303
    sent = acme.dump()
    twice = sales.fill_in(page, form="/send")
    assert (twice.status, "sent a moment ago" in twice.text) == (409, True)
    assert acme.dump() == sent
    assert sales.fill_in(twice, form="/send").status == 303, "but on purpose it goes out again"
    page = sales.get(at(acme, quote, "send"))
    acme.revise(quote, dearer(acme.content(quote)))
    assert "is now revision 2" in sales.fill_in(page, form="/send").text
    changed = acme.dump()
    for typed in ({}, {"revision": "2", "mail": "x"}, {"revision": str(2**70)}):
        unseen = sales.fill_in(page, typed, form="/send", htmx=True)
        assert unseen.status == 409, typed
    assert acme.dump() == changed
    assert sales.fill_in(unseen, form="/send").status == 303
    assert acme.read(quote).sent_revision == 2


def test_what_cannot_be_sent_says_why_and_strangers_are_not_mailed(stage, acme):
    sales = acme.staff(Role.SALES)
    draft = acme.document(MARIT, Kind.INVOICE, post=False)
    quote = acme.document(MARIT)
    assert "draft; post it" in sales.get(at(acme, draft, "send")).text
    page = sales.get(at(acme, quote, "send"))
    before = acme.dump()
    olaf = str(acme.contact(OLAF).id)
    for wrong in ([olaf], [str(2**70)], ["x"], []):
        assert sales.fill_in(page, {"contact": wrong}, form="/send", htmx=True).status == 422
    for message in ("x" * 4001, "x" * 30_000, "\u202e"):
        told = sales.fill_in(page, {"message": message}, form="/send", htmx=True)
        assert told.status == 422
        shown = sales.post(
            at(acme, quote, "send", "preview"), page.form("/send")[1] | {"message": message}
        )
        assert shown.status == 200
    assert acme.dump() == before
    acme.execute("UPDATE contacts SET is_active = false WHERE name = 'Marit Solberg'")
    reason = "Fjordhus AS has no active contact with an e-mail address."
    assert reason in sales.get(at(acme, quote)).text
    assert reason in sales.get(at(acme, quote, "send")).text
    late = sales.fill_in(page, form="/send", htmx=True)
    assert (late.status, reason in late.text) == (422, True)
