"""Where **Pay now** leads: a URL template the organization configures (spec L13)."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from portico.records.content import from_minor
from portico.refusals import BadInput

_FIELDS = ("number", "amount", "minor", "currency", "reference")
_FIELD = re.compile(r"\{([^{}]*)\}")


def check(template: str) -> str:
    """The template itself. Raises BadInput where it is not an https URL with known fields."""
    parts = urlsplit(_FIELD.sub("x", template))
    fields = _FIELD.findall(template)
    fixed_host = "{" not in template.partition("://")[2].partition("/")[0]
    usable = parts.scheme == "https" and parts.hostname and fixed_host and template.isascii()
    if not usable or set(fields) - set(_FIELDS) or re.search(r"[\s\"<>\\^`|]", template):
        raise BadInput(
            {
                "payment_url": "The payment address is an https URL; it may hold "
                + ", ".join("{" + name + "}" for name in _FIELDS)
                + " after the host name."
            }
        )
    return template


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
