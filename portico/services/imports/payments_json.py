"""Payments and refunds in Portico's own JSON form (docs/import.md), beside the documents."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from portico.records.content import MOST, Currency, Kind, Name, RequiredName, to_minor
from portico.records.payment import PaymentKind
from portico.services.imports.json_source import JsonFile, joined
from portico.services.imports.parsed import CustomerHints
from portico.services.imports.refusals import Problem, quoted, why

AMOUNT = re.compile(r"\+?[0-9]{1,18}(\.[0-9]{1,12})?")
MOST_ALLOCATIONS = 1000

Amount = Annotated[int, Field(gt=0, le=MOST)]
# What an allocation may name, and what that is.
Side = Literal["invoice", "credit_note", "payment", "refund"]
_OTHER_SIDES: dict[PaymentKind, tuple[Side, Side]] = {
    PaymentKind.PAYMENT: ("invoice", "refund"),
    PaymentKind.REFUND: ("payment", "credit_note"),
}
KIND_OF: dict[Side, Kind] = {"invoice": Kind.INVOICE, "credit_note": Kind.CREDIT_NOTE}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Allocation(_Strict):
    invoice: RequiredName | None = None
    credit_note: RequiredName | None = None
    payment: RequiredName | None = None
    refund: RequiredName | None = None
    amount: Amount


class _Customer(_Strict):
    external_id: RequiredName | None = None
    name: RequiredName | None = None
    tax_id: RequiredName | None = None


class _Payment(_Strict):
    kind: PaymentKind = PaymentKind.PAYMENT
    number: RequiredName
    external_id: RequiredName | None = None
    customer: _Customer
    currency: Currency
    amount: Amount
    received_on: dt.date
    method: Annotated[str, Field(max_length=100)] = ""
    reference: Name = ""
    allocations: tuple[_Allocation, ...] = Field(default=(), max_length=MOST_ALLOCATIONS)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands."""

    path: str
    line: int | None

    def problem(self, sentence: str) -> Problem:
        return Problem(sentence, self.path, self.line)


@dataclass(frozen=True, slots=True)
class ParsedAllocation:
    """What a payment settles, or what settles a refund, by id or number. Minor units."""

    side: Side
    reference: str
    amount: int
    place: Place


