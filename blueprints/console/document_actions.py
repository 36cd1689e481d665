"""What the team does with a document, each answered in place (spec C4, L9).

The document is found in the organization first; only then is a service called with its id.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from flask import Response, redirect, request

from blueprints.console import bp, picking
from blueprints.console.documents import Tab, document_page, done, find, say, sending_needs, tab_url
from blueprints.console.gate import me, needs, require
from portico.queries import document_history, request_items
from portico.queries.lists import LARGEST_ID
from portico.records.decision import Answer
from portico.records.link import Purpose
from portico.records.staff import Permission
from portico.refusals import BadInput, ChangedMeanwhile, NotFound, StaffRefusal, Undecidable
from portico.services import (
    conversations,
    decisions,
    documents,
    files,
    links,
    outbox,
    requests,
)
from portico.services.decisions import Signatory
from portico.web import forms
from portico.web.ways import go

_SENDING = (Permission.QUOTES_SEND, Permission.INVOICES_SEND)


@bp.post("/documents/<int:document_id>/post")
@needs(Permission.DOCUMENTS_EDIT)
def document_post(document_id: int) -> Response:
    """Make a draft final."""
    at = find(document_id)
    seen = _revision()
    return _do(at.id, "post", "posted", lambda: documents.post_draft(at.id, by=me().by, seen=seen))


@bp.post("/documents/<int:document_id>/void")
@needs(Permission.DOCUMENTS_EDIT)
def document_void(document_id: int) -> Response:
    """Withdraw a quote, or cancel another document; the form asks for a second yes."""
    at = find(document_id)

    def void() -> None:
        if request.form.get("sure") != "yes":
            raise BadInput({"sure": "Please tick this to go on."})
        documents.void(at.id, by=me().by, seen=_revision())

    return _do(at.id, "void", "void", void)


@bp.post("/documents/<int:document_id>/extend")
@needs(Permission.DOCUMENTS_EDIT)
def document_extend(document_id: int) -> Response:
    """Give more time to answer: of the team's own accord, or because somebody asked."""
    at = find(document_id)

    def extend() -> None:
        until, note = _day("until"), forms.typed("note")
        documents.extend(at.id, until, by=me().by, note=note, seen=_revision())

    return _do(at.id, "extend", "extended", extend)


@bp.post("/documents/<int:document_id>/answer")
@needs(*_SENDING)
def document_answer(document_id: int) -> Response:
    at = find(document_id)
    require(sending_needs(at))
    answer, seen = forms.typed("answer"), _seen()
    return _do(
        at.id,
        "answer",
        "answered",
        lambda: conversations.answer(at.id, answer, by=me().by, seen=seen),
    )


@bp.post("/documents/<int:document_id>/settled")
@needs(*_SENDING)
def document_settled(document_id: int) -> Response:
    """The question was answered by phone, or needs no answer."""
    at = find(document_id)
    require(sending_needs(at))
    seen = _seen()
    return _do(
        at.id,
        "settled",
        "settled",
        lambda: conversations.answered_otherwise(at.id, by=me().by, seen=seen),
    )


@bp.post("/documents/<int:document_id>/record")
@needs(Permission.DECISIONS_RECORD)
def document_record(document_id: int) -> Response:
    """Write down an answer that was given by phone or on paper."""
    at = find(document_id)

    def record() -> None:
        given = request.form.get("answer_given", "")
        if given not in set(Answer):
            raise BadInput({"answer_given": "Please choose the answer."})
        signatory = Signatory(forms.typed("name"), forms.typed("po_number"))
        note = forms.typed("note")
        decisions.record_offline(
            at.id, Answer(given), signatory, by=me().by, note=note, seen=_revision()
        )

    return _do(at.id, "record", "recorded", record)


@bp.post("/documents/<int:document_id>/reverse")
@needs(Permission.DECISIONS_RECORD)
def document_reverse(document_id: int) -> Response:
    at = find(document_id)
    receipt = request.form.get("receipt", "")[:100]
    return _do(
        at.id,
        "reverse",
        "reversed",
        lambda: decisions.reverse(at.id, by=me().by, note=forms.typed("note"), seen=receipt),
    )


# --- the items of a request ---------------------------------------------------------------------


@bp.post("/documents/<int:document_id>/items/<int:position>/accept")
@needs(*_SENDING)
def document_item_accept(document_id: int, position: int) -> Response:
    """Take an answer to an item of a request (spec W4)."""
    at = find(document_id)
    require(sending_needs(at))
    remark, seen = forms.typed("remark"), _seen() or 0
    return _do(
        at.id,
        f"item-{position}",
        "judged",
        lambda: requests.accept(at.id, position, seen=seen, by=me().by, remark=remark),
    )


