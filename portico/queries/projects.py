"""Projects as a customer reads them, by account or by a share (spec W1, S1).

Everything is found through organization and customer. What may be long is read a page at a time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portico.db import reading
from portico.queries.lists import LARGEST_ID
from portico.records.file import StoredFile
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
from portico.services.actors import Actor

CARDS = 24
PAGE = 50
MOST_PARTS = 2000  # milestones or deliverables of one project

# What people read beside a state, and in which tone.
STATES = {
    ProjectState.PLANNED: ("Planned", "info"),
    ProjectState.ACTIVE: ("Active", "good"),
    ProjectState.ON_HOLD: ("On hold", "warn"),
    ProjectState.DONE: ("Done", "none"),
    ProjectState.CANCELLED: ("Cancelled", "none"),
}
TASK_STATES = {
    TaskState.OPEN: ("Open", "info"),
    TaskState.IN_PROGRESS: ("In progress", "warn"),
    TaskState.DONE: ("Done", "good"),
    TaskState.CANCELLED: ("Cancelled", "none"),
}

_project, _file, _comment = Project.__table__, StoredFile.__table__, Comment.__table__
_task, _time = Task.__table__, TimeEntry.__table__

# Of a project's files; what was sent in for a request stands with the request.
FILES_TO_SEE = (
    _file.c.is_shared_with_client.is_(True),
    _file.c.removed_at.is_(None),
    _file.c.document_id.is_(None),
)


@dataclass(frozen=True, slots=True)
class Card:
    """A project in the grid."""

    id: int
    name: str
    description: str
    state: ProjectState
    starts_on: dt.date | None
    ends_on: dt.date | None
    documents: int

    @property
    def standing(self) -> tuple[str, str]:
        """The word and the tone of a chip."""
        return STATES[self.state]


@dataclass(frozen=True, slots=True)
class CardPage:
    """Newest first; the ids that lead on and back, None where there is nothing more."""

    rows: list[Card]
    older: int | None
    newer: int | None


@dataclass(frozen=True, slots=True)
class OpenProject:
    """One project. Amounts in minor units; hours are None where they are not shown."""

    id: int
    customer_id: int
    name: str
    description: str
    state: ProjectState
    starts_on: dt.date | None
    ends_on: dt.date | None
    currency: str
    budget: int | None
    spent: int | None
    shows_hours: bool
    last_activity_at: dt.datetime

    @property
    def standing(self) -> tuple[str, str]:
        return STATES[self.state]


@dataclass(frozen=True, slots=True)
class Hours:
    """Time worked, in minutes."""

    total: int
    billable: int


@dataclass(frozen=True, slots=True)
class TaskLine:
    id: int
    name: str
    assignee: str
    state: TaskState
    due_on: dt.date | None

    @property
    def standing(self) -> tuple[str, str]:
        return TASK_STATES[self.state]


@dataclass(frozen=True, slots=True)
class FileLine:
    id: int
    name: str
    size: int  # bytes
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class CommentLine:
    id: int
    from_staff: bool
    author: str
    body: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class TimeLine:
    id: int
    task_id: int | None
    worked_on: dt.date
    person: str
    minutes: int
    is_billable: bool
    description: str


# --- the customer's own -------------------------------------------------------------------------


def cards(actor: Actor, *, before: int | None = None, after: int | None = None) -> CardPage:
    """A page of the customer's projects; *before* and *after* are projects at its edge."""
    backwards = before is None and after is not None
    edge = after if backwards else before
    rows = list(_cards(actor, edge, CARDS + 1, backwards=backwards))
    shown = rows[:CARDS]
    if backwards:
        shown.reverse()
    more = len(rows) > CARDS
    older = shown[-1].id if shown and (backwards or more) else None
    newer = shown[0].id if shown and (more if backwards else before is not None) else None
    return CardPage(shown, older, newer)


def upcoming(actor: Actor, most: int) -> list[Card]:
    """What goes on or is planned, the first to begin first; what has no day yet comes last."""
    wanted = _project.c.state.in_([ProjectState.ACTIVE.value, ProjectState.PLANNED.value])
    order = (_project.c.starts_on.is_(None), _project.c.starts_on, _project.c.id)
    with reading() as connection:
        rows = connection.execute(_card_query(actor).where(wanted).order_by(*order).limit(most))
        return [_card(row) for row in rows]


def active(actor: Actor, most: int) -> int:
    """How many projects are going on, counted no further than *most*."""
    some = (
        sa.select(_project.c.id)
        .where(*_theirs(actor), _project.c.state == ProjectState.ACTIVE.value)
        .limit(most)
        .subquery()
    )
    with reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def find(actor: Actor, project_id: int) -> OpenProject | None:
    """A project that the customer may see."""
    if project_id > LARGEST_ID:
        return None
    with reading() as connection:
        wanted = sa.select(_project).where(_project.c.id == project_id, *_theirs(actor))
        row = connection.execute(wanted).first()
    return open_project(row) if row is not None else None


def _cards(actor: Actor, edge: int | None, most: int, *, backwards: bool) -> Iterator[Card]:
    query = _card_query(actor)
    if edge is not None:
        query = query.where(_project.c.id > edge if backwards else _project.c.id < edge)
    order = _project.c.id.asc() if backwards else _project.c.id.desc()
    with reading() as connection:
        for row in connection.execute(query.order_by(order).limit(most)):
            yield _card(row)


