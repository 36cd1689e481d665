"""How single things are written on paper: amounts, dates, addresses, references."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from portico import formats
from portico.pdf import words
from portico.records.content import (
    REFERENCE_TYPES,
    Address,
    ContactDetails,
    DocumentContent,
    Identifier,
    Period,
    Property,
    Reference,
    TaxCategory,
)


class Writing:
    """The hand for one document, in one locale and time zone."""

    def __init__(self, content: DocumentContent, locale: str, zone: str = "UTC") -> None:
        self.content = content
        self.locale = locale
        self.zone = zone

    def money(self, minor: int) -> str:
        """Minor units with the currency's sign."""
        return formats.money(minor, self.content.currency, self.locale)

    def plain(self, minor: int) -> str:
        """Minor units without the sign."""
        return formats.plain_money(minor, self.content.currency, self.locale)

    def amount(self, value: str | None) -> str:
        """A decimal amount without the sign; nothing for nothing."""
        return formats.amount(value, self.content.currency, self.locale) if value else ""

    def number(self, value: str | None) -> str:
        """A quantity or rate."""
        return formats.number(value, self.locale) if value else ""

    def _percent(self, value: str | None) -> str:
        return formats.percent(value, self.locale) if value else ""

    def day(self, value: dt.date | None) -> str:
        """A date; nothing for none."""
        return formats.day(value, self.locale) if value else ""

    def moment(self, value: dt.datetime | None) -> str:
        """A UTC moment where the organization is; nothing for none."""
        return formats.moment(value, self.locale, self.zone) if value else ""

    def period(self, period: Period | None) -> str:
        """``1 Jan 2026 – 31 Jan 2026``, open ends said in words."""
        if not period:
            return ""
        start = f"{self.day(period.start)} {period.start_time or ''}".strip()
        end = f"{self.day(period.end)} {period.end_time or ''}".strip()
        if start and end:
            span = start if start == end else f"{start} – {end}"
        else:
            span = f"from {start}" if start else f"until {end}" if end else ""
        return ", ".join(filter(None, (span, period.description)))

    def _quantity(self, quantity: str | None, unit: str | None) -> str:
        return f"{self.number(quantity)} {formats.unit(unit)}".strip() if quantity else ""

    def _rate(self, tax: TaxCategory) -> str:
        return self._percent(tax.percent) or tax.code or tax.name or ""

    def _tax_label(self, tax: TaxCategory) -> str:
        return words.tax_name(tax, self._percent(tax.percent))

    @staticmethod
    def _properties(properties: Iterable[Property]) -> Iterator[str]:
        yield from (f"{item.name}: {item.value}" for item in properties)

    def _contact(self, contact: ContactDetails | None) -> list[str]:
        if not contact:
            return []
        name = ", ".join(filter(None, (contact.name, contact.role, contact.id)))
        fax = f"Fax {contact.fax}" if contact.fax else ""
        reach = self._joined_texts(contact.phone, fax, contact.email)
        lines = (name, reach, *contact.notes)
        return [line for line in lines if line]

    def _address(self, address: Address | None) -> list[str]:
        if not address:
            return []
        place = " ".join(filter(None, (address.postal_code, address.city)))
        country = formats.country(address.country, self.locale) if address.country else ""
        location = self._identifier(address.id)
        land = ", ".join(filter(None, (address.region, country)))
        lines = [*address.lines, place, land, location]
        return [line for line in lines if line]

    @staticmethod
    def _identifier(item: Identifier | None) -> str:
        if not item:
            return ""
        return f"{item.value} ({item.scheme})" if item.scheme else item.value

    @staticmethod
    def _reference_type(item: Reference) -> str:
        return REFERENCE_TYPES.get(item.type, item.type.replace("_", " ").capitalize())

    def _reference(self, item: Reference) -> str:
        file = item.attachment.filename if item.attachment else ""
        number = f"{item.id} ({item.scheme})" if item.id and item.scheme else item.id
        line = f"line {item.line}" if item.line else ""
        parts = (number, line, self.day(item.issued_on), item.description, file, item.uri)
        return ", ".join(part for part in parts if part)

    @staticmethod
    def _joined(pairs: Iterable[tuple[str, str | None]]) -> str:
        return " · ".join(f"{label}: {value}" for label, value in pairs if value)

    @staticmethod
    def _joined_texts(*texts: str | None) -> str:
        return " · ".join(text for text in texts if text)
