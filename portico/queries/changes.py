"""What changed between two revisions, in sentences a customer reads (spec L7)."""

from __future__ import annotations

from collections.abc import Iterator

from portico import formats
from portico.records.content import DocumentContent, Line

_MOST = 12


def between(
    before: DocumentContent, after: DocumentContent, locale: str, zone: str = "UTC"
) -> list[str]:
    """Plain sentences, the total first; at most a dozen, the rest counted."""
    found = list(_all(before, after, locale, zone))
    if len(found) > _MOST:
        rest = len(found) - _MOST + 1
        found = [*found[: _MOST - 1], f"And {rest} smaller changes."]
    return found


def _all(before: DocumentContent, after: DocumentContent, locale: str, zone: str) -> Iterator[str]:
    if (before.totals.payable, before.currency) != (after.totals.payable, after.currency):
        old = formats.money(before.totals.payable, before.currency, locale)
        new = formats.money(after.totals.payable, after.currency, locale)
        yield f"The total was {old} and is now {new}."
    if before.valid_until != after.valid_until:
        if after.valid_until is None:
            yield "It no longer has a last valid day."
        else:
            yield f"It is now valid until {formats.day(after.valid_until, locale)}."
    if before.expires_at != after.expires_at:
        if after.expires_at is None:
            yield "It is now open without an end."
        else:
            yield f"It is now open until {formats.moment(after.expires_at, locale, zone)}."
    yield from _shared(before, after)
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


def _shared(before: DocumentContent, after: DocumentContent) -> Iterator[str]:
    """What changed in a proposal, a request, an acceptance or a time approval."""
    if before.title != after.title:
        yield f"It is now called {after.title}." if after.title else "It has no title any more."
    if before.proposal and after.proposal:
        if before.proposal.fee_model is not after.proposal.fee_model:
            yield f"The fee model is now: {after.proposal.fee_model.label.lower()}."
        old = {chapter.heading: chapter.body for chapter in before.proposal.chapters}
        new = {chapter.heading: chapter.body for chapter in after.proposal.chapters}
        yield from (f"New chapter: {one}." for one in new if one not in old)
        yield from (f"Chapter removed: {one}." for one in old if one not in new)
        yield from (f"Chapter changed: {one}." for one in new if old.get(one, new[one]) != new[one])
    if before.acceptance and after.acceptance and before.acceptance != after.acceptance:
        yield "What you confirm changed."
    if before.request and after.request and before.request != after.request:
        yield "What we ask for changed."
    if before.time and after.time and before.time != after.time:
        old_hours, new_hours = formats.hours(before.time.minutes), formats.hours(after.time.minutes)
        yield f"The hours changed: they were {old_hours} in all and are now {new_hours}."


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
