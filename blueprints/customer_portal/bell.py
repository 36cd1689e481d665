"""Notifications: what is new, and what was read (spec A10, W9). A GET changes nothing."""

from __future__ import annotations

from flask import Response, request, url_for

from blueprints.customer_portal import bp
from blueprints.customer_portal.frame import portal_page
from blueprints.customer_portal.gate import go, signed_in
from portico.queries import news
from portico.services import notifications
from portico.web import limits


@bp.get("/notifications", endpoint="notifications")
def notifications_list() -> Response:
    """Newest first; older ones behind a link."""
    who = signed_in()
    limits.account_page(who.account_id)
    before = _number(request.args.get("before", ""))
    page = news.page(who.account_id, who.org.locale, before=before)
    return portal_page("portal/notifications.html", news=page, is_first=before is None)


@bp.post("/notifications")
def notifications_read() -> Response:
    """Mark what was on screen, and what is older, as read."""
    through = _number(request.form.get("through", ""))
    if through is not None:
        notifications.read_all(signed_in().actor, through=through)
    return go(url_for("customer_portal.notifications"))


@bp.post("/notifications/<int:notification_id>")
def notification_open(notification_id: int) -> Response:
    """Mark one as read and go to what it is about."""
    line = notifications.read(signed_in().actor, notification_id)
    if line.document_id is None:
        return go(url_for("customer_portal.payment", payment_id=line.payment_id))
    section = news.section_of(line)
    return go(url_for("customer_portal.document", section=section, document_id=line.document_id))


@bp.get("/notifications/<int:notification_id>")
def notification_back(notification_id: int) -> Response:
    """Somebody opened the address of a form: show the list instead."""
    return go(url_for("customer_portal.notifications"))


def _number(text: str) -> int | None:
    """An id that a database can compare; None for anything else."""
    plain = text.isascii() and text.isdigit() and len(text) <= 19
    number = int(text) if plain else None
    return number if number is not None and number <= notifications.LARGEST_ID else None
