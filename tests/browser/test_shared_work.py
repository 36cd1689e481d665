"""Shared work by a real browser: the team on one side, a customer on the other, an outsider between
them; every walk with JavaScript and without."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from portico import clock
from portico.records.content import Kind
from portico.records.decision import Decision
from portico.records.organization import Section
from portico.records.project import Project
from portico.services import projects, shares
from portico.services.shares import Shows
from tests.browser.axe import audit_everywhere
from tests.cast import PASSWORD, Person, bodies
from tests.client import Visitor

SUNNIVA = Person("Sunniva Lund", "sunniva@lund.example", "Lund Hage", "halden", "acme")
KARI = "shared-work@halden.example"
SHARE = re.compile(r"http://\S+/p/projects/[A-Za-z0-9_-]{43}")
BARE = {"lines": [], "taxes": [], "totals": {"payable": 0}}
DRAWING = b"room,area\nHall,12\n"


@pytest.fixture(scope="module")
def settled(house):
    """Sunniva is a customer with an account, every section is on, and Kari is of the team."""
    acme = house.acme
    acme.set_organization("halden", sections=[section.value for section in Section])
    acme.settle(SUNNIVA)
    acme.account(SUNNIVA)
    acme.staff(email=KARI, name="Kari Nilsen")
    return house


@pytest.fixture(scope="module")
def signed_in(settled, chromium):
    """What a browser keeps after signing in, by e-mail address."""

    def enter(door, email):
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"{settled.base}/{door}/login?org=halden")
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).not_to_have_url(re.compile("/login"))
        kept = context.storage_state()
        context.close()
        return kept

    return {
        KARI: enter("staff", KARI),
        SUNNIVA.email: enter("customer-portal", SUNNIVA.email),
    }


@pytest.fixture
def kari(settled, signed_in, walk, javascript):
    """The team's browser, in the console."""
    page = walk(javascript=javascript, storage_state=signed_in[KARI])
    page.goto(f"{settled.base}/staff/projects")
    return page


@pytest.fixture
def sunniva(settled, signed_in, walk, javascript):
    """The customer's browser, in the portal."""
    page = walk(javascript=javascript, storage_state=signed_in[SUNNIVA.email])
    page.goto(f"{settled.acme.portal}/projects")
    return page


@pytest.fixture
def paper(settled):
    """A document in Sunniva's hands, and the link in her mail; *content* names its kind's own part."""

    def paper_(kind: Kind, number: str, **content):
        made = settled.acme.document(
            SUNNIVA, kind, number=number, title=f"The {kind.replace('_', ' ')}", **BARE | content
        )
        return made, settled.acme.mailed(made, SUNNIVA)

    return paper_


def later(**delta: int) -> dt.datetime:
    return clock.now() + dt.timedelta(**delta)


def sent_link(house):
    house.stage.deliver()
    return house.stage.link_to(SUNNIVA)


def answers_of(house, document):
    return [one.answer for one in house.acme.rows(Decision) if one.document_id == document]


# --- projects -----------------------------------------------------------------------------------


def make_project(page, house, name):
    """A project with a task, a milestone and hours, written down in the console; its id."""
    page.get_by_role("link", name="New project").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Customer").fill(SUNNIVA.customer)
    page.get_by_label("Budget").fill("7200.00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The project is written down.")).to_be_visible()
    for tab, heading, typed in (
        ("Tasks", "A new task", {"Name": "Dig the pond", "Assignee": "Nils"}),
        ("Milestones", "A new milestone", {"Name": "Water is in"}),
        ("Hours", "More hours", {"Day": "2026-11-10", "Who": "Nils", "Hours": "2:15"}),
    ):
        if tab != "Tasks":  # which stands open, and would be swapped under our fingers
            page.get_by_role("link", name=tab, exact=True).click()
        form = page.locator("form").filter(has=page.get_by_role("heading", name=heading))
        for label, text in typed.items():
            form.get_by_label(label).fill(text)
        form.get_by_role("button", name="Add").click()
        expect(page.get_by_text("Added.", exact=True)).to_be_visible()
    return next(one.id for one in house.acme.rows(Project) if one.name == name)


