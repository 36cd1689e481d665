"""The account portal by a real browser: from the invitation to the way out, lists, the back
button, a decision on the dashboard, and what axe says of every page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from portico import clock
from portico.queries.lists import SECTIONS
from portico.records.account import PortalAccount
from portico.records.content import Kind
from tests.browser.axe import faults_of, send_anyway
from tests.browser.furniture import RAGNA, TOVE
from tests.cast import MARIT, PASSWORD, Person

OTHER = "the oak door sticks in autumn"


def sign_in(page, portal, person, password=PASSWORD):
    page.goto(f"{portal}/login?org=halden")
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.fixture
def enter(house, walk):
    """Open the portal as somebody, by the sign-in form."""

    def enter_(person=MARIT, **how):
        if person is MARIT and not any(
            one.email == MARIT.email for one in house.acme.rows(PortalAccount)
        ):
            house.acme.account(MARIT)
        page = walk(**how)
        sign_in(page, house.acme.portal, person)
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(person.name))
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


def test_from_the_invitation_to_the_way_out(house, walk, javascript):
    """One person's whole way; and nobody after them reads anything in the same browser."""
    customer = f"Vik {javascript} AS"
    person = Person("Elin Dahl", f"elin-{javascript}@vik.example", customer, "halden", "acme")
    house.acme.settle(person)
    quote = house.acme.document(person, number="Q-VIK", external_id=f"vik-{javascript}")
    house.acme.send(quote, person)
    portal, page = house.acme.portal, walk(javascript=javascript)
    page.goto(house.acme.invite(person))
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, Elin Dahl")
    for label in ("Password", "The same once more"):
        page.get_by_label(label).fill(PASSWORD)
    page.get_by_role("button", name="Create my account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Elin Dahl"))
    older = walk(javascript=javascript)
    sign_in(older, portal, person)
    expect(older.get_by_role("heading", level=1)).to_have_text(re.compile("Elin Dahl"))
    expect(page.get_by_label("To do")).to_contain_text("Answer quote Q-VIK")
    page.get_by_role("link", name="Approve", exact=True).click()
    page.locator("form#accept").get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Thank you. Your acceptance is recorded.")).to_be_visible()
    assert house.acme.read(quote).state == "accepted"
    if javascript:  # the rest of the dashboard follows
        expect(page.get_by_label("To do")).not_to_contain_text("Q-VIK")
        expect(page.get_by_label("Recent activity")).to_contain_text("You accepted quote Q-VIK")
    page.goto(f"{portal}/settings")
    for label, typed in (("Your present password", PASSWORD), ("A new one", OTHER),
                         ("The new one once more", OTHER)):  # fmt: skip
        page.get_by_label(label, exact=True).fill(typed)
    change = page.get_by_role("button", name="Change my password")
    if javascript:
        page.context.set_offline(True)
        change.click()
        expect(page.get_by_text("That did not reach us")).to_be_visible()
        expect(page.locator("#problem > *")).to_be_focused()
        page.context.set_offline(False)
    change.click()
    expect(page.get_by_text("That did not reach us")).to_have_count(0)
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    older.reload()
    expect(older.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.goto(f"{portal}/quotes/{quote}")
    page.locator("summary", has=page.locator(".avatar")).click()
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    for _ in range(2):  # the question whether to leave, and the quote
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        expect(page.get_by_text("Q-VIK")).to_have_count(0)
    sign_in(page, portal, person)
    expect(page.get_by_text("do not belong together")).to_be_visible()
    sign_in(page, portal, person, OTHER)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Elin Dahl"))


# --- what axe says of every page, on phone and desktop, light and dark --------------------------


def test_no_page_for_guests_has_a_fault(house, walk, furniture):
    page, portal = walk(), house.acme.portal
    unknown = f"setup?token={'A' * 43}"
    paths = ("login", "login?org=halden&done=out", unknown, f"reset-password?token={'A' * 43}")
    faults = faults_of(page, *(f"{portal}/{path}" for path in paths))
    page.goto(f"{portal}/login")
    send_anyway(page, "Sign in")
    expect(page.get_by_text("Please choose one.")).to_be_visible()
    faults += faults_of(page)
    sign_in(page, portal, TOVE, "not this one at all")
    expect(page.get_by_text("do not belong together")).to_be_visible()
    faults += faults_of(page)
    faults += faults_of(page, f"{portal}/forgot-password")
    send_anyway(page, "Mail me a link")
    expect(page.get_by_text("Please type your address.")).to_be_visible()
    faults += faults_of(page)
    page.goto(f"{portal}/forgot-password?org=halden")
    page.get_by_label("E-mail address").fill(TOVE.email)
    page.get_by_role("button", name="Mail me a link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look at your mail")
    faults += faults_of(page)
    house.stage.deliver()
    guest = Person("Siv Moe", "siv@moen.example", "Moen AS", "halden", "acme")
    house.acme.settle(guest)
    for way_in, button in (
        (house.stage.way_in(TOVE), "Save and sign in"),
        (house.acme.invite(guest), "Create my account"),
    ):
        faults += faults_of(page, way_in)
        page.get_by_label("Password").fill("short")
        page.get_by_label("The same once more").fill("short")
        page.get_by_role("button", name=button).click()
        expect(page.get_by_text("Please take at least 12")).to_be_visible()
        faults += faults_of(page)
    assert faults == []


def test_no_page_of_a_customer_who_has_everything_has_a_fault(house, enter, furniture):
    page, portal = enter(RAGNA), house.acme.portal
    at, project = furniture.documents, furniture.project
    faults = faults_of(page, *(f"{portal}/{path}" for path in (
        "dashboard", *SECTIONS, *at.values(), "invoices?q=none", "requests?state=completed",
        f"{at['R-Q-OPEN']}?open=decline", f"{at['R-I-LATE']}?open=ask", "payments",
        furniture.payment, furniture.refund, "statement", "statement?end=2000-01-01", "documents",
        "projects", project, f"{project}?tab=tasks", f"{project}?tab=comments", "notifications",
        "profile", "settings", "logout", "invoices/0", "invoices?org=brightwater",
        "dashboard?invited=yes",
    )))  # fmt: skip
    assert faults == []


def test_no_answer_to_a_form_has_a_fault(house, enter, furniture):
    page, portal = enter(RAGNA), house.acme.portal
    faults = []
    for path, field, button, said in (
        ("dashboard", None, None, None),
        (furniture.documents["R-Q-OPEN"], "Your full name", "Accept this quote", "Please fill this in."),
        (f"{furniture.project}?tab=comments", "Your comment", "Send", "Please fill this in."),
        ("settings", "Your present password", "Change my password", "not your present password"),
    ):  # fmt: skip
        page.goto(f"{portal}/{path}")
        if field is None:
            page.get_by_role("link", name="Approve", exact=True).first.click()
            expect(page.locator("form#accept")).to_be_visible()
        else:
            page.get_by_label(field).first.fill("\u200b")
            send_anyway(page, button)
            expect(page.get_by_text(said)).to_be_visible()
        faults += faults_of(page)
    page.locator("summary", has=page.locator(".avatar")).click()
    faults += faults_of(page)
    assert faults == []


def test_no_empty_page_has_a_fault(house, enter, furniture):
    page, portal = enter(TOVE), house.acme.portal
    faults = faults_of(page, *(f"{portal}/{path}" for path in (
        "dashboard", "invoices", "proposals", "requests", "payments", "statement", "projects",
        "documents", "notifications",
    )))  # fmt: skip
    assert faults == []
