"""``/i/<token>`` and its older name ``/portal/<token>``: one document, no sign-in (spec L).
``/shared/projects/<token>`` and ``/p/projects/<token>``: one project to read (spec S1)."""

from __future__ import annotations

import re

from flask import Blueprint, Response, request, url_for

from blueprints.public_links import gate, shares, stored, views
from portico.queries import organizations
from portico.records.link import Purpose
from portico.refusals import NotFound
from portico.web.colours import on_colour
from portico.web.ways import go

bp = Blueprint("public_links", __name__)
_COLOUR = re.compile(r"[0-9a-f]{6}\Z")
# What everybody may ask for, or what looks at its token itself.
_OPEN = {f"public_links.{name}" for name in ("front_door", "brand", "logo", "stored_file")}


@bp.before_request
def admit() -> Response | None:
    if request.endpoint in _OPEN:
        return None
    if request.endpoint in shares.ENDPOINTS:
        shares.admit()
        return None
    return gate.admit(Purpose.DOCUMENT, "portal-public")


def add_link_routes(blueprint: Blueprint, prefix: str) -> None:
    """All pages of a link below ``<prefix>/<token>``. URLs are built from the first prefix."""
    views.ROOTS.setdefault(blueprint.name, prefix)
    root = f"{prefix}/<token>"
    for path, view, methods in (
        ("", views.show, ["GET"]),
        ("/pdf", views.pdf, ["GET"]),
        ("/receipt", views.receipt, ["GET"]),
        ("/files/<int:position>", views.attachment, ["GET"]),
        ("/settings", views.settings, ["GET"]),
        ("/account", views.account, ["POST"]),
        ("/end", views.end, ["GET", "POST"]),
        ("/accept", views.accept, ["POST"]),
        ("/decline", views.decline, ["POST"]),
        ("/ask", views.ask, ["POST"]),
        ("/more-time", views.more_time, ["POST"]),
        ("/items/<int:position>", views.answer_item, ["POST"]),
        ("/request-access", views.request_access, ["POST"]),
        ("/send-again", views.send_again, ["POST"]),
    ):
        blueprint.add_url_rule(root + path, view.__name__, view, methods=methods)
        if methods == ["POST"]:
            blueprint.add_url_rule(root + path, "back", views.back, methods=["GET"])


add_link_routes(bp, "/i")
add_link_routes(bp, "/portal")

for _prefix in shares.PREFIXES:
    bp.add_url_rule(f"{_prefix}/<token>", view_func=shares.share)
    bp.add_url_rule(f"{_prefix}/<token>/print", view_func=shares.share_print)
    bp.add_url_rule(f"{_prefix}/<token>/files/<int:file_id>", view_func=shares.share_file)


bp.add_url_rule("/files/<token>", view_func=stored.stored_file)


@bp.get("/")
def front_door() -> Response:
    """Whoever types the bare address wants to sign in, or is in already (spec A1)."""
    return go(url_for("customer_portal.login"))


@bp.get("/brand/<colour>.css")
def brand(colour: str) -> Response:
    """The organization's colour as a style sheet: the page itself carries no inline style."""
    if not _COLOUR.match(colour):
        raise NotFound(hint="")
    css = f":root{{--brand:#{colour};--on-brand:{on_colour(colour)}}}\n"
    return _for_a_year(Response(css, mimetype="text/css"))


@bp.get("/brand/<sha256>/logo.png")
def logo(sha256: str) -> Response:
    """An organization's logo, under a name that changes with it (spec C7)."""
    png = organizations.logo(sha256)
    if png is None:
        raise NotFound(hint="")
    return _for_a_year(Response(png, mimetype="image/png"))


def _for_a_year(response: Response) -> Response:
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
