"""What every page of the portal shows around its matter: app bar and side navigation (A10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, request, url_for

from blueprints.customer_portal.gate import signed_in
from portico.queries.signed_in import SignedIn
from portico.records.organization import Section
from portico.web.pages import brand_css_url, page


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the side navigation."""

    label: str
    url: str
    is_current: bool


# label, endpoint, the section that has to be switched on; an endpoint that is not there is left out
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
        navigation=_navigation(who),
        has_page=lambda name: f"customer_portal.{name}" in current_app.view_functions,
        **context,
    )


def _navigation(who: SignedIn) -> list[Entry]:
    here = request.path.rstrip("/")
    entries = []
    for label, name, section in _ENTRIES:
        endpoint = f"customer_portal.{name}"
        if section is not None and section not in who.org.sections:
            continue
        if endpoint not in current_app.view_functions:
            continue
        url = url_for(endpoint)
        path = url.removeprefix(request.script_root)
        entries.append(Entry(label, url, here == path or here.startswith(f"{path}/")))
    return entries
