"""Every action of a link page by a real browser, with JavaScript and without."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from portico.records.content import Kind
from portico.records.decision import Decision
from portico.records.link import Purpose
from portico.records.message import Message
from tests.cast import dearer


def _decision(house, document):
    return next((one for one in house.acme.rows(Decision) if one.document_id == document), None)


def test_the_outsider_reads_one_neutral_page(house, walk, javascript):
    page = walk(javascript=javascript)
    answer = page.goto(f"{house.base}/i/{'A' * 43}")
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")


def test_accept(house, walk, javascript):
    document, link = house.document()
    page = walk(javascript=javascript)
    page.goto(link)
    form = page.locator("form#accept")
    expect(form.get_by_label("Your full name")).to_have_value("Marit Solberg")
    form.get_by_label(re.compile("Purchase order")).fill("PO-12")
    form.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Thank you. Your acceptance is recorded.")).to_be_visible()
    expect(page.get_by_text("We order the oak today")).to_be_visible()
    expect(page.get_by_text("PO-12")).to_be_visible()
    decision = _decision(house, document)
    assert (decision.answer, decision.po_number) == ("accepted", "PO-12")
    expect(page.get_by_text(decision.receipt_code)).to_be_visible()
    page.reload()
    expect(page.get_by_text(decision.receipt_code)).to_be_visible()
    assert house.acme.read(document).state == "accepted"


def test_decline(house, walk, javascript):
    document, link = house.document()
    page = walk(javascript=javascript)
    page.goto(link)
    page.locator("details#decline > summary").click()
    page.get_by_label(re.compile("What made you decide so")).fill("Too dear")
    page.get_by_role("button", name="Decline this quote").click()
    expect(page.get_by_text("Your answer is recorded.")).to_be_visible()
    decision = _decision(house, document)
    assert (decision.answer, decision.note) == ("declined", "Too dear")


def test_a_name_is_asked_for_and_what_was_typed_stays(house, walk, javascript):
    document, link = house.document()
    page = walk(javascript=javascript)
    page.goto(link)
    form = page.locator("form#accept")
    form.get_by_label("Your full name").fill("\u200b")  # something that a browser lets pass
    form.get_by_label(re.compile("Purchase order")).fill("PO-13")
    form.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Please fill this in.")).to_be_visible()
    expect(page.locator("form#accept").get_by_label(re.compile("Purchase order"))).to_have_value(
        "PO-13"
    )
    assert _decision(house, document) is None


def test_ask_a_question(house, walk, javascript):
    document, link = house.document()
    page = walk(javascript=javascript)
    page.goto(link)
    page.locator("details#ask > summary").click()
    page.get_by_label("Your question").fill("Is the oak oiled?")
    page.get_by_role("button", name="Send the question").click()
    expect(page.get_by_text("Your question is on its way")).to_be_visible()
    expect(page.get_by_text("Is the oak oiled?")).to_be_visible()
    said = [one.body for one in house.acme.rows(Message) if one.document_id == document]
    assert said == ["Is the oak oiled?"]


def test_ask_for_more_time(house, walk, javascript):
    document, link = house.expiring()
    page = walk(javascript=javascript)
    page.goto(link)
    page.locator("details#more_time > summary").click()
    page.get_by_label(re.compile("Until when")).fill("Until May")
    page.get_by_role("button", name="Ask for more time").click()
    expect(page.get_by_text("Your wish is on its way")).to_be_visible()
    topics = [one.topic for one in house.acme.rows(Message) if one.document_id == document]
    assert topics == ["more_time"]


def test_an_expired_link_is_renewed_by_mail(house, walk, javascript):
    document, link = house.document()
    house.let_expire(document)
    page = walk(javascript=javascript)
    assert page.goto(link).status == 410
    expect(page.get_by_role("heading", level=1)).to_have_text("Link expired")
    page.get_by_role("button", name="Request access").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your mail")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your mail")
    fresh = house.newest_link()
    assert fresh != link
    page.goto(fresh)
    expect(page.get_by_role("heading", level=1)).to_have_text(house.acme.read(document).number)


def test_end_access(house, walk, javascript):
    document, link = house.document()
    page = walk(javascript=javascript)
    page.goto(link)
    page.get_by_role("link", name="End access to this link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("End access to this link?")
    page.get_by_role("button", name="End access").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Access ended")
    assert page.goto(link).status == 404
    assert house.links_to(document)[0].ended_at is not None


def test_a_quote_that_changed_is_asked_about_again(house, walk, javascript):
    document, link = house.document()
    page = walk(javascript=javascript)
    page.goto(link)
    house.acme.revise(document, dearer(house.acme.content(document)))
    house.acme.copy(document)
    page.locator("form#accept").get_by_role("button", name="Accept").click()
    expect(page.get_by_text("changed while you were reading")).to_be_visible()
    expect(page.get_by_text("The total was €6,227.85 and is now €6,352.85.")).to_be_visible()
    assert _decision(house, document) is None
    page.locator("form#accept").get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Thank you. Your acceptance is recorded.")).to_be_visible()
    assert _decision(house, document).revision == 2


def test_a_pdf_is_downloaded(house, walk, javascript):
    _document, link = house.document(Kind.INVOICE, number="INV/7 ä")
    page = walk(javascript=javascript)
    page.goto(link)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download PDF").click()
    assert download.value.suggested_filename == "invoice-INV-7-ä.pdf"


def test_an_invoice_says_how_to_pay(house, walk, javascript):
    _document, link = house.document(Kind.INVOICE)
    page = walk(javascript=javascript)
    page.goto(link)
    target = page.get_by_role("link", name="Pay now").get_attribute("href")
    assert target.startswith("https://pay.example/?n=I-")
    expect(page.get_by_text("To NO93 8601 1117 947.")).to_be_visible()


def test_a_quote_link_and_the_older_address_open_too(house, walk, javascript):
    document, link = house.document()
    number = house.acme.read(document).number
    page = walk(javascript=javascript)
    for address in (house.acme.copy(document, Purpose.QUOTE), link.replace("/i/", "/portal/")):
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_have_text(number)
