"""Quotes and invoices as somebody types them, and what a paper with these words says (spec C4).

What is shown while somebody types and what is stored come from the same sums: a line is quantity
times price, rounded half up to the currency's digits; tax is rounded once for each rate.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TypeVar

from pydantic import ValidationError

from portico import formats
from portico.records.content import (
    EARLIEST,
    LATEST,
    MOST,
    Address,
    DocumentContent,
    Kind,
    Line,
    Party,
    TaxCategory,
    TaxGroup,
    Totals,
    digits_of,
    from_minor,
)
from portico.refusals import BadInput
from portico.text import one_line, paragraphs, plain_number

Value = TypeVar("Value")

KINDS = (Kind.QUOTE, Kind.INVOICE)
MOST_LINES = 200
LONGEST_TEXT = 10_000
_QUANTITY = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")
_PRICE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_PERCENT = re.compile(r"[0-9]{1,2}(\.[0-9]{1,4})?|100(\.0{1,4})?")
_LAST_DAY = {Kind.QUOTE: "valid_until", Kind.INVOICE: "due_on"}


@dataclass(frozen=True, slots=True)
class TypedLine:
    """One line of the form, as it was typed."""

    name: str = ""
    note: str = ""
    quantity: str = ""
    unit: str = ""
    price: str = ""
    tax: str = ""  # per cent; empty: no tax is stated
    id: str = ""  # what an imported paper calls the line

    @property
    def is_blank(self) -> bool:
        """Whether nobody wrote anything into it: the rest is there before anybody types."""
        return not (self.name.strip() or self.note.strip() or self.price.strip())


@dataclass(frozen=True, slots=True)
class TypedPaper:
    """The form of a quote or an invoice, as it was typed."""

    number: str = ""
    title: str = ""
    issued_on: str = ""
    last_day: str = ""  # valid until, or due
    currency: str = ""
    address: str = ""  # of the buyer
    notes: str = ""
    terms: str = ""
    lines: tuple[TypedLine, ...] = ()


# --- sums -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Priced:
    """A line that can be counted. *percent* is None where no tax is stated."""

    quantity: Decimal
    price: Decimal
    percent: Decimal | None


@dataclass(frozen=True, slots=True)
class TaxSum:
    percent: Decimal
    taxable: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Sums:
    """What the lines come to, in the currency's own units and rounded to its digits."""

    amounts: tuple[Decimal | None, ...]  # None for a line that cannot be counted
    taxes: tuple[TaxSum, ...]
    net: Decimal
    tax: Decimal
    gross: Decimal


def count(lines: Sequence[Priced | None], currency: str) -> Sums:
    """Each line's amount, the tax of each rate, and the sums. What is None counts for nothing."""
    unit = from_minor(1, currency)
    taxable: dict[Decimal, Decimal] = {}
    with localcontext() as context:
        context.prec = 60  # products of two long numbers stay exact
        amounts = [_rounded(one.quantity * one.price, unit) if one else None for one in lines]
        for one, amount in zip(lines, amounts, strict=True):
            if one and amount is not None and one.percent is not None:
                taxable[one.percent] = taxable.get(one.percent, Decimal()) + amount
        taxes = tuple(
            TaxSum(percent, base, _rounded(base * percent / 100, unit))
            for percent, base in taxable.items()
        )
        net = sum((amount for amount in amounts if amount is not None), Decimal())
        tax = sum((one.amount for one in taxes), Decimal())
        return Sums(tuple(amounts), taxes, net, tax, net + tax)


def count_typed(typed: TypedPaper) -> Sums | None:
    """What can be counted of a form so far; None while its currency is no currency."""
    if not formats.is_currency(typed.currency):
        return None
    return count([_priced(one, _Reader(), "") for one in typed.lines], typed.currency)


def _rounded(amount: Decimal, unit: Decimal) -> Decimal:
    return amount.quantize(unit, ROUND_HALF_UP)


# --- from the form to the paper ---------------------------------------------------------------


@dataclass(slots=True)
class _Reader:
    """Reads one field after the other and keeps what is wrong with each."""

    errors: dict[str, str] = field(default_factory=dict)

    def read(self, read: Callable[[], Value]) -> Value | None:
        try:
            return read()
        except BadInput as problem:
            self.errors |= problem.errors
            return None

    def number(self, text: str, shape: re.Pattern[str], name: str, advice: str) -> Decimal | None:
        plain = self.read(lambda: plain_number(text, name))
        if plain is None:
            return None
        if shape.fullmatch(plain):
            return Decimal(plain)
        self.errors[name] = advice if plain else "Please fill this in."
        return None


