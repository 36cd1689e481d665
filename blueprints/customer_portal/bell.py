"""Notifications: what is new, and what was read (spec A10, W9). A GET changes nothing."""

from __future__ import annotations

from flask import Response, request, url_for

from blueprints.customer_portal import bp
from blueprints.customer_portal.frame import portal_page
from blueprints.customer_portal.gate import signed_in
from portico.queries import news
from portico.records.notification import Notification
from portico.services import notifications
from portico.web import limits
from portico.web.ways import go


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
    return go(_url_of(line))


@bp.get("/notifications/<int:notification_id>")
def notification_back(notification_id: int) -> Response:
    """Somebody opened the address of a form: show the list instead."""
    return go(url_for("customer_portal.notifications"))


def _url_of(line: Notification) -> str:
    """The page of what a line is about."""
    if line.document_id is not None:
        section = news.section_of(line)
        return url_for("customer_portal.document", section=section, document_id=line.document_id)
    if line.project_id is not None:
        tab = news.tab_of(line)
        return url_for("customer_portal.project", project_id=line.project_id, tab=tab)
    if line.payment_id is not None:
        return url_for("customer_portal.payment", payment_id=line.payment_id)
    return url_for("customer_portal.documents")


def _number(text: str) -> int | None:
    """An id that a database can compare; None for anything else."""
    plain = text.isascii() and text.isdigit() and len(text) <= 19
    number = int(text) if plain else None
    return number if number is not None and number <= notifications.LARGEST_ID else None
