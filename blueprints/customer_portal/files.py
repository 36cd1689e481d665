"""Documents that were shared: listed over every project and the library, and fetched (spec W2)."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Response, redirect, request

from blueprints.customer_portal import bp
from blueprints.customer_portal.frame import portal_page
from blueprints.customer_portal.gate import signed_in
from portico.files.store import Reader
from portico.queries import files as queries
from portico.queries.faces import day_of
from portico.queries.lists import LARGEST_ID, search_term
from portico.queries.signed_in import SignedIn
from portico.records.activity import Activity
from portico.records.organization import Section
from portico.refusals import NotFound
from portico.services import activity, files
from portico.web import limits


@bp.get("/documents")
def documents() -> Response:
    """One page of them; search and place are in the address."""
    who = signed_in()
    limits.account_page(who.account_id)
    return portal_page("portal/files.html", part="portal/_files.html", **documents_context(who))


def documents_context(who: SignedIn) -> dict[str, Any]:
    """What the page reads, for the search and place in the address. Raises NotFound."""
    if Section.DOCUMENTS not in who.org.sections:
        raise NotFound(hint="")
    term = search_term(request.args.get("q", ""))
    page = queries.shared_page(
        who.actor,
        term=term,
        before=_number(request.args.get("before", "")),
        after=_number(request.args.get("after", "")),
    )
    return {"page": page, "term": term, "day_of": partial(day_of, zone=who.org.timezone)}


@bp.get("/documents/<int:file_id>/download")
def download_file(file_id: int) -> Response:
    """To a signed address that runs out in two minutes."""
    who = signed_in()
    limits.account_page(who.account_id)
    file = queries.shared_file(who.actor, file_id, who.org.sections)
    if file is None:
        raise NotFound(hint="")
    activity.note(who.actor.entry(Activity.DOWNLOAD_FILE, file=file.id, name=file.name))
    address = files.address(file.storage_key, file.name, Reader.CUSTOMER, who.session_id)
    return redirect(address, 303)  # type: ignore[return-value]


def _number(text: str) -> int | None:
    fits = text.isascii() and text.isdigit() and len(text) <= 19
    return int(text) if fits and int(text) <= LARGEST_ID else None
