"""The team of one organization, and where one of them is signed in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portico import clock
from portico.db import reading
from portico.records.staff import Role, StaffMember, StaffRole, StaffSession
from portico.refusals import NotFound
from portico.services.scanners import device_of
from portico.services.staff import SESSION_IDLE, SESSION_LONGEST


@dataclass(frozen=True, slots=True)
class Colleague:
    """One person, as the owners of an organization see them."""

    id: int
    name: str
    email: str
    role: Role
    is_active: bool
    is_set_up: bool
    has_second_factor: bool
    last_seen_at: dt.datetime | None  # in this organization

    @property
    def state(self) -> tuple[str, str]:
        """In words, and in which tone."""
        if not self.is_active:
            return "Disabled", "bad"
        return ("Active", "good") if self.is_set_up else ("Invited", "info")


_member, _role, _session = StaffMember.__table__, StaffRole.__table__, StaffSession.__table__
_last_here = (
    sa.select(sa.func.max(_session.c.last_seen_at))
    .where(
        _session.c.staff_id == _role.c.staff_id,
        _session.c.organization_id == _role.c.organization_id,
    )
    .scalar_subquery()
)
_team = (
    sa.select(
        *(_member.c[name] for name in ("id", "name", "email", "is_active", "set_up_at")),
        _member.c.totp_confirmed_at,
        _last_here.label("last_seen_at"),
        _role.c.role,
    )
    .select_from(sa.join(_member, _role, _role.c.staff_id == _member.c.id))
    .where(_role.c.organization_id == sa.bindparam("organization_id"))
    .order_by(sa.func.lower(_member.c.name), _member.c.id)
)


def of(organization_id: int) -> list[Colleague]:
    """Everybody with a role in an organization, by name."""
    with reading() as connection:
        rows = connection.execute(_team, {"organization_id": organization_id})
        return [_colleague(row) for row in rows]


def one(staff_id: int, organization_id: int) -> Colleague:
    """Somebody with a role in an organization. Raises NotFound."""
    with reading() as connection:
        row = connection.execute(
            _team.where(_member.c.id == staff_id), {"organization_id": organization_id}
        ).first()
    if row is None:
        raise NotFound(hint="")
    return _colleague(row)


def _colleague(row: Any) -> Colleague:
    return Colleague(
        id=row.id,
        name=row.name,
        email=row.email,
        role=Role(row.role),
        is_active=row.is_active,
        is_set_up=row.set_up_at is not None,
        has_second_factor=row.totp_confirmed_at is not None,
        last_seen_at=row.last_seen_at,
    )


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One place where a person is signed in."""

    id: int
    where: str  # browser and platform, as far as they tell
    ip: str | None
    created_at: dt.datetime
    last_seen_at: dt.datetime


def open_sessions(staff_id: int) -> list[OpenSession]:
    """Where a person is signed in now, the last used first."""
    now = clock.now()
    with reading() as connection:
        rows = connection.execute(
            sa.select(_session)
            .where(
                _session.c.staff_id == staff_id,
                _session.c.ended_at.is_(None),
                _session.c.second_factor_due.is_(False),
                _session.c.last_seen_at > now - SESSION_IDLE,
                _session.c.created_at > now - SESSION_LONGEST,
            )
            .order_by(_session.c.last_seen_at.desc(), _session.c.id.desc())
        )
        return [
            OpenSession(row.id, _named(row.user_agent), row.ip, row.created_at, row.last_seen_at)
            for row in rows
        ]


def _named(user_agent: str | None) -> str:
    device = device_of(user_agent)
    return " on ".join(filter(None, (device.browser, device.platform))) or "An unknown browser"
