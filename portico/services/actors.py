"""Who acts for a customer: the holder of a link, or somebody signed in to an account (spec T3)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from portico import clock
from portico.db import db
from portico.records.account import PortalAccount, PortalSession
from portico.records.activity import Activity, ActorKind
from portico.records.customer import Contact, Customer
from portico.records.decision import Via
from portico.records.link import PortalLink
from portico.refusals import NotFound
from portico.services.activity import Entry, Visitor

SESSION_IDLE = dt.timedelta(hours=12)
SESSION_LONGEST = dt.timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Actor:
    """A customer as a gate let them in. Everything is found through organization and customer.

    ``document_id`` is the document they are at, where they are at one.
    """

    via: Via
    organization_id: int
    customer_id: int
    contact_id: int | None
    contact_name: str | None
    contact_email: str | None
    document_id: int | None = None
    link_id: int | None = None
    account_id: int | None = None
    session_id: int | None = None
    visitor: Visitor = field(default_factory=Visitor)

    @property
    def name(self) -> str:
        return self.contact_name or "a visitor with the link"

    def at(self, document_id: int) -> Actor:
        """The same person, at one of their documents."""
        return replace(self, document_id=document_id)

    def entry(self, type_: Activity, **details: object) -> Entry:
        """A line of the activity log for something this actor did."""
        return Entry(
            type_,
            ActorKind.CUSTOMER,
            actor=self.contact_name or "",
            organization_id=self.organization_id,
            customer_id=self.customer_id,
            contact_id=self.contact_id,
            document_id=self.document_id,
            link_id=self.link_id,
            session_id=str(self.session_id) if self.session_id else None,
            details=details,
            visitor=self.visitor,
        )


def hold(actor: Actor) -> None:
    """Make sure that the actor may still act, and hold that for the running unit of work.

    The gate looked before the unit began, and a revocation may have come between. Raises NotFound.
    """
    allowed = _holds_link(actor) if actor.link_id is not None else _holds_account(actor)
    if not allowed:
        raise NotFound


def _holds_link(actor: Actor) -> bool:
    link = db.session.get(
        PortalLink, actor.link_id, with_for_update={"key_share": True}, populate_existing=True
    )
    return bool(link and link.is_active and not link.revoked_at and not link.ended_at)


def _holds_account(actor: Actor) -> bool:
    """The row of the session is held; whoever ends it waits, or has ended it before."""
    session = db.session.get(
        PortalSession, actor.session_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if session is None or session.account_id != actor.account_id:
        return False
    found = db.session.execute(
        sa.select(PortalAccount.id)
        .join(Contact, Contact.id == PortalAccount.contact_id)
        .join(Customer, Customer.id == PortalAccount.customer_id)
        .where(PortalAccount.id == actor.account_id, *may_enter())
    ).first()
    return found is not None and is_live(session)


def may_enter() -> tuple[sa.ColumnElement[bool], ...]:
    """What access needs (spec A4), over account, contact and customer joined on their ids."""
    return (
        PortalAccount.is_active.is_(True),
        Contact.customer_id == PortalAccount.customer_id,
        Contact.is_active.is_(True),
        Contact.portal_access.is_(True),
        Contact.email.is_not(None),
        Customer.organization_id == PortalAccount.organization_id,
        Customer.is_active.is_(True),
        Customer.portal_enabled.is_(True),
    )


def is_live(session: PortalSession) -> bool:
    """Whether a session still counts: not ended, not idle, not too old (spec A6)."""
    now = clock.now()
    return (
        session.ended_at is None
        and now - session.last_seen_at < SESSION_IDLE
        and now - session.created_at < SESSION_LONGEST
    )
