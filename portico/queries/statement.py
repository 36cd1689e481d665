"""What a customer owes: balances, ageing and statements (spec A8, A9, A12).

Owed is what posted invoices ask for, less credit notes and payments, plus refunds. What is owed
now is the sum of what is open, as lists show it; what was owed on an earlier day follows from
that by taking back the movements since. So a statement costs what its period and the time since
hold, however long the history before it is. A document that is dated ahead counts from the day
on which it was posted, because from then on lists show it.

Amounts are minor units of their currency; positive is what the customer owes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import sqlalchemy as sa

from portico import clock, formats
from portico.db import UtcDateTime, db
from portico.queries.faces import day_of
from portico.records.content import EARLIEST, LATEST, Kind
from portico.records.document import KINDS, Document, State
from portico.records.payment import Allocation, Payment, PaymentKind
from portico.refusals import BadInput

MOST_MOVEMENTS = 1000  # of one statement: more make a PDF that takes too long
_LABELS = ("Not due", "1–30 days", "31–60 days", "Over 60 days")
_CREDIT = "Credit"
# Written out, not bound: only so is the index over what is open known to fit.
ZERO: sa.ColumnElement[int] = sa.literal_column("0", sa.Integer)

_doc, _pay, _allocation = Document.__table__, Payment.__table__, Allocation.__table__
doc_sign = sa.case((_doc.c.kind == Kind.INVOICE.value, 1), else_=-1)
pay_sign = sa.case((_pay.c.kind == PaymentKind.REFUND.value, 1), else_=-1)


def documents_of(organization_id: int, customer_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    """The documents that count: posted invoices and credit notes that were not cancelled."""
    return (
        _doc.c.organization_id == organization_id,
        _doc.c.customer_id == customer_id,
        _doc.c.kind.in_([Kind.INVOICE.value, Kind.CREDIT_NOTE.value]),
        _doc.c.posted_at.is_not(None),
        _doc.c.state.not_in([State.DRAFT.value, State.CANCELLED.value]),
    )


def payments_of(organization_id: int, customer_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _pay.c.organization_id == organization_id,
        _pay.c.customer_id == customer_id,
        _pay.c.voided_at.is_(None),
    )


# --- what is open now -------------------------------------------------------------------------


def open_balances(organization_id: int, customer_id: int) -> dict[str, int]:
    """What is owed now, by currency; only those in which something is open."""
    open_ = sa.union_all(
        sa.select(_doc.c.currency, (doc_sign * _doc.c.balance).label("amount")).where(
            *documents_of(organization_id, customer_id), _doc.c.balance != ZERO
        ),
        sa.select(_pay.c.currency, pay_sign * _pay.c.unallocated).where(
            *payments_of(organization_id, customer_id), _pay.c.unallocated > ZERO
        ),
    ).subquery()
    rows = db.session.execute(
        sa.select(open_.c.currency, sa.func.sum(open_.c.amount))
        .group_by(open_.c.currency)
        .order_by(open_.c.currency)
    )
    return {currency: int(amount) for currency, amount in rows}


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is open of one age. A sum: it may be more than any one paper can say."""

    label: str
    amount: int


@dataclass(frozen=True, slots=True)
class Ageing:
    """What is open in one currency, by how long it has been due. The buckets make the balance."""

    currency: str
    balance: int
    buckets: tuple[Bucket, ...]


def ageing(organization_id: int, customer_id: int, today: dt.date) -> list[Ageing]:
    """What is open now, by age on *today*, a row for each currency."""
    rows = db.session.execute(
        sa.select(_doc.c.currency, _age(_doc.c.due_on, today), sa.func.sum(_doc.c.balance))
        .where(
            *documents_of(organization_id, customer_id),
            _doc.c.kind == Kind.INVOICE.value,
            _doc.c.balance != ZERO,
            _doc.c.balance > 0,
        )
        .group_by(_doc.c.currency, sa.literal_column("2"))
    ).all()
    return [
        Ageing(
            currency,
            balance,
            _buckets(((age, amount) for known, age, amount in rows if known == currency), balance),
        )
        for currency, balance in open_balances(organization_id, customer_id).items()
    ]


