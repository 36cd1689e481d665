"""Work that is shared with a customer: projects and what is in them (spec W1, S1).

Rates, costs and internal notes have no column that a customer's query reads: budgets and hours
show only where a switch of the project or of the share says so.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, Model, UtcDateTime


class ProjectState(StrEnum):
    PLANNED = "planned"
    ACTIVE = "active"
    ON_HOLD = "on_hold"
    DONE = "done"
    CANCELLED = "cancelled"


class TaskState(StrEnum):
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CANCELLED = "cancelled"


class Project(Model):
    """One project for one customer."""

    __tablename__ = "projects"
    __table_args__ = (
        sa.UniqueConstraint("organization_id", "external_id"),
        sa.Index("ix_projects_customer_id", "organization_id", "customer_id", "id"),
        sa.Index("ix_projects_organization_id_id", "organization_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    external_id: Mapped[str] = mapped_column(sa.String(500))
    name: Mapped[str] = mapped_column(sa.String(300))
    description: Mapped[str] = mapped_column(sa.Text, default="")
    state: Mapped[str] = mapped_column(sa.String(20), default=ProjectState.PLANNED.value)
    is_shared_with_client: Mapped[bool] = mapped_column(default=True)
    shows_hours: Mapped[bool] = mapped_column(default=False)  # total and billable hours, W1
    starts_on: Mapped[dt.date | None]
    ends_on: Mapped[dt.date | None]
    currency: Mapped[str] = mapped_column(sa.String(3), default="EUR")
    budget: Mapped[int | None] = mapped_column(sa.BigInteger)  # minor units
    spent: Mapped[int | None] = mapped_column(sa.BigInteger)  # minor units, what was used of it
    last_activity_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(sa.String(200))


class _InProject(Model):
    """What lies in a project, in an order of its own."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    project_id: Mapped[int] = mapped_column(sa.ForeignKey("projects.id"), index=True)
    external_id: Mapped[str | None] = mapped_column(sa.String(500))
    position: Mapped[int] = mapped_column(default=0)
    name: Mapped[str] = mapped_column(sa.String(300))


class Milestone(_InProject):
    __tablename__ = "project_milestones"

    due_on: Mapped[dt.date | None]
    reached_on: Mapped[dt.date | None]


class Deliverable(_InProject):
    __tablename__ = "project_deliverables"

    description: Mapped[str] = mapped_column(sa.Text, default="")
    delivered_on: Mapped[dt.date | None]


class Task(_InProject):
    __tablename__ = "project_tasks"

    assignee: Mapped[str] = mapped_column(sa.String(200), default="")
    state: Mapped[str] = mapped_column(sa.String(20), default=TaskState.OPEN.value)
    due_on: Mapped[dt.date | None]


class TimeEntry(Model):
    """Hours worked. What they cost inside is nowhere here."""

    __tablename__ = "project_time_entries"
    __table_args__ = (sa.Index("ix_project_time_entries_project_id", "project_id", "worked_on"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    project_id: Mapped[int] = mapped_column(sa.ForeignKey("projects.id"))
    task_id: Mapped[int | None] = mapped_column(sa.ForeignKey("project_tasks.id"))
    external_id: Mapped[str | None] = mapped_column(sa.String(500))
    worked_on: Mapped[dt.date]
    person: Mapped[str] = mapped_column(sa.String(200))
    minutes: Mapped[int]
    is_billable: Mapped[bool] = mapped_column(default=True)
    description: Mapped[str] = mapped_column(sa.Text, default="")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    @property
    def hours(self) -> Decimal:
        return Decimal(self.minutes) / 60


class Comment(Model):
    """What a customer or the team says about a project. Both sides read it."""

    __tablename__ = "project_comments"
    __table_args__ = (sa.Index("ix_project_comments_project_id", "project_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    project_id: Mapped[int] = mapped_column(sa.ForeignKey("projects.id"))
    from_staff: Mapped[bool]
    author: Mapped[str] = mapped_column(sa.String(200))
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contacts.id"))
    body: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class ProjectShare(Model):
    """A read-only link to a project (S1, S2). Money and hours are off unless switched on."""

    __tablename__ = "project_shares"
    __table_args__ = (sa.Index("ix_project_shares_project_id", "project_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    project_id: Mapped[int] = mapped_column(sa.ForeignKey("projects.id"))
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contacts.id"))  # mailed to
    nonce: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    token_sha256: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    shows_time: Mapped[bool] = mapped_column(default=False)
    shows_budget: Mapped[bool] = mapped_column(default=False)
    shows_files: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(sa.String(200))
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    revoked_by: Mapped[str | None] = mapped_column(sa.String(200))
