"""L6: on one phone screen number, total, lines, valid until, and both answers."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from portico.records.content import Kind
from tests.browser.conftest import PHONE


@pytest.fixture
def phone(walk, javascript):
    return walk(javascript=javascript, size=PHONE, is_mobile=True, has_touch=True)


def _inside(page, locator):
    box = locator.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"] + 0.5
    assert box["y"] >= 0, "scrolled away"
    assert box["y"] + box["height"] <= PHONE["height"] + 0.5, f"below the first screen: {box}"


def test_all_that_matters_is_on_the_first_screen(house, phone):
    document, link = house.document()
    phone.goto(link)
    number = house.acme.read(document).number
    _inside(phone, phone.get_by_role("heading", level=1, name=number))
    for text in ("Oak floor, brushed", "Laying and sanding", "Skirting board"):
        _inside(phone, phone.get_by_text(text))
    for amount in ("3,297.00", "1,472.00", "213.28", "78.50", "4.96"):
        _inside(phone, phone.locator("table.lines").get_by_text(re.compile(re.escape(amount))))
    _inside(phone, phone.get_by_text("€6,227.85").first)
    _inside(phone, phone.get_by_text(re.compile(r"\d+ days left")).first)
    answers = phone.get_by_role("navigation", name="Answer")
    _inside(phone, answers.get_by_role("link", name="Accept"))
    _inside(phone, answers.get_by_role("link", name="Decline"))


def test_no_page_scrolls_sideways(house, walk, subtests):
    page = walk(size=PHONE, is_mobile=True)
    for kind in Kind:
        _document, link = house.document(
            kind, title="Donaudampfschifffahrtsgesellschaft" * 6, notes=["x" * 3000]
        )
        for path in ("", "/end", "/settings"):
            with subtests.test(f"{kind}{path}"):
                page.goto(link + path)
                assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_accept_leads_to_the_form_and_the_answer_is_given(house, phone):
    document, link = house.document()
    phone.goto(link)
    phone.get_by_role("navigation", name="Answer").get_by_role("link", name="Accept").click()
    button = phone.locator("form#accept").get_by_role("button", name="Accept")
    expect(button).to_be_in_viewport()
    button.click()
    expect(phone.get_by_text("Thank you. Your acceptance is recorded.")).to_be_in_viewport()
    assert house.acme.read(document).state == "accepted"


def test_decline_leads_to_an_open_form(house, phone):
    document, link = house.document()
    phone.goto(link)
    phone.get_by_role("navigation", name="Answer").get_by_role("link", name="Decline").click()
    button = phone.get_by_role("button", name="Decline this quote")
    expect(button).to_be_visible()
    button.click()
    expect(phone.get_by_text("Your answer is recorded.")).to_be_visible()
    assert house.acme.read(document).state == "declined"
