"""Money in and out, and what it settles (spec A9, C4).

An allocation moves an amount from a payment or credit note to an invoice or refund of the same
customer. Whoever changes a customer's money holds the customer's row first, so that two changes
of one customer's books follow each other and never spend an amount twice, and never wait for
each other in a circle.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portico import clock, formats
from portico.db import db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.content import EARLIEST, MOST, to_minor
from portico.records.customer import Customer
from portico.records.document import CreditNote, Document, Invoice
from portico.records.organization import Organization
from portico.records.payment import Allocation, Payment, PaymentKind
from portico.refusals import BadInput, Conflict, StaffRefusal, Unknown
from portico.services import activity, links, notifications
from portico.services.activity import Entry
from portico.text import one_line, plain_number

_NEWS_FOR = dt.timedelta(days=7)  # older money that is only brought in is no news to anybody
_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")
LABELS = {PaymentKind.PAYMENT: "Payment", PaymentKind.REFUND: "Refund"}


@dataclass(frozen=True, slots=True)
class Money:
    """A payment or refund as it is recorded. *amount* is in minor units of *currency*."""

    kind: PaymentKind
    amount: int
    currency: str
    received_on: dt.date
    number: str
    external_id: str = ""  # in the books; the number where there is none
    method: str = ""
    reference: str = ""

    def checked(self, today: dt.date) -> Money:
        """Raises BadInput naming the field."""
        errors = {}
        if self.amount <= 0:
            errors["amount"] = "Please give an amount above zero."
        elif self.amount > MOST:
            errors["amount"] = "This is more than can be counted."
        if not formats.is_currency(self.currency):
            errors["currency"] = "This is not an ISO 4217 currency code."
        if not EARLIEST <= self.received_on <= today:
            errors["received_on"] = "Please give the day it arrived; it cannot be in the future."
        if errors:
            raise BadInput(errors)
        number = one_line(self.number, "number", 500)
        return Money(
            self.kind,
            self.amount,
            self.currency,
            self.received_on,
            number,
            one_line(self.external_id, "external_id", 500, required=False) or number,
            one_line(self.method, "method", 100, required=False),
            one_line(self.reference, "reference", 500, required=False),
        )


@dataclass(frozen=True, slots=True)
class Transfer:
    """From one source to one target, by id. *amount* in minor units; None: as much as is open."""

    payment_id: int | None = None
    credit_note_id: int | None = None
    invoice_id: int | None = None
    refund_id: int | None = None
    amount: int | None = None

    def __post_init__(self) -> None:
        if (self.payment_id is None) == (self.credit_note_id is None):
            raise BadInput({"source": "Please name one payment or one credit note."})
        if (self.invoice_id is None) == (self.refund_id is None):
            raise BadInput({"target": "Please name one invoice or one refund."})


def amount_of(text: str, currency: str) -> int:
    """What somebody typed in the currency's own units, such as ``1250.50``, in minor units.

    Raises BadInput.
    """
    if not formats.is_currency(currency):
        raise BadInput({"currency": "This is not an ISO 4217 currency code."})
    if not _AMOUNT.fullmatch(text.strip()):
        raise BadInput({"amount": "Please write an amount such as 1250.50."})
    try:
        return to_minor(Decimal(text.strip()), currency)
    except ValueError as problem:
        raise BadInput({"amount": f"The amount {problem}."}) from None


def typed_amount(text: str, currency: str) -> int:
    """What somebody typed into a form, with their own decimal sign, in minor units.

    Raises BadInput.
    """
    return amount_of(plain_number(text, "amount"), currency)


def record(customer_id: int, money: Money, *, by: str) -> Payment:
    """Write down money received from a customer, or given back. Nothing is settled by it yet.

    Raises Unknown, BadInput, Conflict where the external id is taken.
    """
    try:
        with unit_of_work():
            return add(hold_books(customer_id), money, by=by)
    except IntegrityError:
        raise Conflict(_taken(money.external_id or money.number)) from None


def add(
    customer: Customer, money: Money, *, by: str, imported_sha256: str | None = None
) -> Payment:
    """A new payment or refund in the running unit of work; the customer's books are held.

    Raises BadInput, Conflict.
    """
    money = money.checked(_today(customer.organization_id))
    if find_by_external_id(customer.organization_id, money.external_id) is not None:
        raise Conflict(_taken(money.external_id))
    payment = Payment(
        organization_id=customer.organization_id,
        customer_id=customer.id,
        created_at=clock.now(),
        created_by=by,
        imported_sha256=imported_sha256,
    )
    _write(payment, money)
    db.session.add(payment)
    db.session.flush()
    _log(_recorded(payment), payment, by)
    if payment.received_on >= _today(payment.organization_id) - _NEWS_FOR:
        notifications.tell_paid(payment)
    return payment


def change(payment: Payment, money: Money, *, by: str, imported_sha256: str) -> None:
    """Other facts for a payment that was imported before; its allocations are released.

    In the running unit of work; the customer's books are held. Raises BadInput, Conflict.
    """
    if payment.is_void:
        raise Conflict(f"{_named(payment)} was voided and cannot be changed.")
    if payment.kind != money.kind:
        raise Conflict(f"{_named(payment)} cannot become a {LABELS[money.kind].lower()}.")
    money = money.checked(_today(payment.organization_id))
    _release(allocations_of(payment))
    _write(payment, money)
    payment.imported_sha256 = imported_sha256
    db.session.flush()
    _log(_recorded(payment), payment, by, changed=True)


def allocate(transfer: Transfer, *, by: str, made_on: dt.date | None = None) -> Allocation:
    """Settle a target with a source, or with a part of it, as of *made_on* (today).

    Raises Unknown, BadInput, StaffRefusal where they do not belong together or less is open.
    """
    with unit_of_work():
        hold_books(_customer_of(transfer))
        return move(transfer, by=by, made_on=made_on)


def move(transfer: Transfer, *, by: str, made_on: dt.date | None = None) -> Allocation:
    """What :func:`allocate` does, in the running unit of work; the customer's books are held."""
    source, target = _source(transfer), _target(transfer)
    if (source.organization_id, source.customer_id) != (
        target.organization_id,
        target.customer_id,
    ):
        raise StaffRefusal(f"{_named(source)} and {_named(target)} are of different customers.")
    if source.currency != target.currency:
        raise StaffRefusal(
            f"{_named(source)} is in {source.currency}, {_named(target)} in {target.currency}."
        )
    for side in (source, target):
        _check_standing(side)
    amount = _amount(transfer, source, target)
    today = _today(source.organization_id)
    allocation = Allocation(
        customer_id=source.customer_id,
        payment_id=transfer.payment_id,
        credit_note_id=transfer.credit_note_id,
        invoice_id=transfer.invoice_id,
        refund_id=transfer.refund_id,
        amount=amount,
        made_on=max(made_on or today, min(_day(source), today), min(_day(target), today)),
        created_at=clock.now(),
        created_by=by,
    )
    db.session.add(allocation)
    for side in (source, target):
        _take(side, amount)
    db.session.flush()
    numbers = {"from": source.number, "to": target.number}
    paid = transfer.payment_id is not None and transfer.invoice_id is not None
    type_ = Activity.PAY_INVOICE if paid else Activity.ALLOCATE_PAYMENT
    _log(type_, target, by, **numbers, amount=amount)
    return allocation


