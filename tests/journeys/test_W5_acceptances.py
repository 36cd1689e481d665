"""W5: acceptances: Review & Accept, until the moment they expire."""

from __future__ import annotations

import datetime as dt
from typing import Any

from portico import clock as portico_clock
from portico.records.content import Kind
from portico.records.decision import Decision
from portico.services import reminders
from tests.cast import MARIT, OLAF, bodies, content_for


def acceptance_of(company: Any, person: Any = MARIT, hours: int = 72) -> tuple[int, str]:
    """An acceptance in the person's hands: its id and the link in their mail."""
    content = content_for(
        person,
        Kind.ACCEPTANCE,
        number="A-3",
        title="The boathouse floor",
        expires_at=portico_clock.now() + dt.timedelta(hours=hours),
        acceptance={"confirms": "The floor is laid as agreed.", "items": [{"name": "Oak floor"}]},
        lines=[],
        taxes=[],
        totals={"payable": 0},
    )
    document_id = company.document(person, Kind.ACCEPTANCE, content=content)
    return document_id, company.mailed(document_id, person, hours=200)


def test_the_outsider_accepts_nothing(stage):
    stage.acme.set_organization("halden", sections=["acceptances"])
    acceptance, _link = acceptance_of(stage.acme)
    olaf = stage.acme.account(OLAF)
    at = f"{stage.acme.portal}/acceptances/{acceptance}"
    assert olaf.get(at).status == 404
    assert stage.visitor().post(f"{at}/accept", {"name": "Mallory", "revision": "1"}).status != 200
    assert stage.acme.rows(Decision) == []


def test_it_is_reviewed_and_accepted_and_cannot_be_declined(both, clock):
    both.acme.set_organization("halden", sections=["acceptances"])
    acceptance, link = acceptance_of(both.acme)
    assert "accept it if it is as agreed" in bodies(both.letters_to(MARIT)[-1])[0]
    marit = both.acme.account(MARIT)
    here = f"{both.acme.portal}/acceptances"
    card = marit.get(here)
    for said in ("The boathouse floor", "Pending", "sent 12 Nov 2026", "15 Nov 2026",
                 "Review & Accept"):  # fmt: skip
        assert said in card.text
    assert "urgent" not in card.source
    clock.advance(hours=5)  # not 12: who is idle for so long is signed out
    page = marit.get(f"{here}/{acceptance}")
    for said in ("The floor is laid as agreed.", "Oak floor", "Ask for more time"):
        assert said in page.text
    assert "decline" not in page.source
    no = both.visitor().post(f"{link}/decline", {"name": "Marit", "revision": "1"})
    assert no.status == 409
    assert both.acme.read(acceptance).state == "sent"
    asked = both.visitor().post(f"{link}/more-time", {"wish": "Until the paint is dry"})
    assert asked.status == 303
    done = marit.fill_in(page, {"name": "Marit Solberg"}, form="/accept", htmx=True)
    assert "Your acceptance is recorded" in done.text
    again = both.visitor().post(f"{link}/accept", {"name": "Marit", "revision": "1"}, htmx=True)
    assert again.status == 200
    (decision,) = both.acme.rows(Decision)
    assert decision.signatory == "Marit Solberg"
    assert both.visitor().get(f"{link}/receipt").data.startswith(b"%PDF")


def test_its_end_is_amber_within_48_hours_reminded_of_and_final(stage, clock):
    stage.acme.set_organization("halden", sections=["acceptances"])
    acceptance, link = acceptance_of(stage.acme)
    clock.advance(hours=24, minutes=1)
    marit = stage.acme.account(MARIT)
    listed = marit.get(f"{stage.acme.portal}/acceptances").tree
    assert len(listed.find_class("urgent")) == 1
    with stage.acme.scope():
        assert reminders.remind()
        assert reminders.remind()
    told = marit.get(f"{stage.acme.portal}/notifications").text
    assert told.count("Acceptance A-3 waits for your answer until 15 Nov 2026.") == 1

    # Open when it was looked at, over when the answer comes: nothing is decided.
    visitor = stage.visitor()
    page = visitor.get(link)
    clock.advance(hours=47, minutes=59)
    late = visitor.fill_in(page, {"name": "Marit Solberg"}, form="/accept", htmx=True)
    assert late.status == 409
    assert "This acceptance is no longer open: its time is over." in late.text
    assert "Ask for more time" in late.text
    assert stage.acme.rows(Decision) == []
    assert stage.acme.read(acceptance).state == "sent"
    assert "Expired" in visitor.get(link).text
