"""Reminders before a deadline: of quotes that wait for an answer, of invoices that fall due (W9).

Once for each document, revision and day it is due, by a unique key, whoever comes first and
however often. They go out by day, where the organization is.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from portico import clock
from portico.db import db, unit_of_work
from portico.records.account import PortalAccount
from portico.records.content import Kind
from portico.records.customer import Customer
from portico.records.document import Document, DocumentRevision, Invoice, Quote, State
from portico.records.mail import MailKind
from portico.records.notification import Reminder, Topic
from portico.records.organization import Organization
from portico.services import documents, links, notifications
from portico.services.notifications import News

_AT_MOST = 200  # documents of a kind and organization in one pass; the next pass goes on
_FROM_HOUR = 8  # nobody is mailed at night
_WAITING = {Kind.QUOTE: (State.SENT,), Kind.INVOICE: (State.SENT, State.PARTIALLY_PAID)}


def remind() -> bool:
    """Remind the tenant's customers of what is due soon; False where there is more to do."""
    organizations = db.session.execute(
        sa.select(Organization).where(
            (Organization.remind_quote_days > 0) | (Organization.remind_invoice_days > 0)
        )
    ).scalars()
    found = [
        ids for org in organizations for ids in (_due(org, Kind.QUOTE), _due(org, Kind.INVOICE))
    ]
    for document_id in (one for ids in found for one in ids):
        _remind(document_id)
    return all(len(ids) < _AT_MOST for ids in found)


def is_waiting(document: Document) -> bool:
    """Whether the customer can still answer or pay, in time, what was last put before them."""
    kind, deadline = Kind(document.kind), deadline_of(document)
    if deadline is None or document.state not in _WAITING.get(kind, ()):
        return False
    if document.sent_revision != document.current_revision:
        return False
    if isinstance(document, Invoice) and document.balance <= 0:
        return False
    organization = db.session.get_one(Organization, document.organization_id)
    return deadline >= clock.today(organization.timezone)


def deadline_of(document: Document) -> dt.date | None:
    """The last day to answer a quote or to pay an invoice."""
    return document.valid_until if isinstance(document, Quote) else document.due_on


def _due(organization: Organization, kind: Kind) -> list[int]:
    """Documents that were put before the customer on an earlier day and are due soon."""
    quote = kind is Kind.QUOTE
    days = organization.remind_quote_days if quote else organization.remind_invoice_days
    now = clock.now().astimezone(clock.zone(organization.timezone))
    if days <= 0 or now.hour < _FROM_HOUR:
        return []
    today = now.date()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(dt.UTC)
    deadline = Document.valid_until if quote else Document.due_on
    reminded = sa.exists().where(
        Reminder.document_id == Document.id,
        Reminder.revision == Document.current_revision,
        Reminder.deadline == deadline,
    )
    asked = (
        sa.select(Document.id)
        .join(Customer, Customer.id == Document.customer_id)
        .join(
            DocumentRevision,
            (DocumentRevision.document_id == Document.id)
            & (DocumentRevision.number == Document.current_revision),
        )
        .where(
            Document.organization_id == organization.id,
            # Written out, as the partial indexes have it.
            Document.kind == sa.literal_column(f"'{kind.value}'"),
            Document.state.in_(_WAITING[kind]),
            Document.sent_revision == Document.current_revision,
            deadline >= today,
            deadline <= today + dt.timedelta(days=days),
            Customer.is_active,
            sa.or_(DocumentRevision.shown_at.is_(None), DocumentRevision.shown_at < midnight),
            ~reminded,
        )
        .order_by(deadline, Document.id)
        .limit(_AT_MOST)
    )
    if not quote:
        asked = asked.where(Document.balance > sa.literal_column("0"))
    return list(db.session.execute(asked).scalars())


def _remind(document_id: int) -> None:
    """Tell accounts; mail a fresh link to whoever holds one and has no account."""
    with unit_of_work():
        document = links.held(document_id)
        deadline = deadline_of(document)
        if deadline is None or not is_waiting(document) or not _first(document, deadline):
            return
        once = f"remind:{document.id}:{document.current_revision}:{deadline}"
        notifications.tell(document, News(Topic.REMINDER, once))
        with_account = sa.select(PortalAccount.contact_id).where(
            PortalAccount.customer_id == document.customer_id,
            # Who was invited and never came has nothing to read a notification with.
            PortalAccount.set_up_at.is_not(None) | PortalAccount.is_active.is_(False),
        )
        documents.mail_holders(
            document, MailKind.REMINDER, by="Portico", reference={}, but=with_account
        )


def _first(document: Document, deadline: dt.date) -> bool:
    """Whether nobody reminded of this before; whoever writes the line has done it."""
    dialect = db.session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    written = db.session.execute(
        insert(Reminder)
        .values(
            document_id=document.id,
            revision=document.current_revision,
            deadline=deadline,
            reminded_at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(Reminder.document_id)
    )
    return written.first() is not None
