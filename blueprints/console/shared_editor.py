"""Proposals, requests, acceptances and hours written and changed in the console (spec C5)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from flask import Response, request, url_for

from blueprints.console import bp, picking, saving
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from blueprints.console.saving import Form
from portico.queries import shared_rows
from portico.queries.console_document import OpenDocument
from portico.records.content import MOST_ENTRIES, FeeModel, Kind
from portico.records.staff import Permission
from portico.services import drafts, shared_papers
from portico.services.drafts import Seen
from portico.services.shared_papers import TypedShared

_NEW = {
    "proposal": Kind.PROPOSAL,
    "request": Kind.REQUEST,
    "acceptance": Kind.ACCEPTANCE,
    "time": Kind.TIME_APPROVAL,
}


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
    if action not in saving.ACTIONS:
        return _page(_edited(form, action))
    return saving.create(form, action, _page)


for _what in _NEW:
    _path = f"/documents/new/{_what}"
    bp.add_url_rule(_path, f"new_{_what}", new, defaults={"what": _what})
    bp.add_url_rule(_path, f"create_{_what}", create, methods=["POST"], defaults={"what": _what})


# --- a change ---------------------------------------------------------------------------------


def edit(at: OpenDocument, seen: Seen) -> Response:
    """The form filled with the newest revision."""
    typed = shared_papers.typed_of(at.content, me().org.zone, shared_rows.project_of(at.id))
    return _page(saving.form_of(at, typed, seen))


def change(at: OpenDocument, seen: Seen, now: Seen) -> Response:
    """Save what was typed. *seen* is how it stood on that page, *now* how it stands."""
    action = request.form.get("do", "")
    form = saving.form_of(at, _typed(), seen)
    if action not in saving.ACTIONS:
        return _page(_edited(form, action))
    return saving.change(at, form, action, now, _page)


# --- the form ---------------------------------------------------------------------------------


def _typed() -> TypedShared:
    form = request.form
    return TypedShared(
        **{
            name: picking.shown(form.get(name, "")).replace("\r\n", "\n")
            for name in TypedShared.__slots__
        }
    )


def _edited(form: Form[TypedShared], action: str) -> Form[TypedShared]:
    """The form after a button that saves nothing."""
    if action in {"find", "exchange"}:
        form.focus = "who"
    if action == "hours":
        _take_hours(form)
    return form


def _take_hours(form: Form[TypedShared]) -> None:
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


def _projects(form: Form[TypedShared]) -> list[tuple[str, str]]:
    if form.customer_id is None:
        return []
    return shared_rows.projects_of(me().organization_id, form.customer_id)


def _page(form: Form[TypedShared]) -> Response:
    return console_page(
        "console/shared_editor.html",
        part="console/_shared_editor.html",
        status=form.status,
        form=form,
        typed=form.typed,
        errors=form.errors,
        label=form.label,
        projects=_projects(form),
        fee_models=[(one.value, one.label) for one in FeeModel],
        title=form.title,
    )
