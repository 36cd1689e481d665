"""Every document of an organization, as the team lists it (spec C4).

A list is a merge of *ranges*: each is read in the order of an index and no further than the page
needs, so that a page costs the same at any depth and whatever else there is. A search finds what
has a part of its number, or of its customer's name; of very many numbers only the newest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, cast

import sqlalchemy as sa

from portico import clock
from portico.db import BigId, UtcDateTime, reading
from portico.queries import search
from portico.queries.faces import (
    DocumentFace,
    document_columns,
    document_face,
)
from portico.queries.lists import LARGEST_ID
from portico.records.content import Kind
from portico.records.customer import Customer
from portico.records.document import KINDS, OWED, TO_SEND, Document, State

PAGE = 25
SOON_DAYS = 7  # a quote that is open for no longer is running out
_WINDOW = 2000  # so many of the newest are looked through for what very many have
_MOST_NUMBERED = 100  # so many with a part of their number are put in order
_FEW_CUSTOMERS = 5  # so many have all their documents listed, however many those are

_doc, _customer = Document.__table__, Customer.__table__


# --- how a document stands, in the team's words ------------------------------------------------

_WORDS = {
    State.DRAFT: ("Draft", "none"),
    State.POSTED: ("Posted", "info"),
    State.SENT: ("Sent", "info"),
    State.ACCEPTED: ("Accepted", "good"),
    State.DECLINED: ("Declined", "none"),
    State.WITHDRAWN: ("Withdrawn", "none"),
    State.EXPIRED: ("Expired", "bad"),
    State.PARTIALLY_PAID: ("Partially paid", "warn"),
    State.PAID: ("Paid", "good"),
    State.OVERDUE: ("Overdue", "bad"),
    State.APPLIED: ("Used up", "good"),
    State.FULFILLED: ("Fulfilled", "good"),
    State.CANCELLED: ("Cancelled", "none"),
    State.IN_PROGRESS: ("In progress", "info"),
    State.COMPLETED: ("Completed", "good"),
}
# Hours are approved and queried.
_TIME_WORDS = {State.ACCEPTED: ("Approved", "good"), State.DECLINED: ("Queried", "warn")}


@dataclass(frozen=True, slots=True)
class Standing:
    """A document in a list of the team. ``face`` says what its customer has been shown."""

    face: DocumentFace
    label: str
    tone: str
    customer_id: int
    customer_name: str
    current_revision: int
    sent_revision: int | None
    asked_at: dt.datetime | None

    @property
    def is_void(self) -> bool:
        return self.face.state in {State.WITHDRAWN, State.CANCELLED}

    @property
    def waits(self) -> str | None:
        """What has to be sent before the customer sees it, in a sentence."""
        if self.is_void or self.face.state == State.DRAFT:
            return None
        if self.sent_revision is None:
            return "Not sent yet"
        if self.sent_revision != self.current_revision:
            return f"Revision {self.current_revision} waits to be sent"
        return None


STANDING_COLUMNS = (*document_columns, "customer_id", "asked_at")


def standing(row: Any, customer_name: str, zone: str) -> Standing:
    """How the document of a row with :data:`STANDING_COLUMNS` stands today in *zone*."""
    face = document_face(row, zone)
    words = _WORDS | _TIME_WORDS if face.kind == Kind.TIME_APPROVAL else _WORDS
    label, tone = words[face.state]
    return Standing(
        face=face,
        label=label,
        tone=tone,
        customer_id=row.customer_id,
        customer_name=customer_name,
        current_revision=row.current_revision,
        sent_revision=row.sent_revision,
        asked_at=row.asked_at,
    )


# --- what can be listed ------------------------------------------------------------------------


class Which(StrEnum):
    """A choice of documents, under the name it has in the URL."""

    ALL = "all"
    DRAFT = "draft"
    TO_SEND = "to-send"
    SENT = "sent"
    QUESTIONS = "questions"
    RUNNING_OUT = "running-out"
    EXPIRED = "expired"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    OVERDUE = "overdue"
    PARTIALLY_PAID = "partially-paid"
    PAID = "paid"
    APPLIED = "applied"
    FULFILLED = "fulfilled"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    VOID = "void"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Which.ALL: "All",
    Which.DRAFT: "Draft",
    Which.TO_SEND: "Ready to send",
    Which.SENT: "Sent",
    Which.QUESTIONS: "With a question",
    Which.RUNNING_OUT: "Running out",
    Which.EXPIRED: "Expired",
    Which.ACCEPTED: "Accepted",
    Which.DECLINED: "Declined",
    Which.OVERDUE: "Overdue",
    Which.PARTIALLY_PAID: "Partially paid",
    Which.PAID: "Paid",
    Which.APPLIED: "Used up",
    Which.FULFILLED: "Fulfilled",
    Which.IN_PROGRESS: "In progress",
    Which.COMPLETED: "Completed",
    Which.VOID: "Withdrawn or cancelled",
}
_STATES = {
    Which.DRAFT: (State.DRAFT,),
    Which.SENT: (State.SENT,),
    Which.ACCEPTED: (State.ACCEPTED,),
    Which.DECLINED: (State.DECLINED,),
    Which.PARTIALLY_PAID: (State.PARTIALLY_PAID,),
    Which.PAID: (State.PAID,),
    Which.APPLIED: (State.APPLIED,),
    Which.FULFILLED: (State.FULFILLED,),
    Which.IN_PROGRESS: (State.IN_PROGRESS,),
    Which.COMPLETED: (State.COMPLETED,),
    Which.VOID: (State.WITHDRAWN, State.CANCELLED),
}
_OWING = (State.POSTED, State.SENT, State.PARTIALLY_PAID)
_DERIVED = {State.OVERDUE, State.EXPIRED}  # these follow from a date and are not stored
# What is most pressing comes first here; everywhere else what is newest does.
_UPWARDS = {Which.QUESTIONS, Which.RUNNING_OUT, Which.OVERDUE}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of an organization's documents somebody looks for."""

    which: Which = Which.ALL
    kind: Kind | None = None
    customer_id: int | None = None
    term: str = ""  # a part of a number, or of a customer's name


