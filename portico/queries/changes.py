"""What changed between two revisions, in sentences a customer reads (spec L7)."""

from __future__ import annotations

from collections.abc import Iterator

from portico import formats
from portico.records.content import DocumentContent, Line

_MOST = 12


def between(before: DocumentContent, after: DocumentContent, locale: str) -> list[str]:
    """Plain sentences, the total first; at most a dozen, the rest counted."""
    found = list(_all(before, after, locale))
    if len(found) > _MOST:
        rest = len(found) - _MOST + 1
        found = [*found[: _MOST - 1], f"And {rest} smaller changes."]
    return found


def _all(before: DocumentContent, after: DocumentContent, locale: str) -> Iterator[str]:
    if (before.totals.payable, before.currency) != (after.totals.payable, after.currency):
        old = formats.money(before.totals.payable, before.currency, locale)
        new = formats.money(after.totals.payable, after.currency, locale)
        yield f"The total was {old} and is now {new}."
    if before.valid_until != after.valid_until:
        if after.valid_until is None:
            yield "It no longer has a last valid day."
        else:
            yield f"It is now valid until {formats.day(after.valid_until, locale)}."
    yield from _lines(before, after, locale)
    for name, text in (
        ("terms", "The terms changed."),
        ("payment_terms", "The payment terms changed."),
        ("notes", "The notes changed."),
        ("deliveries", "The delivery changed."),
        ("allowances", "The discounts or charges changed."),
        ("buyer", "The address or details of the customer changed."),
        ("seller", "The details of the seller changed."),
    ):
        if getattr(before, name) != getattr(after, name):
            yield text
    if before.number != after.number:
        yield f"The number was {before.number} and is now {after.number}."


def _lines(before: DocumentContent, after: DocumentContent, locale: str) -> Iterator[str]:
    old = _keyed(before.lines)
    new = _keyed(after.lines)
    for key, line in new.items():
        was = old.get(key)
        if was is None:
            yield f"Added: {line.name}{_price(line, after.currency, locale)}."
        elif was != line:
            yield _line_change(was, line, after.currency, locale)
    for key, line in old.items():
        if key not in new:
            yield f"Removed: {line.name}."


def _keyed(lines: tuple[Line, ...]) -> dict[tuple[str, int], Line]:
    """By name and how often it came before, so that two equal names stay two lines."""
    keyed: dict[tuple[str, int], Line] = {}
    for line in lines:
        count = 0
        while (line.name, count) in keyed:
            count += 1
        keyed[line.name, count] = line
    return keyed


def _line_change(was: Line, line: Line, currency: str, locale: str) -> str:
    parts = []
    if was.quantity != line.quantity and was.quantity and line.quantity:
        old, new = formats.number(was.quantity, locale), formats.number(line.quantity, locale)
        parts.append(f"quantity {old} → {new}")
    if was.price != line.price and was.price and line.price:
        old = formats.amount(was.price, currency, locale)
        parts.append(f"price {old} → {formats.amount(line.price, currency, locale)}")
    if not parts and was.amount != line.amount and was.amount and line.amount:
        old = formats.amount(was.amount, currency, locale)
        parts.append(f"amount {old} → {formats.amount(line.amount, currency, locale)}")
    return f"{line.name}: {', '.join(parts) or 'details changed'}."


def _price(line: Line, currency: str, locale: str) -> str:
    return f" ({formats.amount(line.amount, currency, locale)})" if line.amount else ""
