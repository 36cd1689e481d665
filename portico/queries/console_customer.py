"""One customer, as the team opens it, and who of theirs gets in (spec C2, C3)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portico import clock
from portico.db import reading
from portico.queries.faces import OrganizationFace
from portico.queries.lists import LARGEST_ID
from portico.queries.rows import columns
from portico.queries.signed_in import SignedIn
from portico.records.account import PortalAccount
from portico.records.customer import Contact, Customer
from portico.records.decision import Via
from portico.records.document import Document
from portico.records.link import PortalLink
from portico.records.mail import Mail, MailState
from portico.records.project import Project, ProjectShare
from portico.services import accounts, links
from portico.services.actors import Actor

PEOPLE = 50
_NAMESAKES = 5  # of the customer's own, and as many of others'

_customer, _contact = Customer.__table__, Contact.__table__
_account, _mail = PortalAccount.__table__, Mail.__table__
_doc, _link = Document.__table__, PortalLink.__table__
_project, _share = Project.__table__, ProjectShare.__table__


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """One customer, as the team wrote them down."""

    id: int
    name: str
    external_id: str
    tax_id: str
    endpoint: str
    is_active: bool
    portal_enabled: bool
    links: int  # that open something now, a document or a project
    may_revoke: bool  # whether there is any, also one that ran out and could be renewed


@dataclass(frozen=True, slots=True)
class Person:
    """A contact, and how far they are with the portal."""

    id: int
    customer_id: int
    name: str
    email: str
    role: str
    is_active: bool
    portal_access: bool
    account_id: int | None
    account_active: bool
    set_up_at: dt.datetime | None
    last_sign_in_at: dt.datetime | None
    mail_id: int  # the newest invitation; 0: none
    mail_state: str | None
    mail_at: dt.datetime | None
    mail_error: str
    invitation_stands: bool

    @property
    def is_set_up(self) -> bool:
        return self.set_up_at is not None

    @property
    def was_invited(self) -> bool:
        return self.mail_state is not None

    @property
    def can_be_invited(self) -> bool:
        """Until setup is done, and while there is somebody to mail (A4)."""
        disabled = self.account_id is not None and not self.account_active
        return self.is_active and bool(self.email) and not self.is_set_up and not disabled

    @property
    def _invitation(self) -> tuple[str, str]:
        if self.mail_state is None:
            return "No account", "none"
        if self.mail_state in {MailState.FAILED, MailState.SKIPPED}:
            return "Invitation failed", "bad"
        if not self.invitation_stands:
            return ("Invite again" if self.portal_access else "Access off"), "warn"
        return ("Invited" if self.mail_state == MailState.SENT else "Being invited"), "info"

    @property
    def standing(self) -> tuple[str, str]:
        """The word and the tone of a chip."""
        if self.account_id is not None and not self.account_active:
            return "Disabled", "bad"
        if not self.is_active:
            return "Switched off", "none"
        if self.is_set_up:
            return ("Set up", "good") if self.portal_access else ("Access off", "warn")
        return self._invitation


def find(organization_id: int, customer_id: int) -> CustomerRecord | None:
    """A customer of the organization; None for any other id."""
    if not 0 < customer_id <= LARGEST_ID:
        return None
    kept = _link.c.customer_id == _customer.c.id, _link.c.revoked_at.is_(None)
    live = sa.select(sa.func.count()).where(
        *kept,
        _link.c.is_active.is_(True),
        _link.c.ended_at.is_(None),
        sa.or_(_link.c.expires_at.is_(None), _link.c.expires_at > clock.now()),
    )
    shared = (
        _project.c.organization_id == _customer.c.organization_id,
        _project.c.customer_id == _customer.c.id,
        _share.c.project_id == _project.c.id,
        _share.c.revoked_at.is_(None),
    )
    shares = sa.select(sa.func.count(_share.c.id)).where(
        *shared,
        _project.c.is_shared_with_client.is_(True),
        sa.or_(_share.c.expires_at.is_(None), _share.c.expires_at > clock.now()),
    )
    query = sa.select(
        _customer.c.id, _customer.c.name, _customer.c.external_id, _customer.c.tax_id,
        _customer.c.endpoint, _customer.c.is_active, _customer.c.portal_enabled,
        (live.scalar_subquery() + shares.scalar_subquery()).label("links"),
        sa.or_(sa.exists().where(*kept), sa.exists().where(*shared)).label("may_revoke"),
    ).where(_customer.c.id == customer_id, _customer.c.organization_id == organization_id)  # fmt: skip
    with reading() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    return CustomerRecord(
        row.id, row.name, row.external_id or "", row.tax_id or "", row.endpoint or "",
        row.is_active, row.portal_enabled, row.links, row.may_revoke,
    )  # fmt: skip


def people(customer_id: int, *, beyond: int = 0) -> tuple[list[Person], int | None]:
    """The contacts of a customer in the order they were added, and the id that leads on."""
    query = _people().where(_contact.c.customer_id == customer_id, _contact.c.id > beyond)
    with reading() as connection:
        rows = connection.execute(query.order_by(_contact.c.id).limit(PEOPLE + 1)).all()
    found = [_person(row) for row in rows[:PEOPLE]]
    return found, found[-1].id if len(rows) > PEOPLE else None


def person(organization_id: int, customer_id: int, contact_id: int) -> Person | None:
    """One contact of a customer of the organization; None for any other ids."""
    if not (0 < contact_id <= LARGEST_ID and 0 < customer_id <= LARGEST_ID):
        return None
    query = _people().where(
        _contact.c.id == contact_id,
        _contact.c.customer_id == customer_id,
        _contact.c.organization_id == organization_id,
    )
    with reading() as connection:
        row = connection.execute(query).first()
    return _person(row) if row is not None else None


def has_links(contact_id: int) -> bool:
    """Whether anything mailed to a contact could be revoked."""
    to_documents, to_projects = links.mailed_to(contact_id)
    some = sa.or_(
        sa.exists().where(to_documents).select_from(_link),
        sa.exists().where(to_projects).select_from(_share),
    )
    with reading() as connection:
        return bool(connection.execute(sa.select(some)).scalar_one())


def _people() -> sa.Select[Any]:
    return sa.select(
        *columns(_contact, "contact", "id", "customer_id", "name", "email", "role", "is_active",
                 "portal_access"),
        *columns(_account, "account", "id", "is_active", "set_up_at", "last_sign_in_at"),
        *columns(_mail, "mail", "id", "state", "created_at", "sent_at", "error"),
        accounts.invitation_stands().label("invitation_stands"),
    ).select_from(
        sa.outerjoin(_contact, _account, _account.c.contact_id == _contact.c.id)
        .outerjoin(_mail, _mail.c.id == _account.c.invitation_mail_id)
    )  # fmt: skip


def _person(row: Any) -> Person:
    return Person(
        id=row.contact_id,
        customer_id=row.contact_customer_id,
        name=row.contact_name,
        email=row.contact_email or "",
        role=row.contact_role,
        is_active=row.contact_is_active,
        portal_access=row.contact_portal_access,
        account_id=row.account_id,
        account_active=bool(row.account_is_active),
        set_up_at=row.account_set_up_at,
        last_sign_in_at=row.account_last_sign_in_at,
        mail_id=row.mail_id or 0,
        mail_state=row.mail_state,
        mail_at=row.mail_sent_at or row.mail_created_at,
        mail_error=row.mail_error or "",
        invitation_stands=bool(row.invitation_stands),
    )


@dataclass(frozen=True, slots=True)
class Namesake:
    """A document that has the number asked for; *owner*: whose it is, where that is another."""

    id: int
    kind: str
    number: str
    owner: str


def numbered(organization_id: int, customer_id: int, number: str) -> list[Namesake]:
    """Documents with a number, in capitals or not: the customer's own first, newest first, then
    those of others at the organization."""
    spelled = _doc.c.number.in_([number, number.upper(), number.lower()])
    folded = sa.func.lower(_doc.c.number) == sa.func.lower(number)
    query = (
        sa.select(_doc.c.id, _doc.c.kind, _doc.c.number, _doc.c.customer_id, _customer.c.name)
        .join(_customer, _customer.c.id == _doc.c.customer_id)
        .where(_doc.c.organization_id == organization_id)
        .order_by(_doc.c.id.desc())
        .limit(_NAMESAKES)
    )
    own = query.where(_doc.c.customer_id == customer_id, sa.or_(spelled, folded))
    others = query.where(_doc.c.customer_id != customer_id, spelled)
    found: list[Any] = []
    for asked in (own, others):
        with reading() as connection:
            found += connection.execute(asked).all()
    return [
        Namesake(row.id, row.kind, row.number, "" if row.customer_id == customer_id else row.name)
        for row in found
    ]


def as_signed_in(org: OrganizationFace, customer: CustomerRecord) -> SignedIn:
    """Somebody at the customer, for a preview by the team: of no account, with no session, so
    that nothing can be done in their name."""
    return SignedIn(
        actor=Actor(
            via=Via.ACCOUNT,
            organization_id=org.id,
            customer_id=customer.id,
            contact_id=None,
            contact_name=None,
            contact_email=None,
        ),
        org=org,
        customer_name=customer.name,
        name=customer.name,
        email="",
        role="",
        salutation="",
        locale=None,
        timezone=None,
        mail_documents=False,
        mail_decisions=False,
        mail_messages=False,
        mail_reminders=False,
        unread=0,
        last_seen_at=clock.now(),
    )