@bp.post("/documents/<int:document_id>/items/<int:position>/return")
@needs(*_SENDING)
def document_item_return(document_id: int, position: int) -> Response:
    """Ask for something else, and say what."""
    at = find(document_id)
    require(sending_needs(at))
    remark, seen = forms.typed("remark"), _seen() or 0
    return _do(
        at.id,
        f"item-{position}",
        "judged",
        lambda: requests.return_(at.id, position, seen=seen, by=me().by, remark=remark),
    )


@bp.get("/documents/<int:document_id>/uploads/<int:file_id>")
@needs(Permission.VIEW)
def document_upload(document_id: int, file_id: int) -> Response:
    """A file that a customer answered with, by an address that runs out."""
    at = find(document_id)
    file = request_items.file_of(at.id, file_id)
    if file is None:
        raise NotFound(hint="")
    address = files.address_for_staff(file, me().session_id, by=me().by)
    return redirect(address, 303)  # type: ignore[return-value]


# --- links and mail ---------------------------------------------------------------------------


@bp.get("/documents/<int:document_id>/copy")
@needs(Permission.VIEW)
def document_copied(document_id: int) -> Response:
    """Where the browser stands after a link was made without htmx. It is shown no second time."""
    return go(tab_url(find(document_id).id, Tab.LINKS))


@bp.post("/documents/<int:document_id>/copy")
@needs(*_SENDING)
def document_copy(document_id: int) -> Response:
    """A link to hand over by other means. Its address stands on this answer and nowhere else."""
    at = find(document_id)
    require(sending_needs(at))
    tab = _tab()
    try:
        is_quote = request.form.get("purpose") == Purpose.QUOTE
        url = links.copy(
            at.id,
            by=me().by,
            purpose=Purpose.QUOTE if is_quote else Purpose.DOCUMENT,
            hours=_hours("hours"),
            seen=links.Seen(_revision(), picking.number(request.form.get("link", "")) or 0),
        )
    except BadInput as problem:
        return document_page(
            at.id, tab, status=problem.status, errors=problem.errors, opened="copy"
        )
    except StaffRefusal as problem:
        return document_page(at.id, tab, status=problem.status, notice=say("bad", problem.sentence))
    return document_page(at.id, tab, copied=url)


@bp.post("/documents/<int:document_id>/revoke")
@needs(Permission.MANAGE_PORTAL_ACCESS)
def document_revoke(document_id: int) -> Response:
    """Revoke every link to the document, expired ones too, so that none can be renewed."""
    at = find(document_id)
    return _do(at.id, "revoke", "all-revoked", lambda: links.revoke_for_document(at.id, by=me().by))


@bp.post("/documents/<int:document_id>/links/<int:link_id>/revoke")
@needs(Permission.MANAGE_PORTAL_ACCESS)
def document_link_revoke(document_id: int, link_id: int) -> Response:
    at = find(document_id)
    if link_id > LARGEST_ID or not document_history.has_link(at.id, link_id):
        raise NotFound(hint="")
    return _do(at.id, "revoke", "revoked", lambda: links.revoke(link_id, by=me().by))


@bp.post("/documents/<int:document_id>/mails/<int:mail_id>/again")
@needs(*_SENDING)
def document_mail_again(document_id: int, mail_id: int) -> Response:
    """Send a message again that failed, or that nobody could receive."""
    at = find(document_id)
    require(sending_needs(at))
    if mail_id > LARGEST_ID or not document_history.has_mail(at.id, mail_id):
        raise NotFound(hint="")
    return _do(at.id, "again", "again", lambda: outbox.resend(mail_id, by=me().by))


def _do(document_id: int, form: str, what: str, action: Callable[[], object]) -> Response:
    """Do it, and show how things stand then; or why not, beside what was typed."""
    tab = _tab()
    try:
        action()
    except BadInput as problem:
        return document_page(
            document_id, tab, status=problem.status, errors=problem.errors, opened=form
        )
    except ChangedMeanwhile as problem:
        notice = say("bad", problem.sentence)
        return document_page(document_id, tab, status=problem.status, notice=notice, opened=form)
    except (StaffRefusal, Undecidable) as problem:
        return document_page(
            document_id, tab, status=problem.status, notice=say("bad", problem.sentence)
        )
    return done(document_id, tab, what)


def _tab() -> Tab:
    """The tab that the form stood in."""
    name = request.form.get("tab", "")
    return Tab(name) if name in set(Tab) else Tab.PAPER


def _day(name: str) -> dt.date:
    try:
        return dt.date.fromisoformat(request.form.get(name, "").strip())
    except ValueError:
        raise BadInput({name: "Please give a day, such as 2026-11-30."}) from None


def _hours(name: str) -> int | None:
    text = request.form.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise BadInput({name: "Please give a number of hours."})
    return int(text)


def _revision() -> int:
    """The revision that was on screen; 0, which is none, where the form does not say."""
    return picking.number(request.form.get("revision", "")) or 0


def _seen() -> int | None:
    """The last message that was on screen."""
    text = request.form.get("seen", "")
    fits = text.isascii() and text.isdigit() and len(text) <= 18
    return int(text) if fits else None
