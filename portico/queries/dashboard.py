"""What a signed-in customer sees first (spec A8): what waits, what is owed, what happened.

Every part reads the first rows of an index and no more, so that the page costs the same however
much a customer has; only what is owed adds up all that is open.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa

from portico import clock
from portico.db import reading
from portico.queries import files, lists, projects, statement
from portico.queries.faces import DocumentFace, day_of
from portico.queries.lists import OWING, SECTION_OF, SECTIONS, Deadline, Run
from portico.queries.projects import Card
from portico.queries.statement import Ageing
from portico.records.activity import AccessLog, Activity, ActorKind, Label
from portico.records.content import Kind
from portico.records.document import KINDS, Document, State
from portico.records.organization import Section
from portico.services.actors import Actor

MOST_COUNTED = 1000  # beyond, a card says "999+"
_AWAITING = 5
_INVOICES = 5
_TO_DO = 10
_HAPPENED = 8
_UPCOMING = 4
_NEWEST = 25  # of a kind of shared work are looked through for what waits
_LOOKED_THROUGH = 500  # of the log: most lines are views, which nobody needs to be told of


@dataclass(frozen=True, slots=True)
class ToDo:
    """One thing that waits for the customer, and what happens next."""

    deed: str
    next: str
    section: str
    document: DocumentFace
    by: dt.date | None


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened, in words for the customer: who, did what to which document."""

    at: dt.datetime
    who: str  # empty: the organization
    deed: str
    section: str
    document_id: int
    document: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The page. Counts go no further than MOST_COUNTED."""

    pending_invoices: int
    documents: int
    ageing: list[Ageing]  # a row, with its balance, for each currency in which something is open
    awaiting: list[DocumentFace]
    invoices: list[DocumentFace]
    to_do: list[ToDo]
    more_to_do: bool  # than is listed
    happened: list[Happening]
    active_projects: int | None = None  # None: the organization shows no projects
    upcoming: list[Card] = field(default_factory=list)  # projects that go on or are planned


def read(actor: Actor, zone: str, sections: list[str]) -> Dashboard:
    """The dashboard of a customer, on the day it is in *zone*; *sections* are those switched on."""
    shown = [one for one in SECTIONS.values() if one.switch is None or one.switch in sections]
    every = [one.everything for one in shown]
    kinds = {kind for one in shown for kind in one.kinds}
    shows_projects = Section.PROJECTS in sections
    to_do = _to_do(actor, zone, kinds)
    return Dashboard(
        pending_invoices=lists.count(actor, _OPEN_INVOICES, MOST_COUNTED),
        documents=lists.count(actor, [run for runs in every for run in runs], MOST_COUNTED)
        + (files.count_shared(actor, MOST_COUNTED) if Section.DOCUMENTS in sections else 0),
        ageing=statement.ageing(actor.organization_id, actor.customer_id, clock.today(zone)),
        awaiting=lists.nearest(actor, _AWAITING_QUOTES, zone, _AWAITING),
        invoices=lists.newest(actor, SECTIONS["invoices"].filters[0].runs, zone, _INVOICES),
        to_do=to_do[:_TO_DO],
        more_to_do=len(to_do) > _TO_DO,
        happened=_told_once(_happened(actor, kinds))[:_HAPPENED],
        active_projects=projects.active(actor, MOST_COUNTED) if shows_projects else None,
        upcoming=projects.upcoming(actor, _UPCOMING) if shows_projects else [],
    )


_OPEN_INVOICES = SECTIONS["invoices"].filter("open").runs
_AWAITING_QUOTES = SECTIONS["quotes"].filter("awaiting").runs
_DUE_INVOICES = tuple(
    Run(Kind.INVOICE, state, deadline)
    for state in OWING
    for deadline in (Deadline.PASSED, Deadline.AHEAD)
)


# --- what to do ---------------------------------------------------------------------------------


def _to_do(actor: Actor, zone: str, kinds: Collection[Kind]) -> list[ToDo]:
    """What waits of these kinds, the earliest deadline first; what has none comes last."""
    found = [one for source in _SOURCES for one in source(actor, zone)]
    found += [one for kind in kinds if kind in _SHARED for one in _shared(actor, zone, kind)]
    return sorted(found, key=lambda one: (one.by is None, one.by or dt.date.max))


def _quotes_to_answer(actor: Actor, zone: str) -> Iterator[ToDo]:
    for quote in lists.nearest(actor, _AWAITING_QUOTES, zone, _TO_DO + 1):
        then = "Once you accept, we begin. Without an answer it runs out."
        yield ToDo("Answer quote", then, "quotes", quote, quote.valid_until)


def _invoices_to_pay(actor: Actor, zone: str) -> Iterator[ToDo]:
    for invoice in lists.nearest(actor, _DUE_INVOICES, zone, _TO_DO + 1):
        late = invoice.state is State.OVERDUE
        then = (
            "Please pay it, or tell us what is wrong." if late else "Pay it by then; nothing else."
        )
        yield ToDo("Pay invoice", then, "invoices", invoice, invoice.due_on)


# What is asked of shared work, and what comes then.
_SHARED = {
    Kind.PROPOSAL: ("Answer proposal", "Once you accept, we begin."),
    Kind.REQUEST: ("Answer request", "We look at each answer, and tell you if we need more."),
    Kind.ACCEPTANCE: ("Review acceptance", "Accept it if it is as agreed, or ask us."),
    Kind.TIME_APPROVAL: ("Approve hours", "Then they are billed; or ask us about them."),
}


def _shared(actor: Actor, zone: str, kind: Kind) -> Iterator[ToDo]:
    """What waits of a kind of shared work, among the newest that were sent."""
    runs = (Run(kind, State.SENT), Run(kind, State.IN_PROGRESS))
    deed, then = _SHARED[kind]
    for one in lists.newest(actor, runs, zone, _NEWEST):
        if one.is_decidable or one.takes_answers:
            by = day_of(one.expires_at, zone) if one.expires_at else one.valid_until or one.due_on
            yield ToDo(deed, then, SECTION_OF[kind], one, by)


# Each names what waits of one sort, in the order of its deadlines.
_SOURCES: tuple[Callable[[Actor, str], Iterator[ToDo]], ...] = (
    _quotes_to_answer,
    _invoices_to_pay,
)


# --- what happened ------------------------------------------------------------------------------

_BY_CUSTOMER = {
    Activity.APPROVE_QUOTE: "accepted",
    Activity.DECLINE_QUOTE: "declined",
    Activity.ACCEPT_DOCUMENT: "accepted",
    Activity.DECLINE_DOCUMENT: "declined",
    Activity.ANSWER_REQUEST: "answered",
    Activity.SEND_MESSAGE: "asked about",
    Activity.ASK_MORE_TIME: "asked for more time on",
}
_BY_STAFF = {
    Activity.SEND_DOCUMENT: "sent",
    Activity.APPROVE_QUOTE: "wrote down the acceptance of",
    Activity.DECLINE_QUOTE: "wrote down the refusal of",
    Activity.ACCEPT_DOCUMENT: "wrote down the acceptance of",
    Activity.DECLINE_DOCUMENT: "wrote down the refusal of",
    Activity.JUDGE_ANSWER: "looked at your answers to",
    Activity.REVERSE_DECISION: "reopened",
    Activity.EXTEND_QUOTE: "gave more time on",
    Activity.VOID_DOCUMENT: "withdrew",
    Activity.SEND_MESSAGE: "answered about",
}
_DEEDS = {ActorKind.CUSTOMER.value: _BY_CUSTOMER, ActorKind.STAFF.value: _BY_STAFF}

_log, _doc = AccessLog.__table__, Document.__table__


def _happened(actor: Actor, kinds: Collection[Kind]) -> Iterator[Happening]:
    """The last things that the customer may know of.

    Only the deeds above, done to documents that they may see; of whoever did it no more than
    the name, and of the team not even that.
    """
    latest = (
        sa.select(_log.c.id, _log.c.occurred_at, _log.c.type, _log.c.actor_kind, _log.c.actor,
                  _log.c.contact_id, _log.c.document_id)
        .where(
            _log.c.customer_id == actor.customer_id,
            _log.c.organization_id == actor.organization_id,
            _log.c.label != Label.PREVIEW.value,
        )
        .order_by(_log.c.id.desc())
        .limit(_LOOKED_THROUGH)
        .subquery()
    )  # fmt: skip
    told = sa.or_(
        *(
            sa.and_(latest.c.actor_kind == kind, latest.c.type.in_([one.value for one in deeds]))
            for kind, deeds in _DEEDS.items()
        )
    )
    rows = (
        sa.select(latest, _doc.c.kind, _doc.c.number)
        .join(_doc, _doc.c.id == latest.c.document_id)
        .where(
            told,
            _doc.c.organization_id == actor.organization_id,
            _doc.c.customer_id == actor.customer_id,
            _doc.c.posted_at.is_not(None),
            _doc.c.state != State.DRAFT.value,
            _doc.c.kind.in_([kind.value for kind in kinds]),
        )
        .order_by(latest.c.id.desc())
        .limit(5 * _HAPPENED)
    )
    with reading() as connection:
        for row in connection.execute(rows):
            kind = Kind(row.kind)
            yield Happening(
                at=row.occurred_at,
                who=_who(row.actor_kind, row.actor, row.contact_id, actor),
                deed=_DEEDS[row.actor_kind][Activity(row.type)],
                section=SECTION_OF[kind],
                document_id=row.document_id,
                document=f"{KINDS[kind].label.lower()} {row.number}",
            )


def _told_once(happened: Iterable[Happening]) -> list[Happening]:
    """Newest first, also of what was written down late; what was done several times in a row,
    such as sent to each contact, is told once."""
    told: list[Happening] = []
    for one in sorted(happened, key=lambda one: one.at, reverse=True):
        if not told or (one.who, one.deed, one.document_id) != (
            told[-1].who, told[-1].deed, told[-1].document_id,
        ):  # fmt: skip
            told.append(one)
    return told


def _who(actor_kind: str, name: str, contact_id: int | None, actor: Actor) -> str:
    if actor_kind == ActorKind.STAFF:
        return ""
    if contact_id is not None and contact_id == actor.contact_id:
        return "You"
    return name or "Somebody with the link"