def _age(due_on: sa.ColumnElement[Any], day: dt.date) -> sa.ColumnElement[int]:
    """Which of the labels: by full days after the due date; what has none is not due."""
    return sa.case(
        (sa.or_(due_on.is_(None), due_on >= day), sa.literal_column("0")),
        (due_on >= day - dt.timedelta(days=30), sa.literal_column("1")),
        (due_on >= day - dt.timedelta(days=60), sa.literal_column("2")),
        else_=sa.literal_column("3"),
    )


def _buckets(owed: Iterable[tuple[int, Any]], balance: int) -> tuple[Bucket, ...]:
    """Invoices by age; the rest up to the balance is credit not used yet."""
    amounts = [0] * len(_LABELS)
    for age, amount in owed:
        amounts[int(age)] += int(amount)
    rest = balance - sum(amounts)
    if rest > 0:  # refunds that belong to nothing yet
        amounts[0] += rest
    buckets = [Bucket(label=one, amount=sum_) for one, sum_ in zip(_LABELS, amounts, strict=True)]
    if rest < 0:
        buckets.append(Bucket(label=_CREDIT, amount=rest))
    return tuple(buckets)


# --- statements -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a statement, both of them in it, in the organization's zone."""

    start: dt.date
    end: dt.date

    def __post_init__(self) -> None:
        """Raises BadInput."""
        if not EARLIEST <= self.start <= LATEST or not EARLIEST <= self.end <= LATEST:
            raise BadInput({"start": "Please choose days between 1900 and 2200."})
        if self.end < self.start:
            raise BadInput({"end": "The last day cannot be before the first."})


@dataclass(frozen=True, slots=True)
class Movement:
    """One thing that changed what is owed, and what was owed after it."""

    on: dt.date
    kind: str  # a Kind or a PaymentKind
    label: str
    id: int  # of the document or the payment
    number: str
    note: str
    amount: int
    balance: int

    @property
    def is_payment(self) -> bool:
        return self.kind in set(PaymentKind)


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """What one customer owed in one currency, from one day to another."""

    currency: str
    span: Span
    opening: int
    movements: tuple[Movement, ...]
    closing: int
    ageing: tuple[Bucket, ...]


class _Row(IntEnum):
    OPEN = 0  # what is open now
    SINCE = 1  # what moved after the last day
    MOVEMENT = 2
    OWED = 3  # invoices open at the last day, by age


def statement(
    organization_id: int, customer_id: int, currency: str, span: Span, zone: str
) -> AccountStatement:
    """The statement of a period, read in one SQL statement and so at one moment.

    Raises BadInput where the period has more movements than fit.
    """
    rows = db.session.execute(_everything(organization_id, customer_id, currency, span, zone)).all()
    found: dict[int, list[Any]] = {kind: [] for kind in _Row}
    for row in rows:
        found[row.what].append(row)
    if len(found[_Row.MOVEMENT]) > MOST_MOVEMENTS:
        raise BadInput(
            {"start": f"There are more than {MOST_MOVEMENTS:,} entries; please choose less time."}
        )
    closing = _sum(found[_Row.OPEN]) - _sum(found[_Row.SINCE])
    opening = closing - _sum(found[_Row.MOVEMENT])
    return AccountStatement(
        currency=currency,
        span=span,
        opening=opening,
        movements=_movements(found[_Row.MOVEMENT], opening, zone),
        closing=closing,
        ageing=_buckets(((row.id, row.amount) for row in found[_Row.OWED]), closing),
    )


def _sum(rows: Iterable[Any]) -> int:
    return sum(int(row.amount or 0) for row in rows)


