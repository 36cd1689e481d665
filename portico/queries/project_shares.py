"""What stands behind a share of a project, and the shares of one project (spec S1, S2).

Share, project, customer, contact and organization are joined on every relation that has to hold.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portico import clock, tokens
from portico.db import reading
from portico.queries import projects
from portico.queries.faces import OrganizationFace, organization_columns, organization_face
from portico.queries.lists import LARGEST_ID
from portico.queries.projects import FileLine, Hours, OpenProject, TaskLine, TimeLine
from portico.queries.rows import Part, columns
from portico.records.activity import Activity, ActorKind
from portico.records.customer import Contact, Customer
from portico.records.file import StoredFile
from portico.records.organization import Organization
from portico.records.project import Project, ProjectShare
from portico.services.activity import Entry, Visitor
from portico.services.shares import MOST_SHARES

MOST_ON_PAGE = 500  # time entries and files; tasks are all there


@dataclass(frozen=True, slots=True)
class SharedProject:
    """An open share, as the gate found it."""

    share_id: int
    shows_time: bool
    shows_budget: bool
    shows_files: bool
    expires_at: dt.datetime | None
    contact_id: int | None
    contact_name: str
    org: OrganizationFace
    customer_name: str
    project: OpenProject
    visitor: Visitor

    def entry(self, type_: Activity, **details: object) -> Entry:
        """A line of the log about whoever holds the link."""
        return Entry(
            type_,
            ActorKind.CUSTOMER,
            actor=self.contact_name,
            organization_id=self.org.id,
            customer_id=self.project.customer_id,
            contact_id=self.contact_id,
            details={"project": self.project.id, "share": self.share_id, **details},
            visitor=self.visitor,
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the page shows, as it stood at one moment. Empty where a switch is off."""

    as_of: dt.datetime
    milestones: list[Any]
    deliverables: list[Any]
    tasks: list[TaskLine]
    hours: Hours | None
    time: list[TimeLine]
    more_time: bool
    files: list[FileLine]


@dataclass(frozen=True, slots=True)
class FileToFetch:
    """A file of a shared project."""

    id: int
    name: str
    storage_key: str


_share, _project = ProjectShare.__table__, Project.__table__
_org, _customer, _contact = Organization.__table__, Customer.__table__, Contact.__table__
_file = StoredFile.__table__
_one = (
    sa.select(
        *columns(_share, "share", "id", "contact_id", "shows_time", "shows_budget",
                 "shows_files", "expires_at"),
        *columns(_org, "org", *organization_columns),
        *columns(_customer, "customer", "name"),
        *columns(_contact, "contact", "name", "is_active"),
        *columns(_project, "project", *(column.key for column in _project.columns)),
    )
    .select_from(
        sa.join(_share, _project, sa.and_(
            _project.c.id == _share.c.project_id,
            _project.c.customer_id == _share.c.customer_id,
            _project.c.organization_id == _share.c.organization_id,
        ))
        .join(_org, _org.c.id == _share.c.organization_id)
        .join(_customer, sa.and_(
            _customer.c.id == _share.c.customer_id,
            _customer.c.organization_id == _share.c.organization_id,
        ))
        .outerjoin(_contact, sa.and_(
            _contact.c.id == _share.c.contact_id, _contact.c.customer_id == _share.c.customer_id,
        ))
    )
    .where(
        _share.c.token_sha256 == sa.bindparam("token_sha256"),
        _share.c.revoked_at.is_(None),
        _project.c.is_shared_with_client.is_(True),
        _customer.c.is_active.is_(True),
    )
)  # fmt: skip


def open_share(token: str, visitor: Visitor) -> SharedProject | None:
    """The project behind a token; None where it is unknown, revoked, over or not to be seen."""
    sha256 = tokens.digest(token)
    if sha256 is None:
        return None
    with reading() as connection:
        row = connection.execute(_one, {"token_sha256": sha256}).first()
    if row is None or (row.share_expires_at is not None and row.share_expires_at <= clock.now()):
        return None
    # A mailed share is bound to its contact: one who was switched off reads nothing more.
    if row.share_contact_id is not None and not row.contact_is_active:
        return None
    return SharedProject(
        share_id=row.share_id,
        shows_time=row.share_shows_time,
        shows_budget=row.share_shows_budget,
        shows_files=row.share_shows_files,
        expires_at=row.share_expires_at,
        contact_id=row.share_contact_id,
        contact_name=row.contact_name or "",
        org=organization_face(Part(row, "org")),
        customer_name=row.customer_name,
        project=projects.open_project(Part(row, "project")),
        visitor=visitor,
    )


def snapshot(at: SharedProject) -> Snapshot:
    """All that the share shows of its project, now."""
    project_id = at.project.id
    tasks, _on = projects.tasks(project_id, most=projects.MOST_PARTS)
    time, more = (
        projects.time_entries(project_id, most=MOST_ON_PAGE) if at.shows_time else ([], None)
    )
    files, _older = projects.files(project_id, most=MOST_ON_PAGE) if at.shows_files else ([], None)
    return Snapshot(
        as_of=clock.now(),
        milestones=projects.milestones(project_id),
        deliverables=projects.deliverables(project_id),
        tasks=tasks,
        hours=projects.hours(project_id) if at.shows_time else None,
        time=time,
        more_time=more is not None,
        files=files,
    )


def file(at: SharedProject, file_id: int) -> FileToFetch | None:
    """A file that the share shows."""
    if not at.shows_files or file_id > LARGEST_ID:
        return None
    names = ("id", "name", "storage_key")
    query = sa.select(*(_file.c[name] for name in names)).where(
        _file.c.id == file_id,
        _file.c.project_id == at.project.id,
        _file.c.organization_id == at.org.id,
        _file.c.customer_id == at.project.customer_id,
        *projects.FILES_TO_SEE,
    )
    with reading() as connection:
        row = connection.execute(query).first()
    return FileToFetch(*row) if row is not None else None


# --- for the team -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShareLine:
    """One share in the list of a project."""

    id: int
    contact: str
    email: str
    shows_time: bool
    shows_budget: bool
    shows_files: bool
    created_at: dt.datetime
    created_by: str
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None
    revoked_by: str | None

    @property
    def is_open(self) -> bool:
        over = self.expires_at is not None and self.expires_at <= clock.now()
        return self.revoked_at is None and not over

    @property
    def standing(self) -> tuple[str, str]:
        """The word and the tone of a chip."""
        if self.revoked_at is not None:
            return "Revoked", "none"
        return ("Live", "good") if self.is_open else ("Ran out", "none")


def of_project(project_id: int) -> list[ShareLine]:
    """Every share, the revoked too, newest first."""
    names = ("shows_time", "shows_budget", "shows_files", "created_at", "created_by", "expires_at",
             "revoked_at", "revoked_by")  # fmt: skip
    query = (
        sa.select(
            _share.c.id, sa.func.coalesce(_contact.c.name, ""),
            sa.func.coalesce(_contact.c.email, ""), *(_share.c[name] for name in names),
        )
        .select_from(sa.outerjoin(_share, _contact, _contact.c.id == _share.c.contact_id))
        .where(_share.c.project_id == project_id)
        .order_by(_share.c.id.desc())
        .limit(MOST_SHARES)
    )  # fmt: skip
    with reading() as connection:
        return [ShareLine(*row) for row in connection.execute(query)]
