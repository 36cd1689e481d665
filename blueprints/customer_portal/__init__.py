"""``/customer-portal/``: sign in and see everything that concerns one customer (spec A)."""

from __future__ import annotations

from flask import Blueprint

from blueprints.customer_portal import gate

bp = Blueprint("customer_portal", __name__, url_prefix="/customer-portal")
bp.before_request(gate.admit)

from blueprints.customer_portal import entrance, home  # noqa: E402, F401 - they add their routes
