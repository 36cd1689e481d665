"""The portal accounts of an organization, as its team sees them (spec A4, A7)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from portico.db import reading
from portico.records.account import PortalAccount
from portico.records.customer import Contact, Customer

_account, _contact = PortalAccount.__table__, Contact.__table__
_customer = Customer.__table__
_all = (
    sa.select(
        _account.c.email, _account.c.is_active, _account.c.set_up_at, _account.c.last_sign_in_at,
        _contact.c.name, _customer.c.name.label("customer_name"),
        sa.and_(
            _contact.c.is_active, _contact.c.portal_access, _contact.c.email.is_not(None),
            _customer.c.is_active, _customer.c.portal_enabled,
        ).label("has_access"),
    )
    .select_from(
        sa.join(_account, _contact, _contact.c.id == _account.c.contact_id)
        .join(_customer, _customer.c.id == _account.c.customer_id)
    )
    .where(_account.c.organization_id == sa.bindparam("organization_id"))
    .order_by(_customer.c.name, _account.c.email)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account: whose, and how it stands."""

    email: str
    name: str
    customer_name: str
    state: str  # "disabled", "no access", "invited" or "active"
    last_sign_in_at: dt.datetime | None


def of_organization(organization_id: int) -> list[AccountLine]:
    """By customer and address."""
    with reading() as connection:
        rows = connection.execute(_all, {"organization_id": organization_id})
        return [
            AccountLine(row.email, row.name, row.customer_name, _state(row), row.last_sign_in_at)
            for row in rows
        ]


def _state(row: sa.Row[tuple[object, ...]]) -> str:
    if not row.is_active:
        return "disabled"
    if not row.has_access:
        return "no access"
    return "active" if row.set_up_at is not None else "invited"
