"""A customer's documents, a page at a time (spec A9).

Every list is a merge of *runs*: one kind in one state, in the order of one date. Each run is a
range of an index and is read no further than the page needs, so that a page costs the same at
any depth, whatever else the customer has. What is judged by a deadline (overdue, expired,
awaiting an answer) is ordered by that deadline, everything else by the day of issue.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from portico import clock
from portico.db import BigId, reading
from portico.queries import search
from portico.queries.faces import DocumentFace, document_columns, document_face
from portico.records import organization
from portico.records.content import Kind
from portico.records.decision import Answer
from portico.records.document import KINDS, Document, State
from portico.services.actors import Actor
from portico.text import UNFIT

PAGE = 25
LARGEST_ID = 2**63 - 1
LONGEST_SEARCH = 100
_MOST_NUMBERED = 200  # so many with a part of their number are put in order
# Where what has no deadline stands among what has one.
_NEVER = dt.date.max
_KEY = re.compile(r"(\d{4}-\d{2}-\d{2})\.(\d{1,19})\Z", re.ASCII)


# --- what is listed ---------------------------------------------------------------------------


class Deadline(StrEnum):
    """Which side of its deadline a document has to be on, on the organization's day."""

    ANY = "any"
    AHEAD = "ahead"
    PASSED = "passed"
    NONE = "none"  # it has none


@dataclass(frozen=True, slots=True)
class Run:
    """One kind in one state; with a deadline, in the order of that."""

    kind: Kind
    state: State
    deadline: Deadline = Deadline.ANY