def _movements(rows: list[Any], opening: int, zone: str) -> tuple[Movement, ...]:
    moved = []
    balance = opening
    for on, _, row in sorted(
        ((_counted_on(row, zone), (row.kind in set(PaymentKind), row.id), row) for row in rows),
        key=lambda one: one[:2],
    ):
        balance += row.amount
        moved.append(
            Movement(
                on, row.kind, label_of(row.kind), row.id, row.number, row.note, row.amount, balance
            )
        )
    return tuple(moved)


def _counted_on(row: Any, zone: str) -> dt.date:
    day: dt.date = row.day
    return min(day, day_of(row.moment, zone))


def label_of(kind: str) -> str:
    if kind in set(PaymentKind):
        return "Payment" if kind == PaymentKind.PAYMENT else "Refund"
    return KINDS[Kind(kind)].label


def _after(
    day: sa.ColumnElement[Any], moment: sa.ColumnElement[Any], last: dt.date, zone: str
) -> sa.ColumnElement[bool]:
    """Whether something counts from a later day than *last*: dated and posted after it."""
    following = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), clock.zone(zone))
    return sa.and_(day > last, moment >= following.astimezone(dt.UTC))


def _everything(
    organization_id: int, customer_id: int, currency: str, span: Span, zone: str
) -> sa.CompoundSelect[Any]:
    documents = (*documents_of(organization_id, customer_id), _doc.c.currency == currency)
    payments = (*payments_of(organization_id, customer_id), _pay.c.currency == currency)

    def posted_after(last: dt.date) -> sa.ColumnElement[bool]:
        return _after(_doc.c.issued_on, _doc.c.posted_at, last, zone)

    def recorded_after(last: dt.date) -> sa.ColumnElement[bool]:
        return _after(_pay.c.received_on, _pay.c.created_at, last, zone)

    before = span.start - dt.timedelta(days=1)
    asked = sa.func.sum(doc_sign * _doc.c.payable)
    paid = sa.func.sum(pay_sign * _pay.c.amount)
    return sa.union_all(
        _row(_Row.OPEN, sa.func.sum(doc_sign * _doc.c.balance)).where(
            *documents, _doc.c.balance != ZERO
        ),
        _row(_Row.OPEN, sa.func.sum(pay_sign * _pay.c.unallocated)).where(
            *payments, _pay.c.unallocated > ZERO
        ),
        _row(_Row.SINCE, asked).where(*documents, posted_after(span.end)),
        _row(_Row.SINCE, paid).where(*payments, recorded_after(span.end)),
        _limited(
            _row(
                _Row.MOVEMENT,
                doc_sign * _doc.c.payable,
                id=_doc.c.id,
                kind=_doc.c.kind,
                number=_doc.c.number,
                day=_doc.c.issued_on,
                moment=_doc.c.posted_at,
            ).where(*documents, posted_after(before), sa.not_(posted_after(span.end)))
        ),
        _limited(
            _row(
                _Row.MOVEMENT,
                pay_sign * _pay.c.amount,
                id=_pay.c.id,
                kind=_pay.c.kind,
                number=_pay.c.number,
                note=_pay.c.reference,
                day=_pay.c.received_on,
                moment=_pay.c.created_at,
            ).where(*payments, recorded_after(before), sa.not_(recorded_after(span.end)))
        ),
        _owed_at(documents, customer_id, span.end, posted_after(span.end), zone),
    )


def _row(what: _Row, amount: sa.ColumnElement[Any], **columns: Any) -> sa.Select[Any]:
    """One of the kinds of row, with the columns that all of them have."""
    shape: dict[str, sa.ColumnElement[Any]] = {
        "id": sa.cast(sa.null(), sa.BigInteger),
        "kind": sa.cast(sa.null(), sa.String),
        "number": sa.cast(sa.null(), sa.String),
        "note": sa.cast("", sa.String),
        "day": sa.cast(sa.null(), sa.Date),
        "moment": sa.cast(sa.null(), UtcDateTime),
    }
    filled = (sa.type_coerce(columns.get(name, empty), empty.type).label(name)
              for name, empty in shape.items())  # fmt: skip
    return sa.select(
        sa.literal_column(str(int(what)), sa.Integer).label("what"), *filled, amount.label("amount")
    )


