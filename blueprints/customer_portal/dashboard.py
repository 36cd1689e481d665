"""The dashboard: where a customer lands (spec A8)."""

from __future__ import annotations

from flask import Response, request

from blueprints.customer_portal import bp
from blueprints.customer_portal.frame import portal_page
from blueprints.customer_portal.gate import signed_in
from portico import clock
from portico.queries import dashboard as queries
from portico.web import limits

_HOURS = ((5, "Good evening"), (12, "Good morning"), (18, "Good afternoon"), (24, "Good evening"))


@bp.get("/dashboard")
def dashboard() -> Response:
    who = signed_in()
    limits.account_page(who.account_id)
    board = queries.read(who.actor, who.org.zone, who.org.sections)
    return portal_page(
        "portal/dashboard.html",
        board=board,
        greeting=_greeting(who.org.timezone),
        invited=request.args.get("invited") == "yes",
    )


def _greeting(zone: str) -> str:
    """By the hour it is where the reader is."""
    hour = clock.now().astimezone(clock.zone(zone)).hour
    return next(words for until, words in _HOURS if hour < until)
