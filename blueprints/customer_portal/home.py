"""The dashboard."""

from __future__ import annotations

from flask import Response

from blueprints.customer_portal import bp
from blueprints.customer_portal.frame import portal_page


@bp.get("/dashboard")
def dashboard() -> Response:
    return portal_page("portal/dashboard.html")
