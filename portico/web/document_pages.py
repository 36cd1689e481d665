"""The page of one document and what can be done there: read, download, answer, ask (spec L6-L9).

A secret link and the account portal are two doors to the same page. Each says, as a
:class:`Door`, where the page lies, how it is found and what stands around it; the rest is here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from flask import Response, redirect, request

from portico.config import settings
from portico.files.names import content_disposition
from portico.queries import organizations, request_items, shown
from portico.queries.shown import Shown
from portico.records.activity import Activity
from portico.records.content import Kind
from portico.records.decision import Answer
from portico.records.document import KINDS
from portico.refusals import AlreadyDecided, BadInput, NotFound, QuoteChanged, Undecidable
from portico.services import (
    activity,
    conversations,
    decisions,
    files,
    payment_urls,
    renditions,
    requests,
)
from portico.services.actors import Actor
from portico.web import forms, uploads

_VIEWED = {Kind.QUOTE: Activity.VIEW_QUOTE, Kind.INVOICE: Activity.VIEW_INVOICE}
_ITEMS = "public/_items.html"
_PANELS = {"accept", "decline", "ask", "more_time"}
_DONE = {
    "answered": "Thank you. We look at your answer, and tell you if we need something else.",
    "asked": "Your question is on its way. We answer by mail, and here.",
    "more_time": "Your wish is on its way. We answer by mail, and here.",
}


@dataclass(slots=True)
class Door:
    """A way to one document, for one request."""

    shown: Shown
    root: str  # the page's own address; everything else lies below it
    read_again: Callable[[], Shown]  # after something changed; raises NotFound
    render: Callable[..., Response]  # as portico.web.pages.page
    template: str
    whole: str  # the part that is paper and decision together
    count_question: Callable[[], None]  # raises TooMany
    link: dict[str, Any] = field(default_factory=dict)  # more addresses than every door has


def viewed(at: Shown) -> Activity:
    """What the log calls a look at this document."""
    return _VIEWED.get(Kind(at.document.kind), Activity.VIEW_DOCUMENT)


# --- reading ----------------------------------------------------------------------------------


def show(door: Door) -> Response:
    """The document's page. A GET never decides: mail scanners follow every link."""
    at = door.shown
    activity.note(at.actor.entry(viewed(at), revision=at.document.revision))
    done = _DONE.get(request.args.get("done", ""))
    panel = request.args.get("open", "")
    return _page(
        door,
        part=door.whole if panel == "accept" else None,
        notice=_notice("good", done) if done else None,
        open_panel=panel if panel in _PANELS else None,
    )


def pdf(door: Door) -> Response:
    """The document as PDF (spec L5), under a safe name."""
    at = door.shown
    # The paper is the organization's, in its own language whoever reads: one PDF for everybody.
    org = organizations.by_id(at.org.id) or at.org
    data = renditions.document(
        org, at.content, at.content_sha256, at.document.state, limits=renditions.IN_A_REQUEST
    )
    activity.note(at.actor.entry(Activity.DOWNLOAD_PDF, revision=at.document.revision))
    return _download(data, "application/pdf", f"{at.document.kind}-{at.document.number}.pdf")


def receipt(door: Door) -> Response:
    """The receipt of the answer that stands, as PDF (spec L8). Raises NotFound."""
    at = door.shown
    if at.decision is None:
        raise NotFound
    data = renditions.receipt(at.decision.id, limits=renditions.IN_A_REQUEST)
    activity.note(at.actor.entry(Activity.DOWNLOAD_RECEIPT, receipt=at.decision.receipt_code))
    return _download(data, "application/pdf", f"receipt-{at.document.number}.pdf")


def attachment(door: Door, position: int) -> Response:
    """A file that came inside the document, always as a download. Raises NotFound."""
    at = door.shown
    if not 1 <= position <= len(at.attached):
        raise NotFound
    file = at.attached[position - 1]
    data = shown.attached_file(file.sha256)
    if data is None:
        raise NotFound
    activity.note(at.actor.entry(Activity.DOWNLOAD_FILE, sha256=file.sha256))
    return _download(data, "application/octet-stream", file.filename)


