"""Import: the payments and refunds of a file, with what they settle, all or none (spec I1).

Identity is organization and external id, over payments and refunds alike. The same again changes
nothing; other facts or allocations under the same id are refused, unless an update was asked for,
which puts them in the place of what stood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from portico import clock
from portico.records.customer import Customer
from portico.records.document import Document
from portico.records.organization import Organization
from portico.records.payment import Payment, PaymentKind
from portico.refusals import BadInput, Refusal
from portico.services import buyers, documents, links, payments
from portico.services.imports.outcome import Imported, Outcome
from portico.services.imports.payments_json import (
    KIND_OF,
    ParsedAllocation,
    ParsedPayment,
    Place,
)
from portico.services.imports.refusals import BadFile, Problem
from portico.services.payments import Money, Transfer


@dataclass(slots=True)
class Ready:
    """A payment of the file with what it belongs to, found and held."""

    parsed: ParsedPayment
    money: Money
    customer: Customer
    sides: dict[ParsedAllocation, Document]  # those that are documents
    existing: Payment | None
    outcome: Outcome = Outcome.ADDED
    payment_id: int = 0


def prepare(parsed: list[ParsedPayment], owner: Organization, *, update: bool) -> list[Ready]:
    """Find and hold what each payment names, in the running unit of work. Nothing is changed.

    Raises BadFile with every problem.
    """
    problems: list[Problem] = []
    ready = [one for each in parsed if (one := _found(each, owner, problems)) is not None]
    for one in ready:
        _hold(one, owner, problems)
    for one in ready:
        _judge(one, problems, update=update)
    if problems:
        raise BadFile(problems)
    return ready


def store(ready: list[Ready], *, by: str) -> Iterator[Imported]:
    """Write the payments, then what they settle. Raises BadFile with every problem."""
    fresh = [one for one in ready if one.outcome is not Outcome.UNCHANGED]
    problems: list[Problem] = []
    for one in fresh:
        with _refused(one.parsed.place, problems):
            _write(one, by)
    for one in fresh if not problems else ():
        for allocation in one.parsed.allocations:
            with _refused(allocation.place, problems):
                _settle(one, allocation, by)
    if problems:
        raise BadFile(problems)
    for one in ready:
        yield Imported(
            payments.LABELS[one.parsed.kind],
            one.money.number,
            one.outcome,
            one.customer.name,
            payment_id=one.payment_id,
        )


@contextmanager
def _refused(place: Place, problems: list[Problem]) -> Iterator[None]:
    """Let a refusal be one of the file's problems, with its place."""
    try:
        yield
    except BadInput as refusal:
        for field, sentence in refusal.errors.items():
            problems.append(Problem(sentence, f"{place.path}.{field}", place.line))
    except Refusal as refusal:
        problems.append(place.problem(refusal.sentence))


def _found(parsed: ParsedPayment, owner: Organization, problems: list[Problem]) -> Ready | None:
    """The payment with its customer, whose books are held from here on."""
    money = None
    with _refused(parsed.place, problems):
        money = Money(
            parsed.kind,
            parsed.amount,
            parsed.currency,
            parsed.received_on,
            parsed.number,
            parsed.external_id,
            parsed.method,
            parsed.reference,
        ).checked(clock.today(owner.timezone))
    customer = buyers.match(parsed.customer, owner)
    if customer is None:
        problems.append(parsed.place.problem("No customer, or more than one, is named like this."))
    if customer is None or money is None:
        return None
    payments.hold_books(customer.id)
    existing = payments.find_by_external_id(owner.id, money.external_id)
    return Ready(parsed, money, customer, {}, existing)


def _hold(one: Ready, owner: Organization, problems: list[Problem]) -> None:
    """Find and hold the documents that its allocations name."""
    for allocation in one.parsed.allocations:
        kind = KIND_OF.get(allocation.side)
        if kind is None:
            continue
        with _refused(allocation.place, problems):
            found = documents.find_by_reference(owner.id, kind, allocation.reference)
            one.sides[allocation] = links.held(found.id)


def _judge(one: Ready, problems: list[Problem], *, update: bool) -> None:
    """Whether it is new, the same again, or something else under a known id."""
    existing, place = one.existing, one.parsed.place
    if existing is None:
        return
    one.payment_id = existing.id
    if existing.imported_sha256 == one.parsed.sha256 or _says_the_same(one, existing):
        one.outcome = Outcome.UNCHANGED
    elif not update:
        problems.append(
            place.problem(
                f"There is already another payment or refund with the id “{one.money.external_id}”. "
                "Ask for an update to put this in its place, or give this one an id of its own."
            )
        )
    elif existing.customer_id != one.customer.id:
        problems.append(
            place.problem(
                f"“{one.money.external_id}” belongs to another customer than {one.customer.name}. "
                "Give this one an id of its own."
            )
        )
    else:
        one.outcome = Outcome.REVISED


def _says_the_same(one: Ready, existing: Payment) -> bool:
    """Whether a payment that was recorded by hand is the one in the file, settled the same way."""
    money = one.money
    same = ("amount", "currency", "received_on", "number", "method", "reference")
    if existing.imported_sha256 or existing.kind != money.kind or existing.is_void:
        return False
    if any(getattr(existing, name) != getattr(money, name) for name in same):
        return False
    if existing.customer_id != one.customer.id or len(one.sides) < len(one.parsed.allocations):
        return False
    named = Counter[int]()
    for allocation, document in one.sides.items():
        named[document.id] += allocation.amount
    standing = Counter[int]()
    for settled in payments.allocations_of(existing):
        standing[settled.invoice_id or settled.credit_note_id or 0] += settled.amount
    return named == standing


def _write(one: Ready, by: str) -> None:
    sha256 = one.parsed.sha256
    if one.existing is None:
        one.payment_id = payments.add(one.customer, one.money, by=by, imported_sha256=sha256).id
    else:
        payments.change(one.existing, one.money, by=by, imported_sha256=sha256)


def _settle(one: Ready, allocation: ParsedAllocation, by: str) -> None:
    other = one.sides.get(allocation)
    other_id = other.id if other else _payment_id(one, allocation.reference)
    own_side = "payment" if one.parsed.kind is PaymentKind.PAYMENT else "refund"
    sides = {f"{own_side}_id": one.payment_id, f"{allocation.side}_id": other_id}
    transfer = Transfer(**sides, amount=allocation.amount)
    payments.move(transfer, by=by, made_on=one.money.received_on)


def _payment_id(one: Ready, reference: str) -> int:
    return payments.find_by_reference(one.customer.organization_id, reference).id
