"""Money written down together with what it settles, and settled later (spec C4).

Everything that one form says happens in one transaction, or nothing does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portico import clock
from portico.db import db, unit_of_work
from portico.records.customer import Customer
from portico.records.organization import Organization
from portico.records.payment import Allocation, Payment, PaymentKind
from portico.refusals import BadInput, ChangedMeanwhile, Conflict, StaffRefusal
from portico.services import documents, numbering, payments
from portico.services.payments import Money, Transfer

_STARTS = {PaymentKind.PAYMENT: "PAY", PaymentKind.REFUND: "REF"}
_RECENT = 50


class Side(StrEnum):
    """What money moves from or to."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PAYMENT = "payment"
    REFUND = "refund"

    @property
    def column(self) -> str:
        """Where an allocation names it."""
        return f"{self.value}_id"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()

    @property
    def is_payment(self) -> bool:
        return self in {Side.PAYMENT, Side.REFUND}

    @property
    def is_source(self) -> bool:
        return self in {Side.PAYMENT, Side.CREDIT_NOTE}

    @property
    def opposites(self) -> frozenset[Side]:
        """What it can settle, or be settled with."""
        return frozenset(one for one in Side if one.is_source is not self.is_source)


@dataclass(frozen=True, slots=True)
class Part:
    """An amount, minor units, to be moved to or from one other side."""

    side: Side
    id: int
    amount: int

    @property
    def key(self) -> str:
        return f"{self.side}-{self.id}"


def record(customer_id: int, money: Money, parts: Sequence[Part], *, by: str) -> int:
    """Write down a payment or refund and what it settles; returns its id. Where it was written
    down already (by a second click), it stays as it is.

    Raises BadInput with the fields that are wrong; those of a part as ``settle.invoice-12``.
    """
    _require_enough(money.amount, parts)
    try:
        with unit_of_work():
            customer = payments.hold_books(customer_id)
            payment = payments.add(customer, money, by=by)
            side = Side.REFUND if money.kind is PaymentKind.REFUND else Side.PAYMENT
            _move(side, payment.id, parts, by)
            return payment.id
    except (Conflict, IntegrityError):
        recorded = recorded_already(customer_id, money, {one.key: one.amount for one in parts})
        if recorded is None:
            raise BadInput({"number": "Another payment or refund has this number."}) from None
        return recorded


def recorded_already(customer_id: int, money: Money, moved: Mapping[str, int]) -> int | None:
    """The customer's payment or refund that has this number and says the very same, also of what
    it *moved* (minor units by the key of the other side). Raises BadInput where *money* cannot be."""
    organization = db.session.get_one(
        Organization, db.session.get_one(Customer, customer_id).organization_id
    )
    money = money.checked(clock.today(organization.timezone))
    found = payments.find_by_external_id(organization.id, money.external_id)
    if found is None or found.is_void or found.customer_id != customer_id:
        return None
    same = (found.kind, found.amount, found.currency, found.received_on) == (
        money.kind, money.amount, money.currency, money.received_on,
    )  # fmt: skip
    return found.id if same and _moved(found) == moved else None


def _moved(payment: Payment) -> dict[str, int]:
    own = Side.REFUND if payment.kind == PaymentKind.REFUND else Side.PAYMENT
    allocations = sa.select(Allocation).where(getattr(Allocation, own.column) == payment.id)
    return _by_key(own, db.session.scalars(allocations))


def _by_key(own: Side, allocations: Iterable[Allocation]) -> dict[str, int]:
    """What allocations of one record moved, minor units by the key of the other side."""
    moved: dict[str, int] = {}
    for one in allocations:
        for side in own.opposites:
            if (other := getattr(one, side.column)) is not None:
                key = f"{side}-{other}"
                moved[key] = moved.get(key, 0) + one.amount
    return moved


def last_moved(side: Side, record_id: int) -> int:
    """The newest allocation of a record; 0 where there is none."""
    column = getattr(Allocation, side.column)
    return db.session.scalar(sa.select(sa.func.max(Allocation.id)).where(column == record_id)) or 0


def settle(
    side: Side, record_id: int, parts: Sequence[Part], *, by: str, seen: int | None = None
) -> None:
    """Move amounts between a record and others of the same customer. *seen* is the allocation
    that was the last one on screen; a second click moves nothing more.

    Raises BadInput with the parts that cannot be moved; StaffRefusal where there are none;
    ChangedMeanwhile where something else moved since.
    """
    if not parts:
        raise StaffRefusal("Please give an amount for at least one of these.")
    with unit_of_work():
        payments.hold_books(_customer_of(side, record_id))
        if seen is not None and last_moved(side, record_id) != seen:
            if moved_just_now(side, record_id, {p.key: p.amount for p in parts}, seen, by=by):
                return
            raise ChangedMeanwhile(
                "Something moved here meanwhile. Please look at it again; nothing was settled."
            )
        _move(side, record_id, parts, by)


def moved_just_now(
    side: Side, record_id: int, moved: Mapping[str, int], seen: int, *, by: str
) -> bool:
    """Whether the same person *moved* this very much (minor units by the key of the other side),
    and nothing else happened, since allocation *seen*."""
    newer = db.session.scalars(
        sa.select(Allocation).where(
            getattr(Allocation, side.column) == record_id, Allocation.id > seen
        )
    ).all()
    own = all(one.created_by == by and clock.is_just_now(one.created_at) for one in newer)
    return bool(newer) and own and _by_key(side, newer) == moved


def oldest_first(amount: int, open_: Mapping[str, int]) -> dict[str, int]:
    """*amount* shared out over what is open, by key and in order, as far as it goes."""
    shared = {}
    for key, most in open_.items():
        part = min(amount, most)
        if part <= 0:
            break
        shared[key] = part
        amount -= part
    return shared


def next_number(organization_id: int, kind: PaymentKind) -> str:
    """The number that follows the newest ones of its kind and is free."""
    organization = db.session.get_one(Organization, organization_id)
    newest = (
        db.session.execute(
            sa.select(Payment.number)
            .where(Payment.organization_id == organization_id, Payment.kind == kind.value)
            .order_by(Payment.received_on.desc(), Payment.id.desc())
            .limit(_RECENT)
        )
        .scalars()
        .all()
    )
    year = clock.today(organization.timezone).year
    number = numbering.following(newest, year, _STARTS[kind])
    while payments.find_by_external_id(organization_id, number) is not None:
        number = numbering.after(number)
    return number


def _require_enough(amount: int, parts: Sequence[Part]) -> None:
    if sum(part.amount for part in parts) > amount:
        raise BadInput({"amount": "What is shared out below comes to more than this."})


def _move(side: Side, record_id: int, parts: Sequence[Part], by: str) -> None:
    """In the running unit of work; the customer's books are held."""
    for part in parts:
        if part.side not in side.opposites:
            raise BadInput({f"settle.{part.key}": "These two do not settle each other."})
        ids = {side.column: record_id, part.side.column: part.id}
        try:
            payments.move(Transfer(amount=part.amount, **ids), by=by)
        except (BadInput, StaffRefusal) as problem:
            raise BadInput({f"settle.{part.key}": problem.sentence}) from None


def _customer_of(side: Side, record_id: int) -> int:
    if side.is_payment:
        return payments.find(record_id).customer_id
    return documents.find(record_id).customer_id
