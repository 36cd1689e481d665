"""Projects that a customer may follow: made, filled, talked about (spec W1, C5)."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portico import clock, formats
from portico.db import db, unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.customer import Customer
from portico.records.mail import MailKind
from portico.records.project import (
    Comment,
    Deliverable,
    Milestone,
    Project,
    ProjectState,
    Task,
    TaskState,
    TimeEntry,
)
from portico.refusals import BadInput, Conflict, NotFound, Unknown
from portico.services import activity, actors, doubles, notifications, outbox
from portico.services.activity import Entry
from portico.services.actors import Actor
from portico.text import graphemes, one_line, paragraphs

LONGEST_COMMENT = 2000  # characters as a person counts them
MOST_PARTS = 2000  # tasks, milestones or deliverables of one project
_MAY_BE_EMPTY = frozenset({"starts_on", "ends_on", "budget", "spent"})


PartKind = type[Task] | type[Milestone] | type[Deliverable] | type[TimeEntry]
Part = TypeVar("Part", Task, Milestone, Deliverable, TimeEntry)


@dataclass(frozen=True, slots=True)
class ProjectFace:
    """What can be set on a project; None leaves a value as it is. Amounts in minor units."""

    name: str | None = None
    description: str | None = None
    state: ProjectState | None = None
    is_shared_with_client: bool | None = None
    shows_hours: bool | None = None
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None
    currency: str | None = None
    budget: int | None = None
    spent: int | None = None


def create(
    organization_id: int,
    customer_id: int,
    face: ProjectFace,
    *,
    by: str,
    external_id: str | None = None,
) -> Project:
    """A new project of a customer; the very same just now is that one. Raises BadInput, Conflict,
    Unknown."""
    values = _checked(face)
    if "name" not in values:
        raise BadInput({"name": "Please fill this in."})
    try:
        with unit_of_work():
            customer = db.session.get(
                Customer, customer_id, with_for_update=True, populate_existing=True
            )
            if customer is None or customer.organization_id != organization_id:
                raise Unknown("There is no such customer.")
            says = {**values, "created_by": by}
            before = doubles.newest(Project, Project.customer_id == customer_id, says=says)
            if before is not None and external_id is None:
                return before
            now = clock.now()
            project = Project(
                organization_id=organization_id,
                customer_id=customer_id,
                external_id=external_id or secrets.token_hex(8),
                last_activity_at=now,
                created_at=now,
                created_by=by,
                **values,
            )
            _check_dates(project)
            db.session.add(project)
            db.session.flush()
            activity.record(entry(Activity.CHANGE_PROJECT, project, by, made=True))
    except IntegrityError:
        raise Conflict(f"Another project already has the id {external_id!r}.") from None
    return project


def change(project_id: int, face: ProjectFace, *, by: str, emptied: Collection[str] = ()) -> None:
    """Set what *face* names, and leave empty what *emptied* names: days, budget, what was spent.

    Raises BadInput, Unknown.
    """
    values = _checked(face) | dict.fromkeys(_MAY_BE_EMPTY.intersection(emptied))
    with unit_of_work():
        project = held(project_id)
        changed = [name for name, value in values.items() if getattr(project, name) != value]
        for name, value in values.items():
            setattr(project, name, value)
        _check_dates(project)
        if changed:
            touch(project)
            activity.record(entry(Activity.CHANGE_PROJECT, project, by, fields=sorted(changed)))


def add_task(
    project_id: int,
    name: str,
    *,
    by: str,
    assignee: str = "",
    state: TaskState = TaskState.OPEN,
    due_on: dt.date | None = None,
) -> Task:
    """A task at the end of the list. Raises BadInput, Unknown."""
    return _add_part(project_id, Task, _task(name, assignee, state, due_on), by=by)


def set_task(
    project_id: int,
    task_id: int,
    name: str,
    *,
    by: str,
    assignee: str,
    state: TaskState,
    due_on: dt.date | None,
) -> None:
    """What a task is called, how it stands, and when it is due. Raises BadInput, Unknown."""
    _set_part(project_id, Task, task_id, _task(name, assignee, state, due_on), by=by)


def add_milestone(
    project_id: int,
    name: str,
    *,
    by: str,
    due_on: dt.date | None = None,
    reached_on: dt.date | None = None,
) -> Milestone:
    """A milestone at the end of the list. Raises BadInput, Unknown."""
    return _add_part(project_id, Milestone, _milestone(name, due_on, reached_on), by=by)


def set_milestone(
    project_id: int,
    milestone_id: int,
    name: str,
    *,
    by: str,
    due_on: dt.date | None,
    reached_on: dt.date | None,
) -> None:
    """Raises BadInput, Unknown."""
    values = _milestone(name, due_on, reached_on)
    _set_part(project_id, Milestone, milestone_id, values, by=by)


def add_deliverable(
    project_id: int,
    name: str,
    *,
    by: str,
    description: str = "",
    delivered_on: dt.date | None = None,
) -> Deliverable:
    """A deliverable at the end of the list. Raises BadInput, Unknown."""
    values = _deliverable(name, description, delivered_on)
    return _add_part(project_id, Deliverable, values, by=by)


def set_deliverable(
    project_id: int,
    deliverable_id: int,
    name: str,
    *,
    by: str,
    description: str,
    delivered_on: dt.date | None,
) -> None:
    """Raises BadInput, Unknown."""
    values = _deliverable(name, description, delivered_on)
    _set_part(project_id, Deliverable, deliverable_id, values, by=by)


def add_time(
    project_id: int,
    *,
    by: str,
    worked_on: dt.date,
    person: str,
    minutes: int,
    is_billable: bool = True,
    description: str = "",
) -> TimeEntry:
    """Hours worked, in minutes. Raises BadInput, Unknown."""
    values = _time(worked_on, person, minutes, is_billable, description)
    return _add_part(project_id, TimeEntry, values, by=by)


def set_time(
    project_id: int,
    entry_id: int,
    *,
    by: str,
    worked_on: dt.date,
    person: str,
    minutes: int,
    is_billable: bool,
    description: str,
) -> None:
    """Put hours right. Raises BadInput, Unknown."""
    values = _time(worked_on, person, minutes, is_billable, description)
    _set_part(project_id, TimeEntry, entry_id, values, by=by)


def remove_part(project_id: int, kind: PartKind, part_id: int, *, by: str) -> None:
    """Take something out of a project. Hours of a task stay with the project. Raises Unknown."""
    with unit_of_work():
        project = held(project_id)
        part = _part(project, kind, part_id)
        if kind is Task:
            db.session.execute(
                sa.update(TimeEntry).where(TimeEntry.task_id == part_id).values(task_id=None)
            )
        db.session.delete(part)
        touch(project)
        removed = part.person if isinstance(part, TimeEntry) else part.name
        activity.record(entry(Activity.CHANGE_PROJECT, project, by, removed=removed))


# --- talking --------------------------------------------------------------------------------


def comment(actor: Actor, project_id: int, body: str) -> Comment:
    """What a customer says about a project; the team is mailed. The same twice is said once.

    Raises BadInput, NotFound.
    """
    body = _comment(body)
    with unit_of_work():
        actors.hold(actor)
        project = db.session.get(
            Project, project_id, with_for_update={"key_share": True}, populate_existing=True
        )
        if project is None or not is_theirs(project, actor):
            raise NotFound
        before = _said_before(project, body, actor.name, contact_id=actor.contact_id)
        if before is not None:
            return before
        said = _say(project, body, actor.name, contact_id=actor.contact_id, from_staff=False)
        outbox.post(
            MailKind.COMMENT_STAFF,
            organization_id=project.organization_id,
            customer_id=project.customer_id,
            reference={"comment": said.id},
        )
        activity.record(actor.entry(Activity.SEND_MESSAGE, project=project.id))
    return said


def comment_by_staff(project_id: int, body: str, *, by: str) -> Comment:
    """What the team says; every account of the customer is told. The same twice is said once.

    Raises BadInput, Unknown.
    """
    body = _comment(body)
    with unit_of_work():
        project = held(project_id)
        before = _said_before(project, body, by, contact_id=None)
        if before is not None:
            return before
        said = _say(project, body, by, contact_id=None, from_staff=True)
        activity.record(entry(Activity.SEND_MESSAGE, project, by))
        notifications.tell_commented(project, said)
    return said


def is_theirs(project: Project, actor: Actor) -> bool:
    """Whether a customer may see a project at all."""
    return (
        project.organization_id == actor.organization_id
        and project.customer_id == actor.customer_id
        and project.is_shared_with_client
    )


# --- parts ----------------------------------------------------------------------------------


def held(project_id: int) -> Project:
    """A project, read now and held for the running unit of work. Raises Unknown."""
    project = db.session.get(
        Project, project_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if project is None:
        raise Unknown("There is no such project.")
    return project


def touch(project: Project) -> None:
    """Something happened in it just now."""
    project.last_activity_at = clock.now()


def entry(type_: Activity, project: Project, by: str, **details: object) -> Entry:
    """A line of the log about something the team did in a project."""
    return Entry(
        type_,
        ActorKind.STAFF,
        actor=by,
        organization_id=project.organization_id,
        customer_id=project.customer_id,
        details={"project": project.id, **details},
    )


def _task(name: str, assignee: str, state: TaskState, due_on: dt.date | None) -> dict[str, Any]:
    return {
        "name": one_line(name, "name", 300),
        "assignee": one_line(assignee, "assignee", 200, required=False),
        "state": state.value,
        "due_on": due_on,
    }


def _milestone(name: str, due_on: dt.date | None, reached_on: dt.date | None) -> dict[str, Any]:
    return {"name": one_line(name, "name", 300), "due_on": due_on, "reached_on": reached_on}


def _deliverable(name: str, description: str, delivered_on: dt.date | None) -> dict[str, Any]:
    return {
        "name": one_line(name, "name", 300),
        "description": paragraphs(description, "description", 4000, required=False),
        "delivered_on": delivered_on,
    }


def _time(
    worked_on: dt.date, person: str, minutes: int, is_billable: bool, description: str
) -> dict[str, Any]:
    if not 0 < minutes <= 24 * 60:
        raise BadInput({"minutes": "A day has between 1 minute and 24 hours."})
    return {
        "worked_on": worked_on,
        "person": one_line(person, "person", 200),
        "minutes": minutes,
        "is_billable": is_billable,
        "description": paragraphs(description, "description", 2000, required=False),
    }


def _add_part(project_id: int, kind: type[Part], values: dict[str, Any], *, by: str) -> Part:
    with unit_of_work():
        project = held(project_id)
        newest = db.session.scalars(
            sa.select(kind).where(kind.project_id == project.id).order_by(kind.id.desc()).limit(1)
        ).first()
        is_just_now = clock.is_just_now(project.last_activity_at)
        if newest is not None and is_just_now and doubles.is_said_by(newest, values):
            return newest  # a second click
        part = kind(project_id=project.id, **values, **_beginning(kind, project.id))
        db.session.add(part)
        db.session.flush()
        touch(project)
        activity.record(entry(Activity.CHANGE_PROJECT, project, by, **{_CALLED[kind]: part.id}))
    return part


def _set_part(
    project_id: int, kind: PartKind, part_id: int, values: dict[str, Any], *, by: str
) -> None:
    with unit_of_work():
        project = held(project_id)
        part = _part(project, kind, part_id)
        if doubles.is_said_by(part, values):
            return
        for name, value in values.items():
            setattr(part, name, value)
        touch(project)
        facts = {_CALLED[kind]: part_id}
        if isinstance(part, Task):
            facts["state"] = values["state"]
        activity.record(entry(Activity.CHANGE_PROJECT, project, by, **facts))


_CALLED: dict[PartKind, str] = {
    Task: "task",
    Milestone: "milestone",
    Deliverable: "deliverable",
    TimeEntry: "time",
}


def _part(project: Project, kind: PartKind, part_id: int) -> Any:
    """Something that lies in a project. Raises Unknown."""
    part: Any = db.session.get(kind, part_id)
    if part is None or part.project_id != project.id:
        raise Unknown("It is not there any more.")
    return part


def _say(
    project: Project, body: str, author: str, *, contact_id: int | None, from_staff: bool
) -> Comment:
    said = Comment(
        project_id=project.id,
        from_staff=from_staff,
        author=author,
        contact_id=contact_id,
        body=body,
        created_at=clock.now(),
    )
    db.session.add(said)
    db.session.flush()
    touch(project)
    return said


def _said_before(
    project: Project, body: str, author: str, *, contact_id: int | None
) -> Comment | None:
    says = {"body": body, "author": author, "contact_id": contact_id}
    return doubles.newest(Comment, Comment.project_id == project.id, says=says)


def _comment(text: str) -> str:
    """Up to 2,000 characters as a person sees them: a flag or a family is one (spec W1)."""
    body = paragraphs(text, "comment", LONGEST_COMMENT * 10)
    if graphemes(body) > LONGEST_COMMENT:
        raise BadInput({"comment": f"Please keep this to {LONGEST_COMMENT} characters."})
    return body


def _checked(face: ProjectFace) -> dict[str, Any]:
    values = {
        field.name: getattr(face, field.name)
        for field in fields(face)
        if getattr(face, field.name) is not None
    }
    if "name" in values:
        values["name"] = one_line(values["name"], "name", 300)
    if "description" in values:
        values["description"] = paragraphs(
            values["description"], "description", 10_000, required=False
        )
    if "currency" in values and not formats.is_currency(values["currency"]):
        raise BadInput({"currency": "A currency looks like EUR."})
    for name in ("budget", "spent"):
        if name in values and not 0 <= values[name] < 2**62:
            raise BadInput({name: "Please give an amount that is not below zero."})
    if "state" in values:
        values["state"] = values["state"].value
    return values


def _check_dates(project: Project) -> None:
    if project.starts_on and project.ends_on and project.ends_on < project.starts_on:
        raise BadInput({"ends_on": "A project ends after it began."})


def _beginning(kind: PartKind, project_id: int) -> dict[str, Any]:
    """What the project gives to something new: hours a moment, all else its place in the list."""
    if kind is TimeEntry:
        return {"created_at": clock.now()}
    return {"position": _next(kind, project_id)}


def _next(kind: Any, project_id: int) -> int:
    count, last = db.session.execute(
        sa.select(sa.func.count(kind.id), sa.func.max(kind.position)).where(
            kind.project_id == project_id
        )
    ).one()
    if count >= MOST_PARTS:
        raise BadInput({"name": f"A project has at most {MOST_PARTS} of these."})
    return (last or 0) + 1
