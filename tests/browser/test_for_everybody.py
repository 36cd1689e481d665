"""WCAG 2.2 AA by axe, the keyboard alone, the back button, and how little is loaded."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from portico.records.content import Kind
from portico.web import colours
from tests.browser.axe import audit_everywhere

# The colour of a button's border as it is painted: red, green, blue and alpha.
PAINTED_EDGE = """button => {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = getComputedStyle(button).borderTopColor;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
}"""


def test_no_page_has_a_fault_that_axe_can_find(house, walk):
    quote, link = house.document()
    _, expiring = house.expiring()
    _, invoice = house.document(Kind.INVOICE)
    _, statement = house.document(Kind.STATEMENT)
    decided, receipt = house.document()
    expired, gone = house.document()
    house.stage.visitor().post(f"{receipt}/accept", {"name": "Marit", "revision": "1"})
    house.stage.visitor().post(f"{expiring}/ask", {"question": "When?"})
    house.let_expire(expired)
    page = walk()
    faults = []
    for address in (
        link, f"{link}?open=decline", expiring, f"{expiring}?done=asked", invoice, statement, receipt,
        f"{link}/end", f"{link}/settings", gone, f"{house.base}/i/{'A' * 43}",
    ):  # fmt: skip
        page.goto(address)
        faults += audit_everywhere(page)
    page.goto(gone)
    page.get_by_role("button", name="Request access").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your mail")
    faults += audit_everywhere(page)
    page.goto(link)
    page.locator("form#accept").get_by_label("Your full name").fill("\u200b")
    page.locator("form#accept").get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Please fill this in.")).to_be_visible()
    faults += audit_everywhere(page)
    assert faults == []
    assert house.acme.read(quote).state == "sent"
    assert house.acme.read(decided).state == "accepted"


@pytest.mark.parametrize("colour", ["#787878", "#1c2126"])
def test_buttons_are_seen_and_read_in_any_brand_colour(house, walk, colour):
    _document, link = house.document()
    house.acme.set_organization("halden", colour=colour)
    page = walk()
    page.goto(link)
    assert audit_everywhere(page) == []
    page.emulate_media(color_scheme="dark")
    page.reload()
    edge = page.locator("form#accept button").evaluate(PAINTED_EDGE)
    assert colours.contrast(bytes(edge[:3]).hex(), "1c2126") >= 3
    house.acme.set_organization("halden", colour="#8a3b12")


def test_a_quote_is_accepted_by_keyboard_alone(house, walk):
    document, link = house.document()
    page = walk()
    page.goto(link)
    for _ in range(40):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            "() => {const s = getComputedStyle(document.activeElement);"
            " return s.outlineStyle !== 'none' || s.boxShadow !== 'none'}"
        )
        assert outline, "the focus is to be seen"
        if page.evaluate("document.activeElement.matches('form#accept button')"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("Thank you. Your acceptance is recorded.")).to_be_visible()
    assert page.evaluate("document.activeElement.closest('#decision') !== null")
    assert house.acme.read(document).state == "accepted"


def test_the_skip_link_leads_to_the_page(house, walk):
    _document, link = house.document()
    page = walk()
    page.goto(link)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{link}#main")


def test_back_after_an_answer_shows_how_things_stand(house, walk, javascript):
    _document, link = house.document()
    page = walk(javascript=javascript)
    page.goto(link)
    page.locator("form#accept").get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Thank you. Your acceptance is recorded.")).to_be_visible()
    page.get_by_role("link", name="End access to this link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("End access to this link?")
    page.go_back()
    expect(page.get_by_text("Thank you. Your acceptance is recorded.")).to_be_visible()
    expect(page.locator("form#accept")).to_have_count(0)


def test_nothing_of_the_page_stays_in_the_browsers_storage(house, walk):
    _document, link = house.document()
    page = walk()
    page.goto(link)
    page.locator("form#accept").get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Thank you. Your acceptance is recorded.")).to_be_visible()
    # htmx notes the address of the tab for as long as the tab is open, and nothing of the page.
    assert page.evaluate("Object.keys(sessionStorage)") == ["htmx-current-path-for-history"]
    assert page.evaluate("Object.keys(localStorage)") == []
    assert page.context.cookies() == []


@pytest.mark.parametrize("kind", [Kind.QUOTE, Kind.INVOICE])
def test_a_document_page_is_four_requests_and_forty_kilobytes(house, walk, kind):
    _document, link = house.document(kind)
    page = walk()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    asked, weights = [], []
    session.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    session.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
    page.goto(link, wait_until="networkidle")
    loaded = [url for url in asked if not url.startswith("data:")]
    assert len(loaded) <= 4, loaded
    assert sum(weights) <= 40 * 1024


def test_the_secret_address_is_told_to_nobody(house, walk):
    _document, link = house.document()
    page = walk()
    referers = []
    page.on("request", lambda request: referers.append(request.headers.get("referer", "")))
    page.goto(link)
    page.get_by_role("link", name="End access to this link").click()
    page.wait_for_url("**/end")
    token = link.rpartition("/")[2]
    assert all(token not in referer for referer in referers)


def test_printing_leaves_the_answers_away(house, walk):
    _document, link = house.document()
    page = walk()
    page.goto(link)
    page.emulate_media(media="print")
    expect(page.locator("form#accept")).to_be_hidden()
    expect(page.get_by_text("Skirting board")).to_be_visible()
