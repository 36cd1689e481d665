"""The organizations of a tenant, as their customers see them."""

from __future__ import annotations

import sqlalchemy as sa

from portico.db import reading
from portico.queries.faces import OrganizationFace, organization_columns, organization_face
from portico.records.organization import Organization

_table = Organization.__table__
_all = sa.select(*(_table.c[name] for name in organization_columns)).order_by(_table.c.name)


def all_of_them() -> list[OrganizationFace]:
    """By name."""
    with reading() as connection:
        return [organization_face(row) for row in connection.execute(_all)]


def by_id(organization_id: int) -> OrganizationFace | None:
    """One of them; None where there is no such one."""
    return next((org for org in all_of_them() if org.id == organization_id), None)


def logo(sha256: str) -> bytes | None:
    """The PNG that an organization of this tenant shows now, by its digest; None where none does."""
    one = sa.select(_table.c.logo).where(_table.c.logo_sha256 == sha256).limit(1)
    with reading() as connection:
        return connection.execute(one).scalar()
