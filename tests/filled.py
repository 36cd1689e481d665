"""A document whose every field is filled, to prove that nothing of it is left out."""

from __future__ import annotations

import datetime as dt
from typing import get_args, get_origin

from pydantic import BaseModel

from portico import formats

# What no customer needs to read: codes that are printed in words or mean nothing to people.
UNPRINTED = {
    "kind", "currency", "type_code", "reason_code", "mime", "size", "sha256", "code", "type",
    "tax_currency", "charge",
}  # fmt: skip

# Fields whose value is not free, and how the value given here is printed.
SET = {
    "kind": ("invoice", "Invoice"),
    "type_code": ("384", "Corrected invoice"),
    "currency": ("EUR", "€"),
    "tax_currency": ("NOK", "NOK"),
    "country": ("SE", "Sweden"),
    "origin_country": ("NO", "Norway"),
    "unit": ("HUR", "h"),
    "mime": ("a/b", ""),
    "sha256": ("0" * 64, ""),
    "code": ("30", ""),
    "type": ("order", "Purchase order"),
    "expires_at": ("2026-11-30T12:00:00Z", "30 Nov 2026, 12:00 UTC"),
    "fee_model": ("retainer", "Retainer"),
    "wants": ("file", "A file"),
    "minutes": (450, "7:30"),
}


class Filled:
    """A content whose every field has a value of its own, and how each must be printed."""

    def __init__(self) -> None:
        self.printed: dict[str, str] = {}
        self.count = 7100

    def part(self, model: type[BaseModel], path: str) -> dict[str, object]:
        return {
            name: self.value(field.annotation, name, f"{path}.{name}")
            for name, field in model.model_fields.items()
            if name != "statement"
        }

    def value(self, annotation: object, name: str, path: str) -> object:
        kind, many = bare(annotation)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            inner: object = self.part(kind, path)
        elif name in SET:
            inner, said = SET[name]
            self.printed[path] = said
        else:
            inner = self.plain(kind, path)
        if name in UNPRINTED:
            self.printed.pop(path, None)
        return [inner] if many else inner

    def plain(self, kind: object, path: str) -> object:
        self.count += 1
        if kind is dt.date:
            day = dt.date(2020, 1, 1) + dt.timedelta(days=31 * self.count)
            self.printed[path] = formats.day(day, "en_GB")
            return day
        if kind is bool:
            return True
        if kind is int:
            self.printed[path] = f"{self.count:,}.00"
            return self.count * 100
        # A text that is also a number, for fields that hold a decimal.
        self.printed[path] = f"{self.count}"
        return f"{self.count}"


def bare(annotation: object) -> tuple[object, bool]:
    """The type inside ``Annotated``, ``X | None`` and ``tuple[X, ...]``; whether it was many."""
    many = False
    while arguments := get_args(annotation):
        many = many or get_origin(annotation) is tuple
        annotation = arguments[0]
    return annotation, many