def release(allocation_id: int, *, by: str) -> None:
    """Take an allocation back: its amount is open again on both sides. Raises Unknown."""
    with unit_of_work():
        found = db.session.get(Allocation, allocation_id)
        if found is not None:
            hold_books(found.customer_id)
            found = db.session.get(Allocation, allocation_id, populate_existing=True)
        if found is None:
            raise Unknown("There is no such allocation; it may have been released already.")
        _take_back([found], by)


def release_between(transfer: Transfer, *, by: str) -> int:
    """Take back all that moved from one source to one target; returns how much, in minor units.

    Raises Unknown.
    """
    with unit_of_work():
        hold_books(_customer_of(transfer))
        pair = ("payment_id", "credit_note_id", "invoice_id", "refund_id")
        named = {name: value for name in pair if (value := getattr(transfer, name)) is not None}
        found = db.session.execute(sa.select(Allocation).filter_by(**named)).scalars().all()
        if not found:
            raise Unknown("There is no allocation between these two.")
        return _take_back(found, by)


def release_surplus(invoice_id: int, *, by: str) -> None:
    """What was paid beyond what an invoice asks for is open again on what paid it, the newest
    first. Where there is no surplus nothing changes. Raises Unknown, StaffRefusal."""
    with unit_of_work():
        head = db.session.get(Document, invoice_id)
        if head is None:
            raise Unknown("There is no such document.")
        hold_books(head.customer_id)
        invoice = links.held(invoice_id)
        if not isinstance(invoice, Invoice):
            raise StaffRefusal(f"{_named(invoice)} is not an invoice.")
        for one in reversed(allocations_of(invoice)):
            surplus = min(invoice.surplus, one.amount)
            if surplus:
                _lower(one, surplus, invoice, by)


