"""Projects from a file, with what lies in them, in the running unit of work (spec I1, W1).

Identity is organization and external id, and inside a project the external id of each part. What
the file does not name stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from portico import clock
from portico.db import db
from portico.records.activity import Activity
from portico.records.customer import Customer
from portico.records.organization import Organization
from portico.records.project import Deliverable, Milestone, Project, Task, TimeEntry
from portico.refusals import BadInput
from portico.services import activity, buyers, projects
from portico.services.imports.outcome import Imported, Outcome
from portico.services.imports.projects_json import PARTS, ParsedProject, PartIn, ProjectIn, identity
from portico.services.imports.refusals import BadFile, Problem
from portico.text import one_line, paragraphs

_KINDS: dict[str, Any] = {
    "milestones": Milestone,
    "deliverables": Deliverable,
    "tasks": Task,
    "time": TimeEntry,
}
_TEXTS = ("name", "person", "assignee", "description")


@dataclass(slots=True)
class Ready:
    """A project of the file with what is there of it already, found and held."""

    parsed: ParsedProject
    customer: Customer
    existing: Project | None
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)  # by kind and external id
    outcome: Outcome = Outcome.ADDED

    @property
    def values(self) -> dict[str, Any]:
        """The project's own columns, as the file has them; of a project that is there already,
        only what the file names."""
        content = self.parsed.content
        given = _given(content, self.existing is None, {"external_id", "customer", *PARTS})
        if "budget" in given or "spent" in given:  # which are nothing without it
            given["currency"] = content.currency
        return given


def prepare(parsed: list[ParsedProject], owner: Organization, *, update: bool) -> list[Ready]:
    """Find and hold what each project is already. Nothing is changed.

    Raises BadFile with every problem.
    """
    problems: list[Problem] = []
    ready = [one for each in parsed if (one := _found(each, owner, problems)) is not None]
    for one in ready:
        _judge(one, problems, update=update)
    if problems:
        raise BadFile(problems)
    return ready


def store(ready: list[Ready], *, by: str) -> Iterator[Imported]:
    """Write the projects and what lies in them."""
    for one in ready:
        if one.outcome is not Outcome.UNCHANGED:
            _write(one, by)
        yield Imported(
            "Project", one.parsed.content.name, one.outcome, one.customer.name, can_be_sent=True
        )


def _found(parsed: ParsedProject, owner: Organization, problems: list[Problem]) -> Ready | None:
    customer = buyers.match(parsed.customer, owner)
    if customer is None:
        sentence = "No customer, or more than one, is named like this."
        problems.append(parsed.at("customer").problem(sentence))
        return None
    if unreadable := list(_unreadable(parsed)):
        problems += unreadable
        return None
    existing = db.session.execute(
        sa.select(Project)
        .where(
            Project.organization_id == owner.id,
            Project.external_id == parsed.content.external_id,
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    ready = Ready(parsed, customer, existing)
    for kind in PARTS:
        ready.parts[kind] = _known(kind, existing) if existing else {}
    _check_dates(ready, problems)
    _check_tasks(ready, problems)
    _check_room(ready, problems)
    return ready


def _known(kind: str, project: Project) -> dict[str, Any]:
    model = _KINDS[kind]
    rows = db.session.execute(
        sa.select(model).where(model.project_id == project.id, model.external_id.is_not(None))
    ).scalars()
    return {row.external_id: row for row in rows}


def _unreadable(parsed: ParsedProject) -> Iterator[Problem]:
    """Text that the pages could not show, with its place."""
    content = parsed.content
    places: list[tuple[tuple[str | int, ...], Any]] = [((), content)]
    places += [
        ((kind, number), part)
        for kind in PARTS
        for number, part in enumerate(getattr(content, kind))
    ]
    for steps, holder in places:
        for name in _TEXTS:
            try:
                _clean(name, getattr(holder, name, None))
            except BadInput as refusal:
                yield parsed.at(*steps, name).problem(refusal.errors[name])


def _clean(name: str, value: Any) -> Any:
    """A text as it is kept; anything else as it is. Raises BadInput."""
    if name not in _TEXTS or value is None:
        return value
    if name == "description":
        return paragraphs(value, name, 10_000, required=False)
    return one_line(value, name, 300, required=name != "assignee")


def _check_dates(one: Ready, problems: list[Problem]) -> None:
    """A day of the file has to fit the other one, which may have been there before."""
    if one.existing is None:
        return
    begins, ends = (
        one.values.get(name, getattr(one.existing, name)) for name in ("starts_on", "ends_on")
    )
    if begins and ends and ends < begins:
        problems.append(one.parsed.at("ends_on").problem("A project ends after it began."))


def _check_tasks(one: Ready, problems: list[Problem]) -> None:
    """Hours name a task of the file, or one that was there before."""
    tasks = {identity(task) for task in one.parsed.content.tasks} | one.parts["tasks"].keys()
    for number, worked in enumerate(one.parsed.content.time):
        if worked.task is not None and worked.task not in tasks:
            place = one.parsed.at("time", number, "task")
            problems.append(place.problem("The project has no task with this id."))


def _check_room(one: Ready, problems: list[Problem]) -> None:
    if one.existing is None:
        return
    for kind in PARTS[:3]:
        model = _KINDS[kind]
        there = db.session.scalar(
            sa.select(sa.func.count()).where(model.project_id == one.existing.id)
        )
        fresh = {identity(part) for part in getattr(one.parsed.content, kind)}
        if (there or 0) + len(fresh - one.parts[kind].keys()) > projects.MOST_PARTS:
            sentence = f"A project has at most {projects.MOST_PARTS} of these."
            problems.append(one.parsed.at(kind).problem(sentence))


def _judge(one: Ready, problems: list[Problem], *, update: bool) -> None:
    """Whether it is new, the same again, or something else under a known id."""
    existing, place = one.existing, one.parsed.place
    if existing is None:
        return
    if existing.customer_id != one.customer.id:
        problems.append(
            place.problem(
                f"“{existing.external_id}” belongs to another customer than {one.customer.name}. "
                "Give this one an id of its own."
            )
        )
    elif not _differs(one, existing):
        one.outcome = Outcome.UNCHANGED
    elif not update:
        problems.append(
            place.problem(
                f"There is already a project with the id “{existing.external_id}” that says "
                "something else. Ask for an update to put what the file says in its place."
            )
        )
    else:
        one.outcome = Outcome.REVISED


def _differs(one: Ready, existing: Project) -> bool:
    if any(getattr(existing, name) != value for name, value in one.values.items()):
        return True
    tasks = {row.id: name for name, row in one.parts["tasks"].items()}
    for kind in PARTS:
        for part in getattr(one.parsed.content, kind):
            row = one.parts[kind].get(identity(part))
            if row is None or any(
                getattr(row, name) != value for name, value in _columns(part, False).items()
            ):
                return True
            if "task" in part.model_fields_set and tasks.get(row.task_id) != part.task:
                return True
    return False


def _columns(part: PartIn, is_new: bool) -> dict[str, Any]:
    """A part's own columns, but for the task of an entry of time."""
    return _given(part, is_new, {"external_id", "task"})