def content_of(
    kind: Kind, typed: TypedPaper, seller: Party, buyer: Party, base: DocumentContent | None = None
) -> DocumentContent:
    """What the paper says. With a *base*, what that says beside the fields of the form stays.

    Raises BadInput with every field that is wrong; those of a line as ``lines.2.price``.
    """
    reader = _Reader()
    number = reader.read(lambda: one_line(typed.number, "number", 100))
    title = reader.read(lambda: one_line(typed.title, "title", 500, required=False))
    issued = reader.read(lambda: _day(typed.issued_on, "issued_on"))
    last = reader.read(lambda: _day(typed.last_day, "last_day") if typed.last_day.strip() else None)
    if issued and last and last < issued:
        reader.errors["last_day"] = "This day cannot be before the date of the paper."
    currency = typed.currency.strip().upper()
    if not formats.is_currency(currency):
        reader.errors["currency"] = "Please give a currency by its three letters, such as EUR."
    texts = {
        name: reader.read(
            lambda name=name: paragraphs(getattr(typed, name), name, LONGEST_TEXT, required=False)  # type: ignore[misc]
        )
        for name in ("notes", "terms")
    }
    party = reader.read(lambda: _with_address(buyer, typed.address))
    lines, sums = _lines(typed.lines, currency, base, reader)
    if reader.errors or sums is None:
        raise BadInput(reader.errors)
    values = {
        "kind": kind,
        "number": number,
        "title": title or None,
        "currency": currency,
        "issued_on": issued,
        _LAST_DAY[kind]: last,
        "seller": seller,
        "buyer": party,
        **{
            name: _texts(text or "", getattr(base, name) if base else ())
            for name, text in texts.items()
        },
        "lines": lines,
        "taxes": tuple(
            TaxGroup(
                category=_category(one.percent, base),
                taxable=str(one.taxable),
                amount=str(one.amount),
            )
            for one in sums.taxes
        ),
        "totals": _totals(sums, currency),
    }
    kept = {name: getattr(base, name) for name in DocumentContent.model_fields} if base else {}
    try:
        return DocumentContent(**(kept | values))
    except ValidationError as problem:
        fields = {str(error["loc"][0]) for error in problem.errors()}
        name = next((one for one in fields if one in {"notes", "terms", "title", "number"}), "form")
        raise BadInput({name: "Something here cannot be kept as it was typed."}) from None


def _lines(
    typed: Sequence[TypedLine], currency: str, base: DocumentContent | None, reader: _Reader
) -> tuple[tuple[Line, ...], Sums | None]:
    kept = [(at, one) for at, one in enumerate(typed) if not one.is_blank]
    if not kept:
        reader.errors["lines"] = "Please write at least one line."
    if len(kept) > MOST_LINES:
        reader.errors["lines"] = f"There is room for {MOST_LINES} lines; please take some away."
    if reader.errors.get("lines"):
        return (), None
    named = [_named(one, f"lines.{at}.", reader) for at, one in kept]
    read = [_priced(one, reader, f"lines.{at}.") for at, one in kept]
    if reader.errors:
        return (), None
    priced = [one for one in read if one is not None]
    sums = count(priced, currency)
    _check_bounds(sums, currency, [at for at, _one in kept], reader)
    if reader.errors:
        return (), None
    lines = [
        Line(
            id=one.id.strip() or None,
            name=name,
            description=note or None,
            quantity=str(cost.quantity),
            unit=unit or None,
            price=str(cost.price),
            amount=str(amount),
            tax_categories=(_category(cost.percent, base),) if cost.percent is not None
            else (),
        )
        for (_at, one), (name, note, unit), cost, amount in zip(
            kept, named, priced, sums.amounts, strict=True
        )
    ]  # fmt: skip
    return tuple(lines), sums


def _named(one: TypedLine, at: str, reader: _Reader) -> tuple[str, str, str]:
    name = reader.read(lambda: one_line(one.name, f"{at}name", 500))
    note = reader.read(lambda: paragraphs(one.note, f"{at}note", LONGEST_TEXT, required=False))
    unit = reader.read(lambda: one_line(one.unit, f"{at}unit", 100, required=False))
    reader.read(lambda: one_line(one.id, f"{at}name", 500, required=False))
    return name or "", note or "", unit or ""


def _priced(one: TypedLine, reader: _Reader, at: str) -> Priced | None:
    quantity = reader.number(
        one.quantity, _QUANTITY, f"{at}quantity", "Please write a number such as 2.5."
    )
    price = reader.number(
        one.price, _PRICE, f"{at}price", "Please write an amount such as 1250.50, zero or more."
    )
    percent: Decimal | None = None
    if one.tax.strip():
        percent = reader.number(
            one.tax, _PERCENT, f"{at}tax", "Please write a rate from 0 to 100, such as 25."
        )
        if percent is None:
            return None
        percent = percent.normalize()
    if quantity is None or price is None:
        return None
    return Priced(quantity, price, percent)


def _check_bounds(sums: Sums, currency: str, places: Sequence[int], reader: _Reader) -> None:
    largest = from_minor(MOST, currency)
    for at, amount in zip(places, sums.amounts, strict=True):
        if amount is not None and abs(amount) > largest:
            reader.errors[f"lines.{at}.price"] = "This line comes to more than can be counted."
    if not reader.errors and max(abs(sums.net), abs(sums.gross)) > largest:
        reader.errors["lines"] = "The lines come to more than can be counted."
    if not reader.errors and sums.gross < 0:
        reader.errors["lines"] = (
            "The lines come to less than nothing. That would be a credit note, and those are "
            "imported."
        )


