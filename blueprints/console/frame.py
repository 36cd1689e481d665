"""What every page of the console shows around its matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, request, url_for

from blueprints.console.gate import me
from portico.queries import staff_signed_in
from portico.queries.staff_signed_in import StaffSignedIn
from portico.records.staff import Permission
from portico.web.pages import brand_css_url, page


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the side navigation."""

    label: str
    url: str
    is_current: bool


# label, endpoint, what is needed; an endpoint that is not there is left out
_ENTRIES = (
    ("Today", "start", Permission.VIEW),
    ("Documents", "documents", Permission.VIEW),
    ("Customers", "customers", Permission.VIEW),
    ("Payments", "payments", Permission.VIEW),
    ("Projects", "projects", Permission.VIEW),
    ("Mail", "mail", Permission.VIEW),
    ("Activity", "activity", Permission.VIEW),
    ("Settings", "settings", Permission.SETTINGS),
    ("Team", "team", Permission.TEAM),
)
# An address that stands below another entry than it begins with.
_BELOW = {"/staff/invitations": "/staff/customers"}


def console_page(
    template: str, *, part: str | None = None, status: int = 200, **context: Any
) -> Response:
    """A page inside the console's frame, or its part, which takes what was said above it before
    off the page."""
    who = me()
    return page(
        template,
        part="layouts/_console_part.html" if part else None,
        inner=part,
        status=status,
        org=brand_css_url(who.org),
        me=who,
        may=who.may,
        Permission=Permission,
        navigation=_navigation(who),
        organizations=staff_signed_in.organizations_of(who.staff_id),
        has_page=lambda name: f"console.{name}" in current_app.view_functions,
        **context,
    )


def _navigation(who: StaffSignedIn) -> list[Entry]:
    here = request.path.rstrip("/")
    here = next((entry for own, entry in _BELOW.items() if here.startswith(own)), here)
    entries = []
    for label, name, permission in _ENTRIES:
        endpoint = f"console.{name}"
        if endpoint not in current_app.view_functions or not who.may(permission):
            continue
        url = url_for(endpoint)
        path = url.removeprefix(request.script_root).rstrip("/")
        inside = path != "/staff" and here.startswith(f"{path}/")
        entries.append(Entry(label, url, here == path or inside))
    return entries
