"""Who may pass: whoever is signed in; guests reach the entrance alone (spec A1, A6)."""

from __future__ import annotations

import datetime as dt

from flask import Response, g, redirect, request, url_for

from portico import clock
from portico.queries.signed_in import SignedIn
from portico.services import sessions
from portico.web import sign_in, uploads
from portico.web.origin import require_own_form

# Open to guests. Whoever is signed in is sent on from the first, not from the second.
GUESTS_ONLY = {"login", "login_submit", "setup", "setup_submit"}
OPEN = {"forgot_password", "forgot_password_submit", "reset_password", "reset_password_submit"}
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


def go(url: str) -> Response:
    """To another page: also when htmx asked, which would swap that page into a part."""
    if request.headers.get("HX-Request") == "true":
        response = Response(status=200)
        response.headers["HX-Redirect"] = url
        return response
    return redirect(url, 303)  # type: ignore[return-value]


def wanted_page(text: str) -> str | None:
    """Where a guest wanted to go, if that is a page of this portal; nothing leads elsewhere."""
    root = f"{request.script_root}/customer-portal/"
    own = text.startswith(root) and "\\" not in text and text.isprintable()
    return text if own and len(text) < 500 else None


def _to_the_entrance() -> Response:
    """To the sign-in page, which leads back; a link from a mail says in which organization."""
    wanted = None
    leads_back = request.method == "GET" and not (request.endpoint or "").endswith(".logout")
    if leads_back and request.headers.get("HX-Request") != "true":
        query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
        wanted = wanted_page(f"{request.script_root}{request.path}{query}")
    return go(url_for("customer_portal.login", next=wanted, org=request.args.get("org")))
