"""Quotes and invoices written and changed in the console (spec C4).

One form with several buttons: what adds or removes a line, looks for a customer or counts answers
with the form as it is then, so that it works without JavaScript and nothing typed is lost.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest

from flask import Response, request, url_for

from blueprints.console import bp, picking, saving, shared_editor
from blueprints.console.documents import find
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from blueprints.console.picking import Picked
from blueprints.console.saving import Form
from portico.queries.console_document import OpenDocument
from portico.records.content import Kind
from portico.records.staff import Permission
from portico.services import drafts, shared_papers
from portico.services.drafts import Seen
from portico.services.typed_papers import (
    MOST_LINES,
    TypedLine,
    TypedPaper,
    count_typed,
    typed_of,
)
from portico.web.ways import go

_NEW = "/documents/new"
_EDIT = "/documents/<int:document_id>/edit"
_FIELDS = ("name", "note", "quantity", "unit", "price", "tax", "id")
_LISTS = tuple(f"line_{name}" for name in _FIELDS)
_UNITS = (
    ("", "none"), ("C62", "pieces"), ("HUR", "hours"), ("DAY", "days"), ("WEE", "weeks"),
    ("MON", "months"), ("ANN", "years"), ("KGM", "kg"), ("MTR", "m"), ("MTK", "m²"),
    ("LTR", "litres"), ("SET", "sets"), ("LS", "lump sum"),
)  # fmt: skip


# --- a new one --------------------------------------------------------------------------------


@bp.get(f"{_NEW}/quote")
@needs(Permission.DOCUMENTS_EDIT)
def new_quote() -> Response:
    return _blank(Kind.QUOTE, "console.create_quote")


@bp.get(f"{_NEW}/invoice")
@needs(Permission.DOCUMENTS_EDIT)
def new_invoice() -> Response:
    return _blank(Kind.INVOICE, "console.create_invoice")


@bp.post(f"{_NEW}/quote")
@needs(Permission.DOCUMENTS_EDIT, lists=_LISTS)
def create_quote() -> Response:
    return _create(Kind.QUOTE, "console.create_quote")


@bp.post(f"{_NEW}/invoice")
@needs(Permission.DOCUMENTS_EDIT, lists=_LISTS)
def create_invoice() -> Response:
    return _create(Kind.INVOICE, "console.create_invoice")


def _blank(kind: Kind, endpoint: str) -> Response:
    form = Form(kind, url_for(endpoint), drafts.blank(me().organization_id, kind), Picked(None))
    _take_customer(form, picking.from_address())
    return _page(form)


def _create(kind: Kind, endpoint: str) -> Response:
    action = request.form.get("do", "")
    form = Form(kind, url_for(endpoint), _typed(), Picked(None))
    _take_customer(form, picking.from_form(action))
    if action not in saving.ACTIONS:
        return _page(_edited(form, action))
    return saving.create(form, action, _page)


def _take_customer(form: Form[TypedPaper], picked: Picked) -> None:
    form.picked = picked
    if picked.just_now and picked.customer is not None:
        form.typed = replace(form.typed, address=drafts.address_for(picked.customer.id))


# --- a change ---------------------------------------------------------------------------------


@bp.get(_EDIT)
@needs(Permission.DOCUMENTS_EDIT)
def edit_document(document_id: int) -> Response:
    """The form filled with the newest revision; or why this document is not edited here."""
    at = find(document_id)
    if refused := drafts.why_not(at.id):
        return console_page("console/editor_refused.html", at=at, refused=refused)
    if at.kind in shared_papers.KINDS:
        return shared_editor.edit(at, _seen_now(at))
    return _page(saving.form_of(at, typed_of(at.content), _seen_now(at)))


@bp.post(_EDIT)
@needs(Permission.DOCUMENTS_EDIT, lists=_LISTS)
def change_document(document_id: int) -> Response:
    at = find(document_id)
    if at.kind in shared_papers.KINDS:
        return shared_editor.change(at, _seen(at), _seen_now(at))
    action = request.form.get("do", "")
    form = saving.form_of(at, _typed(), _seen(at))
    if action not in saving.ACTIONS:
        return _page(_edited(form, action))
    return saving.change(at, form, action, _seen_now(at), _page)


def _seen_now(at: OpenDocument) -> Seen:
    return Seen(at.standing.current_revision, at.decision is not None)


def _seen(at: OpenDocument) -> Seen:
    """How the document stood on the page that the form came from."""
    revision = picking.number(request.form.get("revision", ""))
    return Seen(revision or 0, request.form.get("decided") == "yes")


# --- the form ---------------------------------------------------------------------------------


@bp.post("/documents/totals")
@needs(Permission.DOCUMENTS_EDIT, lists=_LISTS)
def document_totals() -> Response:
    """What the lines come to, while somebody is typing them: a part, and no page by itself."""
    if request.headers.get("HX-Request") != "true":
        return go(url_for("console.documents"))
    typed = _typed()
    return console_page(
        "console/_editor_sums.html", sums=count_typed(typed), typed=typed, afresh=True
    )


def _typed() -> TypedPaper:
    form = request.form
    columns = [form.getlist(name) for name in _LISTS]
    typed = TypedPaper(
        **{
            name: picking.shown(form.get(name, ""))
            for name in TypedPaper.__slots__
            if name != "lines"
        },
        lines=tuple(
            TypedLine(*map(picking.shown, cells)) for cells in zip_longest(*columns, fillvalue="")
        ),
    )
    return replace(typed, currency=typed.currency.strip().upper())


def _edited(form: Form[TypedPaper], action: str) -> Form[TypedPaper]:
    """The form after a button that saves nothing."""
    lines = form.typed.lines
    what, _, place = action.partition("-")
    if what == "add" and len(lines) >= MOST_LINES:
        form.errors["lines"] = f"There is room for {MOST_LINES} lines."
    elif what == "add":
        tax = lines[-1].tax if lines else ""
        form.typed = replace(form.typed, lines=(*lines, TypedLine(quantity="1", tax=tax)))
        form.focus = f"line-{len(lines)}"
    elif what == "remove" and (at := picking.number(place)) is not None:
        form.typed = replace(form.typed, lines=lines[:at] + lines[at + 1 :])
        form.focus = "add"
    elif what in {"find", "exchange"}:
        form.focus = "who"
    return form


def _page(form: Form[TypedPaper]) -> Response:
    return console_page(
        "console/editor.html",
        part="console/_editor.html",
        status=form.status,
        form=form,
        typed=form.typed,
        errors=form.errors,
        label=form.label,
        sums=count_typed(form.typed),
        units=_UNITS,
        title=form.title,
    )
