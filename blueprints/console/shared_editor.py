"""Proposals, requests, acceptances and hours written and changed in the console (spec C5)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

from flask import Response, flash, request, url_for

from blueprints.console import bp, picking
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from blueprints.console.picking import Picked
from portico.queries import shared_rows
from portico.queries.console_document import OpenDocument
from portico.records.content import MOST_ENTRIES, FeeModel, Kind
from portico.records.document import KINDS, State
from portico.records.staff import Permission
from portico.refusals import BadInput, StaffRefusal
from portico.services import drafts, shared_papers
from portico.services.drafts import ChangedMeanwhile, Seen
from portico.services.shared_papers import TypedShared
from portico.web.ways import go

_NEW = {
    "proposal": Kind.PROPOSAL,
    "request": Kind.REQUEST,
    "acceptance": Kind.ACCEPTANCE,
    "time": Kind.TIME_APPROVAL,
}
_SAVING = {"draft", "post", "save", "send"}


@dataclass(slots=True)
class Form:
    """The form as it stands: what was typed, for whom, and what is wrong with it."""

    kind: Kind
    url: str
    typed: TypedShared
    picked: Picked
    at: OpenDocument | None = None  # none for a new one
    seen: Seen | None = None
    reason: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    problem: str = ""  # about the whole
    status: int = 200
    focus: str = ""

    @property
    def is_draft(self) -> bool:
        return self.at is None or self.at.face.state == State.DRAFT

    @property
    def customer_id(self) -> int | None:
        if self.at is not None:
            return self.at.standing.customer_id
        return self.picked.customer.id if self.picked.customer else None


# --- a new one --------------------------------------------------------------------------------


@needs(Permission.DOCUMENTS_EDIT)
def new(what: str) -> Response:
    kind = _NEW[what]
    typed = drafts.blank_shared(me().organization_id, kind)
    url = url_for(f"console.create_{what}")
    return _page(Form(kind, url, typed, picking.from_address()))


@needs(Permission.DOCUMENTS_EDIT)
def create(what: str) -> Response:
    action = request.form.get("do", "")
    url = url_for(f"console.create_{what}")
    form = Form(_NEW[what], url, _typed(), picking.from_form(action))
    if action not in _SAVING:
        return _page(_edited(form, action))
    if form.picked.customer is None:
        form.errors, form.status = {"customer": "Please choose the customer."}, 422
        return _page(form)
    post = action in {"post", "send"}
    try:
        made = drafts.create(form.picked.customer.id, form.kind, form.typed, post=post, by=me().by)
    except BadInput as problem:
        form.errors, form.status = problem.errors, problem.status
        return _page(form)
    flash("It is posted and can be sent." if post else "It is saved as a draft.")
    return go(url_for("console.document_send" if post else "console.document", document_id=made))


for _what in _NEW:
    _path = f"/documents/new/{_what}"
    bp.add_url_rule(_path, f"new_{_what}", new, defaults={"what": _what})
    bp.add_url_rule(_path, f"create_{_what}", create, methods=["POST"], defaults={"what": _what})


# --- a change ---------------------------------------------------------------------------------


def edit(at: OpenDocument, seen: Seen) -> Response:
    """The form filled with the newest revision."""
    typed = shared_papers.typed_of(at.content, me().org.zone, shared_rows.project_of(at.id))
    return _page(_form_of(at, typed, seen))


def change(at: OpenDocument, seen: Seen, now: Seen) -> Response:
    """Save what was typed. *seen* is how it stood on that page, *now* how it stands."""
    action = request.form.get("do", "")
    form = _form_of(at, _typed(), seen)
    form.reason = picking.shown(request.form.get("reason", ""))
    if action not in _SAVING:
        return _page(_edited(form, action))
    post = action in {"post", "send"}
    try:
        changed = drafts.change(
            at.id, form.typed, seen=seen, reason=form.reason, post=post, by=me().by
        )
    except BadInput as problem:
        form.errors, form.status = problem.errors, problem.status
        return _page(form)
    except ChangedMeanwhile as problem:
        form.problem, form.status, form.seen = problem.sentence, problem.status, now
        return _page(form)
    except StaffRefusal as problem:
        form.problem, form.status = problem.sentence, problem.status
        return _page(form)
    flash("It is saved." if changed else "There was nothing to change.")
    return go(url_for("console.document_send" if post else "console.document", document_id=at.id))


def _form_of(at: OpenDocument, typed: TypedShared, seen: Seen) -> Form:
    url = url_for("console.change_document", document_id=at.id)
    return Form(at.kind, url, typed, Picked(None), at=at, seen=seen)


# --- the form ---------------------------------------------------------------------------------


def _typed() -> TypedShared:
    form = request.form
    return TypedShared(
        **{
            name: picking.shown(form.get(name, "")).replace("\r\n", "\n")
            for name in TypedShared.__slots__
        }
    )


def _edited(form: Form, action: str) -> Form:
    """The form after a button that saves nothing."""
    if action in {"find", "exchange"}:
        form.focus = "who"
    if action == "hours":
        _take_hours(form)
    return form


def _take_hours(form: Form) -> None:
    """The hours of the chosen project in the period, as lines to look over."""
    project = picking.number(form.typed.project)
    try:
        start = dt.date.fromisoformat(form.typed.start.strip())
        end = dt.date.fromisoformat(form.typed.end.strip())
    except ValueError:
        form.errors, form.status = {"start": "Please give the first and the last day."}, 422
        return
    own = {int(one) for one, _ in _projects(form)}
    if project not in own:
        form.errors, form.status = {"project": "Please choose the project."}, 422
        return
    rows = shared_rows.worked(project, start, end)
    if not rows:
        form.errors = {"entries": "There are no hours in this project and period."}
        return
    if len(rows) > MOST_ENTRIES:
        form.errors, form.status = {"end": "There are too many; please take a shorter period."}, 422
        return
    form.typed = replace(form.typed, entries=shared_papers.lines_of_time(iter(rows)))


def _projects(form: Form) -> list[tuple[str, str]]:
    if form.customer_id is None:
        return []
    return shared_rows.projects_of(me().organization_id, form.customer_id)


def _page(form: Form) -> Response:
    label = KINDS[form.kind].label
    return console_page(
        "console/shared_editor.html",
        part="console/_shared_editor.html",
        status=form.status,
        form=form,
        typed=form.typed,
        errors=form.errors,
        label=label,
        projects=_projects(form),
        fee_models=[(one.value, one.label) for one in FeeModel],
        title=f"Edit {label.lower()} {form.at.content.number}"
        if form.at
        else f"New {label.lower()}",
    )
