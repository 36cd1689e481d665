"""Who of the team is signed in, read in one statement, with their role where they work now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from portico import clock
from portico.db import reading
from portico.queries.faces import OrganizationFace, organization_columns, organization_face
from portico.queries.rows import Part, columns
from portico.records.organization import Organization
from portico.records.staff import Permission, Role, StaffMember, StaffRole, StaffSession
from portico.services.activity import Author, Visitor
from portico.services.staff import CODE_WITHIN, SESSION_IDLE, SESSION_LONGEST, digest


@dataclass(frozen=True, slots=True)
class StaffSignedIn:
    """A member of staff, in the organization they are working in."""

    staff_id: int
    session_id: int
    name: str
    email: str
    role: Role
    org: OrganizationFace
    second_factor_due: bool
    has_second_factor: bool
    last_seen_at: dt.datetime
    visitor: Visitor

    @property
    def organization_id(self) -> int:
        return self.org.id

    @property
    def by(self) -> Author:
        """For services: who does it, and from where."""
        return Author(self.name, self.visitor, self.session_id)

    def may(self, *wanted: Permission) -> bool:
        """Whether the role has at least one of these permissions."""
        return any(permission in self.role.permissions for permission in wanted)

    @property
    def initials(self) -> str:
        words = [word for word in self.name.split() if word[:1].isalnum()]
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "·"


_session, _member = StaffSession.__table__, StaffMember.__table__
_role, _org = StaffRole.__table__, Organization.__table__
_one = (
    sa.select(
        *columns(_session, "session", "id", "created_at", "last_seen_at", "second_factor_due"),
        *columns(_member, "member", "id", "name", "email", "totp_confirmed_at"),
        _role.c.role,
        *columns(_org, "org", *organization_columns),
    )
    .select_from(
        sa.join(_session, _member, _member.c.id == _session.c.staff_id)
        .join(
            _role,
            sa.and_(
                _role.c.staff_id == _member.c.id,
                _role.c.organization_id == _session.c.organization_id,
            ),
        )
        .join(_org, _org.c.id == _session.c.organization_id)
    )
    .where(
        _session.c.secret_sha256 == sa.bindparam("secret_sha256"),
        _session.c.ended_at.is_(None),
        _member.c.is_active.is_(True),
    )
)


def find(secret: str, visitor: Visitor) -> StaffSignedIn | None:
    """The member of staff behind a session's secret; None where it opens nothing any more."""
    with reading() as connection:
        row = connection.execute(_one, {"secret_sha256": digest(secret)}).first()
    if row is None:
        return None
    now = clock.now()
    if now - row.session_last_seen_at >= SESSION_IDLE:
        return None
    longest = CODE_WITHIN if row.session_second_factor_due else SESSION_LONGEST
    if now - row.session_created_at >= longest:
        return None
    return StaffSignedIn(
        staff_id=row.member_id,
        session_id=row.session_id,
        name=row.member_name,
        email=row.member_email,
        role=Role(row.role),
        org=organization_face(Part(row, "org")),
        second_factor_due=row.session_second_factor_due,
        has_second_factor=row.member_totp_confirmed_at is not None,
        last_seen_at=row.session_last_seen_at,
        visitor=visitor,
    )


def organizations_of(staff_id: int) -> list[tuple[str, str]]:
    """Short name and name of every organization a person has a role in, by name."""
    with reading() as connection:
        rows = connection.execute(
            sa.select(_org.c.slug, _org.c.name)
            .join(_role, _role.c.organization_id == _org.c.id)
            .where(_role.c.staff_id == staff_id)
            .order_by(_org.c.name)
        )
        return [(row.slug, row.name) for row in rows]