@dataclass(frozen=True, slots=True)
class Filter:
    """A choice of states, under the name it has in the URL."""

    name: str
    label: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One list of the portal: which kinds, and what they can be narrowed down to.

    The first filter is what it opens with: everything, but for requests, which open with what
    waits. Drafts are in none (L16). ``switch`` has to be on for the section to show at all.
    """

    name: str
    title: str
    kinds: tuple[Kind, ...]
    filters: tuple[Filter, ...]
    switch: organization.Section | None = None

    @property
    def everything(self) -> tuple[Run, ...]:
        """All that customers may see of these kinds."""
        return _shown(*self.kinds).runs

    def filter(self, name: str) -> Filter:
        """The named filter; all, where there is none of that name."""
        return next((one for one in self.filters if one.name == name), self.filters[0])


def _runs(kinds: Iterable[Kind], states: Iterable[State], *deadlines: Deadline) -> tuple[Run, ...]:
    return tuple(
        Run(kind, state, deadline)
        for kind in kinds
        for state in states
        for deadline in deadlines or (Deadline.ANY,)
    )


def _shown(*kinds: Kind) -> Filter:
    """Everything of these kinds but drafts. Overdue and expired are no states that are stored."""
    unseen = {State.DRAFT, State.OVERDUE, State.EXPIRED}
    runs = [run for kind in kinds for run in _runs([kind], sorted(KINDS[kind].states - unseen))]
    return Filter("all", "All", tuple(runs))


def _only(name: str, label: str, kind: Kind, *states: State, deadlines: Any = ()) -> Filter:
    return Filter(name, label, _runs([kind], states, *deadlines))


_ISSUED = (State.POSTED, State.SENT)


def _decided(kind: Kind) -> tuple[Filter, ...]:
    """The filters of what is answered with yes or no. What expired is among what waits: until
    when it is open is no part of an index."""
    says = KINDS[kind].says
    filters = [_shown(kind), _only("waiting", "Not answered", kind, *_ISSUED)]
    for answer, state in ((Answer.ACCEPTED, State.ACCEPTED), (Answer.DECLINED, State.DECLINED)):
        if answer in KINDS[kind].answers:
            filters.append(_only(state.value, says[answer].capitalize(), kind, state))
    return tuple(filters)


_RECEIPTS = (Kind.SALES_RECEIPT, Kind.REFUND_RECEIPT)
OWING = (State.POSTED, State.SENT, State.PARTIALLY_PAID)

SECTIONS: dict[str, Section] = {
    section.name: section
    for section in (
        Section("invoices", "Invoices", (Kind.INVOICE,), (
            _shown(Kind.INVOICE),
            _only("open", "Open", Kind.INVOICE, *OWING),
            _only("overdue", "Overdue", Kind.INVOICE, *OWING, deadlines=[Deadline.PASSED]),
            _only("paid", "Paid", Kind.INVOICE, State.PAID),
            _only("cancelled", "Cancelled", Kind.INVOICE, State.CANCELLED),
        )),
        Section("quotes", "Quotes", (Kind.QUOTE,), (
            _shown(Kind.QUOTE),
            _only("awaiting", "Awaiting your answer", Kind.QUOTE, State.SENT,
                  deadlines=[Deadline.AHEAD, Deadline.NONE]),
            _only("accepted", "Accepted", Kind.QUOTE, State.ACCEPTED),
            _only("declined", "Declined", Kind.QUOTE, State.DECLINED),
            _only("expired", "Expired", Kind.QUOTE, *_ISSUED, deadlines=[Deadline.PASSED]),
            _only("withdrawn", "Withdrawn", Kind.QUOTE, State.WITHDRAWN),
        )),
        Section("orders", "Orders", (Kind.SALES_ORDER,), (
            _shown(Kind.SALES_ORDER),
            _only("open", "Open", Kind.SALES_ORDER, *_ISSUED),
            _only("fulfilled", "Fulfilled", Kind.SALES_ORDER, State.FULFILLED),
            _only("cancelled", "Cancelled", Kind.SALES_ORDER, State.CANCELLED),
        ), organization.Section.ORDERS),
        Section("credit-notes", "Credit notes", (Kind.CREDIT_NOTE,), (
            _shown(Kind.CREDIT_NOTE),
            _only("open", "With credit left", Kind.CREDIT_NOTE, *_ISSUED),
            _only("applied", "Used up", Kind.CREDIT_NOTE, State.APPLIED),
            _only("cancelled", "Cancelled", Kind.CREDIT_NOTE, State.CANCELLED),
        )),
        Section("receipts", "Receipts", _RECEIPTS, (
            _shown(*_RECEIPTS),
            Filter("sales", "Paid by you", _shown(Kind.SALES_RECEIPT).runs),
            Filter("refunds", "Refunded to you", _shown(Kind.REFUND_RECEIPT).runs),
        )),
        Section("statements", "Statements", (Kind.STATEMENT,), (_shown(Kind.STATEMENT),)),
        Section("proposals", "Proposals", (Kind.PROPOSAL,), _decided(Kind.PROPOSAL),
                organization.Section.PROPOSALS),
        Section("requests", "Requests", (Kind.REQUEST,), (
            _only("open", "Open", Kind.REQUEST, *_ISSUED, State.IN_PROGRESS),
            _only("completed", "Completed", Kind.REQUEST, State.COMPLETED, State.CANCELLED),
        ), organization.Section.REQUESTS),
        Section("acceptances", "Acceptances", (Kind.ACCEPTANCE,), _decided(Kind.ACCEPTANCE),
                organization.Section.ACCEPTANCES),
        Section("time", "Hours to approve", (Kind.TIME_APPROVAL,), _decided(Kind.TIME_APPROVAL),
                organization.Section.TIME),
    )
}  # fmt: skip
SECTION_OF: dict[Kind, str] = {
    kind: section.name for section in SECTIONS.values() for kind in section.kinds
}


# --- a page of it -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """A place in a list: the date that orders it, and the document's id."""

    on: dt.date
    id: int

    @classmethod
    def parse(cls, text: str) -> Key | None:
        """From the URL's form ``2026-11-02.123``; None where it is no place there can be."""
        found = _KEY.match(text)
        if found is None or int(found[2]) > LARGEST_ID:
            return None
        try:
            return cls(dt.date.fromisoformat(found[1]), int(found[2]))
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.on.isoformat()}.{self.id}"