def _lower(allocation: Allocation, by_amount: int, invoice: Invoice, by: str) -> None:
    source = _side(allocation.payment_id, allocation.credit_note_id)
    for side in (source, invoice):
        _take(side, -by_amount)
    allocation.amount -= by_amount
    if not allocation.amount:
        db.session.delete(allocation)
    db.session.flush()
    numbers = {"from": source.number, "to": invoice.number}
    _log(Activity.ALLOCATE_PAYMENT, invoice, by, **numbers, amount=-by_amount)


def void(payment_id: int, *, by: str, once: bool = False) -> None:
    """A payment or refund that was recorded by mistake: it counts no more, what it settled is open.

    *once*: what the same person voided just now stays as it is. Raises Unknown, Conflict where it
    was voided before.
    """
    with unit_of_work():
        hold_books(find(payment_id).customer_id)
        payment = _held_payment(payment_id)
        if once and _was_voided_just_now(payment, by):
            return
        if payment.is_void:
            raise Conflict(f"{_named(payment)} was voided before.")
        released = len(_release(allocations_of(payment)))
        payment.voided_at, payment.voided_by = clock.now(), by
        _log(Activity.VOID_PAYMENT, payment, by, released=released)


def _was_voided_just_now(payment: Payment, by: str) -> bool:
    at = payment.voided_at
    return at is not None and payment.voided_by == by and clock.is_just_now(at)


def release_document(document: Document) -> int:
    """Release whatever settles a document, or is settled by it, before it is voided.

    In the running unit of work; the customer's books are held. Returns how many were released.
    """
    return len(_release(allocations_of(document)))


