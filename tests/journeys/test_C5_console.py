"""C5: proposals, requests, acceptances and hours, written, sent and looked after in the console."""

from __future__ import annotations

import datetime as dt
from typing import Any

from portico.records.activity import Activity
from portico.records.content import Kind, Wanted
from portico.records.decision import Answer
from portico.records.document import Document
from portico.records.request import RequestAnswer
from portico.records.staff import Role
from tests.cast import MARIT, OLAF, PASSWORD
from tests.journeys.test_W1_projects import make
from tests.journeys.test_W4_requests import plan, request_of


def draft(company: Any, kari: Any, what: str, typed: dict[str, str], do: str = "post") -> Any:
    """Fill in the form of a new one for Marit's company; the answer."""
    customer = str(company.customer(MARIT).id)
    page = kari.get(f"{company.console}/documents/new/{what}?customer={customer}")
    return kari.fill_in(page, typed | {"do": do}, form=f"/new/{what}")


def newest(company: Any) -> Document:
    found: Document = company.rows(Document)[-1]
    return found


def test_who_must_not_writes_and_judges_nothing(stage):
    request, link = request_of(stage.acme)
    stage.visitor().post(f"{link}/items/2", {"answer": "Smoked", "revision": "1"})
    seen = str(stage.acme.rows(RequestAnswer)[0].id)
    viewer = stage.acme.staff(Role.VIEWER)
    other = stage.acme.staff(Role.OWNER, "brightwater")
    before = stage.acme.dump()
    console = stage.acme.console
    item = f"{console}/documents/{request}/items/2"
    assert viewer.get(f"{console}/documents/new/proposal").status == 403
    for visitor, status in ((viewer, 403), (other, 404)):
        _, fields = visitor.get(f"{console}/logout").form("/logout")
        form = fields | {"seen": seen, "remark": "No"}
        for verdict in ("accept", "return"):
            assert visitor.post(f"{item}/{verdict}", form).status == status
    assert stage.acme.dump() == before


def test_each_kind_is_written_saved_as_a_draft_posted_edited_and_sent(stage, clock):
    kari = stage.acme.staff()
    company = stage.acme
    made = draft(company, kari, "proposal", {
        "title": "A boathouse", "fee_model": "milestone", "amount": "12 500,50",
        "chapters": "# Idea\nOak and glass.\n\n# Price\nIn three parts.",
    })  # fmt: skip
    assert made.status == 303, made.text
    assert made.location.endswith("/send")
    proposal = newest(company)
    body = company.content(proposal.id)
    assert (proposal.kind, proposal.total, proposal.state) == (Kind.PROPOSAL, 1_250_050, "posted")
    assert body.proposal is not None
    assert [one.heading for one in body.proposal.chapters] == ["Idea", "Price"]

    draft(company, kari, "request", {
        "title": "Before we begin", "introduction": "Please.",
        "items": "Floor plan | With measures | file\nColour | | words\nAnything else",
    }, "draft")  # fmt: skip
    request = newest(company)
    items = company.content(request.id).request
    assert items is not None
    assert [one.wants for one in items.items] == [Wanted.FILE, Wanted.TEXT, Wanted.EITHER]
    assert request.state == "draft"
    at = f"{company.console}/documents/{request.id}"
    edited = kari.fill_in(f"{at}/edit", {"items": "Colour | | words", "do": "post"}, form="/edit")
    assert edited.status == 303, edited.text
    assert company.read(request.id).state == "posted"
    assert request.id == newest(company).id

    draft(company, kari, "acceptance", {
        "title": "The floor", "confirms": "The floor is laid.", "items": "Floor | Oiled twice",
        "last_day": "2026-11-13",
    })  # fmt: skip
    acceptance = newest(company)
    # Through the end of the day where the organization is.
    assert acceptance.expires_at == dt.datetime(2026, 11, 13, 22, 59, tzinfo=dt.UTC)

    draft(company, kari, "time", {
        "title": "October", "start": "2026-10-01", "end": "2026-10-31",
        "entries": "2026-10-05 | Kari | 7:30 | Laying\n2026-10-06|Ola|1.5|||not billed",
    })  # fmt: skip
    hours = company.content(newest(company).id).time
    assert hours is not None
    assert (hours.minutes, hours.billable_minutes) == (540, 450)

    page = kari.get(f"{company.console}/documents").text
    for said in ("Proposal", "Request", "Acceptance", "Time approval"):
        assert said in page
    sent = kari.fill_in(
        f"{company.console}/documents/{acceptance.id}/send",
        {"contact": str(company.contact(MARIT).id)},
        form="/send",
    )
    assert sent.status == 303, sent.text
    stage.deliver()
    link = stage.link_to(MARIT)

    # It runs out; the customer cannot act, and the team sends it again with a new end.
    clock.advance(days=2)
    fresh = company.copy(acceptance.id)
    late = stage.visitor().post(f"{fresh}/accept", {"name": "Marit", "revision": "1"}, htmx=True)
    assert late.status == 409
    assert "its time is over" in late.text
    at = f"{company.console}/documents/{acceptance.id}"
    kari.sign_in(company.public_url, "owner@halden.example", PASSWORD, door="staff")
    assert "Send again with a new end" in kari.get(at).text
    longer = kari.fill_in(at, {"until": "2026-11-20", "note": "One more week"}, form="/extend")
    assert longer.status == 303, longer.text
    stage.deliver()
    again = stage.link_to(MARIT)
    assert again != link
    done = stage.visitor().post(f"{again}/accept", {"name": "Marit", "revision": "2"})
    assert done.status == 303
    assert company.read(acceptance.id).state == Answer.ACCEPTED