@cache
def choices(kind: Kind | None) -> list[Which]:
    """What documents of a kind can be narrowed down to."""
    return [one for one in Which if _ranges(0, Wanted(one, kind), dt.date.min)]


# --- a page of it ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list: the day or moment that orders it, and the document's id."""

    at: dt.date
    id: int

    @classmethod
    def parse(cls, text: str, which: Which) -> Place | None:
        """From the URL's form ``2026-11-02~123``; None where it is no place there can be."""
        on, _, number = text.partition("~")
        if not (number.isascii() and number.isdigit() and len(number) <= 19):
            return None
        if int(number) > LARGEST_ID:
            return None
        try:
            if which is not Which.QUESTIONS:
                return cls(dt.date.fromisoformat(on), int(number))
            # Near the ends of the calendar a moment may have no time in UTC.
            moment = dt.datetime.fromisoformat(on)
            return cls(moment.astimezone(dt.UTC), int(number)) if moment.tzinfo else None
        except (ValueError, OverflowError):
            return None

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.id}"


@dataclass(frozen=True, slots=True)
class Page:
    """Documents and the places that lead on and back; None where there is nothing more."""

    rows: list[Standing]
    on: Place | None
    back: Place | None


def page(
    organization_id: int,
    wanted: Wanted,
    zone: str,
    *,
    beyond: Place | None = None,
    before: Place | None = None,
    size: int = PAGE,
) -> Page:
    """One page of an organization's documents, judged on the day it is in *zone*.

    *beyond* leads on from a place, *before* back to what stands before it; where that leaves less
    than a page it is the first page.
    """
    asked = _Asked(organization_id, wanted, clock.today(zone))
    if beyond is None and before is not None:
        found = asked.places(size + 1, before, backwards=True)
        if len(found) > size:
            shown = found[:size][::-1]
            return Page(_standings(organization_id, shown, zone), shown[-1], shown[0])
    found = asked.places(size + 1, beyond)
    shown = found[:size]
    on = shown[-1] if len(found) > size else None
    back = shown[0] if shown and beyond is not None else None
    return Page(_standings(organization_id, shown, zone), on, back)


@dataclass(frozen=True, slots=True)
class _Range:
    """Rows that an index holds together, in the order of *column*."""

    where: tuple[sa.ColumnElement[bool], ...]
    column: sa.ColumnElement[Any]


_Condition = tuple[sa.ColumnElement[Any], tuple[sa.ColumnElement[bool], ...]]


