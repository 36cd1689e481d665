"""What the day brings: the page that the team begins with."""

from __future__ import annotations

from flask import Response

from blueprints.console import bp
from blueprints.console.frame import console_page
from blueprints.console.gate import needs
from portico.records.staff import Permission


@bp.get("/")
@needs(Permission.VIEW)
def start() -> Response:
    return console_page("console/start.html")
