"""Amounts, numbers and dates as people read them, in an organization's language.

Pages, mail and PDF share these; every function takes the locale (``en_GB``, ``de``, ...).
"""

from __future__ import annotations

import copy
import datetime as dt
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_datetime
from babel.numbers import NumberPattern, format_decimal

from portico.records.content import digits_of, from_minor

# UN/ECE Recommendation 20 codes that turn up in published invoices, as a customer would say
# them. "C62" and its kin mean "piece" and are left out of the page.
_UNITS = {
    "HUR": "h", "MIN": "min", "SEC": "s", "DAY": "days", "WEE": "weeks", "MON": "months",
    "ANN": "years", "KGM": "kg", "GRM": "g", "TNE": "t", "MTR": "m", "CMT": "cm", "MMT": "mm",
    "KMT": "km", "MTK": "m²", "MTQ": "m³", "LTR": "l", "MLT": "ml", "HLT": "hl", "KWH": "kWh",
    "MWH": "MWh", "WHR": "Wh", "KWT": "kW", "P1": "%", "SET": "sets", "PR": "pairs",
    "BX": "boxes", "XBX": "boxes", "CS": "cases", "XCS": "cases", "PK": "packs", "XPK": "packs",
    "PF": "pallets", "XPX": "pallets", "RO": "rolls", "XRO": "rolls", "LS": "lump sum",
    "E48": "service units", "TU": "tubes", "BO": "bottles", "XBO": "bottles", "DZN": "dozen",
    "EA": "", "C62": "", "H87": "", "NAR": "", "PCE": "", "ZZ": "", "1": "", "1N": "", "XPP": "",
}  # fmt: skip


@lru_cache(maxsize=256)
def locale_of(code: str) -> Locale:
    """The Babel locale of a code such as ``en_GB``; English where the code is unknown."""
    try:
        return Locale.parse(code.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


@lru_cache(maxsize=4096)
def money(minor: int, currency: str, locale: str) -> str:
    """Whole minor units with the currency's sign: ``€6,227.50``."""
    pattern = _currency_pattern(locale, digits_of(currency))
    value, known = from_minor(minor, currency), locale_of(locale)
    text: str = pattern.apply(value, known, currency=currency, currency_digits=False)
    return _minus_first(text, locale)


@lru_cache(maxsize=256)
def _currency_pattern(locale: str, digits: int) -> NumberPattern:
    """The locale's pattern for money, with ISO's decimals instead of those used in cash."""
    pattern: NumberPattern = copy.copy(locale_of(locale).currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    return pattern


@lru_cache(maxsize=4096)
def amount(value: str | Decimal, currency: str, locale: str) -> str:
    """A decimal amount without sign, at least the currency's decimals, none cut: ``0.496``."""
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    places = max(digits_of(currency), -exponent if isinstance(exponent, int) else 0)
    pattern = "#,##0." + "0" * places if places else "#,##0"
    text = format_decimal(
        number, format=pattern, locale=locale_of(locale), decimal_quantization=False
    )
    return _minus_first(text, locale)


def _minus_first(text: str, locale: str) -> str:
    """The same with its minus bound to the figures: among right-to-left text it would stand
    behind them."""
    rtl = direction(locale) == "rtl"
    return text.replace("-", "\N{LEFT-TO-RIGHT MARK}-") if rtl else text


@lru_cache(maxsize=4096)
def plain_money(minor: int, currency: str, locale: str) -> str:
    """Whole minor units without the sign, for columns: ``4,982.00``."""
    return amount(from_minor(minor, currency), currency, locale)


@lru_cache(maxsize=4096)
def number(value: str | Decimal, locale: str) -> str:
    """A quantity or rate with no decimals but its own: ``16``, ``7.5``."""
    text = format_decimal(Decimal(value), locale=locale_of(locale), decimal_quantization=False)
    return _minus_first(text, locale)


def percent(value: str | Decimal, locale: str) -> str:
    """A rate that is already in per cent: ``25%``."""
    return number(value, locale) + "%"


@lru_cache(maxsize=4096)
def day(value: dt.date, locale: str) -> str:
    """A date in the locale's middle length: ``12 Nov 2026``."""
    return format_date(value, format="medium", locale=locale_of(locale))


def moment(value: dt.datetime, locale: str, zone: str) -> str:
    """A UTC moment in *zone*, with the zone named: ``12 Nov 2026, 09:14 CET``."""
    local = value.astimezone(ZoneInfo(zone))
    return f"{format_datetime(local, format='d MMM y, HH:mm', locale=locale_of(locale))} {local.tzname()}"


def hours(minutes: int) -> str:
    """Minutes as hours and minutes: ``7:30``."""
    return f"{minutes // 60}:{minutes % 60:02}"


def unit(code: str | None) -> str:
    """A unit of measure as a customer would say it; unknown codes are shown as they are."""
    if not code:
        return ""
    return _UNITS.get(code, code)


@lru_cache(maxsize=512)
def country(code: str, locale: str) -> str:
    """The name of an ISO 3166-1 country; what is not a code is shown as it is."""
    return locale_of(locale).territories.get(code.upper()) or code


def direction(locale: str) -> str:
    """``rtl`` or ``ltr``."""
    return locale_of(locale).text_direction


def is_locale(code: str) -> bool:
    """Whether Babel knows this locale."""
    try:
        Locale.parse(code.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return False
    return True


def is_currency(code: str) -> bool:
    """Whether this is an ISO 4217 code."""
    return code in get_global("all_currencies")