@dataclass(frozen=True, slots=True)
class Page:
    """Documents, newest first, and the keys that lead on; None where there is nothing more."""

    rows: list[DocumentFace]
    older: Key | None
    newer: Key | None


def page(
    actor: Actor,
    chosen: Filter,
    zone: str,
    *,
    term: str = "",
    before: Key | None = None,
    after: Key | None = None,
) -> Page:
    """One page of the actor's documents, judged on the day it is in *zone*.

    *term* is part of a number, in capitals or not. *before* leads to what is older than a key,
    *after* back to what is newer; where either leads to nothing, or *after* to less than a page,
    it is the first page.
    """
    today = clock.today(zone)
    if before is None and after is not None:
        found = _merged(actor, chosen.runs, today, PAGE + 1, term=term, key=after, upwards=True)
        if len(found) > PAGE:
            rows = found[:PAGE][::-1]
            return Page(_faces(actor, rows, zone), rows[-1], rows[0])
    found = _merged(actor, chosen.runs, today, PAGE + 1, term=term, key=before)
    if before is not None and not found:
        before, found = None, _merged(actor, chosen.runs, today, PAGE + 1, term=term)
    rows = found[:PAGE]
    older = rows[-1] if len(found) > PAGE else None
    newer = rows[0] if rows and before is not None else None
    return Page(_faces(actor, rows, zone), older, newer)


def nearest(actor: Actor, runs: tuple[Run, ...], zone: str, count: int) -> list[DocumentFace]:
    """The first *count* documents of these runs by deadline, the earliest first."""
    found = _merged(actor, runs, clock.today(zone), count, upwards=True)
    return _faces(actor, found, zone)


def newest(actor: Actor, runs: tuple[Run, ...], zone: str, count: int) -> list[DocumentFace]:
    """The last *count* documents of these runs, newest first."""
    return _faces(actor, _merged(actor, runs, clock.today(zone), count), zone)


def count(actor: Actor, runs: Iterable[Run], most: int) -> int:
    """How many documents there are in these runs (without deadlines), counted up to *most*."""
    some = [
        sa.select(_doc.c.id).where(*_of(actor, run)).limit(most).subquery().select() for run in runs
    ]
    capped = sa.select(sa.union_all(*some).subquery()).limit(most).subquery()
    with reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(capped)).scalar_one()


def search_term(text: str) -> str:
    """What was typed to search for, in NFC and without what no name holds; at most 100 characters.

    Joiners and soft hyphens belong to names; what nobody sees at an end of them came with a copy.
    """
    fit = UNFIT.sub(" ", unicodedata.normalize("NFC", text[: LONGEST_SEARCH * 2]))
    term = " ".join(fit.split())
    unseen = "".join({c for c in term if c.isspace() or not c.isprintable()})
    return term.strip(unseen)[:LONGEST_SEARCH].strip()


# --- runs -------------------------------------------------------------------------------------

_doc = Document.__table__


def _merged(
    actor: Actor,
    runs: Iterable[Run],
    today: dt.date,
    limit: int,
    *,
    term: str = "",
    key: Key | None = None,
    upwards: bool = False,
) -> list[Key]:
    """The next *limit* places over all runs: downwards from *key*, or upwards."""
    few = None
    if term:
        few = search.ids(_doc, ("number",), term, actor.organization_id, _MOST_NUMBERED)
    if few == []:
        return []
    parts = []
    for run in runs:
        bounds = _within(run, today, key, upwards)
        if bounds is None:
            continue
        on, order = _order(run)
        of = _of(actor, run) if few is None else [*_of_ids(actor, run), _doc.c.id.in_(few)]
        part = sa.select(_doc.c.id, on.label("place")).where(*of, *bounds)
        if term and few is None:
            part = part.where(search.written(_doc, ("number",), term))
        part = part.order_by(*(by.asc() if upwards else by.desc() for by in order))
        parts.append(part.limit(limit).subquery().select())
    if not parts:
        return []
    every = sa.union_all(*parts).subquery()
    by = (every.c.place, every.c.id)
    merged = sa.select(every).order_by(*(one.asc() if upwards else one.desc() for one in by))
    with reading() as connection:
        return [Key(row.place, row.id) for row in connection.execute(merged.limit(limit))]