def upload(page, folder: Path) -> None:
    drawing = folder / "Tegning på hagen.csv"
    drawing.write_bytes(DRAWING)
    page.get_by_role("link", name="Files", exact=True).click()
    page.get_by_role("button", name="Files").set_input_files(drawing)
    page.get_by_label("Share with").check()
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("The files are there, and the customer is told.")).to_be_visible()
    expect(page.get_by_role("link", name="Tegning på hagen.csv")).to_be_visible()


def share(page, house) -> str:
    """A link to the project, mailed; as it stands in the mail."""
    page.get_by_role("link", name="Shares", exact=True).click()
    page.get_by_label("Documents shared with the customer").check()
    page.get_by_label("Mail it to").select_option(label=f"{SUNNIVA.name}, {SUNNIVA.email}")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_text("This address is shown this once.")).to_be_visible()
    house.stage.deliver()
    (found,) = set(SHARE.findall("\n".join(bodies(house.stage.letters_to(SUNNIVA)[-1]))))
    return str(found)


def fetched(page, name) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile(name)).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_a_project_is_made_shared_followed_and_closed_again(
    settled, walk, kari, sunniva, javascript, tmp_path
):
    name = f"The pond {javascript}"
    project = make_project(kari, settled, name)
    upload(kari, tmp_path)
    kari.goto(f"{settled.base}/staff/projects/{project}")
    link = share(kari, settled)

    outsider = walk(javascript=javascript)
    for address in (link, f"{link}/print"):
        outsider.goto(address)
        expect(outsider.get_by_role("heading", level=1)).to_have_text(name)
        for said in ("Dig the pond", "Water is in", "As of", "Tegning på hagen.csv"):
            expect(outsider.get_by_text(said).first).to_be_visible()
        for hidden in ("2:15", "7,200", "Budget", "Hours", "Nils"):
            expect(outsider.get_by_text(hidden)).to_have_count(0)
    outsider.goto(link)
    downloaded = fetched(outsider, "Tegning")
    assert downloaded == ("Tegning-på-hagen.csv", DRAWING)

    sunniva.reload()
    sunniva.get_by_role("link", name=name).click()
    expect(sunniva.get_by_text("Total hours")).to_have_count(0)
    assert fetched(sunniva, "Download") == downloaded
    sunniva.get_by_role("link", name="Tasks", exact=True).click()
    expect(sunniva.get_by_role("row", name="Dig the pond")).to_contain_text("Open")
    sunniva.get_by_role("link", name="Comments", exact=True).click()
    sunniva.get_by_label("Your comment").fill("Is there room\nfor 🐟?")
    sunniva.get_by_role("button", name="Send").click()
    expect(sunniva.get_by_text("for 🐟?")).to_be_visible()
    expect(sunniva.get_by_label("Your comment")).to_have_value("")

    kari.get_by_role("link", name="Comments", exact=True).click()
    expect(kari.get_by_text("for 🐟?")).to_be_visible()
    kari.get_by_label("Your comment").fill("Room for ten.")
    kari.get_by_role("button", name="Send").click()
    expect(kari.get_by_text("Your comment is there.")).to_be_visible()
    sunniva.get_by_role("link", name="Comments", exact=True).click()
    expect(sunniva.get_by_text("Room for ten.")).to_be_visible()

    kari.get_by_role("link", name="Shares", exact=True).click()
    kari.get_by_role("button", name="Revoke").click()
    expect(kari.get_by_text("The share is revoked")).to_be_visible()
    assert outsider.goto(link).status == 404
    expect(outsider.get_by_role("heading", level=1)).to_have_text("Page not found")


# --- what is decided ----------------------------------------------------------------------------

PROPOSAL = {"fee_model": "milestone", "chapters": [{"heading": "Our idea", "body": "A pond."}]}


def test_a_proposal_is_accepted_by_link_and_by_account(settled, walk, sunniva, paper, javascript):
    total = {"totals": {"payable": 1_250_000, "gross": 1_250_000}}
    by_link, link = paper(Kind.PROPOSAL, f"P-1-{javascript}", proposal=PROPOSAL, **total)
    by_account, _ = paper(Kind.PROPOSAL, f"P-2-{javascript}", proposal=PROPOSAL, **total)
    page = walk(javascript=javascript)
    page.goto(link)
    sunniva.get_by_role("link", name="Proposals", exact=True).click()
    card = sunniva.get_by_role("listitem").filter(has_text=f"P-2-{javascript}")
    expect(card).to_contain_text("Milestone")
    expect(card).to_contain_text("€12,500.00")
    card.get_by_role("link").click()
    for one in (page, sunniva):
        expect(one.get_by_text("Our idea")).to_be_visible()
        one.locator("form#accept").get_by_role("button", name="Accept this proposal").click()
        expect(one.get_by_text("Thank you. Your acceptance is recorded.")).to_be_visible()
    assert [answers_of(settled, one) for one in (by_link, by_account)] == [["accepted"]] * 2


