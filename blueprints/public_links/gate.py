"""Who may pass by a secret link: whoever holds it, within the limits (spec L3, L4, L12)."""

from __future__ import annotations

from flask import Response, g, request

from portico.queries.link_pages import LinkedPage, Standing, open_link
from portico.records.link import Purpose
from portico.refusals import NotFound
from portico.web import limits, uploads
from portico.web.origin import require_own_form
from portico.web.visitors import visitor

# Endpoints that an expired link still reaches.
RECOVERY = {"request_access", "send_again"}
# Endpoints whose form may hold a file.
UPLOADS = {"answer_item"}


def admit(purpose: Purpose, bucket: str) -> Response | None:
    """Find the link, or answer as if there were none; count the visit; keep others' forms out."""
    page = open_link((request.view_args or {})["token"], purpose, visitor())
    if page is None:
        limits.unknown_token(bucket)
        raise NotFound
    limits.known_link(bucket, page.link_id)
    endpoint = (request.endpoint or "").rpartition(".")[2]
    if request.method == "POST":
        if endpoint in UPLOADS and page.standing is Standing.LIVE:
            uploads.allow()
        require_own_form()
    g.linked = page
    if page.standing is Standing.EXPIRED and endpoint not in RECOVERY:
        from blueprints.public_links.views import expired

        return expired()
    return None


def linked() -> LinkedPage:
    """The page the gate let this request see."""
    page: LinkedPage = g.linked
    return page
