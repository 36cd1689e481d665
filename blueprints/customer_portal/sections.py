"""Which lists of documents the signed-in customer has (spec A1, A9)."""

from __future__ import annotations

from blueprints.customer_portal.gate import signed_in
from portico.queries.lists import SECTIONS, Section
from portico.records import organization
from portico.refusals import NotFound

_SWITCHED = {"orders": organization.Section.ORDERS}


def section(name: str) -> Section:
    """The section of this name. Raises NotFound where the organization has switched it off."""
    switch = _SWITCHED.get(name)
    if switch is not None and switch not in signed_in().org.sections:
        raise NotFound(hint="")
    return SECTIONS[name]
