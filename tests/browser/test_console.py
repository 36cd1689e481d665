"""The console by a real browser: the team's main walks, and every page as axe sees it, on phone and
desktop, light and dark."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from blueprints.console.gate import HALFWAY
from portico.records.content import Kind
from portico.records.staff import Role, StaffMember
from portico.services import invitations, team
from portico.web.ways import GUESTS_ONLY, OPEN
from tests.browser.axe import faults_of, send_anyway
from tests.browser.conftest import PHONE
from tests.browser.furniture import RAGNA, TOVE
from tests.cast import PASSWORD, Person, content_for

OWNER = "console@halden.example"
TEAM_ADDRESS = "203.0.113.44"  # posts of passwords are limited by address
ENTRANCE = GUESTS_ONLY | OPEN | HALFWAY


def somebody(name: str, company: str) -> Person:
    """The one contact of a new customer."""
    return Person(f"{name} Moe", f"{name.lower()}@moe.example", company, "halden", "acme")


@pytest.fixture
def enter(house, walk):
    """Open the console as an owner, by the sign-in form."""

    def enter_(**how):
        if not any(one.email == OWNER for one in house.acme.rows(StaffMember)):
            house.acme.staff(name="Kari Nilsen", email=OWNER, address=TEAM_ADDRESS)
        page = walk(**how)
        page.goto(f"{house.acme.console}/customers")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to the console")
        page.goto(f"{house.acme.console}/login")
        page.get_by_label("E-mail address").fill(OWNER)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Kari Nilsen")
        return page

    return enter_


# --- the main walks -----------------------------------------------------------------------------


def test_an_imported_invoice_is_sent_in_three_clicks(house, enter, javascript, tmp_path):
    person = somebody(f"Ada{javascript}", f"Moe {javascript} AS")
    house.acme.settle(person)
    number = f"INV-IMPORTED-{javascript}"
    content = content_for(person, Kind.INVOICE, number=number)
    file = tmp_path / "invoice.json"
    file.write_text(json.dumps({"documents": [content.model_dump(mode="json")]}))
    assert house.stage.command("import", "halden", str(file)).exit_code == 0
    page = enter(javascript=javascript)
    clicks = [
        page.get_by_role("link", name=f"Send invoice {number}"),
        page.get_by_role("button", name="Send now"),
    ]
    for click in clicks:
        click.click()
    expect(page.get_by_text("It is on its way.")).to_be_visible()
    assert len(clicks) <= 3
    house.stage.deliver()
    page.goto(house.stage.link_to(person))
    expect(page.get_by_role("heading", level=1)).to_have_text(number)


def test_a_quote_is_written_sent_changed_and_sent_again(house, enter, walk, javascript):
    person = somebody(f"Bo{javascript}", f"Bo {javascript} AS")
    house.acme.settle(person)
    page = enter(javascript=javascript)
    page.get_by_role("link", name="Documents", exact=True).click()
    page.get_by_role("link", name="New quote").click()
    page.get_by_label("Name, id, contact or e-mail").fill(f"bo {javascript}")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("button", name=person.customer).click()
    expect(page.get_by_role("button", name="Another customer")).to_be_visible()
    for label, typed in (("Description", "Oak door"), ("Quantity", "2"), ("Price", "450"), ("Tax %", "25")):  # fmt: skip
        page.get_by_label(f"{label} of line 1").fill(typed)
    if not javascript:
        page.get_by_label("Tax % of line 1").press("Enter")  # it counts, and saves nothing
    expect(page.locator(".totals .grand")).to_contain_text("1,125.00")
    page.get_by_role("button", name="Add a line").click()
    page.get_by_label("Description of line 2").fill("Fitting")
    page.get_by_label("Price of line 2").fill("100")
    page.get_by_role("button", name="Post and go on to send").click()
    expect(page.get_by_text("It is posted and can be sent.")).to_be_visible()
    page.get_by_label(re.compile("A few words of your own")).fill("As promised.")
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text("It is on its way.")).to_be_visible()
    expect(page.get_by_text("It is posted and can be sent.")).to_have_count(0)
    house.stage.deliver()
    customer = walk(javascript=javascript)
    link = house.stage.link_to(person)
    customer.goto(link)
    expect(customer.get_by_role("cell", name="€1,250.00")).to_be_visible()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Price of line 1").fill("500")
    page.get_by_label(re.compile("Why it changes")).fill("Oak is dearer")
    page.get_by_role("button", name="Save and go on to send").click()
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text("It is on its way.")).to_be_visible()
    customer.locator("form#accept").get_by_role("button", name="Accept").click()
    expect(customer.get_by_text("The total was €1,250.00 and is now €1,375.00.")).to_be_visible()
    house.stage.deliver()
    assert house.stage.link_to(person) != link


def test_a_customer_is_invited_pays_and_loses_a_link(house, enter, walk, javascript):
    person = somebody(f"Cam{javascript}", f"Cam {javascript} AS")
    house.acme.settle(person)
    number = f"INV-CAM-{javascript}"
    invoice = house.acme.document(person, Kind.INVOICE, number=number, external_id=number)
    link = house.acme.mailed(invoice, person)
    page = enter(javascript=javascript)
    page.get_by_role("link", name="Customers", exact=True).click()
    page.get_by_label("Name, id, contact or e-mail").fill(person.email)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=person.customer).click()
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text("An invitation is on its way.")).to_be_visible()
    house.stage.deliver()
    assert house.stage.visitor().get(house.stage.way_in(person)).status == 200

    page.get_by_role("link", name=number, exact=True).click()
    page.get_by_role("link", name="Payments", exact=True).last.click()
    page.get_by_role("link", name="Record a payment").click()
    page.get_by_label("How").fill("Bank transfer")
    page.get_by_role("button", name="Record the payment").click()
    expect(page.get_by_text("is written down.")).to_be_visible()
    assert house.acme.read(invoice).state == "paid"

    page.goto(f"{house.acme.console}/documents/{invoice}/links")
    revoke = page.get_by_role("button", name=re.compile("^Revoke the link of"))
    if javascript:
        page.context.set_offline(True)
        revoke.click()
        expect(page.get_by_text("That did not reach us")).to_be_visible()
        expect(page.locator("#problem > *")).to_be_focused()
        page.context.set_offline(False)
    revoke.click()
    expect(page.get_by_text("That did not reach us")).to_have_count(0)
    expect(page.get_by_text("The link is revoked.")).to_be_visible()
    assert walk(javascript=javascript).goto(link).status == 404

    page.get_by_role("link", name="Activity", exact=True).first.click()
    page.get_by_label("Customer").fill(person.customer)
    page.get_by_label("What", exact=True).select_option("financial")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("what=financial"))
    expect(page.get_by_text("Financial", exact=True).first).to_be_visible()
    expect(page.get_by_text("Security", exact=True)).to_have_count(0)
    page.go_back()
    expect(page.get_by_label("Customer")).to_have_value("")


def test_many_are_invited_and_the_bar_runs_to_its_end(house, enter, javascript):
    company = f"Crowd {javascript} AS"
    with house.acme.scope():
        team.create_customer("halden", company)
        for name in ("Eli", "Fay", "Gro"):
            address = f"{name}-{javascript}@crowd.example"
            team.add_contact("halden", company, name, address)
    page = enter(javascript=javascript)
    page.get_by_role("link", name="Customers", exact=True).click()
    page.get_by_role("link", name="Invite many").click()
    page.get_by_label("Name, e-mail or customer").fill(company)
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("not only those found")).to_be_visible()
    for name in ("Eli", "Fay"):
        page.get_by_label(re.compile(name)).check()
    if javascript:  # once everybody is counted
        expect(
            page.get_by_label(re.compile(r"Yes, .*, \d+ people if it is everybody"))
        ).to_be_visible()
    page.get_by_label(re.compile("Yes, mail each")).check()
    page.get_by_role("button", name="Send the invitations").click()
    bar = page.get_by_role("progressbar")
    expect(bar).to_have_attribute("value", "0")
    expect(bar).to_have_attribute("max", "2")
    house.stage.work()
    if not javascript:
        page.get_by_role("link", name="Look again").click()
    expect(page.get_by_text("2 of 2 sent.")).to_be_visible()
    expect(bar).to_have_attribute("value", "2")
    letters = [house.stage.letters_to(f"{one}-{javascript}@crowd.example") for one in ("Eli", "Fay", "Gro")]  # fmt: skip
    assert [len(one) for one in letters] == [1, 1, 0]


def test_the_designs_are_seen_where_they_are_chosen(house, enter, javascript):
    page = enter(javascript=javascript, size=PHONE, is_mobile=True)
    page.goto(f"{house.acme.console}/settings/pdf")
    tab = page.get_by_role("navigation", name="Settings").get_by_role("link", name="PDF")
    expect(tab).to_be_in_viewport(ratio=1)
    for name in ("Classic", "Banner", "Compact", "Plain"):
        picture = page.get_by_label(name).locator("xpath=../img")
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("naturalWidth", 480)
    page.get_by_label("Banner").locator("xpath=../img").click()
    expect(page.get_by_label("Banner")).to_be_checked()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings are saved.")).to_be_visible()
    house.acme.set_organization("halden", pdf_design="classic")


# --- what axe says of every page ----------------------------------------------------------------

# What answers with a file, and what looks like another page that is looked at.
NO_PAGES = re.compile(
    r"/pdf$|\.pdf$|\.png$|\.csv$|/receipt$|/copy$|/files/<int:position>$|/uploads/|/download$"
)
ALIKE = {
    "new_invoice", "new_request", "new_acceptance", "new_time",  # as new_quote and new_proposal
    "customer_new", "contact_new", "project_new",  # as those that change one
    "settings_colour", "reset_password",
}  # fmt: skip


def unseen(house, paths):
    """The pages of the console that *paths* leave out. A preview is the portal's page."""
    addresses = house.stage.app.url_map.bind("console.example")
    seen = {addresses.match(f"/staff/{one.partition('?')[0]}")[0] for one in paths}
    pages = {
        rule.endpoint
        for rule in house.stage.app.url_map.iter_rules()
        if rule.endpoint.startswith("console.")
        and "GET" in (rule.methods or ())
        and not NO_PAGES.search(rule.rule)
        and "/preview" not in rule.rule
    }
    return pages - seen - {f"console.{name}" for name in ENTRANCE | ALIKE}


