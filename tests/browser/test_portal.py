"""The account portal by a real browser: lists, the back button, a decision on the dashboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from portico import clock
from portico.records.account import PortalAccount
from portico.records.content import Kind
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_for_everybody import audit
from tests.cast import MARIT, PASSWORD


@pytest.fixture
def enter(house, walk):
    """Open a page of the portal as Marit, by the sign-in form."""

    def enter_(**how):
        if not house.acme.rows(PortalAccount):
            house.acme.account(MARIT)
        page = walk(**how)
        page.goto(f"{house.acme.portal}/login?org=halden")
        page.get_by_label("E-mail address").fill(MARIT.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Marit Solberg"))
        return page

    return enter_


def test_the_outsider_is_led_to_the_entrance(house, walk, javascript):
    page = walk(javascript=javascript)
    page.goto(f"{house.acme.portal}/invoices")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_list_is_filtered_searched_and_left_by_the_back_button(house, enter, javascript):
    number = f"INV-PORTAL-{javascript}"
    house.document(Kind.INVOICE, number=number)
    page = enter(javascript=javascript)
    page.get_by_role("link", name="Invoices", exact=True).click()
    page.get_by_role("link", name="Paid").click()
    expect(page).to_have_url(re.compile(r"/invoices\?state=paid$"))
    expect(page.get_by_text("None here.")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile("/invoices$"))
    expect(page.get_by_role("link", name=number)).to_be_visible()
    page.get_by_label("Search by number").fill(number.lower())
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile(f"q={number.lower()}"))
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name=number).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(number)
    page.go_back()
    expect(page.get_by_label("Search by number")).to_have_value(number.lower())


def test_a_quote_is_approved_from_the_dashboard(house, enter, javascript):
    number = f"Q-BOARD-{javascript}"
    today = clock.today("Europe/Oslo")  # the nearest deadline stands first
    quote, _link = house.document(number=number, valid_until=today)
    page = enter(javascript=javascript)
    card = page.locator(".todo").filter(has_text=number)
    card.get_by_role("link", name="Approve").click()
    expect(page).to_have_url(re.compile("/dashboard$" if javascript else "#accept$"))
    form = page.locator("form#accept")
    expect(form.get_by_label("Your full name")).to_have_value("Marit Solberg")
    form.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Thank you. Your acceptance is recorded.")).to_be_visible()
    assert house.acme.read(quote).state == "accepted"


@pytest.mark.parametrize(
    ("size", "dark"), [(PHONE, True), (DESKTOP, False)], ids=["phone, dark", "desktop, light"]
)
def test_no_page_of_the_portal_has_a_fault_that_axe_can_find(house, enter, size, dark):
    quote, _ = house.document()
    invoice, _ = house.document(Kind.INVOICE)
    page = enter(size=size, dark=dark)
    faults = []
    for path in ("dashboard", "invoices", "quotes?state=awaiting", "receipts",
                 f"quotes/{quote}?open=accept", f"invoices/{invoice}"):  # fmt: skip
        page.goto(f"{house.acme.portal}/{path}")
        faults += [f"{path}: {fault}" for fault in audit(page)]
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{path} scrolls sideways"
    assert faults == []
