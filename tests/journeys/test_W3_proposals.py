"""W3: proposals, listed and answered under the rules of quotes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from portico.records.activity import Activity
from portico.records.content import Kind
from portico.records.decision import Decision
from portico.services import documents
from tests.cast import MARIT, OLAF, bodies

CHAPTERS = [
    {"heading": "Our idea", "body": "Oak and glass."},
    {"heading": "How we work", "body": "In three steps."},
]
SAYS: dict[str, Any] = {
    "number": "P-12",
    "title": "A boathouse by the water",
    "valid_until": dt.date(2026, 11, 20),
    "proposal": {"fee_model": "retainer", "chapters": CHAPTERS},
    "lines": [],
    "taxes": [],
    "totals": {"payable": 1_250_000},
}


def proposal_of(company: Any, person: Any = MARIT, **changes: Any) -> tuple[int, str]:
    """A proposal in the person's hands: its id and the link in their mail."""
    document_id = company.document(person, Kind.PROPOSAL, **SAYS | changes)
    return document_id, company.mailed(document_id, person)


def test_the_outsider_sees_and_answers_none(stage):
    stage.acme.set_organization("halden", sections=["proposals"])
    proposal, _link = proposal_of(stage.acme)
    olaf = stage.acme.account(OLAF)
    at = f"{stage.acme.portal}/proposals/{proposal}"
    assert olaf.get(at).status == 404
    assert "P-12" not in olaf.get(f"{stage.acme.portal}/proposals").text
    # A draft is the team's alone; what is posted and not yet sent says that it is on its way.
    draft = stage.acme.document(MARIT, Kind.PROPOSAL, post=False, **SAYS | {"number": "P-13"})
    stage.acme.document(MARIT, Kind.PROPOSAL, **SAYS | {"number": "P-14"})
    marit = stage.acme.account(MARIT)
    listed = marit.get(f"{stage.acme.portal}/proposals").text
    assert "P-13" not in listed
    assert "In preparation P-14" in listed
    assert marit.get(at.replace(str(proposal), str(draft))).status == 404
    # Where the organization does not use them, nobody has the section, or hears of it.
    assert "Answer proposal" in marit.get(f"{stage.acme.portal}/dashboard").text
    stage.acme.set_organization("halden", sections=[])
    assert marit.get(at).status == 404
    assert marit.get(f"{stage.acme.portal}/proposals").status == 404
    board = marit.get(f"{stage.acme.portal}/dashboard")
    assert "P-12" not in board.text
    assert "/proposals" not in board.source


def test_a_proposal_is_read_listed_and_accepted_by_account(stage, clock):
    stage.acme.set_organization("halden", sections=["proposals"])
    proposal, link = proposal_of(stage.acme)
    letter = stage.letters_to(MARIT)[-1]
    assert letter.message["Subject"] == "Proposal P-12 from Halden of Acme"
    assert "here is our proposal." in bodies(letter)[0]
    marit = stage.acme.account(MARIT)
    row = marit.get(f"{stage.acme.portal}/proposals").text
    for said in ("A boathouse by the water", "Pending", "P-12", "Retainer", "€12,500.00",
                 "sent 12 Nov 2026"):  # fmt: skip
        assert said in row
    at = f"{stage.acme.portal}/proposals/{proposal}"
    page = marit.get(at)
    for said in ("Our idea", "Oak and glass.", "How we work", "Retainer", "Accept", "Decline"):
        assert said in page.text
    assert marit.get(f"{at}/pdf").data.startswith(b"%PDF")
    done = marit.fill_in(page, {"name": "Marit Solberg"}, form="/accept")
    assert done.status == 303
    (decision,) = stage.acme.rows(Decision)
    assert (decision.answer, decision.via, decision.document_id) == (
        "accepted",
        "account",
        proposal,
    )
    assert Activity.ACCEPT_DOCUMENT in [line.type for line in stage.acme.log()]
    contrary = stage.visitor().post(f"{link}/decline", {"name": "M", "revision": "1"})
    assert contrary.status == 409
    assert "This proposal was already accepted" in contrary.text
    assert "Accepted" in marit.get(f"{stage.acme.portal}/proposals?state=accepted").text
    stage.deliver()
    subjects = {one.message["Subject"] for one in stage.letters_to("office@halden.example")}
    assert "Fjordhus AS accepted proposal P-12" in subjects


def test_an_expired_one_is_not_answered_until_it_gets_more_time(stage, clock):
    proposal, _link = proposal_of(stage.acme)
    clock.set(2026, 11, 21, 9)
    late = stage.acme.copy(proposal)
    visitor = stage.visitor()
    page = visitor.get(late)
    assert "Expired" in page.text
    assert "/accept" not in page.source
    answer = visitor.post(f"{late}/accept", {"name": "Marit", "revision": "1"})
    assert answer.status == 409
    assert "This proposal is no longer open" in answer.text
    assert visitor.post(f"{late}/more-time", {"wish": "A week?"}).status == 303
    with stage.acme.scope():
        documents.extend(proposal, dt.date(2026, 11, 30), by="Kari")
    declined = visitor.post(f"{late}/decline", {"revision": "2", "reason": "Too dear"})
    assert declined.status == 303
    assert stage.acme.read(proposal).state == "declined"