def test_no_page_at_the_entrance_has_a_fault(house, walk):
    page, console = walk(), house.acme.console
    paths = ("login?done=out", "forgot-password", f"setup?token={'A' * 43}")
    faults = faults_of(page, *(f"{console}/{path}" for path in paths))
    page.goto(house.acme.hire(Role.VIEWER, email="siri@halden.example"))
    send_anyway(page, "Save and sign in")
    expect(page.locator(".error").first).to_be_visible()
    faults += faults_of(page)
    email = "nils@halden.example"
    house.acme.staff(Role.SALES, email=email, address=TEAM_ADDRESS)
    house.acme.app_of(email)
    page.goto(f"{console}/login")
    for password, said in (("wrong", "do not belong together"), (PASSWORD, "Type the six digits")):
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text(said)).to_be_visible()
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("This code does not work.")).to_be_visible()
    faults += faults_of(page) + faults_of(page, f"{console}/logout")
    assert faults == []


def test_no_page_of_the_console_has_a_fault(house, enter, furniture):
    page, acme = enter(), house.acme
    document = {number: f"documents/{path.rpartition('/')[2]}" for number, path in furniture.documents.items()}  # fmt: skip
    ragna, tove = (f"customers/{acme.customer(one).id}" for one in (RAGNA, TOVE))
    person, mail = acme.contact(RAGNA).id, acme.mails()[0].id
    quote, part, credit = (document[one] for one in ("R-Q-OPEN", "R-I-PART", "R-CN"))
    of_ragna = f"customer={acme.customer(RAGNA).id}"
    with acme.scope():
        batch = invitations.start(acme.customer(RAGNA).organization_id, [person], by="Kari").id
    paths = [
        "", "documents?q=R-Q", quote,
        f"{quote}/links", f"{quote}/activity", f"{quote}/conversation", f"{quote}/send",
        f"{quote}/edit", f"{part}/money", f"{credit}/edit", document["R-R"],
        f"documents/new/quote?{of_ragna}", "documents/new/proposal?q=s",
        "customers?q=skagen", "customers?q=none+like+it", ragna, tove, f"{ragna}/edit",
        f"{ragna}/contacts/{person}/edit", f"{ragna}/why?contact={person}&number=R-Q-OPEN",
        f"{ragna}/statement", f"{ragna}/files",
        f"payments?{of_ragna}", f"payments/new?invoice={part.rpartition('/')[2]}", furniture.payment,
        "invitations", "invitations/figures", f"invitations/{batch}",
        f"mail?q={RAGNA.email}", f"mail/{mail}", "activity?customer=Skagen&what=financial",
        "projects", furniture.project, f"{furniture.project}/shares",
        f"{furniture.project}/edit", f"{furniture.project}/files",
        *("settings" + one for one in ("", "/portal", "/payment", "/branding", "/pdf")),
        "team", f"team/{acme.rows(StaffMember)[0].id}", "you", "documents/0",
    ]  # fmt: skip
    assert unseen(house, paths) == set()
    assert faults_of(page, *(f"{acme.console}/{one}" for one in paths)) == []