def _of(actor: Actor, run: Run) -> list[sa.ColumnElement[bool]]:
    return [
        _doc.c.organization_id == actor.organization_id,
        _doc.c.customer_id == actor.customer_id,
        _doc.c.kind == run.kind.value,
        _doc.c.state == run.state.value,
    ]


def _of_ids(actor: Actor, run: Run) -> list[sa.ColumnElement[bool]]:
    """The same for few documents whose ids are known: "+ 0" keeps SQLite at those."""
    return [
        _doc.c.organization_id + 0 == actor.organization_id,
        _doc.c.customer_id + 0 == actor.customer_id,
        *_of(actor, run)[2:],
    ]


def _column(run: Run) -> sa.ColumnElement[dt.date]:
    if run.deadline is Deadline.ANY:
        return _doc.c.issued_on
    return _doc.c.valid_until if run.kind is Kind.QUOTE else _doc.c.due_on


def _order(run: Run) -> tuple[sa.ColumnElement[dt.date], tuple[sa.ColumnElement[Any], ...]]:
    """The date that orders a run, and the columns of its index in that order."""
    column = _column(run)
    if run.deadline is Deadline.NONE:
        return sa.literal(_NEVER, sa.Date()), (column, _doc.c.id)
    return column, (column, _doc.c.id)


def _within(
    run: Run, today: dt.date, key: Key | None, upwards: bool
) -> list[sa.ColumnElement[bool]] | None:
    """The part of a run on its side of the deadline and beyond a key; None where that is empty.

    One bound at each end: given two, SQLite begins at the first it sees and reads up to the other.
    """
    if run.deadline is Deadline.NONE:  # all of it stands at one date, the last of all
        return _undated(run, key, upwards)
    column = _column(run)
    bounds: list[sa.ColumnElement[bool]] = []
    passed, ahead = run.deadline is Deadline.PASSED, run.deadline is Deadline.AHEAD
    if key is not None:
        here = sa.tuple_(column, _doc.c.id)
        there = sa.tuple_(sa.literal(key.on, sa.Date()), sa.literal(key.id, BigId))
        if upwards and not (ahead and key.on < today):
            bounds.append(here > there)
            ahead = False
        elif not upwards and not (passed and key.on >= today):
            bounds.append(here < there)
            passed = False
    if passed:
        bounds.append(column < today)
    if ahead:
        bounds.append(column >= today)
    return bounds + _indexed(run)


def _undated(run: Run, key: Key | None, upwards: bool) -> list[sa.ColumnElement[bool]] | None:
    bounds = [_column(run).is_(None), *_indexed(run)]
    if key is None or (upwards and key.on < _NEVER):
        return bounds
    if key.on < _NEVER:
        return None
    return [*bounds, _doc.c.id > key.id if upwards else _doc.c.id < key.id]


def _indexed(run: Run) -> list[sa.ColumnElement[bool]]:
    """What the partial indexes hold, in their own words: only so are they known to fit."""
    if run.deadline is Deadline.ANY:
        return []
    if run.kind is Kind.QUOTE:
        return [_doc.c.kind == sa.literal_column("'quote'")]
    return [_doc.c.balance > sa.literal_column("0")]


def _faces(actor: Actor, places: list[Key], zone: str) -> list[DocumentFace]:
    """The heads at these places, in their order; found through the actor once more (T3)."""
    if not places:
        return []
    # "+ 0" keeps SQLite at the ids: all that the customer has looks as good to it.
    heads = sa.select(*(_doc.c[name] for name in document_columns)).where(
        _doc.c.id.in_([place.id for place in places]),
        _doc.c.organization_id + 0 == actor.organization_id,
        _doc.c.customer_id + 0 == actor.customer_id,
        _doc.c.posted_at.is_not(None),
    )
    with reading() as connection:
        faces = {row.id: document_face(row, zone) for row in connection.execute(heads)}
    return [faces[place.id] for place in places if place.id in faces]