def test_an_acceptance_is_given_or_runs_out_between_look_and_click(
    settled, walk, kari, sunniva, paper, javascript
):
    said = {"acceptance": {"confirms": "The pond holds water."}}
    given, _ = paper(Kind.ACCEPTANCE, f"A-1-{javascript}", expires_at=later(hours=30), **said)
    late, link = paper(Kind.ACCEPTANCE, f"A-2-{javascript}", expires_at=later(hours=90), **said)
    sunniva.get_by_role("link", name="Acceptances", exact=True).click()
    card = sunniva.get_by_role("listitem").filter(has_text=f"A-1-{javascript}")
    expect(card.locator(".urgent")).to_be_visible()
    card.get_by_role("link", name="Review & Accept").click()
    sunniva.locator("form#accept").get_by_role("button", name="Accept").click()
    expect(sunniva.get_by_text("Thank you. Your acceptance is recorded.")).to_be_visible()

    page = walk(javascript=javascript)
    page.goto(link)
    settled.acme.execute(
        "UPDATE documents SET expires_at = '2026-01-01 00:00:00' WHERE id = :id", id=late
    )
    page.locator("form#accept").get_by_role("button", name="Accept").click()
    expect(page.get_by_text("This acceptance is no longer open: its time is over.")).to_be_visible()
    expect(page.locator("form#accept")).to_have_count(0)
    expect(page.get_by_role("button", name="Ask for more time")).to_be_visible()
    assert [answers_of(settled, one) for one in (given, late)] == [["accepted"], []]

    kari.goto(f"{settled.base}/staff/documents/{late}")
    kari.locator("summary", has_text="Send again with a new end").click()
    kari.get_by_role("button", name="Send again with a new end").click()
    expect(kari.get_by_text("Send again with a new end")).to_have_count(0)
    page.goto(sent_link(settled))
    page.locator("form#accept").get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Thank you. Your acceptance is recorded.")).to_be_visible()


def test_hours_are_queried_and_approved(settled, walk, sunniva, paper, javascript):
    hours = {
        "period": {"start": "2026-10-01", "end": "2026-10-31"},
        "entries": [{"on": "2026-10-05", "person": "Nils", "task": "Digging", "minutes": 450}],
    }
    queried, link = paper(Kind.TIME_APPROVAL, f"T-1-{javascript}", time=hours)
    approved, _ = paper(Kind.TIME_APPROVAL, f"T-2-{javascript}", time=hours)
    page = walk(javascript=javascript)
    page.goto(link)
    page.locator("details#decline > summary").click()
    page.get_by_label("What do you want to ask or change?").fill("Who dug?")
    page.get_by_role("button", name="Query these hours").click()
    expect(page.get_by_text("Who dug?")).to_be_visible()
    sunniva.goto(f"{settled.acme.portal}/time/{approved}")
    sunniva.get_by_role("button", name="Approve these hours").click()
    expect(sunniva.get_by_text("Thank you. Your approval is recorded.")).to_be_visible()
    found = [answers_of(settled, one) for one in (queried, approved)]
    assert found == [["declined"], ["accepted"]]


# --- what is asked for --------------------------------------------------------------------------

ITEMS = [{"name": "Floor plan", "wants": "file"}, {"name": "Colour", "wants": "text"}]


def item(page, name):
    return page.get_by_role("article", name=re.compile(f"{name}$"))


