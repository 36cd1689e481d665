"""One document behind a secret link: read, download, answer, ask, end (spec L1-L13, Q1).

The blueprint ``quote_links`` serves the same views under ``/q/``; URLs are made relative to
the blueprint that was asked.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from flask import Response, g, redirect, request

from blueprints.public_links import forms
from blueprints.public_links.gate import linked
from portico.files.names import content_disposition
from portico.queries import link_pages
from portico.queries.faces import masked_email
from portico.records.activity import Activity
from portico.records.content import Attachment, Kind
from portico.records.decision import Answer
from portico.refusals import AlreadyDecided, BadInput, NotFound, QuoteChanged, Undecidable
from portico.services import activity, conversations, decisions, links, payment_urls, renditions
from portico.services.actors import Actor
from portico.web import limits
from portico.web.pages import brand_css_url, page

_VIEWED = {Kind.QUOTE: Activity.VIEW_QUOTE, Kind.INVOICE: Activity.VIEW_INVOICE}
# Blueprint -> the path its links begin with, filled in where the routes are made.
ROOTS: dict[str, str] = {}

_PANELS = {"decline", "ask", "more_time"}
_DONE = {
    "asked": "Your question is on its way. We answer by mail, and here.",
    "more_time": "Your wish is on its way. We answer by mail, and here.",
}


def show(token: str) -> Response:
    """The document's page. A GET never decides: mail scanners follow every link."""
    at = linked()
    type_ = _VIEWED.get(Kind(at.document.kind), Activity.VIEW_DOCUMENT)
    activity.note(at.actor.entry(type_, revision=at.document.revision))
    done = _DONE.get(request.args.get("done", ""))
    panel = request.args.get("open", "")
    return _page(
        notice=_notice("good", done) if done else None,
        open_panel=panel if panel in _PANELS else None,
    )


def pdf(token: str) -> Response:
    """The document as PDF (spec L5), under a safe name."""
    at = linked()
    data = renditions.document(
        at.org, at.content, at.content_sha256, at.document.state, limits=renditions.IN_A_REQUEST
    )
    activity.note(at.actor.entry(Activity.DOWNLOAD_PDF, revision=at.document.revision))
    return _download(data, "application/pdf", f"{at.document.kind}-{at.document.number}.pdf")


def receipt(token: str) -> Response:
    """The receipt of the answer that stands, as PDF (spec L8)."""
    at = linked()
    if at.decision is None:
        raise NotFound
    data = renditions.receipt(at.decision.id, limits=renditions.IN_A_REQUEST)
    activity.note(at.actor.entry(Activity.DOWNLOAD_RECEIPT, receipt=at.decision.receipt_code))
    return _download(data, "application/pdf", f"receipt-{at.document.number}.pdf")


def attachment(token: str, position: int) -> Response:
    """A file that came inside the document, always as a download."""
    at = linked()
    files = _attached(at)
    if not 1 <= position <= len(files):
        raise NotFound
    file = files[position - 1]
    data = link_pages.attached_file(file.sha256)
    if data is None:
        raise NotFound
    activity.note(at.actor.entry(Activity.DOWNLOAD_FILE, sha256=file.sha256))
    return _download(data, "application/octet-stream", file.filename)


def accept(token: str) -> Response:
    """Record the customer's yes."""
    return _decide(Answer.ACCEPTED, "note")


def decline(token: str) -> Response:
    """Record the customer's no."""
    return _decide(Answer.DECLINED, "reason", panel="decline")


def ask(token: str) -> Response:
    """A question to the team (spec L6)."""
    return _say(conversations.ask, "question", panel="ask", done="asked")


def more_time(token: str) -> Response:
    """A wish for more time on an expiring or expired quote (spec L6)."""
    return _say(conversations.ask_more_time, "wish", panel="more_time", done="more_time")


def end(token: str) -> Response:
    """Ask before ending; the POST ends (spec L11)."""
    if request.method != "POST":
        return page("public/end.html", **_context())
    links.end(linked().actor)
    return page("public/ended.html", **_context())