def back(door: Door) -> Response:
    """Somebody opened the address of a form: show the page instead."""
    return redirect(door.root, 303)  # type: ignore[return-value]


# --- answering --------------------------------------------------------------------------------


def accept(door: Door) -> Response:
    """Record the customer's yes."""
    return _decide(door, Answer.ACCEPTED, "note")


def decline(door: Door) -> Response:
    """Record the customer's no."""
    return _decide(door, Answer.DECLINED, "reason", panel="decline")


def ask(door: Door) -> Response:
    """A question to the team (spec L6)."""
    return _say(door, conversations.ask, "question", panel="ask", done="asked")


def more_time(door: Door) -> Response:
    """A wish for more time on an expiring or expired quote (spec L6)."""
    return _say(door, conversations.ask_more_time, "wish", panel="more_time", done="more_time")


def answer_item(door: Door, position: int) -> Response:
    """An answer to one item of a request, in words or by a file (spec W4). Raises NotFound."""
    if door.shown.document.kind != Kind.REQUEST:
        raise NotFound
    try:
        requests.answer(
            door.shown.actor,
            position,
            forms.typed("answer"),
            uploads.one("file"),
            seen=forms.seen_revision(),
        )
    except BadInput as problem:
        typed = request.form.get("answer", "")[:10_000].encode("utf-8", "ignore").decode()
        at_item = SimpleNamespace(position=position, errors=problem.errors, answer=typed)
        return _page(door, part=_ITEMS, status=problem.status, at_item=at_item)
    except Undecidable as problem:
        return _again(door, problem, part=_ITEMS)
    if request.headers.get("HX-Request") != "true":
        return redirect(f"{door.root}?done=answered#item-{position}", 303)  # type: ignore[return-value]
    door.shown = door.read_again()
    return _page(door, part=_ITEMS, notice=_notice("good", _DONE["answered"]))


def _decide(door: Door, answer: Answer, note_field: str, panel: str | None = None) -> Response:
    try:
        seen = forms.seen_revision()
        signatory = forms.signatory(note_field)
        decisions.decide(door.shown.actor, answer, signatory, seen=seen)
    except BadInput as problem:
        return _page(door, status=problem.status, errors=problem.errors, open_panel=panel)
    except QuoteChanged as problem:
        return _again(door, problem, changed_since=seen)
    except Undecidable as problem:
        return _again(door, problem)
    return _answered(door)


def _say(
    door: Door, service: Callable[[Actor, str], object], field: str, *, panel: str, done: str
) -> Response:
    door.count_question()
    try:
        service(door.shown.actor, forms.typed(field))
    except BadInput as problem:
        return _page(door, status=problem.status, errors=problem.errors, open_panel=panel)
    except Undecidable as problem:
        return _again(door, problem)
    return _answered(door, done=done)


def _answered(door: Door, done: str | None = None) -> Response:
    """The new state of things: as a part for htmx, by redirect for everybody else.

    The redirect leads to the receipt itself: on a phone it stands below the paper.
    """
    if request.headers.get("HX-Request") != "true":
        query = f"?done={done}" if done else ""
        return redirect(f"{door.root}{query}#decision", 303)  # type: ignore[return-value]
    door.shown = door.read_again()
    text = _DONE.get(done or "")
    response = _page(door, notice=_notice("good", text) if text else None, typed={})
    response.headers["HX-Trigger"] = "answered"  # what else is on the page may wait for it
    return response


def _again(
    door: Door, problem: Undecidable, changed_since: int | None = None, part: str | None = None
) -> Response:
    """Nothing was decided: say why, show how things stand now, ask again where that is possible."""
    door.shown = door.read_again()
    tone = "info" if isinstance(problem, AlreadyDecided) else "warn"
    return _page(
        door,
        part=part,
        status=problem.status,
        notice=_notice(tone, problem.sentence),
        changed_since=changed_since,
    )


