"""Where **Pay now** leads: a URL template the organization configures (spec L13)."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from portico.records.content import from_minor
from portico.refusals import BadInput
from portico.text import one_line

_FIELDS = ("number", "amount", "minor", "currency", "reference")
_FIELD = re.compile(r"\{([^{}]*)\}")
_UNFIT = re.compile(r"[\s\"<>\\^`|]")
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\.?")
_LONGEST = 1000

_KNOWN = ", ".join("{" + name + "}" for name in _FIELDS)
_HOST = "The payment address needs a host name such as pay.example after https://."
_PORT = "The port in the payment address is a number from 1 to 65535."


def check(template: str) -> str:
    """The template itself, trimmed; empty where there is none. Raises BadInput where a browser
    could not go there, or where it is not https with known fields."""
    template = one_line(template, "payment_url", _LONGEST, required=False)
    if template and (problem := _problem(template)):
        raise BadInput({"payment_url": problem})
    return template


def _problem(template: str) -> str:
    """What is wrong with it, in a sentence; empty where nothing is."""
    if not template.isascii() or _UNFIT.search(template):
        return (
            "Some character in the payment address cannot stand in an address as it is. "
            "A space, for example, is written as %20."
        )
    try:
        parts = urlsplit(template)
        port = parts.port
    except ValueError:
        return _HOST if "[" in template or "]" in template else _PORT
    if parts.scheme != "https" or "{" in parts.netloc:
        return f"The payment address is an https URL; it may hold {_KNOWN} after the host name."
    if "@" in parts.netloc:
        return "The payment address holds no name and no password: customers would read them."
    if not _HOST_NAME.fullmatch(parts.hostname or ""):
        return _HOST
    if port == 0:
        return _PORT
    if set(_FIELD.findall(template)) - set(_FIELDS) or re.search("[{}]", _FIELD.sub("", template)):
        return f"Between {{ and }} in the payment address stands one of {_KNOWN}."
    return ""


def fill(template: str, *, number: str, minor: int, currency: str, reference: str) -> str:
    """The URL for one amount in minor units; every value is percent-encoded."""
    values = {
        "number": number,
        "amount": format(from_minor(minor, currency), "f"),
        "minor": str(minor),
        "currency": currency,
        "reference": reference,
    }
    return _FIELD.sub(lambda match: quote(values[match[1]], safe=""), template)