def settings(token: str) -> Response:
    """What this link is, and the way to an account (spec L10)."""
    return page("public/settings.html", accounts_available=False, **_context())


def back(token: str) -> Response:
    """Somebody opened the address of a form: show the page instead."""
    return redirect(_root(), 303)  # type: ignore[return-value]


# --- expired links ---------------------------------------------------------------------------


def expired() -> Response:
    """Link expired: no data of the document, and the way to a fresh link (spec L4)."""
    at = linked()
    type_ = _VIEWED.get(Kind(at.document.kind), Activity.VIEW_DOCUMENT)
    activity.note(at.actor.entry(type_, expired=True))
    if request.headers.get("HX-Request") == "true":
        response = Response(status=200)
        response.headers["HX-Redirect"] = _root()
        return response
    return page("public/expired.html", status=410, **_recovery_context())


def request_access(token: str) -> Response:
    """Mail a fresh link to the address on file; the answer never says whether one was sent."""
    return _renew()


def send_again(token: str) -> Response:
    """The mail did not come: once more, under the same limits."""
    return _renew()


def _renew() -> Response:
    at = linked()
    if at.standing is link_pages.Standing.LIVE:
        return back((request.view_args or {})["token"])
    if not at.can_be_renewed:
        raise NotFound
    limits.recovery(at.link_id)
    links.request_renewal(at.actor)
    return page("public/requested.html", **_recovery_context())


def _recovery_context() -> dict[str, Any]:
    at = linked()
    return {
        "org": _org(),
        "link": SimpleNamespace(
            request_access_url=f"{_root()}/request-access" if at.can_be_renewed else None,
            send_again_url=f"{_root()}/send-again" if at.can_be_renewed else None,
        ),
    }


# --- answering -------------------------------------------------------------------------------


def _decide(answer: Answer, note_field: str, panel: str | None = None) -> Response:
    at = linked()
    try:
        seen = forms.seen_revision()
        signatory = forms.signatory(note_field)
        decisions.decide(at.actor, answer, signatory, seen=seen)
    except BadInput as problem:
        return _page(status=problem.status, errors=problem.errors, open_panel=panel)
    except QuoteChanged as problem:
        return _again(problem, changed_since=seen)
    except Undecidable as problem:
        return _again(problem)
    return _answered()


def _say(service: Callable[[Actor, str], object], field: str, *, panel: str, done: str) -> Response:
    limits.question(linked().link_id)
    try:
        service(linked().actor, forms.typed(field))
    except BadInput as problem:
        return _page(status=problem.status, errors=problem.errors, open_panel=panel)
    except Undecidable as problem:
        return _again(problem)
    return _answered(done=done)


def _answered(done: str | None = None) -> Response:
    """The new state of things: as a part for htmx, by redirect for everybody else.

    The redirect leads to the receipt itself: on a phone it stands below the paper.
    """
    if request.headers.get("HX-Request") != "true":
        query = f"?done={done}" if done else ""
        return redirect(f"{_root()}{query}#decision", 303)  # type: ignore[return-value]
    _read_again()
    text = _DONE.get(done or "")
    return _page(notice=_notice("good", text) if text else None, typed={})


def _again(problem: Undecidable, changed_since: int | None = None) -> Response:
    """Nothing was decided: say why, show how things stand now, ask again where that is possible."""
    _read_again()
    tone = "info" if isinstance(problem, AlreadyDecided) else "warn"
    return _page(
        status=problem.status, notice=_notice(tone, problem.sentence), changed_since=changed_since
    )


def _read_again() -> None:
    at = linked()
    token = (request.view_args or {})["token"]
    fresh = link_pages.open_link(token, at.purpose, at.actor.visitor)
    if fresh is None:
        raise NotFound
    g.linked = fresh


# --- putting the page together ----------------------------------------------------------------


