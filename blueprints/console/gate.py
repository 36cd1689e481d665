"""Who may pass: signed-in members of the team, by the permissions of their role (spec C1).

Every view says what it needs by :func:`needs`; one that says nothing lets nobody in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Response, current_app, g, request, url_for

from portico import clock
from portico.queries.staff_signed_in import StaffSignedIn
from portico.records.staff import Permission, StaffTokenPurpose
from portico.refusals import NotAllowed, NotFound
from portico.services import staff
from portico.web import sign_in, uploads
from portico.web.origin import require_readable_form
from portico.web.visitors import visitor
from portico.web.ways import GUESTS_ONLY, OPEN, go, this_page

View = TypeVar("View", bound=Callable[..., Any])

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
    else:
        g.staff = who
        if who.second_factor_due and endpoint not in HALFWAY | OPEN:
            return go(url_for("console.second_factor"))
        if endpoint in GUESTS_ONLY or _is_second_click(who, endpoint):
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
        if endpoint not in GUESTS_ONLY | OPEN | HALFWAY:
            _require(who, view)
    return None


def _is_second_click(who: StaffSignedIn, endpoint: str) -> bool:
    """Whether the last form on the way in comes once more, after it let them in."""
    if endpoint == "second_factor_submit":
        return not who.second_factor_due
    if endpoint != "reset_password_submit":
        return False
    token = request.args.get("token", "")
    done = staff.set_just_now(StaffTokenPurpose.RESET, token, visitor())
    return done is not None and done.id == who.staff_id


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


def _to_the_entrance() -> Response:
    return go(url_for("console.login", next=this_page()))