def hold_books(customer_id: int) -> Customer:
    """Hold a customer's books for the running unit of work, before any of their documents.

    Raises Unknown.
    """
    customer = db.session.get(
        Customer, customer_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if customer is None:
        raise Unknown("There is no such customer.")
    return customer


# --- finding ----------------------------------------------------------------------------------


def find(payment_id: int) -> Payment:
    """Raises Unknown."""
    payment = db.session.get(Payment, payment_id)
    if payment is None:
        raise Unknown("There is no such payment.")
    return payment


def find_by_external_id(organization_id: int, external_id: str) -> Payment | None:
    return db.session.execute(
        sa.select(Payment)
        .where(Payment.organization_id == organization_id, Payment.external_id == external_id)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def find_by_reference(organization_id: int, reference: str) -> Payment:
    """By external id, else by number where only one has it. Raises Unknown, Conflict."""
    named = find_by_external_id(organization_id, reference)
    if named is not None:
        return named
    found = (
        db.session.execute(
            sa.select(Payment)
            .where(Payment.organization_id == organization_id, Payment.number == reference)
            .limit(2)
        )
        .scalars()
        .all()
    )
    if len(found) > 1:
        raise Conflict(f"Several payments have the number {reference!r}; name one by its id.")
    if not found:
        raise Unknown(f"There is no payment or refund {reference!r}.")
    return found[0]


def allocations_of(side: Payment | Document) -> list[Allocation]:
    """What moves money to or from a payment, refund, invoice or credit note, oldest first."""
    if isinstance(side, Payment):
        which = sa.or_(Allocation.payment_id == side.id, Allocation.refund_id == side.id)
    else:
        which = sa.or_(Allocation.invoice_id == side.id, Allocation.credit_note_id == side.id)
    return list(
        db.session.execute(sa.select(Allocation).where(which).order_by(Allocation.id)).scalars()
    )


# --- both sides -------------------------------------------------------------------------------


def _customer_of(transfer: Transfer) -> int:
    if transfer.payment_id is not None:
        return find(transfer.payment_id).customer_id
    document = db.session.get(Document, transfer.credit_note_id)
    if document is None:
        raise Unknown("There is no such document.")
    return document.customer_id


def _source(transfer: Transfer) -> Payment | Document:
    if transfer.payment_id is not None:
        payment = _held_payment(transfer.payment_id)
        if payment.kind != PaymentKind.PAYMENT:
            raise StaffRefusal(f"{_named(payment)} is money given back; it settles no invoice.")
        return payment
    document = links.held(transfer.credit_note_id or 0)
    if not isinstance(document, CreditNote):
        raise StaffRefusal(f"{_named(document)} is not a credit note.")
    return document


def _target(transfer: Transfer) -> Payment | Document:
    if transfer.refund_id is not None:
        refund = _held_payment(transfer.refund_id)
        if refund.kind != PaymentKind.REFUND:
            raise StaffRefusal(f"{_named(refund)} is not a refund.")
        return refund
    document = links.held(transfer.invoice_id or 0)
    if not isinstance(document, Invoice):
        raise StaffRefusal(f"{_named(document)} is not an invoice.")
    return document


def _held_payment(payment_id: int) -> Payment:
    payment = db.session.get(
        Payment, payment_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if payment is None:
        raise Unknown("There is no such payment.")
    return payment


def _check_standing(side: Payment | Document) -> None:
    if side.is_void:
        raise StaffRefusal(f"{_named(side)} was voided or cancelled.")
    if isinstance(side, Document) and not side.is_posted:
        raise StaffRefusal(f"{_named(side)} is a draft; post it first.")


def _amount(transfer: Transfer, source: Payment | Document, target: Payment | Document) -> int:
    """What moves: never more than is open on either side."""
    wanted = transfer.amount
    if wanted is not None and wanted <= 0:
        raise BadInput({"amount": "Please give an amount above zero."})
    for side in (source, target):
        left = _open(side)
        if left <= 0:
            raise StaffRefusal(f"Nothing is open on {_named(side)}.")
        if wanted is not None and wanted > left:
            amount = formats.plain_money(left, side.currency, "en")
            raise StaffRefusal(f"Only {amount} {side.currency} is open on {_named(side)}.")
    return wanted if wanted is not None else min(_open(source), _open(target))


def _open(side: Payment | Document) -> int:
    return side.unallocated if isinstance(side, Payment) else side.balance


def _take(side: Payment | Document, amount: int) -> None:
    """Lower what is open by *amount*, or raise it by a negative one."""
    if isinstance(side, Payment):
        side.unallocated -= amount
    else:
        side.balance -= amount
        side.settle()


def _release(
    allocations: Iterable[Allocation],
) -> list[tuple[Payment | Document, Payment | Document]]:
    released = []
    for one in allocations:
        source = _side(one.payment_id, one.credit_note_id)
        target = _side(one.refund_id, one.invoice_id)
        for side in (source, target):
            _take(side, -one.amount)
        db.session.delete(one)
        released.append((source, target))
    db.session.flush()
    return released


def _take_back(allocations: Iterable[Allocation], by: str) -> int:
    amounts = [one.amount for one in allocations]
    for (source, target), amount in zip(_release(allocations), amounts, strict=True):
        numbers = {"from": source.number, "to": target.number}
        _log(Activity.ALLOCATE_PAYMENT, target, by, **numbers, amount=-amount)
    return sum(amounts)


def _side(payment_id: int | None, document_id: int | None) -> Payment | Document:
    return _held_payment(payment_id) if payment_id is not None else links.held(document_id or 0)


def _day(side: Payment | Document) -> dt.date:
    return side.received_on if isinstance(side, Payment) else side.issued_on


def _named(side: Payment | Document) -> str:
    label = LABELS[PaymentKind(side.kind)] if isinstance(side, Payment) else side.label
    return f"{label} {side.number}"


def _taken(external_id: str) -> str:
    return f"Another payment or refund already has the id {external_id!r}."


# --- writing ----------------------------------------------------------------------------------


def _write(payment: Payment, money: Money) -> None:
    payment.kind = money.kind.value
    payment.external_id = money.external_id
    payment.number = money.number
    payment.method = money.method
    payment.reference = money.reference
    payment.currency = money.currency
    payment.amount = payment.unallocated = money.amount
    payment.received_on = money.received_on


def _today(organization_id: int) -> dt.date:
    return clock.today(db.session.get_one(Organization, organization_id).timezone)


def _recorded(payment: Payment) -> Activity:
    refund = payment.kind == PaymentKind.REFUND
    return Activity.RECORD_REFUND if refund else Activity.RECORD_PAYMENT


def _log(type_: Activity, about: Payment | Document, by: str, **details: object) -> None:
    if isinstance(about, Payment):
        details = {"number": about.number, "currency": about.currency, **details}
        details.setdefault("amount", about.amount)
    activity.record(
        Entry(
            type_,
            ActorKind.STAFF,
            actor=by,
            organization_id=about.organization_id,
            customer_id=about.customer_id,
            document_id=about.id if isinstance(about, Document) else None,
            details=details,
        )
    )