def _limited(rows: sa.Select[Any]) -> sa.Select[Any]:
    return sa.select(rows.limit(MOST_MOVEMENTS + 1).subquery())


def _owed_at(
    documents: tuple[sa.ColumnElement[bool], ...],
    customer_id: int,
    end: dt.date,
    later: sa.ColumnElement[bool],
    zone: str,
) -> sa.Select[Any]:
    """Invoices by age at the end of a period: what is open now, and what was settled since."""
    invoices = (*documents, _doc.c.kind == Kind.INVOICE.value, sa.not_(later))
    pieces = sa.union_all(
        sa.select(_doc.c.id, _doc.c.due_on, _doc.c.balance.label("amount")).where(
            *invoices, _doc.c.balance != ZERO
        ),
        sa.select(_doc.c.id, _doc.c.due_on, _allocation.c.amount)
        .join(_allocation, _allocation.c.invoice_id == _doc.c.id)
        .where(*invoices, _allocation.c.customer_id == customer_id, _allocation.c.made_on > end),
    ).subquery()
    owed = (
        sa.select(pieces.c.due_on, sa.func.sum(pieces.c.amount).label("amount"))
        .group_by(pieces.c.id, pieces.c.due_on)
        .having(sa.func.sum(pieces.c.amount) > 0)
        .subquery()
    )
    aged = sa.select(
        _age(owed.c.due_on, min(end, clock.today(zone))).label("age"), owed.c.amount
    ).subquery()
    return _row(_Row.OWED, sa.func.sum(aged.c.amount), id=aged.c.age).group_by(aged.c.age)


def currencies(organization_id: int, customer_id: int) -> list[str]:
    """The currencies of a customer's newest invoices, credit notes and payments, the one that is
    used most first."""
    newest = sa.union_all(
        *(
            sa.select(
                sa.select(_doc.c.currency)
                .where(
                    _doc.c.organization_id == organization_id,
                    _doc.c.customer_id == customer_id,
                    _doc.c.kind == kind.value,
                    _doc.c.posted_at.is_not(None),
                )
                .order_by(_doc.c.issued_on.desc(), _doc.c.id.desc())
                .limit(500)
                .subquery()
            )
            for kind in (Kind.INVOICE, Kind.CREDIT_NOTE)
        ),
        sa.select(
            sa.select(_pay.c.currency)
            .where(*payments_of(organization_id, customer_id))
            .order_by(_pay.c.received_on.desc(), _pay.c.id.desc())
            .limit(500)
            .subquery()
        ),
    ).subquery()
    used = sa.select(newest.c.currency).group_by(newest.c.currency)
    used = used.order_by(sa.func.count().desc(), newest.c.currency)
    open_ = dict.fromkeys(open_balances(organization_id, customer_id))
    return list(dict.fromkeys(db.session.scalars(used)) | open_)


def has_used(organization_id: int, customer_id: int, currency: str) -> bool:
    """Whether anything that counts in a statement of the customer is, or was, in a currency."""
    document = sa.select(_doc.c.id).where(
        *documents_of(organization_id, customer_id), _doc.c.currency == currency
    )
    payment = sa.select(_pay.c.id).where(
        *payments_of(organization_id, customer_id), _pay.c.currency == currency
    )
    asked = sa.select(sa.or_(sa.exists(document), sa.exists(payment)))
    return bool(db.session.scalar(asked))


def check_currency(code: str) -> str:
    """Raises BadInput."""
    if not formats.is_currency(code):
        raise BadInput({"currency": "This is not an ISO 4217 currency code."})
    return code
