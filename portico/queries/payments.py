"""Payments and refunds as their customer sees them, and what can still be used (spec A9)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from portico.db import db
from portico.queries.lists import LARGEST_ID, PAGE, Key
from portico.queries.statement import ZERO, documents_of, label_of, pay_sign, payments_of
from portico.records.content import Kind
from portico.records.document import KINDS, CreditNote, Document, Invoice
from portico.records.payment import Allocation, Payment, PaymentKind

_doc, _pay = Document.__table__, Payment.__table__


@dataclass(frozen=True, slots=True)
class AllocationFace:
    """What a payment settled, or what a refund was settled with."""

    label: str
    number: str
    amount: int
    made_on: dt.date
    kind: Kind | None = None  # with document_id: where to read it
    document_id: int | None = None
    payment_id: int | None = None


@dataclass(frozen=True, slots=True)
class PaymentFace:
    """A payment or refund as its customer sees it."""

    id: int
    kind: PaymentKind
    label: str
    number: str
    received_on: dt.date
    method: str
    reference: str
    currency: str
    amount: int
    unallocated: int
    allocations: tuple[AllocationFace, ...]

    @property
    def is_refund(self) -> bool:
        return self.kind is PaymentKind.REFUND


@dataclass(frozen=True, slots=True)
class PaymentsPage:
    """A page of payments, newest first, with the keys of its neighbours where there are any."""

    payments: tuple[PaymentFace, ...]
    older: Key | None  # ask with before=
    newer: Key | None  # ask with after=


def payments_page(
    organization_id: int,
    customer_id: int,
    *,
    before: Key | None = None,
    after: Key | None = None,
    kind: PaymentKind | None = None,
    number: str = "",
    size: int = PAGE,
) -> PaymentsPage:
    """Payments and refunds, newest first: those *before* a place, or those *after* it; where there
    are none, the first page. Voided ones are left out.

    *number* finds those whose number has it somewhere.
    """
    key = sa.tuple_(_pay.c.received_on, _pay.c.id)
    asked = sa.select(_pay).where(*payments_of(organization_id, customer_id))
    if kind is not None:
        asked = asked.where(_pay.c.kind == kind.value)
    if number:
        asked = asked.where(_pay.c.number.icontains(number, autoescape=True))
    if after is not None:
        asked = asked.where(key > (after.on, after.id)).order_by(_pay.c.received_on, _pay.c.id)
    else:
        if before is not None:
            asked = asked.where(key < (before.on, before.id))
        asked = asked.order_by(_pay.c.received_on.desc(), _pay.c.id.desc())
    rows = list(db.session.execute(asked.limit(size + 1)).all())
    if not rows and (before or after):
        return payments_page(organization_id, customer_id, kind=kind, number=number, size=size)
    more = len(rows) > size
    rows = rows[:size]
    if after is not None:
        rows.reverse()
    has_newer = more if after is not None else before is not None
    has_older = True if after is not None else more
    return PaymentsPage(
        _faces(rows),
        older=Key(rows[-1].received_on, rows[-1].id) if rows and has_older else None,
        newer=Key(rows[0].received_on, rows[0].id) if rows and has_newer else None,
    )


def payment_face(organization_id: int, customer_id: int, payment_id: int) -> PaymentFace | None:
    """One payment or refund of this customer; None where there is none."""
    if payment_id > LARGEST_ID:
        return None
    rows = db.session.execute(
        sa.select(_pay).where(*payments_of(organization_id, customer_id), _pay.c.id == payment_id)
    ).all()
    return _faces(list(rows))[0] if rows else None


def _faces(rows: list[Any]) -> tuple[PaymentFace, ...]:
    settled = _allocations([row.id for row in rows])
    return tuple(
        PaymentFace(
            id=row.id,
            kind=PaymentKind(row.kind),
            label=label_of(row.kind),
            number=row.number,
            received_on=row.received_on,
            method=row.method,
            reference=row.reference,
            currency=row.currency,
            amount=row.amount,
            unallocated=row.unallocated,
            allocations=tuple(settled.get(row.id, ())),
        )
        for row in rows
    )


def _allocations(payment_ids: list[int]) -> dict[int, list[AllocationFace]]:
    """By payment or refund, what stands on the other side of each allocation, oldest first."""
    invoice, note = aliased(Invoice), aliased(CreditNote)
    payment, refund = aliased(Payment), aliased(Payment)
    rows = db.session.execute(
        sa.select(Allocation, invoice.number, note.number, payment.number, refund.number)
        .outerjoin(invoice, invoice.id == Allocation.invoice_id)
        .outerjoin(note, note.id == Allocation.credit_note_id)
        .outerjoin(payment, payment.id == Allocation.payment_id)
        .outerjoin(refund, refund.id == Allocation.refund_id)
        .where(
            sa.or_(Allocation.payment_id.in_(payment_ids), Allocation.refund_id.in_(payment_ids))
        )
        .order_by(Allocation.id)
    ).all()
    found: dict[int, list[AllocationFace]] = {}
    for one, invoice_number, note_number, payment_number, refund_number in rows:
        if one.payment_id is not None:
            face = _side(
                one, Kind.INVOICE, one.invoice_id, invoice_number, one.refund_id, refund_number
            )
            found.setdefault(one.payment_id, []).append(face)
        if one.refund_id is not None:
            face = _side(
                one,
                Kind.CREDIT_NOTE,
                one.credit_note_id,
                note_number,
                one.payment_id,
                payment_number,
            )
            found.setdefault(one.refund_id, []).append(face)
    return found


def _side(
    one: Allocation,
    kind: Kind,
    document_id: int | None,
    document_number: str,
    payment_id: int | None,
    payment_number: str,
) -> AllocationFace:
    if document_id is not None:
        return AllocationFace(
            KINDS[kind].label, document_number, one.amount, one.made_on, kind, document_id
        )
    label = "Payment" if kind is Kind.CREDIT_NOTE else "Refund"
    return AllocationFace(label, payment_number, one.amount, one.made_on, payment_id=payment_id)


# --- what can still be used -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Credit:
    """What a customer has in hand in one currency: payments not allocated, open credit notes."""

    currency: str
    payments: int  # less refunds that are not allocated
    credit_notes: int


def credit_in_hand(organization_id: int, customer_id: int) -> list[Credit]:
    """What can still be used, by currency; only those in which there is something. Refunds that
    come out of nothing yet are no credit."""
    nothing = sa.literal_column("0", sa.BigInteger)
    found = sa.union_all(
        sa.select(
            _pay.c.currency, (-pay_sign * _pay.c.unallocated).label("payments"), nothing.label("notes")
        ).where(*payments_of(organization_id, customer_id), _pay.c.unallocated > ZERO),
        sa.select(_doc.c.currency, nothing, _doc.c.balance).where(
            *documents_of(organization_id, customer_id),
            _doc.c.kind == Kind.CREDIT_NOTE.value,
            _doc.c.balance != ZERO,
        ),
    ).subquery()  # fmt: skip
    payments, notes = sa.func.sum(found.c.payments), sa.func.sum(found.c.notes)
    rows = db.session.execute(
        sa.select(found.c.currency, payments, notes)
        .group_by(found.c.currency)
        .having((payments > 0) | (notes > 0))
        .order_by(found.c.currency)
    )
    return [Credit(currency, int(paid), int(notes)) for currency, paid, notes in rows]