# --- putting the page together ----------------------------------------------------------------


def _page(
    door: Door,
    *,
    status: int = 200,
    part: str | None = None,
    errors: dict[str, str] | None = None,
    open_panel: str | None = None,
    notice: Any = None,
    changed_since: int | None = None,
    typed: dict[str, str] | None = None,
    at_item: SimpleNamespace | None = None,
) -> Response:
    at = door.shown
    if typed is None:
        typed = forms.values() if request.method == "POST" else {}
    return door.render(
        door.template,
        part=part or "public/_decision.html",
        status=status,
        form=_form(at, typed, errors or {}),
        open_panel=open_panel,
        at_item=at_item or SimpleNamespace(position=0, errors={}, answer=""),
        notice=notice or _form_notice(errors or (at_item.errors if at_item else None)),
        **_changes(at, changed_since),
        **context(door),
    )


def context(door: Door) -> dict[str, Any]:
    """What a page about the document reads, but for the organization, which the door knows."""
    at = door.shown
    document = at.document
    if at.org.payment_url and document.is_payable:
        document.pay_url = payment_urls.fill(
            at.org.payment_url,
            number=document.number,
            minor=document.balance,
            currency=document.currency,
            reference=at.payment_reference,
        )
    return {
        "doc": document,
        "content": at.content,
        "customer": SimpleNamespace(name=at.customer_name),
        "link": _link(door),
        "decision": at.decision,
        "messages": shown.conversation(document.id) if at.talks else [],
        "asked": request_items.of(document.id, at.content),
        "largest_file": files.readable(settings().max_upload),
    }


def _link(door: Door) -> SimpleNamespace:
    """Where the page's links and forms lead: all of them below the page itself."""
    at, root = door.shown, door.root
    # What only some doors have: a link can be ended, a form of the portal carries a token.
    some = {"end_url": None, "settings_url": None, "form_token": None, **door.link}
    return SimpleNamespace(
        contact_name=at.actor.contact_name,
        url=root,
        pdf_url=f"{root}/pdf",
        accept_url=f"{root}/accept",
        decline_url=f"{root}/decline",
        ask_url=f"{root}/ask",
        more_time_url=f"{root}/more-time",
        items_url=f"{root}/items",
        receipt_url=f"{root}/receipt" if at.decision else None,
        attachments=[
            (file.filename, _size(file.size), f"{root}/files/{number}")
            for number, file in enumerate(at.attached, 1)
        ],
        **some,
    )


def _form(at: Shown, typed: dict[str, str], errors: dict[str, str]) -> SimpleNamespace:
    blank = dict.fromkeys(("po_number", "note", "reason", "question", "wish"), "")
    prefilled = {"name": at.actor.contact_name or "", **blank}
    return SimpleNamespace(**{**prefilled, **typed}, errors=errors)


def _form_notice(errors: dict[str, str] | None) -> Any:
    """An error that belongs to no single field stands above the form."""
    general = (errors or {}).get("form")
    return _notice("bad", general) if general else None


def _notice(tone: str, text: str) -> SimpleNamespace:
    return SimpleNamespace(tone=tone, text=text)


def _changes(at: Shown, changed_since: int | None) -> dict[str, Any]:
    """What is different from the revision on screen, or from the one shown before this."""
    found = None
    if KINDS[Kind(at.document.kind)].answers and at.document.revision > 1:
        found = shown.changed_since(
            at.document, changed_since, at.content, at.org.locale, at.org.timezone
        )
    earlier, sentences = found or (None, [])
    return {"changes": sentences or None, "changed_since": earlier}


def _download(data: bytes, mimetype: str, name: str) -> Response:
    response = Response(data, mimetype=mimetype)
    response.headers["Content-Disposition"] = content_disposition(name)
    return response


def _size(count: int) -> str:
    if count < 1024:
        return f"{count} bytes"
    kilobytes = count / 1024
    return f"{kilobytes:.0f} KB" if kilobytes < 1024 else f"{kilobytes / 1024:.1f} MB"
