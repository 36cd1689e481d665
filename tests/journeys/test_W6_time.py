"""W6: the hours of a period, approved or queried by the customer."""

from __future__ import annotations

from typing import Any

from portico.records.activity import Activity
from portico.records.content import Kind
from portico.records.decision import Decision
from tests.cast import MARIT, OLAF, content_for

ENTRIES = [
    {"on": "2026-10-05", "person": "Kari", "task": "Laying", "minutes": 450},
    {"on": "2026-10-06", "person": "Ola", "description": "Talked it through", "minutes": 30,
     "is_billable": False},
]  # fmt: skip


def hours_of(company: Any, number: str = "T-4", person: Any = MARIT) -> tuple[int, str]:
    """A period's hours in the person's hands: the document's id and the link in their mail."""
    content = content_for(
        person,
        Kind.TIME_APPROVAL,
        number=number,
        title="October",
        time={"period": {"start": "2026-10-01", "end": "2026-10-31"}, "entries": ENTRIES},
        lines=[],
        taxes=[],
        totals={"payable": 0},
    )
    document_id = company.document(person, Kind.TIME_APPROVAL, content=content)
    return document_id, company.mailed(document_id, person)


def test_the_outsider_approves_no_hours(stage):
    stage.acme.set_organization("halden", sections=["time"])
    hours, _link = hours_of(stage.acme)
    olaf = stage.acme.account(OLAF)
    at = f"{stage.acme.portal}/time/{hours}"
    assert olaf.get(at).status == 404
    assert stage.visitor().get(at).status == 303
    assert stage.acme.rows(Decision) == []


def test_hours_are_approved_by_link_and_queried_by_account_with_a_reason(stage):
    stage.acme.set_organization("halden", sections=["time"])
    first, link = hours_of(stage.acme)
    second, _ = hours_of(stage.acme, "T-5")
    visitor = stage.visitor()
    page = visitor.get(link)
    for said in ("7:30", "Laying", "Kari", "Not billed", "Hours in all 8:00", "Approve", "Query"):
        assert said in page.text
    assert "€" not in page.text
    done = visitor.post(f"{link}/accept", {"name": "Marit", "revision": "1"}, htmx=True)
    assert "Your approval is recorded" in done.text

    marit = stage.acme.account(MARIT)
    here = f"{stage.acme.portal}/time"
    listed = marit.get(here).text
    for said in ("Approved", "Pending", "8:00 hours"):
        assert said in listed
    at = f"{here}/{second}"
    bare = marit.fill_in(at, {"name": "Marit", "reason": ""}, form="/decline", htmx=True)
    assert bare.status == 422
    assert "Please say what you want to ask or change" in bare.text
    why = {"name": "Marit", "reason": "Who talked to whom?"}
    assert marit.fill_in(at, why, form="/decline").status == 303
    assert "Queried" in marit.get(at).text
    assert {one.answer for one in stage.acme.rows(Decision)} == {"accepted", "declined"}
    stage.deliver()
    letters = stage.letters_to("office@halden.example")
    assert "Fjordhus AS queried time approval T-5" in {one.message["Subject"] for one in letters}
    assert any("Who talked to whom?" in str(one.message.get_body(("plain",))) for one in letters)
    assert Activity.DECLINE_DOCUMENT in [line.type for line in stage.acme.log()]
    assert stage.acme.read(first).state == "accepted"