def _card_query(actor: Actor) -> sa.Select[Any]:
    documents = sa.select(sa.func.count()).where(_file.c.project_id == _project.c.id, *FILES_TO_SEE)
    return sa.select(
        *(_project.c[name] for name in
          ("id", "name", "description", "state", "starts_on", "ends_on")),
        documents.scalar_subquery().label("documents"),
    ).where(*_theirs(actor))  # fmt: skip


def _theirs(actor: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _project.c.organization_id == actor.organization_id,
        _project.c.customer_id == actor.customer_id,
        _project.c.is_shared_with_client.is_(True),
    )


def _card(row: Any) -> Card:
    return Card(
        row.id, row.name, row.description, ProjectState(row.state), row.starts_on, row.ends_on,
        row.documents,
    )  # fmt: skip


def open_project(row: Any) -> OpenProject:
    """From a row with the columns of a project."""
    return OpenProject(
        id=row.id,
        customer_id=row.customer_id,
        name=row.name,
        description=row.description,
        state=ProjectState(row.state),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        currency=row.currency,
        budget=row.budget,
        spent=row.spent,
        shows_hours=row.shows_hours,
        last_activity_at=row.last_activity_at,
    )


# --- what lies in a project that was found ------------------------------------------------------


def hours(project_id: int) -> Hours:
    """All time that was worked."""
    billable = sa.case((_time.c.is_billable.is_(True), _time.c.minutes), else_=0)
    query = sa.select(
        sa.func.coalesce(sa.func.sum(_time.c.minutes), 0), sa.func.coalesce(sa.func.sum(billable), 0)
    ).where(_time.c.project_id == project_id)  # fmt: skip
    with reading() as connection:
        total, part = connection.execute(query).one()
    return Hours(int(total), int(part))


def tasks(project_id: int, *, beyond: int = 0, most: int = PAGE) -> tuple[list[TaskLine], int]:
    """Tasks in their order after the first *beyond*, and where the next page begins (0: nowhere).

    A project has at most two thousand, so that places may be counted.
    """
    query = (
        sa.select(_task)
        .where(_task.c.project_id == project_id)
        .order_by(_task.c.position, _task.c.id)
        .offset(beyond)
        .limit(most + 1)
    )
    with reading() as connection:
        rows = connection.execute(query).all()
    found = [
        TaskLine(row.id, row.name, row.assignee, TaskState(row.state), row.due_on)
        for row in rows[:most]
    ]
    return found, beyond + most if len(rows) > most else 0


def milestones(project_id: int) -> list[Milestone]:
    """In their order."""
    return _parts(Milestone, project_id)


def deliverables(project_id: int) -> list[Deliverable]:
    """In their order."""
    return _parts(Deliverable, project_id)


def _parts(kind: Any, project_id: int) -> list[Any]:
    table = kind.__table__
    query = sa.select(table).where(table.c.project_id == project_id)
    with reading() as connection:
        rows = connection.execute(query.order_by(table.c.position, table.c.id).limit(MOST_PARTS))
        return list(rows)


def files(
    project_id: int, *, before: int | None = None, most: int = PAGE
) -> tuple[list[FileLine], int | None]:
    """Files shared with the customer, newest first, and the id to go on from."""
    query = sa.select(_file.c.id, _file.c.name, _file.c.size, _file.c.created_at).where(
        _file.c.project_id == project_id, *FILES_TO_SEE
    )
    if before is not None:
        query = query.where(_file.c.id < before)
    with reading() as connection:
        rows = connection.execute(query.order_by(_file.c.id.desc()).limit(most + 1)).all()
    found = [FileLine(*row) for row in rows[:most]]
    return found, found[-1].id if len(rows) > most else None


def comments(project_id: int, *, before: int | None = None) -> tuple[list[CommentLine], int | None]:
    """The newest comments as they were said, oldest first, and the id that leads to older ones."""
    query = sa.select(
        _comment.c.id, _comment.c.from_staff, _comment.c.author, _comment.c.body,
        _comment.c.created_at,
    ).where(_comment.c.project_id == project_id)  # fmt: skip
    if before is not None:
        query = query.where(_comment.c.id < before)
    with reading() as connection:
        rows = connection.execute(query.order_by(_comment.c.id.desc()).limit(PAGE + 1)).all()
    found = [CommentLine(*row) for row in reversed(rows[:PAGE])]
    return found, found[0].id if len(rows) > PAGE else None


def time_entries(
    project_id: int, *, beyond: tuple[dt.date, int] | None = None, most: int = PAGE
) -> tuple[list[TimeLine], tuple[dt.date, int] | None]:
    """Time worked, the newest day first, and the day and id to go on from."""
    query = sa.select(
        _time.c.id, _time.c.task_id, _time.c.worked_on, _time.c.person, _time.c.minutes,
        _time.c.is_billable, _time.c.description,
    ).where(_time.c.project_id == project_id)  # fmt: skip
    if beyond is not None:
        here = sa.tuple_(_time.c.worked_on, _time.c.id)
        day, number = beyond
        query = query.where(
            here < sa.tuple_(sa.literal(day, sa.Date()), sa.literal(number, _time.c.id.type))
        )
    order = (_time.c.worked_on.desc(), _time.c.id.desc())
    with reading() as connection:
        rows = connection.execute(query.order_by(*order).limit(most + 1)).all()
    found = [TimeLine(*row) for row in rows[:most]]
    last = (found[-1].worked_on, found[-1].id) if len(rows) > most else None
    return found, last
