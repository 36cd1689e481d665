"""Bulk invitations: who can be invited, and how far each run is (spec C3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portico.db import reading
from portico.queries import search
from portico.queries.lists import LARGEST_ID
from portico.records.account import PortalAccount
from portico.records.batch import BatchItem, InvitationBatch, ItemState
from portico.records.customer import Contact, Customer
from portico.records.mail import Mail
from portico.services import accounts, invitations

INVITED_AT_ONCE = 50  # people to choose from on one page
LOOKED_THROUGH = 2000  # contacts that one page looks through for them
REASONS = 200  # lines of a batch that went wrong

_customer, _contact = Customer.__table__, Contact.__table__
_account, _mail = PortalAccount.__table__, Mail.__table__
_batch, _item = InvitationBatch.__table__, BatchItem.__table__


@dataclass(frozen=True, slots=True)
class InvitationFigures:
    """How far an organization's people are with the portal."""

    eligible: int
    invited: int  # and not set up yet
    set_up: int
    total: int  # active people of active customers


def figures(organization_id: int) -> InvitationFigures:
    can = invitations.eligible(organization_id).subquery()
    mine = _account.c.organization_id == organization_id
    everybody = (
        sa.select(sa.func.count())
        .select_from(sa.join(_contact, _customer, _customer.c.id == _contact.c.customer_id))
        .where(
            _contact.c.organization_id == organization_id,
            _contact.c.is_active.is_(True),
            _customer.c.is_active.is_(True),
        )
    )
    invited = (
        sa.select(sa.func.count())
        .select_from(sa.join(_account, _mail, _mail.c.id == _account.c.invitation_mail_id))
        .where(mine, _account.c.set_up_at.is_(None), accounts.invitation_stands())
    )
    query = sa.select(
        sa.select(sa.func.count()).select_from(can).scalar_subquery().label("eligible"),
        invited.scalar_subquery().label("invited"),
        sa.select(sa.func.count())
        .where(mine, _account.c.set_up_at.is_not(None))
        .scalar_subquery()
        .label("set_up"),
        everybody.scalar_subquery().label("total"),
    )
    with reading() as connection:
        row = connection.execute(query).one()
    return InvitationFigures(row.eligible, row.invited, row.set_up, row.total)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who can be invited."""

    contact_id: int
    name: str
    email: str
    customer_id: int
    customer: str


def candidates(
    organization_id: int, *, term: str = "", beyond: int | None = None
) -> tuple[list[Candidate], int | None]:
    """People who can be invited, newest first; and the id that leads on, to nobody yet where very
    many in a row cannot."""
    few = _few(term) if term else None
    query = invitations.eligible(organization_id, few)
    query = query.add_columns(Customer.name.label("customer"))
    looked_to = _horizon(organization_id, beyond) if few is None else None
    if few is None and term:
        query = query.where(_matches(term))
    if beyond is not None:
        query = query.where(Contact.id < beyond)
    if looked_to is not None:
        query = query.where(Contact.id >= looked_to)
    with reading() as connection:
        newest = query.order_by(Contact.id.desc()).limit(INVITED_AT_ONCE + 1)
        rows = connection.execute(newest).all()
    found = [
        Candidate(row.id, row.name, row.email or "", row.customer_id, row.customer)
        for row in rows[:INVITED_AT_ONCE]
    ]
    return found, found[-1].contact_id if len(rows) > INVITED_AT_ONCE else looked_to


def _few(term: str) -> sa.CompoundSelect[Any] | None:
    """The contacts that have the term in name or address, and those of customers that have it;
    None where there are many, of whom some will soon be met."""
    people = search.hits(_contact, ("name", "email"), term)
    firms = search.hits(_customer, ("name",), term)
    if people.are_many or firms.are_many:
        return None
    theirs = sa.select(_contact.c.id).where(_contact.c.customer_id.in_(firms.ids()))
    most = search.MOST
    found = sa.union_all(
        *(one.limit(most + 1).subquery().select() for one in (people.ids(), theirs))
    )
    return found if search.count(sa.select(found.subquery()), most + 1) <= most else None


def _matches(term: str) -> sa.ColumnElement[bool]:
    return sa.or_(
        search.written(_contact, ("name", "email"), term),
        search.written(_customer, ("name",), term),
    )


def _horizon(organization_id: int, beyond: int | None) -> int | None:
    """The last contact to look at; None where all that there are can be looked at."""
    last = sa.select(_contact.c.id).where(_contact.c.organization_id == organization_id)
    if beyond is not None:
        last = last.where(_contact.c.id < beyond)
    with reading() as connection:
        return connection.execute(
            last.order_by(_contact.c.id.desc()).offset(LOOKED_THROUGH - 1).limit(1)
        ).scalar()


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A run of invitations, as far as its items say."""

    id: int
    created_at: dt.datetime
    created_by: str
    finished_at: dt.datetime | None
    total: int
    sent: int
    failed: int
    skipped: int

    @property
    def waiting(self) -> int:
        return self.total - self.done

    @property
    def done(self) -> int:
        return self.sent + self.failed + self.skipped

    @property
    def is_finished(self) -> bool:
        return self.waiting == 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Somebody who got no invitation, or not yet, and why."""

    contact_id: int
    customer_id: int
    name: str
    customer: str
    state: ItemState
    reason: str


def batches(organization_id: int, *, limit: int = 10) -> list[BatchLine]:
    """The newest runs, newest first."""
    newest = sa.select(_batch).where(_batch.c.organization_id == organization_id)
    with reading() as connection:
        rows = connection.execute(newest.order_by(_batch.c.id.desc()).limit(limit)).all()
    counted = _counted([row.id for row in rows])
    return [_batch_line(row, counted.get(row.id, {})) for row in rows]


def batch(organization_id: int, batch_id: int) -> BatchLine | None:
    """One run of the organization; None for any other id."""
    if not 0 < batch_id <= LARGEST_ID:
        return None
    query = sa.select(_batch).where(
        _batch.c.id == batch_id, _batch.c.organization_id == organization_id
    )
    with reading() as connection:
        row = connection.execute(query).first()
    return _batch_line(row, _counted([batch_id]).get(batch_id, {})) if row is not None else None


def _counted(ids: Sequence[int]) -> dict[int, dict[str, int]]:
    query = (
        sa.select(_item.c.batch_id, _item.c.state, sa.func.count().label("n"))
        .where(_item.c.batch_id.in_(ids))
        .group_by(_item.c.batch_id, _item.c.state)
    )
    counted: dict[int, dict[str, int]] = {}
    with reading() as connection:
        for row in connection.execute(query):
            counted.setdefault(row.batch_id, {})[row.state] = row.n
    return counted


def _batch_line(row: Any, counted: dict[str, int]) -> BatchLine:
    return BatchLine(
        row.id, row.created_at, row.created_by, row.finished_at, row.total,
        counted.get(ItemState.SENT, 0), counted.get(ItemState.FAILED, 0),
        counted.get(ItemState.SKIPPED, 0),
    )  # fmt: skip


def troubles(batch_id: int) -> list[Trouble]:
    """Who of a run got none, first those that failed; and who is tried again later, at the end."""
    put_off = sa.and_(_item.c.state == ItemState.WAITING.value, _mail.c.error.is_not(None))
    query = (
        sa.select(
            _item.c.contact_id, _item.c.state, _item.c.reason, _mail.c.error,
            _contact.c.name, _contact.c.customer_id, _customer.c.name.label("customer"),
        )
        .select_from(
            sa.join(_item, _contact, _contact.c.id == _item.c.contact_id)
            .join(_customer, _customer.c.id == _contact.c.customer_id)
            .outerjoin(_mail, _mail.c.id == _item.c.mail_id)
        )
        .where(
            _item.c.batch_id == batch_id,
            sa.or_(
                _item.c.state.in_([ItemState.FAILED.value, ItemState.SKIPPED.value]), put_off
            ),
        )
        .order_by(_item.c.state, _item.c.id)
        .limit(REASONS)
    )  # fmt: skip
    with reading() as connection:
        return [
            Trouble(row.contact_id, row.customer_id, row.name, row.customer,
                    ItemState(row.state), row.reason or row.error or "")
            for row in connection.execute(query)
        ]  # fmt: skip
