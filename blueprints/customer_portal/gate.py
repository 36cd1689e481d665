"""Who may pass: whoever is signed in; guests reach the entrance alone (spec A1, A6)."""

from __future__ import annotations

import datetime as dt

from flask import Response, g, request, url_for

from portico import clock
from portico.db import current_tenant
from portico.queries import organizations
from portico.queries.signed_in import SignedIn
from portico.records.account import TokenPurpose
from portico.services import account_tokens, sessions
from portico.services.account_tokens import TokenSpent
from portico.web import sign_in, uploads
from portico.web.origin import require_own_form
from portico.web.pages import brand_css_url, page
from portico.web.visitors import visitor
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
        invited = "yes" if endpoint == "setup" and _is_invitation() else None
        return go(url_for("customer_portal.dashboard", invited=invited))
    if who is not None and endpoint == "reset_password_submit" and _is_second_click(who):
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
        if endpoint not in OPEN:
            return _elsewhere(who)
    return None


def signed_in() -> SignedIn:
    """The customer whom the gate let in."""
    who: SignedIn = g.signed_in
    return who


def _is_second_click(who: SignedIn) -> bool:
    """Whether the form of a new password comes once more, after it let them in."""
    token = request.args.get("token", "")
    done = account_tokens.set_just_now(TokenPurpose.RESET, token, visitor())
    return done is not None and done.id == who.account_id


def _is_invitation() -> bool:
    """Whether the link leads to an account that has no password yet: not to the one signed in."""
    try:
        account_tokens.find(TokenPurpose.SETUP, request.args.get("token", ""))
    except TokenSpent:
        return False
    return True


def _elsewhere(who: SignedIn) -> Response | None:
    """A mail of another organization was followed: nothing of it is here, but the way to it (A2)."""
    named = request.args.get("org", who.org.slug)
    if request.method != "GET" or named == who.org.slug:
        return None
    other = next((one for one in organizations.all_of_them() if one.slug == named), None)
    if other is None:
        return None
    return page(
        "portal/elsewhere.html",
        status=404,
        org=brand_css_url(who.org),
        tenant_name=current_tenant().name,
        me=who,
        other=other,
        wanted=this_page(),
    )


def _to_the_entrance() -> Response:
    """To the sign-in page, which leads back; a link from a mail says in which organization."""
    return go(url_for("customer_portal.login", next=this_page(), org=request.args.get("org")))
