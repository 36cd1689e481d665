"""Who is signed in, read in one statement: session, account, contact, customer, organization.

Whatever ends access - logout, disabling, a switch, a changed password, idle or old age - shows
here at the next request (spec A6).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portico import clock
from portico.db import reading
from portico.queries.faces import OrganizationFace, organization_columns, organization_face
from portico.queries.rows import Part, columns
from portico.records.account import PortalAccount, PortalSession
from portico.records.customer import Contact, Customer
from portico.records.decision import Via
from portico.records.notification import Notification
from portico.records.organization import Organization
from portico.services.activity import Visitor
from portico.services.actors import SESSION_IDLE, SESSION_LONGEST, Actor, may_enter
from portico.services.sessions import digest


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A signed-in customer, as the gate let them in."""

    actor: Actor
    org: OrganizationFace  # with the locale and time zone that the person chose
    customer_name: str
    name: str
    email: str
    role: str
    salutation: str
    locale: str | None
    timezone: str | None
    mail_documents: bool
    mail_decisions: bool
    mail_messages: bool
    mail_reminders: bool
    unread: int
    last_seen_at: dt.datetime

    @property
    def account_id(self) -> int:
        assert self.actor.account_id is not None
        return self.actor.account_id

    @property
    def session_id(self) -> int:
        assert self.actor.session_id is not None
        return self.actor.session_id

    @property
    def initials(self) -> str:
        words = [word for word in self.name.split() if word[:1].isalnum()]
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "·"


_session, _account = PortalSession.__table__, PortalAccount.__table__
_org, _customer, _contact = Organization.__table__, Customer.__table__, Contact.__table__
_unread = (
    sa.select(sa.func.count())
    .select_from(
        sa.select(Notification.id)
        .where(Notification.account_id == _account.c.id, Notification.read_at.is_(None))
        .limit(100)
        .correlate(_account)
        .subquery()
    )
    .scalar_subquery()
)
_one = (
    sa.select(
        *columns(_session, "session", "id", "created_at", "last_seen_at"),
        *columns(_account, "account", "id", "salutation", "locale", "timezone", "mail_documents",
                 "mail_decisions", "mail_messages", "mail_reminders"),
        *columns(_contact, "contact", "id", "name", "email", "role"),
        *columns(_customer, "customer", "id", "name"),
        *columns(_org, "org", *organization_columns),
        _unread.label("unread"),
    )
    .select_from(
        sa.join(_session, _account, _account.c.id == _session.c.account_id)
        .join(_contact, _contact.c.id == _account.c.contact_id)
        .join(_customer, _customer.c.id == _account.c.customer_id)
        .join(_org, _org.c.id == _account.c.organization_id)
    )
    .where(
        _session.c.secret_sha256 == sa.bindparam("secret_sha256"),
        _session.c.ended_at.is_(None),
        *may_enter(),
    )
)  # fmt: skip


def find(secret: str, visitor: Visitor) -> SignedIn | None:
    """The customer behind a session's secret; None where it opens nothing any more."""
    with reading() as connection:
        row = connection.execute(_one, {"secret_sha256": digest(secret)}).first()
    if row is None:
        return None
    now = clock.now()
    if now - row.session_last_seen_at >= SESSION_IDLE:
        return None
    if now - row.session_created_at >= SESSION_LONGEST:
        return None
    return SignedIn(
        actor=Actor(
            via=Via.ACCOUNT,
            organization_id=row.org_id,
            customer_id=row.customer_id,
            contact_id=row.contact_id,
            contact_name=row.contact_name,
            contact_email=row.contact_email,
            account_id=row.account_id,
            session_id=row.session_id,
            visitor=visitor,
        ),
        org=_own(organization_face(Part(row, "org")), row),
        customer_name=row.customer_name,
        name=row.contact_name,
        email=row.contact_email,
        role=row.contact_role,
        salutation=row.account_salutation,
        locale=row.account_locale,
        timezone=row.account_timezone,
        mail_documents=row.account_mail_documents,
        mail_decisions=row.account_mail_decisions,
        mail_messages=row.account_mail_messages,
        mail_reminders=row.account_mail_reminders,
        unread=row.unread,
        last_seen_at=row.session_last_seen_at,
    )


def _own(org: OrganizationFace, row: Any) -> OrganizationFace:
    """Amounts and dates in the form that the person chose; days are judged where the
    organization is (``zone``)."""
    org.locale = row.account_locale or org.locale
    org.timezone = row.account_timezone or org.timezone
    return org
