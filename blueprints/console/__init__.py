"""``/staff/``: the team's working place (spec C)."""

from __future__ import annotations

from flask import Blueprint

from blueprints.console import gate

bp = Blueprint("console", __name__, url_prefix="/staff")
bp.before_request(gate.admit)

from blueprints.console import (  # noqa: E402, F401 - they add their routes
    activity,
    customers,
    document_actions,
    documents,
    editor,
    entrance,
    files,
    invitations,
    mail,
    own,
    payments,
    preview,
    projects,
    sending,
    settings,
    start,
    statements,
    team,
)
