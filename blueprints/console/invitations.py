"""Many invitations at once: who can be invited, and how far a run is (spec C3)."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from blueprints.console import bp
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from portico.queries import console_invitations
from portico.queries.console_invitations import InvitationFigures
from portico.queries.lists import LARGEST_ID, search_term
from portico.records.batch import ItemState
from portico.records.staff import Permission
from portico.refusals import BadInput, Conflict, NotFound
from portico.services import invitations as service
from portico.web.ways import go


@bp.get("/invitations")
@needs(Permission.MANAGE_PORTAL_ACCESS)
def invitations() -> Response:
    return _page()


@bp.post("/invitations")
@needs(Permission.MANAGE_PORTAL_ACCESS, lists=("contact",))
def invitations_start() -> Response:
    """Invite everybody who is eligible, or those who were chosen."""
    if request.form.get("sure") != "yes":
        return _page(422, "Tick the box to send the invitations. Nobody was invited.")
    try:
        seen = _number(request.form.get("seen", ""))
        batch = service.start(me().organization_id, _chosen(), by=me().by, seen=seen)
    except (BadInput, Conflict) as problem:
        return _page(problem.status, problem.sentence)
    return go(url_for("console.invitation_batch", batch_id=batch.id))


@bp.get("/invitations/figures")
@needs(Permission.MANAGE_PORTAL_ACCESS)
def invitation_figures() -> Response:
    """How many there are: the page asks for it once it stands, because that counts everybody."""
    figures = console_invitations.figures(me().organization_id)
    return _page(part="console/_invitation_figures.html", figures=figures)


@bp.get("/invitations/<int:batch_id>")
@needs(Permission.MANAGE_PORTAL_ACCESS)
def invitation_batch(batch_id: int) -> Response:
    """How far a run is. The part asks again by itself until nothing waits any more."""
    batch = console_invitations.batch(me().organization_id, batch_id)
    if batch is None:
        raise NotFound(hint="")
    troubles = console_invitations.troubles(batch.id)
    put_off = sum(one.state == ItemState.WAITING for one in troubles)
    return console_page(
        "console/invitation_batch.html",
        part="console/_invitation_batch.html",
        batch=batch,
        troubles=troubles,
        # What a mail server does not take now is tried again in minutes and hours.
        every="30s" if put_off == batch.waiting else "1s",
    )


def _page(
    status: int = 200,
    error: str = "",
    *,
    part: str = "console/_invitations.html",
    figures: InvitationFigures | None = None,
) -> Response:
    who, term = me(), search_term(request.values.get("q", ""))
    beyond = _number(request.values.get("beyond", ""))
    found, on = console_invitations.candidates(who.organization_id, term=term, beyond=beyond)
    context: dict[str, Any] = {
        "figures": figures,
        "candidates": found,
        "beyond": beyond,
        "on": on,
        "term": term,
        "batches": console_invitations.batches(who.organization_id),
        "chosen": set(request.form.getlist("contact")),
        "everybody": request.form.get("who") == "all",
        "error": error,
    }
    return console_page("console/invitations.html", part=part, status=status, **context)


def _chosen() -> list[int] | None:
    """The contacts that were ticked; None for everybody. Raises BadInput."""
    if request.form.get("who") == "all":
        return None
    return [number for one in request.form.getlist("contact") if (number := _number(one))]


def _number(text: str) -> int | None:
    fits = text.isascii() and text.isdigit() and len(text) <= 19
    return int(text) if fits and int(text) <= LARGEST_ID else None
