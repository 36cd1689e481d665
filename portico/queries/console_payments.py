"""Payments and refunds as the team lists and opens them, and what settles what (spec C4).

A list is a range of an index, or a merge of one for each kind, read no further than the page needs. A
search finds what has a part of its number or reference, or of its customer's name; of very many what
is among the newest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from portico.db import BigId, reading
from portico.queries import search
from portico.queries.lists import LARGEST_ID, Key
from portico.queries.statement import ZERO, documents_of, label_of, payments_of
from portico.records.content import Kind
from portico.records.customer import Customer
from portico.records.document import Document, State
from portico.records.payment import Allocation, Payment, PaymentKind
from portico.services.settlements import Side

PAGE = 25
_WINDOW = 1000  # so many of the newest are looked through for what very many have
_FEW_CUSTOMERS = 5  # so many have all their payments listed, however many those are
_MOST_NUMBERED = 100  # so many with a part of their number or reference are put in order
_WRITTEN = ("number", "reference")
_MOST_OPEN = 100  # of one customer, to choose from

_Condition = sa.ColumnElement[bool]

_pay, _doc = Payment.__table__, Document.__table__
_customer, _allocation = Customer.__table__, Allocation.__table__


class Which(StrEnum):
    """A choice of payments, under the name it has in the URL."""

    ALL = "all"
    PAYMENTS = "payments"
    REFUNDS = "refunds"
    OPEN = "open"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Which.ALL: "All",
    Which.PAYMENTS: "Payments",
    Which.REFUNDS: "Refunds",
    Which.OPEN: "Not used up",
}
_KINDS = {
    Which.PAYMENTS: (PaymentKind.PAYMENT,),
    Which.REFUNDS: (PaymentKind.REFUND,),
    Which.OPEN: tuple(PaymentKind),
}


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """A payment or refund, as the team reads it. Amounts in minor units."""

    id: int
    kind: PaymentKind
    number: str
    customer_id: int
    customer_name: str
    received_on: dt.date
    method: str
    reference: str
    currency: str
    amount: int
    unallocated: int
    voided_by: str | None
    created_by: str
    created_at: dt.datetime

    @property
    def label(self) -> str:
        return label_of(self.kind)

    @property
    def is_refund(self) -> bool:
        return self.kind is PaymentKind.REFUND

    @property
    def is_void(self) -> bool:
        return self.voided_by is not None

    @property
    def side(self) -> Side:
        return Side.REFUND if self.is_refund else Side.PAYMENT


@dataclass(frozen=True, slots=True)
class PaymentsPage:
    """Payments, newest first, and the places that lead on and back, where there is more."""

    rows: list[PaymentRecord]
    on: Key | None
    back: Key | None


# --- the list ---------------------------------------------------------------------------------


def page(
    organization_id: int,
    which: Which = Which.ALL,
    *,
    term: str = "",
    customer_id: int | None = None,
    beyond: Key | None = None,
    before: Key | None = None,
) -> PaymentsPage:
    """One page of an organization's payments and refunds, voided ones too.

    *beyond* leads on from a place, *before* back to what stands before it; where that leaves less
    than a page it is the first page.
    """
    asked = _Asked(organization_id, which, term, customer_id)
    if beyond is None and before is not None:
        found = asked.places(before, backwards=True)
        if len(found) > PAGE:
            shown = found[:PAGE][::-1]
            return PaymentsPage(_records(organization_id, shown), shown[-1], shown[0])
    found = asked.places(beyond)
    shown = found[:PAGE]
    on = shown[-1] if len(found) > PAGE else None
    back = shown[0] if shown and beyond is not None else None
    return PaymentsPage(_records(organization_id, shown), on, back)


@dataclass(frozen=True, slots=True)
class _Asked:
    organization_id: int
    which: Which
    term: str
    customer_id: int | None

    def places(self, key: Key | None, *, backwards: bool = False) -> list[Key]:
        """The next places beyond *key*, or before it, one more than a page."""
        if self.term:
            asked = self._search(key, backwards)
        else:
            parts = [_part(one, PAGE + 1, key, backwards).subquery() for one in self._ranges()]
            every = sa.union_all(*(part.select() for part in parts)).subquery()
            by = (every.c.received_on, every.c.id)
            asked = sa.select(every).order_by(
                *(one.asc() if backwards else one.desc() for one in by)
            )
        with reading() as connection:
            rows = connection.execute(asked.limit(PAGE + 1))
            return [Key(row.received_on, row.id) for row in rows]

    def _ranges(self) -> list[list[_Condition]]:
        """What indexes hold together, in the order of days."""
        all_ = [_pay.c.organization_id == self.organization_id, *self._rest()]
        kinds = _KINDS.get(self.which, ())
        return [[*all_, _pay.c.kind == one.value] for one in kinds] or [all_]

    def _rest(self) -> list[_Condition]:
        rest: list[_Condition] = []
        if self.which is Which.OPEN:
            rest += [_pay.c.unallocated > ZERO, _pay.c.voided_at.is_(None)]
        if self.customer_id is not None:
            rest.append(_pay.c.customer_id == self.customer_id)
        return rest

    def _search(self, key: Key | None, backwards: bool) -> sa.Select[Any]:
        """What has the term in its number or reference, and what is of customers who have it in
        their names; of very many what is among the newest."""
        few = search.ids(_pay, _WRITTEN, self.term, self.organization_id, _MOST_NUMBERED)
        ids = [self._numbered() if few is None else sa.select(_pay.c.id).where(_pay.c.id.in_(few))]
        newest = [search.written(_pay, _WRITTEN, self.term)] if few is None else []
        if self.customer_id is None:
            named = search.Customers(self.organization_id, self.term)
            theirs = named.rows_in(_pay)
            if theirs is not None:
                ids.append(theirs)
            elif named.few is not None and len(named.few) <= _FEW_CUSTOMERS:
                ids += self._of_customers(named.few, key, backwards)
            else:
                newest.append(named.has(_pay.c.customer_id))
        if newest:
            ids += self._among_newest(sa.or_(*newest), key, backwards)
        # "+ 0" and '+ ""' keep SQLite at the ids.
        own = _pay.c.organization_id + 0 == self.organization_id
        where = [_pay.c.id.in_(sa.union_all(*ids)), own, *self._rest()]
        if self.which in _KINDS:
            where.append((_pay.c.kind + "").in_([one.value for one in _KINDS[self.which]]))
        return _part(where, PAGE + 1, key, backwards)

    def _of_customers(
        self, customers: Sequence[int], key: Key | None, backwards: bool
    ) -> Iterator[sa.Select[Any]]:
        """The ids of the next payments of each."""
        for one in customers:
            for where in self._ranges():
                where = [*where, _pay.c.customer_id == one]
                part = _part(where, PAGE + 1, key, backwards).subquery()
                yield sa.select(part.c.id)

    def _among_newest(
        self, wanted: _Condition, key: Key | None, backwards: bool
    ) -> Iterator[sa.Select[Any]]:
        """The ids of what is among the newest of each range, and wanted."""
        ranges = self._ranges()
        for where in ranges:
            last = _part(where, 1, key, backwards).offset(_WINDOW // len(ranges) - 1).subquery()
            where = [*where, _up_to(last, backwards), wanted]
            part = _part(where, PAGE + 1, key, backwards).subquery()
            yield sa.select(part.c.id)

    def _numbered(self) -> sa.Select[Any]:
        """Payments whose whole number was typed."""
        whole = {self.term, self.term.upper(), self.term.lower()}
        return sa.select(_pay.c.id).where(
            _pay.c.organization_id == self.organization_id, _pay.c.external_id.in_(whole)
        )


def _part(
    where: Sequence[_Condition], limit: int, key: Key | None, backwards: bool
) -> sa.Select[Any]:
    """Ids and days of a range beyond a key, in order."""
    by = (_pay.c.received_on, _pay.c.id)
    asked = sa.select(_pay.c.id, _pay.c.received_on).where(*where)
    if key is not None:
        there = sa.tuple_(sa.literal(key.on, sa.Date()), sa.literal(key.id, BigId))
        asked = asked.where(sa.tuple_(*by) > there if backwards else sa.tuple_(*by) < there)
    return asked.order_by(*(one.asc() if backwards else one.desc() for one in by)).limit(limit)


def _up_to(last: sa.FromClause, backwards: bool) -> _Condition:
    """That a row stands no further than the one in *last*, if there is one."""
    end = Key(dt.date.max, LARGEST_ID) if backwards else Key(dt.date.min, 0)
    at, id_ = (
        sa.select(last.c.received_on).scalar_subquery(),
        sa.select(last.c.id).scalar_subquery(),
    )
    there = sa.tuple_(
        sa.func.coalesce(at, sa.literal(end.on, sa.Date())),
        sa.func.coalesce(id_, sa.literal(end.id, BigId)),
    )
    here = sa.tuple_(_pay.c.received_on, _pay.c.id)
    return here <= there if backwards else here >= there


# --- one payment ------------------------------------------------------------------------------

_columns = (
    *(
        _pay.c[name]
        for name in (
            "id", "kind", "number", "customer_id", "received_on", "method", "reference",
            "currency", "amount", "unallocated", "voided_by", "created_by", "created_at",
        )
    ),
    _customer.c.name.label("customer_name"),
)  # fmt: skip


def find(organization_id: int, payment_id: int) -> PaymentRecord | None:
    """A payment or refund of the organization; None for any other id."""
    if not 0 < payment_id <= LARGEST_ID:
        return None
    found = _records(organization_id, [Key(dt.date.min, payment_id)])
    return found[0] if found else None


def _records(organization_id: int, places: Sequence[Key]) -> list[PaymentRecord]:
    """The payments at these places, in their order."""
    if not places:
        return []
    asked = (
        sa.select(*_columns)
        .join(_customer, _customer.c.id == _pay.c.customer_id)
        .where(
            _pay.c.id.in_([place.id for place in places]),
            _pay.c.organization_id + 0 == organization_id,  # "+ 0" keeps SQLite at the ids
        )
    )
    with reading() as connection:
        rows = {row.id: _record(row) for row in connection.execute(asked)}
    return [rows[place.id] for place in places if place.id in rows]


def _record(row: Any) -> PaymentRecord:
    values = row._asdict()
    return PaymentRecord(**(values | {"kind": PaymentKind(row.kind)}))


# --- what settles what ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settled:
    """An amount that moved between what is looked at and something else."""

    allocation_id: int
    side: Side  # of the other
    id: int  # of the other
    number: str
    amount: int
    made_on: dt.date


@dataclass(frozen=True, slots=True)
class OpenSide:
    """Something that money can be moved from or to, and how much is open on it."""

    side: Side
    id: int
    number: str
    on: dt.date | None  # when it is due, or came in
    open: int

    @property
    def key(self) -> str:
        """Its name in a form."""
        return f"{self.side}-{self.id}"


def settled(side: Side, record_id: int) -> list[Settled]:
    """What moved to or from a record, oldest first; at most a few hundred."""
    of_payment = next(one for one in side.opposites if one.is_payment)
    of_document = next(one for one in side.opposites if not one.is_payment)
    payments, documents = _allocation.c[of_payment.column], _allocation.c[of_document.column]
    asked = (
        sa.select(
            _allocation.c.id,
            _allocation.c.amount,
            _allocation.c.made_on,
            payments.label("payment_id"),
            documents.label("document_id"),
            _pay.c.number.label("payment_number"),
            _doc.c.number.label("document_number"),
        )
        .outerjoin(_pay, _pay.c.id == payments)
        .outerjoin(_doc, _doc.c.id == documents)
        .where(_allocation.c[side.column] == record_id)
        .order_by(_allocation.c.id)
        .limit(500)
    )
    with reading() as connection:
        return [
            Settled(
                row.id,
                of_payment if row.payment_id is not None else of_document,
                row.payment_id if row.payment_id is not None else row.document_id,
                row.payment_number if row.payment_id is not None else row.document_number,
                row.amount,
                row.made_on,
            )
            for row in connection.execute(asked)
        ]


def open_for(side: Side, organization_id: int, customer_id: int, currency: str) -> list[OpenSide]:
    """What a payment, refund, invoice or credit note of a customer can settle or be settled with,
    the oldest first; at most a hundred."""
    found: list[OpenSide] = []
    for other in side.opposites:
        found += _open(other, organization_id, customer_id, currency)
    return sorted(found, key=lambda one: (one.on or dt.date.max, one.id))[:_MOST_OPEN]


def overpaid(organization_id: int, customer_id: int, currency: str) -> list[OpenSide]:
    """The invoices of a customer that more was paid on than they ask for, and how much more."""
    asked = sa.select(_doc.c.id, _doc.c.number, (-_doc.c.balance).label("open")).where(
        *documents_of(organization_id, customer_id),
        _doc.c.currency == currency,
        _doc.c.kind == Kind.INVOICE.value,
        _doc.c.state == State.PAID.value,
        _doc.c.balance != ZERO,
        _doc.c.balance < ZERO,
    )
    with reading() as connection:
        rows = connection.execute(asked.order_by(_doc.c.id).limit(_MOST_OPEN))
        return [OpenSide(Side.INVOICE, row.id, row.number, None, row.open) for row in rows]


def _open(side: Side, organization_id: int, customer_id: int, currency: str) -> list[OpenSide]:
    if side.is_payment:
        kind = PaymentKind.REFUND if side is Side.REFUND else PaymentKind.PAYMENT
        on: Any = _pay.c.received_on
        asked = sa.select(
            _pay.c.id, _pay.c.number, on.label("on"), _pay.c.unallocated.label("open")
        )
        asked = asked.where(
            *payments_of(organization_id, customer_id),
            _pay.c.currency == currency,
            _pay.c.kind == kind.value,
            _pay.c.unallocated > ZERO,
        )
    else:
        kind_of = Kind.INVOICE if side is Side.INVOICE else Kind.CREDIT_NOTE
        on = sa.func.coalesce(_doc.c.due_on, _doc.c.issued_on, type_=sa.Date())
        asked = sa.select(_doc.c.id, _doc.c.number, on.label("on"), _doc.c.balance.label("open"))
        asked = asked.where(
            *documents_of(organization_id, customer_id),
            _doc.c.currency == currency,
            _doc.c.kind == kind_of.value,
            _doc.c.balance != ZERO,
            _doc.c.balance > ZERO,
        )
    with reading() as connection:
        rows = connection.execute(asked.order_by(on, sa.literal_column("1")).limit(_MOST_OPEN))
        return [OpenSide(side, row.id, row.number, row.on, row.open) for row in rows]
