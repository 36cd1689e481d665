"""``/customer-portal/``: sign in and see everything that concerns one customer (spec A)."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.routing import BaseConverter

from blueprints.customer_portal import gate
from portico.queries.lists import SECTIONS


class SectionName(BaseConverter):
    """The part of an address that names one of the lists of documents."""

    regex = "|".join(SECTIONS)


bp = Blueprint("customer_portal", __name__, url_prefix="/customer-portal")
bp.before_request(gate.admit)
bp.record_once(lambda state: state.app.url_map.converters.update(section=SectionName))

from blueprints.customer_portal import (  # noqa: E402 - they add their routes
    bell,  # noqa: F401
    dashboard,  # noqa: F401
    documents,  # noqa: F401
    entrance,  # noqa: F401
    files,  # noqa: F401
    lists,  # noqa: F401
    money,  # noqa: F401
    projects,  # noqa: F401
    settings,  # noqa: F401
)
