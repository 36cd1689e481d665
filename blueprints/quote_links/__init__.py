"""``/q/<token>``: the older, stand-alone quote share; same views, same rules (spec Q1)."""

from __future__ import annotations

from flask import Blueprint, Response

from blueprints.public_links import add_link_routes, gate
from portico.records.link import Purpose

bp = Blueprint("quote_links", __name__)


@bp.before_request
def admit() -> Response | None:
    return gate.admit(Purpose.QUOTE, "quotes-public")


add_link_routes(bp, "/q")
