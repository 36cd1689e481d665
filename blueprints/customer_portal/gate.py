"""Who may pass: whoever is signed in; guests reach the entrance alone (spec A1, A6)."""

from __future__ import annotations

import datetime as dt

from flask import Response, g, request, url_for

from portico import clock
from portico.queries.signed_in import SignedIn
from portico.services import sessions
from portico.web import sign_in, uploads
from portico.web.origin import require_own_form
from portico.web.ways import GUESTS_ONLY, OPEN, go, this_page

# Whose form may hold a file.
UPLOADS = {"answer_item"}
_SEEN_EVERY = dt.timedelta(minutes=5)


def admit() -> Response | None:
    """Let the signed-in in, send guests to the entrance, keep others' forms out."""
    endpoint = (request.endpoint or "").rpartition(".")[2]
    who = sign_in.customer()
    if who is None and endpoint not in GUESTS_ONLY | OPEN:
        return _to_the_entrance()
    if who is not None and endpoint in GUESTS_ONLY:
        return go(url_for("customer_portal.dashboard"))
    if request.method == "POST":
        if who is not None and endpoint in UPLOADS:
            uploads.allow()
        require_own_form()
        sign_in.require_own_token()
    if who is not None:
        if clock.now() - who.last_seen_at > _SEEN_EVERY:
            sessions.seen(who.session_id)
        g.signed_in = who
    return None


def signed_in() -> SignedIn:
    """The customer whom the gate let in."""
    who: SignedIn = g.signed_in
    return who


def _to_the_entrance() -> Response:
    """To the sign-in page, which leads back; a link from a mail says in which organization."""
    leaving = (request.endpoint or "").endswith(".logout")
    wanted = None if leaving else this_page()
    return go(url_for("customer_portal.login", next=wanted, org=request.args.get("org")))