def test_a_request_is_answered_returned_answered_again_and_completed(
    settled, walk, kari, sunniva, paper, javascript, tmp_path
):
    request, link = paper(Kind.REQUEST, f"R-{javascript}", request={"items": ITEMS})
    plan = tmp_path / "plan.pdf"
    plan.write_bytes(b"%PDF-1.7\n%%EOF\n")
    page = walk(javascript=javascript)
    page.goto(link)
    item(page, "Floor plan").get_by_label("A file").set_input_files(plan)
    item(page, "Floor plan").get_by_role("button", name="Send this answer").click()
    expect(item(page, "Floor plan")).to_contain_text("plan.pdf")
    expect(item(page, "Floor plan")).to_contain_text("Answered")
    item(page, "Colour").get_by_label("Your answer").fill("Blue")
    item(page, "Colour").get_by_role("button", name="Send this answer").click()
    expect(item(page, "Colour")).to_contain_text("Answered")

    kari.goto(f"{settled.base}/staff/documents/{request}")
    assert fetched(kari, "plan.pdf") == ("plan.pdf", plan.read_bytes())
    item(kari, "Floor plan").get_by_role("button", name="Accept").first.click()
    expect(kari.get_by_text("1 of 2 accepted")).to_be_visible()
    item(kari, "Colour").locator("summary").click()
    item(kari, "Colour").get_by_label("Your remark").fill("Which blue?")
    item(kari, "Colour").get_by_role("button", name="Return").click()
    expect(item(kari, "Colour")).to_contain_text("Returned")

    sunniva.get_by_role("link", name="Requests", exact=True).click()
    card = sunniva.get_by_role("listitem").filter(has_text=f"R-{javascript}")
    expect(card).to_contain_text("1 of 2 accepted")
    expect(card).to_contain_text("In progress")
    card.get_by_role("link").click()
    expect(item(sunniva, "Colour")).to_contain_text("Which blue?")
    item(sunniva, "Colour").get_by_label("Your answer").fill("Like the sea")
    item(sunniva, "Colour").get_by_role("button", name="Send this answer").click()
    expect(item(sunniva, "Colour")).to_contain_text("Like the sea")

    kari.reload()
    item(kari, "Colour").locator("summary").click()
    item(kari, "Colour").get_by_label("Your remark").fill("A good blue.")
    item(kari, "Colour").get_by_role("button", name="Accept Colour with it").click()
    expect(kari.get_by_text("2 of 2 accepted")).to_be_visible()
    sunniva.goto(f"{settled.acme.portal}/requests?state=completed")
    card = sunniva.get_by_role("listitem").filter(has_text=f"R-{javascript}")
    expect(card).to_contain_text("Completed")
    assert settled.acme.read(request).state == "completed"


# --- for everybody ------------------------------------------------------------------------------


def test_no_page_behind_a_link_of_shared_work_has_a_fault_that_axe_can_find(settled, walk, paper):
    acme = settled.acme
    customer = acme.customer(SUNNIVA)
    with acme.scope():
        face = projects.ProjectFace(name="The hedge", budget=720_000, spent=90_000)
        made = projects.create(customer.organization_id, customer.id, face, by="Kari").id
        projects.add_task(made, "Plant it", by="Kari")
        projects.add_milestone(made, "It grows", by="Kari")
        projects.add_deliverable(made, "A plan", by="Kari", description="In ink")
        projects.add_time(
            made, by="Kari", worked_on=dt.date(2026, 11, 2), person="Nils", minutes=90
        )
        _share, url = shares.issue(made, Shows(time=True, budget=True, files=True), by="Kari")
    _, proposal = paper(Kind.PROPOSAL, "P-9", proposal=PROPOSAL)
    _, acceptance = paper(
        Kind.ACCEPTANCE, "A-9", expires_at=later(hours=9), acceptance={"confirms": "It grows."}
    )
    hours = {
        "period": {"start": "2026-10-01", "end": "2026-10-31"},
        "entries": [{"on": "2026-10-05", "person": "Nils", "minutes": 450}],
    }
    _, time = paper(Kind.TIME_APPROVAL, "T-9", time=hours)
    request, asked = paper(Kind.REQUEST, "R-9", request={"items": ITEMS})
    visitor: Visitor = settled.stage.visitor()
    visitor.post(f"{asked}/items/2", {"answer": "Green", "revision": "1"})
    page = walk()
    faults = []
    for address in (url, f"{url}/print", proposal, acceptance, f"{time}?open=decline", asked):
        page.goto(address)
        faults += [f"{page.title()}, {fault}" for fault in audit_everywhere(page)]
    assert faults == []
    assert settled.acme.read(request).state == "in_progress"