@dataclass(frozen=True, slots=True)
class ParsedPayment:
    """One payment or refund, checked as far as a file can be. *amount* in minor units."""

    kind: PaymentKind
    number: str
    external_id: str
    customer: CustomerHints
    currency: str
    amount: int
    received_on: dt.date
    method: str
    reference: str
    allocations: tuple[ParsedAllocation, ...]
    place: Place

    @property
    def sha256(self) -> str:
        """The same for the same facts and allocations, however the file wrote them."""
        facts = [
            self.kind, self.number, self.currency, self.amount, self.received_on.isoformat(),
            self.method, self.reference,
            sorted([one.side, one.reference, one.amount] for one in self.allocations),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def read(file: JsonFile, values: list[Any]) -> tuple[list[ParsedPayment], list[Problem]]:
    """The payments of a file's list, and every fault of every one of them."""
    found: list[ParsedPayment] = []
    problems: list[Problem] = []
    first: dict[str, str] = {}
    for number, value in enumerate(values):
        one = _OnePayment(file, joined("payments", number))
        parsed = one.parsed(value)
        problems += one.problems
        if parsed is None:
            continue
        if parsed.external_id in first:
            sentence = f"{first[parsed.external_id]} has the same id."
            problems.append(parsed.place.problem(sentence))
        first.setdefault(parsed.external_id, parsed.place.path)
        found.append(parsed)
    return found, problems


class _OnePayment:
    """One object of the file on its way to a ParsedPayment."""

    def __init__(self, file: JsonFile, path: str) -> None:
        self.file = file
        self.path = path
        self.problems: list[Problem] = []

    def parsed(self, value: Any) -> ParsedPayment | None:
        """The payment, or ``None`` after noting what is wrong with it."""
        if not isinstance(value, dict):
            self._fault((), "This must be an object.")
            return None
        plain = self._in_minor_units(value)
        try:
            # From JSON text, because only there strict mode takes dates, enums and tuples.
            text = json.dumps(plain, default=float)
            payment = _Payment.model_validate_json(text, strict=True)
        except ValidationError as error:
            for found in error.errors(include_url=False):
                self._fault(found["loc"], _why(found))
            return None
        allocations = [self._allocation(payment, n) for n in range(len(payment.allocations))]
        if not any(payment.customer.model_dump().values()):
            self._fault(("customer",), "Please name the customer by external_id, name or tax_id.")
        if sum(one.amount for one in payment.allocations) > payment.amount:
            self._fault(("allocations",), "These come to more than the amount itself.")
        if self.problems:
            return None
        return ParsedPayment(
            kind=payment.kind,
            number=payment.number,
            external_id=payment.external_id or payment.number,
            customer=_hints(payment.customer),
            currency=payment.currency,
            amount=payment.amount,
            received_on=payment.received_on,
            method=payment.method,
            reference=payment.reference,
            allocations=tuple(one for one in allocations if one is not None),
            place=self._place(()),
        )

    def _allocation(self, payment: _Payment, number: int) -> ParsedAllocation | None:
        one = payment.allocations[number]
        sides = _OTHER_SIDES[payment.kind]
        named = {
            side: reference
            for side in ("invoice", "credit_note", "payment", "refund")
            if (reference := getattr(one, side)) is not None
        }
        if len(named) != 1 or not named.keys() <= set(sides):
            sentence = (
                f"An allocation of a {payment.kind.value} names one {sides[0]} or {sides[1]}."
            )
            self._fault(("allocations", number), sentence.replace("_", " "))
            return None
        side = next(side for side in sides if side in named)
        place = self._place(("allocations", number))
        return ParsedAllocation(side, named[side], one.amount, place)

    # --- amounts ------------------------------------------------------------------------------

    def _in_minor_units(self, value: dict[str, Any]) -> dict[str, Any]:
        currency = value.get("currency")
        plain = dict(value)
        if "amount" in plain:
            plain["amount"] = self._minor(plain["amount"], currency, ("amount",))
        if isinstance(plain.get("allocations"), list):
            plain["allocations"] = [
                {
                    **one,
                    "amount": self._minor(one["amount"], currency, ("allocations", n, "amount")),
                }
                if isinstance(one, dict) and "amount" in one
                else one
                for n, one in enumerate(plain["allocations"])
            ]
        return plain

    def _minor(self, value: Any, currency: Any, location: tuple[str | int, ...]) -> Any:
        """A decimal string in whole minor units; everything else as it is, for the schema."""
        if not isinstance(value, str):
            return value
        if not AMOUNT.fullmatch(value.strip()):
            self._fault(location, f"{quoted(value)} is not an amount; write it as 1234.50.")
            return 1
        try:
            # A currency that is none is named as a fault of its own.
            return to_minor(Decimal(value.strip()), currency if isinstance(currency, str) else "")
        except ValueError as problem:
            self._fault(location, f"{quoted(value)} {problem}.")
            return 1

    # --- places -------------------------------------------------------------------------------

    def _place(self, location: tuple[str | int, ...]) -> Place:
        path = self.path
        for step in location:
            path = joined(path, step)
        return Place(path[:500], self.file.line_of(path))

    def _fault(self, location: tuple[str | int, ...], sentence: str) -> None:
        problem = self._place(location).problem(sentence)
        if problem not in self.problems:
            self.problems.append(problem)


def _why(error: Any) -> str:
    return "This must be above zero." if error["type"] == "greater_than" else why(error)


def _hints(customer: _Customer) -> CustomerHints:
    def given(value: str | None) -> tuple[str, ...]:
        return (value,) if value else ()

    return CustomerHints(
        external_ids=given(customer.external_id),
        tax_ids=given(customer.tax_id),
        names=given(customer.name),
    )