def test_no_answer_to_a_form_of_the_console_has_a_fault(house, enter, furniture):
    page, faults = enter(), []
    quote = furniture.documents["R-Q-OPEN"].rpartition("/")[2]
    ragna = house.acme.customer(RAGNA).id
    for path, button, said in (
        (f"documents/new/quote?customer={ragna}", "Save as draft", "at least one line"),
        (f"documents/{quote}/send", "Send now", "Choose at least one"),
        ("payments/new", "Record the payment", "Please choose the customer."),
        ("team", "Invite", "Please fill this in."),
        ("activity?q=none+like+it", "Verify the log", "rows are whole"),
    ):
        page.goto(f"{house.acme.console}/{path}")
        for chosen in page.locator("[name=contact]:checked").all():
            chosen.uncheck()
        send_anyway(page, button)
        expect(page.get_by_text(said).first).to_be_visible()
        expect(page.locator("#main :focus")).to_have_count(1)  # the keyboard goes on from there
        faults += faults_of(page)
    page.goto(f"{house.acme.console}/settings/payment")
    house.acme.set_organization("halden", payment_instructions="To NO99 0000 0000 000.")
    page.get_by_label("Instructions").fill("To NO00 0000 0000 000.")
    send_anyway(page, "Save")
    expect(page.get_by_text("A colleague changed these settings")).to_be_visible()
    expect(page.locator("#main :focus")).to_have_count(1)
    assert faults + faults_of(page) == []
    house.acme.set_organization("halden", payment_instructions="To NO93 8601 1117 947.")
