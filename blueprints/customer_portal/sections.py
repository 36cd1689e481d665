"""Which lists of documents the signed-in customer has (spec A1, A9, W3-W6)."""

from __future__ import annotations

from blueprints.customer_portal.gate import signed_in
from portico.queries.lists import SECTIONS, Section
from portico.refusals import NotFound


def section(name: str) -> Section:
    """The section of this name. Raises NotFound where the organization has switched it off."""
    found = SECTIONS[name]
    if found.switch is not None and found.switch not in signed_in().org.sections:
        raise NotFound(hint="")
    return found