def _page(
    *,
    status: int = 200,
    errors: dict[str, str] | None = None,
    open_panel: str | None = None,
    notice: Any = None,
    changed_since: int | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    at = linked()
    if typed is None:
        typed = forms.values() if request.method == "POST" else {}
    return page(
        "public/document.html",
        part="public/_decision.html",
        status=status,
        form=_form(at, typed, errors or {}),
        open_panel=open_panel,
        notice=notice or _form_notice(errors),
        **_changes(at, changed_since),
        **_context(),
    )


def _context() -> dict[str, Any]:
    at = linked()
    document = at.document
    if at.org.payment_url and document.is_payable:
        document.pay_url = payment_urls.fill(
            at.org.payment_url,
            number=document.number,
            minor=document.balance,
            currency=document.currency,
            reference=_payment_reference(at) or document.number,
        )
    return {
        "org": _org(),
        "doc": document,
        "content": at.content,
        "customer": SimpleNamespace(name=at.customer_name),
        "link": _link(at),
        "decision": at.decision,
        "messages": link_pages.conversation(document.id) if at.talks else [],
    }


def _link(at: link_pages.LinkedPage) -> SimpleNamespace:
    """Where the page's links and forms lead: all of them below the link itself."""
    actor = at.actor
    root = _root()
    return SimpleNamespace(
        contact_name=actor.contact_name,
        contact_email_masked=masked_email(actor.contact_email) if actor.contact_email else None,
        url=root,
        pdf_url=f"{root}/pdf",
        accept_url=f"{root}/accept",
        decline_url=f"{root}/decline",
        ask_url=f"{root}/ask",
        more_time_url=f"{root}/more-time",
        end_url=f"{root}/end",
        settings_url=f"{root}/settings",
        receipt_url=f"{root}/receipt" if at.decision else None,
        attachments=[
            (file.filename, _size(file.size), f"{root}/files/{number}")
            for number, file in enumerate(_attached(at), 1)
        ],
    )


def _org() -> Any:
    return brand_css_url(linked().org)


def _root() -> str:
    """The link's own address, below which all its pages lie; ``/portal/`` leads to ``/i/``."""
    token = (request.view_args or {})["token"]
    return f"{request.script_root}{ROOTS[request.blueprint or '']}/{token}"


def _form(
    at: link_pages.LinkedPage, typed: dict[str, str], errors: dict[str, str]
) -> SimpleNamespace:
    blank = dict.fromkeys(("po_number", "note", "reason", "question", "wish"), "")
    prefilled = {"name": at.actor.contact_name or "", **blank}
    return SimpleNamespace(**{**prefilled, **typed}, errors=errors)


def _form_notice(errors: dict[str, str] | None) -> Any:
    """An error that belongs to no single field stands above the form."""
    general = (errors or {}).get("form")
    return _notice("bad", general) if general else None


def _notice(tone: str, text: str) -> SimpleNamespace:
    return SimpleNamespace(tone=tone, text=text)


def _changes(at: link_pages.LinkedPage, changed_since: int | None) -> dict[str, Any]:
    """What is different from the revision on screen, or from the one shown before this."""
    found = None
    if at.document.is_quote and at.document.revision > 1:
        found = link_pages.changed_since(at.document, changed_since, at.content, at.org.locale)
    earlier, sentences = found or (None, [])
    return {"changes": sentences or None, "changed_since": earlier}


def _attached(at: link_pages.LinkedPage) -> list[Attachment]:
    return [ref.attachment for ref in at.content.references if ref.attachment is not None]


def _payment_reference(at: link_pages.LinkedPage) -> str | None:
    return next((means.reference for means in at.content.payment_means if means.reference), None)


def _download(data: bytes, mimetype: str, name: str) -> Response:
    response = Response(data, mimetype=mimetype)
    response.headers["Content-Disposition"] = content_disposition(name)
    return response


def _size(count: int) -> str:
    if count < 1024:
        return f"{count} bytes"
    kilobytes = count / 1024
    return f"{kilobytes:.0f} KB" if kilobytes < 1024 else f"{kilobytes / 1024:.1f} MB"
