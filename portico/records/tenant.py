"""The control database: which tenants there are and by which host names they are known."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, ControlModel, UtcDateTime


class Tenant(ControlModel):
    """One self-hosting company with a database of its own (spec T2)."""

    __tablename__ = "tenants"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(sa.String(63), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    database_url: Mapped[str | None] = mapped_column(sa.String(1000))  # None: its own SQLite file
    public_url: Mapped[str] = mapped_column(sa.String(300))
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class TenantHost(ControlModel):
    """A host name that belongs to exactly one tenant (spec T1)."""

    __tablename__ = "tenant_hosts"

    host: Mapped[str] = mapped_column(sa.String(253), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenants.id"))
