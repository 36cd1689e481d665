"""The demonstration's proposals, requests, acceptances and hours: what Fjordhus is asked just now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portico.records.content import Kind

_FLOORS = "Oak floors in the library"
PROPOSAL, REQUEST, ACCEPTANCE, HOURS = "P-2026-018", "R-2026-007", "A-2026-009", "T-2026-010"
_HOUR = dt.timedelta(hours=1)
PLAN = (
    b"room,from,to,length m\n"
    b"Library,north wall,chimney,4.10\n"
    b"Library,chimney,south wall,3.10\n"
    b"Landing,stairs,window,3.40\n"
)


@dataclass(frozen=True, slots=True)
class SharedPaper:
    """One of them: when it was sent, with which words, what it says and how it ended."""

    days_ago: int
    message: str
    content: dict[str, Any]
    ending: str = ""
    organization: str = "halden"
    draft: bool = False

    @property
    def kind(self) -> Kind:
        return Kind(self.content["kind"])

    @property
    def number(self) -> str:
        return str(self.content["number"])


def papers(now: dt.datetime) -> Iterator[SharedPaper]:
    """All of them as they stand at *now*, the oldest first."""
    today = now.date()
    yield from _proposals(today)
    yield _request(today)
    yield from _acceptances(now)
    yield _hours(today)


def _paper(
    kind: Kind, number: str, title: str, today: dt.date, days_ago: int, **content: Any
) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "number": number,
        "title": title,
        "currency": "EUR",
        "issued_on": (today - dt.timedelta(days=days_ago)).isoformat(),
        "seller": {"name": "Halden Joinery"},
        "buyer": {"name": "Fjordhus AS"},
        "customer": {"external_id": "10021"},
        **content,
    }


def _proposals(today: dt.date) -> Iterator[SharedPaper]:
    care = _paper(
        Kind.PROPOSAL, "P-2026-011", "Care for the oak stairs", today, 21,
        totals={"payable": "480.00"},
        proposal={
            "fee_model": "retainer",
            "chapters": [
                {"heading": "What we do", "body": "Twice a year we clean and oil the treads, and "
                 "look after the handrail."},
                {"heading": "What it costs", "body": "480 euros a year, whatever the weather does "
                 "to the wood. Either side can end it with a month's notice."},
            ],
        },
    )  # fmt: skip
    yield SharedPaper(21, "So that the stairs stay as they are now.", care, ending="accepted")
    seat = _paper(
        Kind.PROPOSAL, PROPOSAL, "A window seat for the reading corner", today, 2,
        project=_FLOORS,
        valid_until=(today + dt.timedelta(days=24)).isoformat(),
        totals={"payable": "6850.00"},
        proposal={
            "fee_model": "milestone",
            "chapters": [
                {"heading": "What we have in mind", "body": "A seat of brushed oak, 2.40 m wide, "
                 "with two drawers below and a shelf on the left. The boards of the floor run on "
                 "underneath, so that nothing looks added."},
                {"heading": "How we go about it", "body": "We measure once the floor is laid, "
                 "build in our workshop, and fit within two days."},
                {"heading": "What it costs", "body": "A third on order, a third when it leaves the "
                 "workshop, a third when you have accepted it."},
            ],
        },
    )  # fmt: skip
    yield SharedPaper(2, "As we talked about by the window. Does this fit?", seat)


def _request(today: dt.date) -> SharedPaper:
    content = _paper(
        Kind.REQUEST, REQUEST, "Before we lay the library", today, 4,
        project=_FLOORS,
        due_on=(today + dt.timedelta(days=5)).isoformat(),
        request={
            "introduction": "Four things let us begin on Monday without calling you every hour.",
            "items": [
                {"name": "Where the heating pipes run", "wants": "file",
                 "description": "A drawing or a photo, room by room."},
                {"name": "Colour of the oil", "wants": "text",
                 "description": "Natural, white or smoked, and of which maker."},
                {"name": "Who lets us in", "wants": "text"},
                {"name": "What stays in the room", "description": "A list, or a photo."},
            ],
        },
    )  # fmt: skip
    return SharedPaper(4, "", content)


def _acceptances(now: dt.datetime) -> Iterator[SharedPaper]:
    ground = _paper(
        Kind.ACCEPTANCE, ACCEPTANCE, "The ground of the library", now.date(), 1,
        project=_FLOORS,
        expires_at=(now + 9 * 24 * _HOUR).isoformat(),
        acceptance={
            "confirms": "The old floor is taken up, and the ground is level and dry as agreed. "
            "With your acceptance we begin to lay the boards.",
            "items": [
                {"name": "Old floor", "description": "Taken up and carried away"},
                {"name": "Ground", "description": "Level within 2 mm over 2 m"},
                {"name": "Damp wall", "description": "Looked at twice, dry since 3 November"},
            ],
        },
    )  # fmt: skip
    yield SharedPaper(1, "Please have a look before Monday.", ground)
    plan = _paper(
        Kind.ACCEPTANCE, "A-2026-010", "Plan of the boards", now.date(), 3,
        project=_FLOORS,
        expires_at=(now + 40 * _HOUR).isoformat(),
        acceptance={
            "confirms": "The boards are to lie as the plan shows.",
            "items": [{"name": "Plan of the boards", "description": "Revision C, all rooms"}],
        },
    )  # fmt: skip
    yield SharedPaper(3, "We cut the last boards after this.", plan)


def _hours(today: dt.date) -> SharedPaper:
    worked = (
        (16, "Nils Aas", 390, "Measure", "Measuring, and the plan of the boards", True),
        (12, "Nils Aas", 450, "Ground", "Old floor taken up, ground levelled", True),
        (11, "Eva Moen", 450, "Ground", "Old floor taken up, ground levelled", True),
        (9, "Eva Moen", 90, "Ground", "A second look at the damp wall", False),
    )
    entries = [
        {
            "on": (today - dt.timedelta(days=days)).isoformat(), "person": person,
            "minutes": minutes, "task": task, "description": words, "is_billable": billed,
        }
        for days, person, minutes, task, words, billed in worked
    ]  # fmt: skip
    period = {"start": entries[0]["on"], "end": entries[-1]["on"]}
    content = _paper(
        Kind.TIME_APPROVAL, HOURS, "Hours for the oak floors", today, 5,
        project=_FLOORS,
        time={"period": period, "entries": entries},
    )  # fmt: skip
    return SharedPaper(5, "Our hours so far, for you to look over.", content)
