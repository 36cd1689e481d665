"""What every page of the portal shows around its matter: app bar and side navigation (A10)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, request, url_for

from blueprints.customer_portal.gate import signed_in
from portico.records.organization import Section
from portico.web.pages import brand_css_url, page


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the side navigation."""

    label: str
    url: str
    is_current: bool


# label, endpoint, the section that has to be switched on
_ENTRIES = (
    ("Dashboard", "dashboard", None),
    ("Invoices", "invoices", None),
    ("Quotes", "quotes", None),
    ("Orders", "orders", Section.ORDERS),
    ("Payments", "payments", None),
    ("Credit notes", "credit_notes", None),
    ("Receipts", "receipts", None),
    ("Statement", "statement", None),
    ("Issued statements", "statements", None),
    ("Projects", "projects", Section.PROJECTS),
    ("Proposals", "proposals", Section.PROPOSALS),
    ("Requests", "requests", Section.REQUESTS),
    ("Acceptances", "acceptances", Section.ACCEPTANCES),
    ("Hours to approve", "time", Section.TIME),
    ("Documents", "documents", Section.DOCUMENTS),
    ("Settings", "settings", None),
)


def portal_page(
    template: str, *, part: str | None = None, status: int = 200, **context: Any
) -> Response:
    """A page inside the portal's frame, or its part."""
    who = signed_in()
    return page(
        template,
        part=part,
        status=status,
        org=brand_css_url(who.org),
        me=who,
        navigation=navigation(who.org.sections, url_for),
        has_page=lambda name: f"customer_portal.{name}" in current_app.view_functions,
        **context,
    )


def navigation(sections: Collection[str], url: Callable[..., str]) -> list[Entry]:
    """Where the side leads, with the *sections* that are switched on; *url* makes addresses of the
    portal's pages, and none of those that are left out. The current entry is the one whose page is
    asked for, or one below it."""
    here = f"{request.script_root}{request.path}/"
    shown = [one for one in _ENTRIES if one[2] is None or one[2] in sections]
    every = [(label, url(f"customer_portal.{name}")) for label, name, _section in shown]
    urls = [(label, one) for label, one in every if one]
    at = max((one for _, one in urls if here.startswith(f"{one}/")), key=len, default=None)
    return [Entry(label, one, one == at) for label, one in urls]