def test_what_was_typed_wrongly_stays_and_nothing_is_saved(stage):
    kari = stage.acme.staff()
    before = len(stage.acme.rows(Document))
    for what, typed, said in (
        ("proposal", {"title": "", "amount": "lots", "chapters": "no heading"}, "an amount"),
        ("proposal", {"title": "x", "amount": "1.001"}, "an amount"),
        ("request", {"title": "x", "items": ""}, "Please ask for something"),
        ("request", {"title": "x", "items": "A | B | C | D"}, "more than 3 parts"),
        ("acceptance", {"title": "x", "confirms": "a\x07"}, "cannot be shown"),
        ("acceptance", {"title": "x", "confirms": "y", "last_day": "soon"}, "Please give a day"),
        ("time", {"title": "x", "entries": "someday | Kari | 25:00"}, "Line 1 cannot be read"),
        ("time", {"title": "x" * 501, "entries": "2026-10-05 | Kari | 1"}, ""),
    ):
        answer = draft(stage.acme, kari, what, typed)
        assert answer.status == 422, (what, typed, answer.text)
        assert said in answer.text
    assert len(stage.acme.rows(Document)) == before


def test_without_anybody_to_mail_nothing_can_be_sent_and_says_why(stage):
    kari, console = stage.acme.staff(), stage.acme.console
    _, key = kari.get(f"{console}/logout").form("/logout")
    made, marit = [], stage.acme.contact(MARIT).id
    for what, typed in (
        ("proposal", {"amount": "1", "chapters": "# a\nb"}),
        ("request", {"items": "Floor plan"}),
        ("acceptance", {"confirms": "y"}),
        ("time", {"start": "2026-10-01", "end": "2026-10-31", "entries": "2026-10-05 | Kari | 1"}),
    ):
        assert draft(stage.acme, kari, what, typed | {"title": "x"}).status == 303
        made.append(newest(stage.acme).id)
    project = make(stage.acme)
    stage.acme.execute("UPDATE contacts SET email = NULL")
    for document in made:
        at = f"{console}/documents/{document}"
        page = kari.get(at)
        assert "has no active contact with an e-mail address" in page.text
        assert "/send" not in page.source
        typed = {"contact": str(marit), "revision": "1", "mail": "0"}
        assert kari.post(f"{at}/send", key | typed).status == 422
    shares = f"{console}/projects/{project}/shares"
    assert "Nobody at Fjordhus AS can be mailed" in kari.get(shares).text
    refused = kari.post(shares, key | {"contact": str(marit)})
    assert (refused.status, "has no e-mail address" in refused.text) == (422, True)
    assert stage.acme.links() == []


def test_answers_are_accepted_and_returned_in_place(stage):
    request, link = request_of(stage.acme)
    visitor, kari = stage.visitor(), stage.acme.staff()
    form = {"content_type": "multipart/form-data"}
    visitor.post(f"{link}/items/1", {"file": plan(), "revision": "1"}, **form)
    visitor.post(f"{link}/items/2", {"answer": "Smoked", "revision": "1"})
    at = f"{stage.acme.console}/documents/{request}"
    page = kari.get(at)
    assert "Smoked" in page.text
    assert "plan.pdf" in page.text
    upload = page.tree.find(".//section[@id='items']//a").get("href")
    assert kari.get(f"{stage.acme.public_url}{upload}").status == 303
    assert stage.acme.log()[-1].type == Activity.DOWNLOAD_FILE
    assert stage.acme.account(OLAF).get(f"{stage.acme.public_url}{upload}").status in {302, 303}
    missing = kari.fill_in(page, {"remark": ""}, form="/items/2/return", htmx=True)
    assert missing.status == 422
    assert "Please say what is missing" in missing.text
    _, stale = page.form("/items/2/accept")
    visitor.post(f"{link}/items/2", {"answer": "Natural", "revision": "1"})
    late = kari.post(f"{at}/items/2/accept", stale, htmx=True)
    assert "There is a newer answer" in late.text
    _, fields = kari.get(at).form("/items/1/accept")
    done = kari.post(f"{at}/items/1/accept", fields | {"remark": "In ink, too!"}, htmx=True)
    assert "1 of 3 accepted" in done.text
    assert "In ink, too!" in visitor.get(link).text
    returned = kari.fill_in(at, {"remark": "Which maker?"}, form="/items/2/return", htmx=True)
    assert "Which maker?" in returned.text
    assert stage.acme.read(request).state == "in_progress"
