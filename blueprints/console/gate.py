"""Who may pass: signed-in members of the team, by the permissions of their role (spec C1).

Every view says what it needs by :func:`needs`; one that says nothing lets nobody in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Response, current_app, g, redirect, request, url_for

from portico import clock
from portico.queries.staff_signed_in import StaffSignedIn
from portico.records.staff import Permission
from portico.refusals import NotAllowed, NotFound
from portico.services import staff
from portico.web import sign_in, uploads
from portico.web.origin import require_readable_form

View = TypeVar("View", bound=Callable[..., Any])

# Open to guests. Whoever is signed in is sent on from the first, not from the second.
GUESTS_ONLY = {"login", "login_submit", "setup", "setup_submit"}
OPEN = {"forgot_password", "forgot_password_submit", "reset_password", "reset_password_submit"}
# What is left to do between password and second factor.
HALFWAY = {"second_factor", "second_factor_submit", "logout", "logout_submit"}
_LARGEST_ID = 2**63 - 1
_SEEN_EVERY = dt.timedelta(minutes=5)


def needs(
    *permissions: Permission, lists: tuple[str, ...] = (), files: int = 0
) -> Callable[[View], View]:
    """A view for roles with at least one of these. Fields in *lists* may come more than once, and
    the form may weigh as much as so many of the largest files (*files*)."""

    def mark(view: View) -> View:
        view.permissions = permissions  # type: ignore[attr-defined]
        view.lists = lists  # type: ignore[attr-defined]
        view.files = files  # type: ignore[attr-defined]
        return view

    return mark


def admit() -> Response | None:
    """Let the team in as far as their role goes, send guests to the entrance."""
    endpoint = (request.endpoint or "").rpartition(".")[2]
    who = sign_in.staff()
    if who is None:
        if endpoint not in GUESTS_ONLY | OPEN:
            return _to_the_entrance()
    elif who.second_factor_due and endpoint not in HALFWAY | OPEN:
        return go(url_for("console.second_factor"))
    elif endpoint in GUESTS_ONLY:
        return go(url_for("console.start"))
    _require_possible_ids()
    view = current_app.view_functions[request.endpoint or ""]
    if request.method == "POST":
        files: int = getattr(view, "files", 0)
        if files and who is not None and who.may(*getattr(view, "permissions", ())):
            uploads.allow(files)
        require_readable_form(*getattr(view, "lists", ()))
        sign_in.require_own_token()
    if who is not None:
        if clock.now() - who.last_seen_at > _SEEN_EVERY:
            staff.seen(who.session_id)
        g.staff = who
        if endpoint not in GUESTS_ONLY | OPEN | HALFWAY:
            _require(who, view)
    return None


def _require_possible_ids() -> None:
    """No record has an id beyond 64 bit, and databases do not like to be asked. Raises NotFound."""
    if any(
        isinstance(one, int) and one > _LARGEST_ID for one in (request.view_args or {}).values()
    ):
        raise NotFound(hint="")


def _require(who: StaffSignedIn, view: Any) -> None:
    wanted: tuple[Permission, ...] | None = getattr(view, "permissions", None)
    if not wanted:
        raise NotFound(hint="")
    require(*wanted)


def require(*wanted: Permission) -> None:
    """Make sure of one of these permissions. Raises NotAllowed."""
    if not me().may(*wanted):
        raise NotAllowed


def me() -> StaffSignedIn:
    """The member of the team whom the gate let in."""
    who: StaffSignedIn = g.staff
    return who


def go(url: str) -> Response:
    """To another page: also when htmx asked, which would swap that page into a part."""
    if request.headers.get("HX-Request") == "true":
        response = Response(status=200)
        response.headers["HX-Redirect"] = url
        return response
    return redirect(url, 303)  # type: ignore[return-value]


def wanted_page(text: str) -> str | None:
    """Where a guest wanted to go, if that is a page of the console; nothing leads elsewhere."""
    root = f"{request.script_root}/staff/"
    parts = urlsplit(text)
    own = text.startswith(root) and not parts.scheme and not parts.netloc
    return text if own and "\\" not in text and text.isprintable() and len(text) < 500 else None


def _to_the_entrance() -> Response:
    wanted = None
    if request.method == "GET" and request.headers.get("HX-Request") != "true":
        query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
        wanted = wanted_page(f"{request.script_root}{request.path}{query}")
    return go(url_for("console.login", next=wanted))
