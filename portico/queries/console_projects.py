"""Projects as the team lists and opens them (spec C5)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from portico.db import reading
from portico.queries import projects
from portico.queries.lists import LARGEST_ID
from portico.queries.projects import STATES, OpenProject
from portico.records.customer import Customer
from portico.records.project import Project, ProjectState

PAGE = 25

_project, _customer = Project.__table__, Customer.__table__


@dataclass(frozen=True, slots=True)
class ProjectLine:
    """A project in the list."""

    id: int
    name: str
    external_id: str
    customer: str
    state: ProjectState
    is_shared: bool
    last_activity_at: dt.datetime

    @property
    def standing(self) -> tuple[str, str]:
        """The word and the tone of a chip."""
        return STATES[self.state]


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """Newest first; the ids that lead on and back, None where there is nothing more."""

    rows: list[ProjectLine]
    on: int | None
    back: int | None


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A project with what only the team knows of it."""

    face: OpenProject
    external_id: str
    customer: str
    is_shared: bool

    @property
    def id(self) -> int:
        return self.face.id


def page(
    organization_id: int, *, term: str = "", before: int | None = None, after: int | None = None
) -> ProjectPage:
    """One page of an organization's projects. *before* and *after* are projects at its edge."""
    backwards = before is None and after is not None
    query = (
        sa.select(
            *(_project.c[name] for name in ("id", "name", "external_id")),
            _customer.c.name.label("customer"),
            *(_project.c[name] for name in
              ("state", "is_shared_with_client", "last_activity_at")),
        )
        .join(_customer, _customer.c.id == _project.c.customer_id)
        .where(_project.c.organization_id == organization_id)
    )  # fmt: skip
    if term:
        columns = (_project.c.name, _project.c.external_id, _customer.c.name)
        query = query.where(sa.or_(*(one.icontains(term, autoescape=True) for one in columns)))
    edge = after if backwards else before
    if edge is not None:
        query = query.where(_project.c.id > edge if backwards else _project.c.id < edge)
    order = _project.c.id.asc() if backwards else _project.c.id.desc()
    with reading() as connection:
        found = connection.execute(query.order_by(order).limit(PAGE + 1)).all()
    rows = [
        ProjectLine(
            row.id, row.name, row.external_id, row.customer, ProjectState(row.state),
            row.is_shared_with_client, row.last_activity_at,
        )
        for row in found[:PAGE]
    ]  # fmt: skip
    more = len(found) > PAGE
    if backwards:
        rows.reverse()
    on = rows[-1].id if rows and (more or backwards) else None
    back = rows[0].id if rows and (more if backwards else before is not None) else None
    return ProjectPage(rows, on, back)


def find(organization_id: int, project_id: int) -> ProjectRecord | None:
    """A project of the organization."""
    if project_id > LARGEST_ID:
        return None
    query = (
        sa.select(_project, _customer.c.name.label("customer_name"))
        .join(_customer, _customer.c.id == _project.c.customer_id)
        .where(_project.c.id == project_id, _project.c.organization_id == organization_id)
    )
    with reading() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    return ProjectRecord(
        projects.open_project(row), row.external_id, row.customer_name, row.is_shared_with_client
    )
