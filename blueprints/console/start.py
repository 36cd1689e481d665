"""What the day brings: the page that the team begins with."""

from __future__ import annotations

from flask import Response

from blueprints.console import bp
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from portico.queries import console_today
from portico.records.content import Kind
from portico.records.staff import Permission


@bp.get("/")
@needs(Permission.VIEW)
def start() -> Response:
    """Everything that waits for somebody, each with what to do about it."""
    who = me()
    return console_page(
        "console/start.html",
        today=console_today.read(who.organization_id, who.org.zone),
        may_send={
            kind: who.may(
                Permission.QUOTES_SEND if kind is Kind.QUOTE else Permission.INVOICES_SEND
            )
            for kind in Kind
        },
    )
