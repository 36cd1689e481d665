"""What people choose for themselves in the portal: form of address, formats, mail (spec A11)."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from functools import lru_cache

from portico import formats
from portico.db import db, unit_of_work
from portico.records.account import PortalAccount
from portico.records.activity import Activity
from portico.refusals import BadInput
from portico.services import activity
from portico.services.actors import Actor, hold
from portico.text import one_line

LOCALES = (
    "ar", "bg", "bn", "ca", "cs", "da", "de", "de_AT", "de_CH", "el", "en_AU", "en_CA", "en_GB",
    "en_IE", "en_IN", "en_NZ", "en_US", "en_ZA", "es", "es_MX", "et", "fa", "fi", "fr", "fr_BE",
    "fr_CA", "fr_CH", "he", "hi", "hr", "hu", "id", "is", "it", "it_CH", "ja", "ko", "lt", "lv",
    "ms", "nb", "nl", "nl_BE", "nn", "pl", "pt", "pt_PT", "ro", "ru", "sk", "sl", "sr", "sv", "th",
    "tr", "uk", "ur", "vi", "zh", "zh_TW",
)  # fmt: skip
# One for each clock that many people live by; whoever lives by another one finds one like it.
ZONES = (
    "UTC",
    "Africa/Cairo", "Africa/Casablanca", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi",
    "America/Anchorage", "America/Argentina/Buenos_Aires", "America/Bogota", "America/Caracas",
    "America/Chicago", "America/Denver", "America/Halifax", "America/Lima", "America/Los_Angeles",
    "America/Mexico_City", "America/New_York", "America/Nuuk", "America/Phoenix",
    "America/Puerto_Rico", "America/Santiago", "America/Sao_Paulo", "America/St_Johns",
    "America/Toronto", "America/Vancouver",
    "Asia/Almaty", "Asia/Baghdad", "Asia/Baku", "Asia/Bangkok", "Asia/Colombo", "Asia/Dhaka",
    "Asia/Dubai", "Asia/Ho_Chi_Minh", "Asia/Hong_Kong", "Asia/Jakarta", "Asia/Jerusalem",
    "Asia/Kabul", "Asia/Karachi", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Manila", "Asia/Riyadh",
    "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Taipei", "Asia/Tashkent",
    "Asia/Tbilisi", "Asia/Tehran", "Asia/Tokyo", "Asia/Yangon", "Asia/Yerevan",
    "Atlantic/Azores", "Atlantic/Reykjavik",
    "Australia/Adelaide", "Australia/Brisbane", "Australia/Darwin", "Australia/Perth",
    "Australia/Sydney",
    "Europe/Amsterdam", "Europe/Athens", "Europe/Belgrade", "Europe/Berlin", "Europe/Brussels",
    "Europe/Bucharest", "Europe/Budapest", "Europe/Copenhagen", "Europe/Dublin",
    "Europe/Helsinki", "Europe/Istanbul", "Europe/Kyiv", "Europe/Lisbon", "Europe/London",
    "Europe/Madrid", "Europe/Moscow", "Europe/Oslo", "Europe/Paris", "Europe/Prague",
    "Europe/Riga", "Europe/Rome", "Europe/Sofia", "Europe/Stockholm", "Europe/Tallinn",
    "Europe/Vienna", "Europe/Vilnius", "Europe/Warsaw", "Europe/Zagreb", "Europe/Zurich",
    "Pacific/Auckland", "Pacific/Fiji", "Pacific/Guam", "Pacific/Honolulu", "Pacific/Tongatapu",
)  # fmt: skip
_EXAMPLE = dt.date(2026, 12, 31)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What an account's owner chose; locale and time zone None: as the organization has them."""

    salutation: str = ""
    locale: str | None = None
    timezone: str | None = None
    mail_documents: bool = False
    mail_decisions: bool = False
    mail_messages: bool = False
    mail_reminders: bool = False


def of_locales() -> list[tuple[str, str]]:
    """Code and name of every locale to choose from, each in its own words and with an example."""
    return [(code, name_of_locale(code)) for code in LOCALES]


@lru_cache(maxsize=256)
def name_of_locale(code: str) -> str:
    """``Deutsch (Österreich): 31.12.2026, 1 234,50``"""
    known = formats.locale_of(code)
    name = known.get_display_name() or code
    day, amount = formats.day(_EXAMPLE, code), formats.plain_money(123450, "EUR", code)
    return f"{name[:1].upper()}{name[1:]}: {day}, {amount}"


def save(actor: Actor, wanted: Preferences) -> None:
    """Keep what the owner of an account chose. Raises BadInput naming each field, NotFound."""
    with unit_of_work():
        account = db.session.get_one(
            PortalAccount,
            actor.account_id,
            with_for_update={"key_share": True},
            populate_existing=True,
        )
        hold(actor)
        values = asdict(_checked(wanted, account))
        changed = [name for name, value in values.items() if value != getattr(account, name)]
        for name in changed:
            setattr(account, name, values[name])
        if changed:
            activity.record(actor.entry(Activity.UPDATE_PROFILE, fields=changed))


def _checked(wanted: Preferences, account: PortalAccount) -> Preferences:
    errors: dict[str, str] = {}
    salutation = wanted.salutation
    try:
        salutation = one_line(salutation, "salutation", 60, required=False)
    except BadInput as problem:
        errors |= problem.errors
    # What was chosen before may stay, also where it is not offered any more.
    if wanted.locale not in {None, account.locale, *LOCALES}:
        errors["locale"] = "Please choose one of the list."
    if wanted.timezone not in {None, account.timezone, *ZONES}:
        errors["timezone"] = "Please choose one of the list."
    if errors:
        raise BadInput(errors)
    return Preferences(**(asdict(wanted) | {"salutation": salutation}))
