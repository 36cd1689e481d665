"""Send a document by e-mail: to whom, with which words, and how it will look (spec C4)."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from blueprints.console import bp, picking
from blueprints.console.documents import Tab, find, lead_on, sending_needs, tab_url
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs, require
from portico.queries import console_document
from portico.queries.console_document import OpenDocument
from portico.records.staff import Permission
from portico.refusals import BadInput, Conflict, StaffRefusal
from portico.services import correspondence, sending
from portico.services.sending import Seen
from portico.text import paragraphs
from portico.web import forms

_SENDING = (Permission.QUOTES_SEND, Permission.INVOICES_SEND)


@bp.get("/documents/<int:document_id>/send")
@needs(*_SENDING)
def document_send(document_id: int) -> Response:
    """Whoever had it before is chosen already, or the only one there is: then it is one click."""
    at = find(document_id)
    require(sending_needs(at))
    contacts = console_document.recipients(at)
    had_it = [one.id for one in contacts if one.had_it]
    return _page(at, chosen=had_it or ([contacts[0].id] if len(contacts) == 1 else []))


@bp.post("/documents/<int:document_id>/send")
@needs(*_SENDING, lists=("contact",))
def document_send_submit(document_id: int) -> Response:
    at = find(document_id)
    require(sending_needs(at))
    try:
        sending.send(
            at.id,
            _contacts(),
            by=me().by,
            message=forms.typed("message"),
            attach_pdf=request.form.get("attach_pdf") == "yes",
            seen=Seen(
                *(picking.number(request.form.get(n, "")) or 0 for n in ("revision", "mail"))
            ),
        )
    except BadInput as problem:
        return _page(at, status=problem.status, errors=problem.errors)
    except StaffRefusal as problem:
        # As it is now: it may have been changed or sent in this very moment.
        return _page(find(at.id), status=problem.status, errors={"contact": problem.sentence})
    return lead_on(at.id, Tab.PAPER, "sent")


@bp.post("/documents/<int:document_id>/send/preview")
@needs(*_SENDING, lists=("contact",))
def document_send_preview(document_id: int) -> Response:
    """The mail as the first of the chosen will get it, with the words typed so far."""
    at = find(document_id)
    require(sending_needs(at))
    return _page(at, part="console/_send_preview.html")


def _page(
    at: OpenDocument,
    *,
    chosen: list[int] | None = None,
    status: int = 200,
    errors: dict[str, str] | None = None,
    part: str = "console/_send.html",
) -> Response:
    seen = Seen(at.standing.current_revision, sending.last_mail(at.id))
    contacts = console_document.recipients(at)
    chosen = _contacts() if chosen is None else chosen
    message = request.form.get("message", "")[:5000].encode("utf-8", "ignore").decode()
    first = next((one for one in contacts if one.id in chosen), None)
    return console_page(
        "console/send.html",
        part=part,
        status=status,
        at=at,
        seen=seen,
        contacts=contacts,
        chosen=chosen,
        message=message,
        attach=request.form.get("attach_pdf") == "yes",
        errors=errors or {},
        why_not=sending.why_not(at.id),
        first=first,
        letter=_letter(at, first.id, message) if first else None,
        preview_url=url_for("console.document_send_preview", document_id=at.id),
        back_url=tab_url(at.id, Tab.PAPER),
    )


def _letter(at: OpenDocument, contact_id: int, message: str) -> Any:
    """The mail, or nothing where it cannot be sent so."""
    try:
        return correspondence.preview(
            at.id, contact_id, paragraphs(message, "message", 4000, required=False)
        )
    except (BadInput, Conflict):
        return None


def _contacts() -> list[int]:
    """The contacts that were ticked; what is no contact's number is left out."""
    found = request.form.getlist("contact")
    return [int(one) for one in found[:200] if one.isascii() and one.isdigit() and len(one) <= 18]