def _category(percent: Decimal, base: DocumentContent | None) -> TaxCategory:
    """The base's own words for a rate (exempt, reverse charge), where it has some."""
    written = format(percent, "f")
    for line in base.lines if base else ():
        for known in line.tax_categories:
            if known.percent == written:
                return known
    return TaxCategory(code="S" if percent else "Z", percent=written, scheme="VAT")


def _totals(sums: Sums, currency: str) -> Totals:
    net, tax, gross = (
        int(amount.scaleb(digits_of(currency))) for amount in (sums.net, sums.tax, sums.gross)
    )
    return Totals(lines=net, net=net, tax=tax, gross=gross, payable=gross)


def _day(text: str, name: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text.strip())
    except ValueError:
        raise BadInput({name: "Please give a day, such as 2026-11-30."}) from None
    if not EARLIEST <= day <= LATEST:
        raise BadInput({name: "Please give a day between 1900 and 2200."})
    return day


def _with_address(buyer: Party, text: str) -> Party:
    """The buyer at an address that was typed; one that says the same stays in its parts."""
    text = paragraphs(text, "address", 2000, required=False)
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if "\n".join(lines) == address_of(buyer):
        return buyer
    if len(lines) > 12 or any(len(line) > 500 for line in lines):
        raise BadInput({"address": "Please keep this to twelve lines of 500 characters."})
    return buyer.model_copy(update={"address": Address(lines=tuple(lines)) if lines else None})


def _texts(text: str, base: tuple[str, ...]) -> tuple[str, ...]:
    if text == "\n\n".join(base):
        return base
    return (text,) if text else ()


# --- from the paper to the form ---------------------------------------------------------------


def address_of(party: Party) -> str:
    """An address as somebody would type it: a line for each part."""
    at = party.address
    if at is None:
        return ""
    place = " ".join(part for part in (at.postal_code, at.city) if part)
    parts = (*at.lines, place, at.region, at.country)
    return "\n".join(" ".join(part.split()) for part in parts if part)


def typed_of(content: DocumentContent) -> TypedPaper:
    """The form that a paper comes from, or would have come from."""
    last_day = getattr(content, _LAST_DAY[content.kind])
    return TypedPaper(
        number=content.number,
        title=content.title or "",
        issued_on=content.issued_on.isoformat(),
        last_day=last_day.isoformat() if last_day else "",
        currency=content.currency,
        address=address_of(content.buyer),
        notes="\n\n".join(content.notes),
        terms="\n\n".join(content.terms),
        lines=tuple(_typed_line(line, content.currency) for line in content.lines),
    )


def _typed_line(line: Line, currency: str) -> TypedLine:
    rates = [one.percent or "" for one in line.tax_categories]
    return TypedLine(
        name=line.name,
        note=line.description or "",
        quantity=line.quantity or "",
        unit=line.unit or "",
        price=_as_price(line.price, currency),
        tax=rates[0] if len(rates) == 1 else "",
        id=line.id or "",
    )


def _as_price(price: str | None, currency: str) -> str:
    """With the currency's decimals, as prices are written."""
    digits = digits_of(currency)
    if price is None or not _PRICE.fullmatch(price):
        return price or ""
    decimals = len(price.partition(".")[2])
    return f"{Decimal(price):.{digits}f}" if decimals < digits else price


def lost_by_editing(content: DocumentContent) -> list[str]:
    """What a paper has that the form does not know and that its sums rest on, in words; empty
    where it can be edited. Everything else that the form does not know stays as it is."""
    if content.kind not in KINDS:
        return ["its kind"]
    found = [
        words
        for name, words in (
            ("allowances", "discounts or charges on the whole"),
            ("withholding", "tax that is withheld"),
            ("prepayments", "payments made before"),
            ("tax_in_tax_currency", "tax in another currency"),
            ("statement", "a statement"),
        )
        if getattr(content, name)
    ]
    try:
        again = content_of(
            content.kind, typed_of(content), content.seller, content.buyer, base=content
        )
    except BadInput:
        return [*found, "figures or texts that do not fit the form"]
    return [*found, *_differences(content, again)]


def _differences(content: DocumentContent, again: DocumentContent) -> Iterable[str]:
    if content.lines != again.lines:
        yield "lines with more to them than the form has"
    stated = content.totals.model_dump(exclude_none=True)
    counted = again.totals.model_dump()
    if any(counted[name] != value for name, value in stated.items()):
        yield "sums of its own"
    if content.taxes and content.taxes != again.taxes:
        yield "a tax breakdown of its own"
    rest = set(DocumentContent.model_fields) - {"lines", "totals", "taxes"}
    if any(getattr(content, name) != getattr(again, name) for name in rest):
        yield "texts that the form would write otherwise"
