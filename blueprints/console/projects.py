"""Projects: made, filled, shown to their customer, talked about, shared by link (spec C5, S2)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

from flask import Response, request, url_for

from blueprints.console import bp
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from portico.formats import is_currency
from portico.queries import console_customer, console_projects, project_shares
from portico.queries import projects as queries
from portico.queries.console_projects import ProjectRecord
from portico.queries.lists import LARGEST_ID, search_term
from portico.records.content import from_minor
from portico.records.project import Deliverable, Milestone, ProjectState, Task, TaskState, TimeEntry
from portico.records.staff import Permission
from portico.refusals import BadInput, Conflict, NotFound, StaffRefusal, Unknown
from portico.services import payments, projects, sending, shares, team
from portico.services.projects import PartKind, ProjectFace
from portico.services.shares import Shows
from portico.text import one_line
from portico.web import forms
from portico.web.ways import go

_ONE = "/projects/<int:project_id>"
_FIELDS = (
    "customer", "name", "description", "state", "starts_on", "ends_on", "currency", "budget",
    "spent",
)  # fmt: skip
_PART_FIELDS = (
    "name", "assignee", "state", "due_on", "reached_on", "delivered_on", "description", "worked_on",
    "person", "hours", "is_billable", "comment", "contact", "last_day", "time", "budget", "files",
)  # fmt: skip
_FRESH = {"is_billable": "yes", "state": TaskState.OPEN.value}
_HOURS = re.compile(r"(\d{1,2})(?::([0-5]\d)|[.,](\d{1,2}))?")
_DONE = {
    "created": "The project is written down.",
    "changed": "Saved.",
    "added": "Added.",
    "removed": "Removed.",
    "said": "Your comment is there.",
    "is_shared_with_client-yes": "The customer sees this project from now on.",
    "is_shared_with_client-no": "The customer sees it no more, and no share of it opens.",
    "shows_hours-yes": "The customer sees total and billable hours in the portal.",
    "shows_hours-no": "The portal shows no hours. A link shows them where it was made to.",
    "revoked": "The share is revoked; its link opens nothing any more.",
}


class Tab(StrEnum):
    TASKS = "tasks"
    MILESTONES = "milestones"
    DELIVERABLES = "deliverables"
    TIME = "time"
    COMMENTS = "comments"
    SHARES = "shares"

    @property
    def label(self) -> str:
        return "Hours" if self is Tab.TIME else self.value.title()


_KINDS: dict[str, PartKind] = {
    Tab.TASKS: Task,
    Tab.MILESTONES: Milestone,
    Tab.DELIVERABLES: Deliverable,
    Tab.TIME: TimeEntry,
}


# --- the list -----------------------------------------------------------------------------------


@bp.get("/projects", endpoint="projects")
@needs(Permission.VIEW)
def projects_list() -> Response:
    term = search_term(request.args.get("q", ""))
    page = console_projects.page(
        me().organization_id,
        term=term,
        before=_number(request.args.get("before", "")),
        after=_number(request.args.get("after", "")),
    )
    return console_page(
        "console/projects.html", part="console/_projects.html", page=page, term=term
    )


@bp.get("/projects/new")
@needs(Permission.CUSTOMERS_EDIT)
def project_new() -> Response:
    typed = dict.fromkeys(_FIELDS, "") | {"currency": "EUR", "state": ProjectState.PLANNED.value}
    customer_id = _number(request.args.get("customer", "")) or 0
    chosen = console_customer.find(me().organization_id, customer_id)
    return _form(None, typed | {"customer": chosen.name if chosen else ""})


@bp.post("/projects")
@needs(Permission.CUSTOMERS_EDIT)
def project_create() -> Response:
    try:
        face, _emptied = _face()
        customer = _customer()
        made = projects.create(me().organization_id, customer, face, by=me().by)
    except BadInput as problem:
        return _form(None, _typed(_FIELDS, request.form), problem)
    return go(url_for("console.project", project_id=made.id, done="created"))


# --- one project --------------------------------------------------------------------------------


@bp.get(_ONE)
@needs(Permission.VIEW)
def project(project_id: int) -> Response:
    return _page(find(project_id), Tab.TASKS, done=request.args.get("done", ""))


@bp.get(f"{_ONE}/edit")
@needs(Permission.CUSTOMERS_EDIT)
def project_edit(project_id: int) -> Response:
    at = find(project_id)
    face = at.face
    values: dict[str, Any] = {name: getattr(face, name, None) for name in _FIELDS}
    for name in ("budget", "spent"):
        if values[name] is not None:
            values[name] = from_minor(values[name], face.currency)
    return _form(at, {name: "" if one is None else str(one) for name, one in values.items()})


@bp.post(f"{_ONE}/edit")
@needs(Permission.CUSTOMERS_EDIT)
def project_change(project_id: int) -> Response:
    at = find(project_id)
    try:
        face, emptied = _face()
        projects.change(at.id, face, by=me().by, emptied=emptied)
    except BadInput as problem:
        return _form(at, _typed(_FIELDS, request.form), problem)
    return go(url_for("console.project", project_id=at.id, done="changed"))


@bp.post(f"{_ONE}/switch")
@needs(Permission.CUSTOMERS_EDIT)
def project_switch(project_id: int) -> Response:
    """Show the project, or its hours, to the customer; or no more."""
    at = find(project_id)
    name, on = request.form.get("name", ""), request.form.get("on", "")
    if name not in {"is_shared_with_client", "shows_hours"} or on not in {"yes", "no"}:
        raise BadInput({"on": "Please use the buttons on the page; nothing was changed."})
    yes = on == "yes"
    shared = name == "is_shared_with_client"
    face = ProjectFace(is_shared_with_client=yes) if shared else ProjectFace(shows_hours=yes)
    projects.change(at.id, face, by=me().by)
    return _answer(at.id, Tab.TASKS, f"{name}-{on}")


@bp.get(f"{_ONE}/<what>")
@needs(Permission.VIEW)
def project_part(project_id: int, what: str) -> Response:
    """One tab."""
    return _page(find(project_id), _tab(what), done=request.args.get("done", ""))


@bp.post(f"{_ONE}/<what>")
@needs(Permission.CUSTOMERS_EDIT)
def project_part_add(project_id: int, what: str) -> Response:
    """A task, milestone, deliverable or hours more."""
    at = find(project_id)
    return _do(at, what, "added", lambda: _ADD[_part_tab(what)](at.id))


@bp.post(f"{_ONE}/<what>/<int:part_id>")
@needs(Permission.CUSTOMERS_EDIT)
def project_part_change(project_id: int, what: str, part_id: int) -> Response:
    at = find(project_id)
    return _do(at, what, "changed", lambda: _CHANGE[_part_tab(what)](at.id, part_id))


@bp.post(f"{_ONE}/<what>/<int:part_id>/remove")
@needs(Permission.CUSTOMERS_EDIT)
def project_part_remove(project_id: int, what: str, part_id: int) -> Response:
    at = find(project_id)
    kind = _KINDS[_part_tab(what)]
    return _do(at, what, "removed", lambda: projects.remove_part(at.id, kind, part_id, by=me().by))


@bp.post(f"{_ONE}/comments")
@needs(Permission.CUSTOMERS_EDIT)
def project_comment(project_id: int) -> Response:
    """The team says something: accounts of the customer read it."""
    at = find(project_id)
    return _do(
        at,
        Tab.COMMENTS,
        "said",
        lambda: projects.comment_by_staff(at.id, forms.typed("comment"), by=me().by),
    )


# --- shares -------------------------------------------------------------------------------------


@bp.post(f"{_ONE}/shares")
@needs(Permission.MANAGE_PORTAL_ACCESS)
def project_share(project_id: int) -> Response:
    """A new read-only link. Its address stands on this answer and nowhere else."""
    at = find(project_id)
    typed = request.form
    try:
        to = typed.get("contact", "")
        contact = _number(to)
        if to and contact is None:
            raise BadInput({"contact": "Please choose one of the contacts."})
        _share, url = shares.issue(
            at.id,
            Shows(*(typed.get(name) == "yes" for name in ("time", "budget", "files"))),
            by=me().by,
            last_day=_day("last_day"),
            contact_id=contact,
        )
    except BadInput as problem:
        return _page(at, Tab.SHARES, status=problem.status, errors=problem.errors)
    except StaffRefusal as problem:
        return _page(at, Tab.SHARES, status=problem.status, error=problem.sentence)
    return _page(at, Tab.SHARES, copied=url)


@bp.post(f"{_ONE}/shares/<int:share_id>/revoke")
@needs(Permission.MANAGE_PORTAL_ACCESS)
def project_share_revoke(project_id: int, share_id: int) -> Response:
    at = find(project_id)
    return _do(at, Tab.SHARES, "revoked", lambda: shares.revoke(at.id, share_id, by=me().by))


# --- what is done with each sort of part --------------------------------------------------------


def _task_values() -> dict[str, Any]:
    state = request.form.get("state", TaskState.OPEN.value)
    if state not in set(TaskState):
        raise BadInput({"state": "Please choose one of the states."})
    return {
        "name": forms.typed("name"),
        "assignee": forms.typed("assignee"),
        "state": TaskState(state),
        "due_on": _day("due_on"),
    }


def _milestone_values() -> dict[str, Any]:
    return {
        "name": forms.typed("name"),
        "due_on": _day("due_on"),
        "reached_on": _day("reached_on"),
    }


def _deliverable_values() -> dict[str, Any]:
    return {
        "name": forms.typed("name"),
        "description": forms.typed("description"),
        "delivered_on": _day("delivered_on"),
    }


def _time_values() -> dict[str, Any]:
    worked_on = _day("worked_on")
    if worked_on is None:
        raise BadInput({"worked_on": "Please say on which day."})
    return {
        "worked_on": worked_on,
        "person": forms.typed("person"),
        "minutes": _minutes(forms.typed("hours")),
        "is_billable": request.form.get("is_billable") == "yes",
        "description": forms.typed("description"),
    }


_ADD: dict[Tab, Callable[[int], object]] = {
    Tab.TASKS: lambda at: projects.add_task(at, by=me().by, **_task_values()),
    Tab.MILESTONES: lambda at: projects.add_milestone(at, by=me().by, **_milestone_values()),
    Tab.DELIVERABLES: lambda at: projects.add_deliverable(at, by=me().by, **_deliverable_values()),
    Tab.TIME: lambda at: projects.add_time(at, by=me().by, **_time_values()),
}
_CHANGE: dict[Tab, Callable[[int, int], object]] = {
    Tab.TASKS: lambda at, part: projects.set_task(at, part, by=me().by, **_task_values()),
    Tab.MILESTONES: lambda at, part: projects.set_milestone(
        at, part, by=me().by, **_milestone_values()
    ),
    Tab.DELIVERABLES: lambda at, part: projects.set_deliverable(
        at, part, by=me().by, **_deliverable_values()
    ),
    Tab.TIME: lambda at, part: projects.set_time(at, part, by=me().by, **_time_values()),
}


# --- finding ------------------------------------------------------------------------------------


def find(project_id: int) -> ProjectRecord:
    """A project of the organization at hand. Raises NotFound."""
    found = console_projects.find(me().organization_id, project_id)
    if found is None:
        raise NotFound(hint="")
    return found


def _tab(what: str) -> Tab:
    if what not in set(Tab):
        raise NotFound(hint="")
    return Tab(what)


def _part_tab(what: str) -> Tab:
    """The tab of something that can be added, changed and removed. Raises NotFound."""
    tab = _tab(what)
    if tab not in _KINDS:
        raise NotFound(hint="")
    return tab


# --- answering ----------------------------------------------------------------------------------


def _do(at: ProjectRecord, what: str, done: str, deed: Callable[[], object]) -> Response:
    """Do it, and show the tab as it is then: in place for htmx, by redirect for others."""
    tab = _tab(what)
    try:
        deed()
    except BadInput as problem:
        return _page(at, tab, status=problem.status, errors=problem.errors)
    return _answer(at.id, tab, done)


def _answer(project_id: int, tab: Tab, done: str) -> Response:
    if request.headers.get("HX-Request") == "true":
        return _page(find(project_id), tab, done=done)
    return go(url_for("console.project_part", project_id=project_id, what=tab.value, done=done))


def _page(
    at: ProjectRecord,
    tab: Tab,
    *,
    status: int = 200,
    done: str = "",
    error: str = "",
    errors: dict[str, str] | None = None,
    copied: str = "",
) -> Response:
    failed = bool(errors or error)
    return console_page(
        "console/project.html",
        part="console/_project.html",
        status=status,
        project=at,
        tab=tab.value,
        tabs=[(one.value, one.label) for one in Tab],
        hours=queries.hours(at.id),
        task_states=[(one.value, label) for one, (label, _tone) in queries.TASK_STATES.items()],
        done=_DONE.get(done),
        error=error or " ".join((errors or {}).values()),
        errors=errors or {},
        typed=SimpleNamespace(**_typed(_PART_FIELDS, request.form if failed else _FRESH)),
        copied=copied,
        **_matter(at, tab),
    )


def _matter(at: ProjectRecord, tab: Tab) -> dict[str, Any]:
    """What a tab lists, and where its list goes on; for shares, who may be mailed."""
    before = _number(request.args.get("before", ""))
    if tab is Tab.TASKS:
        rows, on = queries.tasks(at.id, beyond=min(before or 0, queries.MOST_PARTS))
        return {"rows": rows, "older": {"before": on} if on else None}
    if tab is Tab.MILESTONES:
        return {"rows": queries.milestones(at.id), "older": None}
    if tab is Tab.DELIVERABLES:
        return {"rows": queries.deliverables(at.id), "older": None}
    if tab is Tab.TIME:
        day = _date(request.args.get("day", ""))
        beyond = (day, before) if day and before else None
        found, last = queries.time_entries(at.id, beyond=beyond)
        older = {"day": last[0].isoformat(), "before": last[1]} if last else None
        return {"rows": found, "older": older}
    if tab is Tab.COMMENTS:
        said, earlier = queries.comments(at.id, before=before)
        return {"rows": said, "older": {"before": earlier} if earlier else None}
    contacts = [(str(one.id), f"{one.name}, {one.email}")
                for one in sending.recipients(at.face.customer_id)]  # fmt: skip
    return {"rows": project_shares.of_project(at.id), "older": None, "contacts": contacts}


def _form(
    at: ProjectRecord | None, typed: dict[str, str], problem: BadInput | None = None
) -> Response:
    return console_page(
        "console/project_edit.html",
        part="console/_project_edit.html",
        status=problem.status if problem else 200,
        project=at,
        face=SimpleNamespace(**typed),
        states=[(one.value, label) for one, (label, _tone) in queries.STATES.items()],
        errors=problem.errors if problem else {},
    )


# --- reading what was typed ---------------------------------------------------------------------


def _face() -> tuple[ProjectFace, list[str]]:
    """What the form says of a project, and what it leaves empty. Raises BadInput."""
    currency = forms.typed("currency").strip().upper()
    state = request.form.get("state", "")
    if state not in set(ProjectState):
        raise BadInput({"state": "Please choose one of the states."})
    if not is_currency(currency):
        raise BadInput({"currency": "A currency looks like EUR."})
    money = {name: _amount(name, currency) for name in ("budget", "spent")}
    days = {name: _day(name) for name in ("starts_on", "ends_on")}
    face = ProjectFace(
        name=forms.typed("name"),
        description=forms.typed("description"),
        state=ProjectState(state),
        currency=currency,
        starts_on=days["starts_on"],
        ends_on=days["ends_on"],
        budget=money["budget"],
        spent=money["spent"],
    )
    return face, [name for name, value in {**money, **days}.items() if value is None]


def _customer() -> int:
    """The customer that was typed, by id in the books or by name. Raises BadInput."""
    reference = one_line(forms.typed("customer"), "customer", 500)
    try:
        return team.find_customer(me().org.slug, reference).id
    except (Unknown, Conflict):
        raise BadInput(
            {"customer": "No customer, or more than one, has this id or exact name."}
        ) from None


def _amount(name: str, currency: str) -> int | None:
    text = forms.typed(name).strip()
    if not text:
        return None
    try:
        return payments.typed_amount(text, currency)
    except BadInput as problem:
        raise BadInput({name: problem.sentence}) from None


def _day(name: str) -> dt.date | None:
    """A day that was typed; None where none was. Raises BadInput."""
    text = forms.typed(name).strip()
    day = _date(text)
    if text and day is None:
        raise BadInput({name: "Please give a day, such as 2026-11-30."})
    return day


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _minutes(text: str) -> int:
    """``1:30``, ``1.5`` or ``2`` hours, in minutes. Raises BadInput."""
    found = _HOURS.fullmatch(text.strip()) if text.isascii() else None
    if found is None:
        raise BadInput({"hours": "Please write hours such as 1:30 or 1.5."})
    whole, minutes, part = found.groups()
    return int(whole) * 60 + int(minutes or 0) + round(float(f"0.{part or 0}") * 60)


def _typed(names: tuple[str, ...], form: Mapping[str, str]) -> dict[str, str]:
    """What was typed, as far as a page can show it again."""
    return {name: form.get(name, "")[:10_000].encode("utf-8", "ignore").decode() for name in names}


def _number(text: str) -> int | None:
    """A record's number from the address; None where it is none."""
    fits = text.isascii() and text.isdigit() and len(text) <= 19
    return int(text) if fits and int(text) <= LARGEST_ID else None