def _given(one: ProjectIn | PartIn, is_new: bool, but: set[str]) -> dict[str, Any]:
    """What the file says, ready to be kept: of something new all of it, else what it names. What
    was changed since by hand stays where the file is silent."""
    values = one.model_dump(exclude=but, exclude_unset=not is_new)
    return {name: _clean(name, getattr(value, "value", value)) for name, value in values.items()}


def _write(one: Ready, by: str) -> None:
    content, now = one.parsed.content, clock.now()
    project = one.existing
    if project is None:
        project = Project(
            organization_id=one.customer.organization_id,
            customer_id=one.customer.id,
            external_id=content.external_id,
            created_at=now,
            created_by=by,
        )
        db.session.add(project)
    for name, value in one.values.items():
        setattr(project, name, value)
    projects.touch(project)
    db.session.flush()
    for kind in PARTS:
        _write_parts(one, kind, project)
    details = {"imported": one.outcome.value}
    activity.record(projects.entry(Activity.CHANGE_PROJECT, project, by, **details))


def _write_parts(one: Ready, kind: str, project: Project) -> None:
    """Milestones, deliverables and tasks come in the order of the file, after what was there."""
    model, known = _KINDS[kind], one.parts[kind]
    place = 0
    if model is not TimeEntry:
        last = sa.select(sa.func.max(model.position)).where(model.project_id == project.id)
        place = db.session.scalar(last) or 0
    for part in getattr(one.parsed.content, kind):
        row = known.get(identity(part))
        is_new = row is None
        if row is None:
            place += 1
            row = known[identity(part)] = model(
                project_id=project.id, external_id=identity(part), **_beginning(model, place)
            )
            db.session.add(row)
        for name, value in _columns(part, is_new).items():
            setattr(row, name, value)
        if "task" in part.model_fields_set:
            row.task_id = one.parts["tasks"][part.task].id if part.task else None
    db.session.flush()


def _beginning(model: Any, place: int) -> dict[str, Any]:
    return {"created_at": clock.now()} if model is TimeEntry else {"position": place}
