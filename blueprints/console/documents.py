"""Documents in the console: listed, opened in tabs, downloaded (spec C4)."""

from __future__ import annotations

from enum import StrEnum
from types import SimpleNamespace
from typing import Any

from flask import Response, flash, request, url_for

from blueprints.console import bp
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from portico import clock
from portico.files.names import content_disposition
from portico.queries import (
    console_document,
    console_documents,
    document_history,
    organizations,
    request_items,
    shown,
)
from portico.queries.console_activity import Key
from portico.queries.console_document import OpenDocument
from portico.queries.console_documents import Place, Wanted, Which
from portico.queries.faces import DocumentFace
from portico.queries.lists import LARGEST_ID, search_term
from portico.records.activity import Activity, ActorKind
from portico.records.content import Kind
from portico.records.document import KINDS
from portico.records.staff import Permission
from portico.refusals import NotFound
from portico.services import activity, links, renditions, sending
from portico.services.activity import Entry
from portico.web.ways import go

_DONE = {
    "sent": "It is on its way. Each recipient gets a link of their own.",
    "posted": "It is posted and can be sent.",
    "extended": "It is open for longer, and whoever holds it is told by mail.",
    "judged": "Noted. The customer is told of what you return.",
    "answered": "The answer stands on the customer's page; whoever holds a mailed link is told.",
    "settled": "Noted: nothing waits for an answer.",
    "recorded": "The answer is recorded, and both sides get a receipt.",
    "reversed": "The answer was taken back; it is open again.",
    "void": "It can still be read, and no longer answered.",
    "revoked": "The link is revoked.",
    "all-revoked": "Every link to this document is revoked, old ones too.",
    "again": "The message is on its way again.",
}
# What an action needs; what is not here needs the permission of sending.
_NEEDS = {
    "post": Permission.DOCUMENTS_EDIT,
    "extend": Permission.DOCUMENTS_EDIT,
    "void": Permission.DOCUMENTS_EDIT,
    "record": Permission.DECISIONS_RECORD,
    "reverse": Permission.DECISIONS_RECORD,
    "revoke": Permission.MANAGE_PORTAL_ACCESS,
}
_OF_ANSWERS = ("extend", "record", "reverse")


class Tab(StrEnum):
    PAPER = "document"
    LINKS = "links"
    ACTIVITY = "activity"
    TALK = "conversation"


# --- the list ---------------------------------------------------------------------------------


@bp.get("/documents")
@needs(Permission.VIEW)
def documents() -> Response:
    """All kinds, newest first, or what is most pressing; narrowed down, searched, paged by key."""
    args = request.args
    kind = Kind(args["kind"]) if args.get("kind", "") in set(Kind) else None
    which = Which(args["state"]) if args.get("state", "") in set(Which) else Which.ALL
    customer = args.get("customer", "")
    wanted = Wanted(which, kind, _id(customer), search_term(args.get("q", "")))
    page = console_documents.page(
        me().organization_id,
        wanted,
        me().org.zone,
        beyond=Place.parse(args.get("beyond", ""), which),
        before=Place.parse(args.get("before", ""), which),
    )
    return console_page(
        "console/documents.html",
        part="console/_documents.html",
        page=page,
        wanted=wanted,
        kinds=[(one.value, KINDS[one].label) for one in Kind],
        choices=console_documents.choices(kind),
        query={
            "kind": kind,
            "state": which if which is not Which.ALL else None,
            "customer": wanted.customer_id,
            "q": wanted.term or None,
        },
    )


def _id(text: str) -> int | None:
    """A record's number from the address; None where it is none."""
    fits = text.isascii() and text.isdigit() and len(text) <= 19
    return int(text) if fits and int(text) <= LARGEST_ID else None


# --- one document -----------------------------------------------------------------------------


@bp.get("/documents/<int:document_id>")
@needs(Permission.VIEW)
def document(document_id: int) -> Response:
    """The paper. A form may be asked for unfolded."""
    wanted = request.args.get("open", "")
    opened = wanted if wanted in _NEEDS else None
    return document_page(document_id, Tab.PAPER, opened=opened)


@bp.get("/documents/<int:document_id>/links")
@needs(Permission.VIEW)
def document_links(document_id: int) -> Response:
    return document_page(document_id, Tab.LINKS)


@bp.get("/documents/<int:document_id>/activity")
@needs(Permission.VIEW)
def document_activity(document_id: int) -> Response:
    return document_page(document_id, Tab.ACTIVITY)


@bp.get("/documents/<int:document_id>/conversation")
@needs(Permission.VIEW)
def document_conversation(document_id: int) -> Response:
    return document_page(document_id, Tab.TALK)


@bp.get("/documents/<int:document_id>/pdf")
@needs(Permission.VIEW)
def document_pdf(document_id: int) -> Response:
    """The newest revision as PDF."""
    at = find(document_id)
    org = organizations.by_id(me().organization_id) or me().org
    data = renditions.document(
        org, at.content, at.content_sha256, at.face.state, limits=renditions.IN_A_REQUEST
    )
    return _download(data, "application/pdf", f"{at.face.kind}-{at.content.number}.pdf")


@bp.get("/documents/<int:document_id>/receipt")
@needs(Permission.VIEW)
def document_receipt(document_id: int) -> Response:
    """The receipt of the answer that stands."""
    at = find(document_id)
    if at.decision is None:
        raise NotFound(hint="")
    data = renditions.receipt(at.decision.id, limits=renditions.IN_A_REQUEST)
    return _download(data, "application/pdf", f"receipt-{at.content.number}.pdf")