class _Asked:
    """What is looked for in an organization, on a day."""

    def __init__(self, organization_id: int, wanted: Wanted, today: dt.date) -> None:
        self._organization_id, self._wanted, self._today = organization_id, wanted, today

    def places(
        self, limit: int, key: Place | None = None, *, backwards: bool = False
    ) -> list[Place]:
        """The next *limit* places beyond *key*, or before it."""
        upwards = (self._wanted.which in _UPWARDS) != backwards
        ranges = _ranges(self._organization_id, self._wanted, self._today)
        if self._wanted.term:
            parts = list(self._search(ranges, limit, key, upwards))
        else:
            parts = [_part(one, limit, key, upwards) for one in ranges]
        if not parts:
            return []
        # The same document may be found by its number and by its customer: union drops one.
        every = (sa.union(*parts) if self._wanted.term else sa.union_all(*parts)).subquery()
        by = (every.c.place, every.c.id)
        merged = sa.select(every).order_by(*(one.asc() if upwards else one.desc() for one in by))
        with reading() as connection:
            return [Place(row.place, row.id) for row in connection.execute(merged.limit(limit))]

    def _search(
        self, ranges: Sequence[_Range], limit: int, key: Place | None, upwards: bool
    ) -> list[sa.Select[Any]]:
        term = self._wanted.term
        few = search.ids(_doc, ("number",), term, self._organization_id, _MOST_NUMBERED)
        parts = self._of_ids(self._numbered() if few is None else few, limit, key, upwards)
        newest: list[sa.ColumnElement[bool]] = []
        if few is None:
            newest.append(search.written(_doc, ("number",), term))
        if self._wanted.customer_id is None:
            named = search.Customers(self._organization_id, term)
            theirs = named.rows_in(_doc)
            if theirs is not None:
                parts += self._of_ids(theirs, limit, key, upwards)
            elif named.few is not None and len(named.few) <= _FEW_CUSTOMERS:
                parts += self._of_customers(named.few, limit, key, upwards)
            else:
                newest.append(named.has(_doc.c.customer_id))
        if newest:
            parts += self._among_newest(ranges, newest, limit, key, upwards)
        return parts

    def _of_customers(
        self, customers: list[int], limit: int, key: Place | None, upwards: bool
    ) -> list[sa.Select[Any]]:
        each = (Wanted(self._wanted.which, self._wanted.kind, one) for one in customers)
        return [
            _part(one, limit, key, upwards)
            for wanted in each
            for one in _ranges(self._organization_id, wanted, self._today)
        ]

    def _of_ids(
        self, found: list[int] | sa.Select[Any], limit: int, key: Place | None, upwards: bool
    ) -> list[sa.Select[Any]]:
        ranges = _ranges(self._organization_id, self._wanted, self._today, by_id=True)
        if not ranges or found == []:
            return []
        # What is wanted has one order, whatever the ranges it consists of.
        any_of_them = sa.or_(*(sa.and_(*one.where) for one in ranges))
        return [
            _part(
                _Range((any_of_them, _doc.c.id.in_(found)), ranges[0].column), limit, key, upwards
            )
        ]

    def _among_newest(
        self,
        ranges: Sequence[_Range],
        wanted: Sequence[sa.ColumnElement[bool]],
        limit: int,
        key: Place | None,
        upwards: bool,
    ) -> list[sa.Select[Any]]:
        """What is among the newest of each range, where something of what is wanted holds."""
        parts = []
        for one in ranges:
            last = _place(one, 1, key, upwards).offset(_WINDOW // len(ranges) - 1).subquery()
            bound = _up_to(one.column, last, upwards)
            some = _Range((*one.where, bound, sa.or_(*wanted)), one.column)
            parts.append(_part(some, limit, key, upwards))
        return parts

    def _numbered(self) -> sa.Select[Any]:
        """Documents whose whole number was typed."""
        term = self._wanted.term
        whole = _doc.c.number.in_({term, term.upper(), term.lower()})
        own = _doc.c.organization_id == self._organization_id
        return sa.select(_doc.c.id).where(own, whole)


def _ranges(
    organization_id: int, wanted: Wanted, today: dt.date, *, by_id: bool = False
) -> list[_Range]:
    """The ranges whose merge is what is wanted; none where a kind has no such thing.

    *by_id* is for few documents whose ids are known: "+ 0" keeps SQLite at those.
    """
    own = _doc.c.organization_id + 0 if by_id else _doc.c.organization_id
    of = [own == organization_id]
    if wanted.customer_id is not None:
        of.append(_doc.c.customer_id == wanted.customer_id)
    kinds = [wanted.kind] if wanted.kind else list(Kind)
    return [_Range((*of, *where), column) for column, where in _conditions(wanted, kinds, today)]


def _conditions(wanted: Wanted, kinds: Sequence[Kind], today: dt.date) -> Iterator[_Condition]:
    """The column that orders each range, and what holds in it beside the organization."""
    which = wanted.which
    if which is Which.QUESTIONS:
        some = [_doc.c.kind == wanted.kind.value] if wanted.kind else []
        yield _doc.c.asked_at, (_doc.c.asked_at.is_not(None), *some)
    elif which is Which.TO_SEND:
        for kind in kinds:
            yield _doc.c.issued_on, (_doc.c.kind == kind.value, _as_indexed(TO_SEND))
    elif which in {Which.OVERDUE, Which.EXPIRED, Which.RUNNING_OUT}:
        yield from _by_deadline(which, kinds, today)
    elif which is Which.ALL and wanted.customer_id is not None:
        for kind in kinds:
            yield _doc.c.issued_on, (_doc.c.kind == kind.value,)
    elif which is Which.ALL and wanted.kind is None:
        yield _doc.c.issued_on, ()
    else:
        for kind in kinds:
            states = _STATES.get(which, KINDS[kind].states - _DERIVED)
            for state in sorted(KINDS[kind].states.intersection(states)):
                yield _doc.c.issued_on, (_doc.c.kind == kind.value, _doc.c.state == state.value)


def _by_deadline(which: Which, kinds: Sequence[Kind], today: dt.date) -> Iterator[_Condition]:
    """Overdue and expired are no states that are stored: they follow from a day."""
    due, last = _doc.c.due_on, _doc.c.valid_until
    if which is Which.OVERDUE and Kind.INVOICE in kinds:
        for state in _OWING:
            yield due, (_doc.c.state == state.value, _as_indexed(OWED), due < today)
    if which is Which.EXPIRED and Kind.QUOTE in kinds:
        for state in (State.POSTED, State.SENT):
            yield last, (_doc.c.state == state.value, _as_indexed("kind = 'quote'"), last < today)
    if which is Which.RUNNING_OUT and Kind.QUOTE in kinds:
        soon = today + dt.timedelta(days=SOON_DAYS)
        sent = _doc.c.state == State.SENT.value
        yield last, (sent, _as_indexed("kind = 'quote'"), last >= today, last <= soon)


def _as_indexed(text: str) -> sa.ColumnElement[bool]:
    """What a partial index holds, in its own words: only so is it known to fit."""
    return cast(sa.ColumnElement[bool], sa.literal_column(f"({text})"))


def _part(one: _Range, limit: int, key: Place | None, upwards: bool) -> sa.Select[Any]:
    return _place(one, limit, key, upwards).subquery().select()


def _place(one: _Range, limit: int, key: Place | None, upwards: bool) -> sa.Select[Any]:
    """Ids and places of a range beyond a key, in order."""
    by = (one.column, _doc.c.id)
    asked = sa.select(_doc.c.id, one.column.label("place")).where(*one.where)
    if key is not None:
        there = sa.tuple_(_literal(one.column, key.at), sa.literal(key.id, BigId))
        asked = asked.where(sa.tuple_(*by) > there if upwards else sa.tuple_(*by) < there)
    return asked.order_by(*(each.asc() if upwards else each.desc() for each in by)).limit(limit)


def _up_to(
    column: sa.ColumnElement[Any], last: sa.FromClause, upwards: bool
) -> sa.ColumnElement[bool]:
    """That a row stands no further than the one in *last*, if there is one."""
    end = Place(dt.date.max, LARGEST_ID) if upwards else Place(dt.date.min, 0)
    at, id_ = sa.select(last.c.place).scalar_subquery(), sa.select(last.c.id).scalar_subquery()
    there = sa.tuple_(
        sa.func.coalesce(at, _literal(column, end.at)),
        sa.func.coalesce(id_, sa.literal(end.id, BigId)),
    )
    here = sa.tuple_(column, _doc.c.id)
    return here <= there if upwards else here >= there


def _literal(column: sa.ColumnElement[Any], at: dt.date) -> sa.ColumnElement[Any]:
    if column is not _doc.c.asked_at:
        return sa.literal(at, sa.Date())
    if not isinstance(at, dt.datetime):
        at = dt.datetime.combine(at, dt.time.min, dt.UTC)
    return sa.literal(at, UtcDateTime())


def _standings(organization_id: int, places: Sequence[Place], zone: str) -> list[Standing]:
    """The heads at these places, in their order."""
    if not places:
        return []
    heads = (
        sa.select(*(_doc.c[name] for name in STANDING_COLUMNS), _customer.c.name)
        .join(_customer, _customer.c.id == _doc.c.customer_id)
        .where(
            _doc.c.id.in_([place.id for place in places]),
            _doc.c.organization_id + 0 == organization_id,  # "+ 0" keeps SQLite at the ids
        )
    )
    with reading() as connection:
        rows = {row.id: standing(row, row.name, zone) for row in connection.execute(heads)}
    return [rows[place.id] for place in places if place.id in rows]