@bp.get("/documents/<int:document_id>/files/<int:position>")
@needs(Permission.VIEW)
def document_file(document_id: int, position: int) -> Response:
    """A file that came inside the document."""
    at = find(document_id)
    file = at.attached[position - 1] if 1 <= position <= len(at.attached) else None
    data = shown.attached_file(file.sha256) if file else None
    if file is None or data is None:
        raise NotFound(hint="")
    return _download(data, "application/octet-stream", file.filename)


def find(document_id: int) -> OpenDocument:
    """A document of the organization somebody works in. Raises NotFound for any other."""
    found = console_document.find(me().organization_id, document_id, me().org.zone)
    if found is None:
        raise NotFound(hint="")
    return found


def sending_needs(at: OpenDocument) -> Permission:
    """The permission to put this kind of document before its customer (spec C1)."""
    quote = at.kind is Kind.QUOTE
    return Permission.QUOTES_SEND if quote else Permission.INVOICES_SEND


def document_page(
    document_id: int,
    tab: Tab,
    *,
    status: int = 200,
    notice: Any = None,
    errors: dict[str, str] | None = None,
    opened: str | None = None,
    copied: str | None = None,
) -> Response:
    """A document in one of its tabs, as it stands now. *opened* is the form that was sent and
    *errors* what is wrong with it; *copied* is the address of a new link, shown this once."""
    at = find(document_id)
    return console_page(
        "console/document.html",
        part="console/_document.html",
        status=status,
        at=at,
        tab=tab,
        tabs=[(one, tab_url(at.id, one)) for one in Tab],
        notice=notice,
        form=SimpleNamespace(typed=_typed() if opened else {}, errors=errors or {}, opened=opened),
        copied=copied,
        until=at.later_day(clock.today(me().org.zone)),
        actions=_actions(at),
        last_copied=links.last_copied(at.id),
        **_matter(at, tab),
    )


def tab_url(document_id: int, tab: Tab) -> str:
    endpoint = "console.document" if tab is Tab.PAPER else f"console.document_{tab}"
    return url_for(endpoint, document_id=document_id)


def done(document_id: int, tab: Tab, what: str) -> Response:
    """After something was done: the page as it is now, in place or by redirect."""
    if request.headers.get("HX-Request") == "true":
        return document_page(document_id, tab, notice=say("good", _DONE[what]))
    return lead_on(document_id, tab, what)


def lead_on(document_id: int, tab: Tab, what: str) -> Response:
    """To the page, which says once what was done: its address says it to no reload."""
    flash(_DONE[what])
    return go(tab_url(document_id, tab))


def say(tone: str, text: str) -> Any:
    return SimpleNamespace(tone=tone, text=text)


def _actions(at: OpenDocument) -> dict[str, str | None]:
    """Each action that such a document can have, with why it is not possible now, if so."""
    refused = at.refuses()
    if not refused.get("copy"):
        refused["send"] = sending.why_not(at.id) or ""
    else:
        refused["send"] = refused["copy"]
    if not document_history.may_revoke(at.id):
        refused["revoke"] = "There is no link to revoke."
    names = ["send", "copy", "post", "answer", "revoke", "void"]
    if KINDS[at.kind].answers:
        names += _OF_ANSWERS
    found: dict[str, str | None] = {}
    for name in names:
        allowed = me().may(_NEEDS.get(name, sending_needs(at)))
        found[name] = (
            (refused.get(name) or None) if allowed else "Somebody with another role can do this."
        )
    return found


def _matter(at: OpenDocument, tab: Tab) -> dict[str, Any]:
    """What the open tab shows."""
    if tab is Tab.LINKS:
        return {"links": document_history.links(at.id, _id(request.args.get("before", "")))}
    if tab is Tab.ACTIVITY:
        before = Key.parse(request.args.get("before", ""))
        return {
            "history": document_history.history(at.id, before),
            "mails": document_history.mails(at.id) if before is None else [],
        }
    if tab is Tab.TALK:
        seen = document_history.last_message(at.id)  # first: what comes in between is not seen
        return {"seen": seen, "messages": shown.conversation(at.id)}
    return _paper(at)


def _paper(at: OpenDocument) -> dict[str, Any]:
    """The newest revision; or, asked for so, what the customer sees."""
    theirs = None
    if request.method == "GET" and request.args.get("as") == "customer":
        theirs = console_document.shown_content(at)
    if theirs is not None:
        _note_preview(at.face)
    return {
        "content": theirs or at.content,
        "as_customer": theirs is not None,
        "asked": request_items.of(at.id, at.content),
    }


def _note_preview(face: DocumentFace) -> None:
    viewed = {Kind.QUOTE: Activity.VIEW_QUOTE, Kind.INVOICE: Activity.VIEW_INVOICE}
    who = me()
    activity.note(
        Entry(
            viewed.get(Kind(face.kind), Activity.VIEW_DOCUMENT),
            ActorKind.STAFF,
            actor=who.by,
            organization_id=who.organization_id,
            document_id=face.id,
            preview=True,
        )
    )


def _typed() -> dict[str, str]:
    """What was typed, to show it again beside what was wrong. Nothing that cannot be shown."""
    return {
        name: text[:5000].encode("utf-8", "ignore").decode()
        for name, text in request.form.items()
        if name != "csrf_token"
    }


def _download(data: bytes, mimetype: str, name: str) -> Response:
    response = Response(data, mimetype=mimetype)
    response.headers["Content-Disposition"] = content_disposition(name)
    return response
