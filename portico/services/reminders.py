"""Reminders before a deadline: of what waits for an answer, and of invoices that fall due (W9).

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
from portico.records.document import KINDS, Document, DocumentRevision, Invoice, State
from portico.records.mail import MailKind
from portico.records.notification import Reminder, Topic
from portico.records.organization import Organization
from portico.services import documents, links, notifications
from portico.services.notifications import News

_AT_MOST = 200  # documents of a kind and organization in one pass; the next pass goes on
_FROM_HOUR = 8  # nobody is mailed at night
_WAITING = {
    Kind.QUOTE: (State.SENT,),
    Kind.PROPOSAL: (State.SENT,),
    Kind.REQUEST: (State.SENT, State.IN_PROGRESS),
    Kind.ACCEPTANCE: (State.SENT,),
    Kind.INVOICE: (State.SENT, State.PARTIALLY_PAID),
}
# Of shared work so few wait at once that their states lead to them.
_INDEXED = {Kind.QUOTE, Kind.INVOICE}


def remind() -> bool:
    """Remind the tenant's customers of what is due soon; False where there is more to do."""
    organizations = db.session.execute(
        sa.select(Organization).where(
            (Organization.remind_quote_days > 0) | (Organization.remind_invoice_days > 0)
        )
    ).scalars()
    found = [_due(org, kind) for org in organizations for kind in _WAITING]
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
    if document.expires_at is not None:
        return document.expires_at > clock.now()
    return deadline >= clock.today(_zone_of(document))


def deadline_of(document: Document) -> dt.date | None:
    """The last day to answer, or to pay an invoice, where the organization is."""
    if document.expires_at is not None:
        return document.expires_at.astimezone(clock.zone(_zone_of(document))).date()
    return document.valid_until if document.answers else document.due_on


def _zone_of(document: Document) -> str:
    return db.session.get_one(Organization, document.organization_id).timezone


def _due(organization: Organization, kind: Kind) -> list[int]:
    """Documents that were put before the customer on an earlier day and are due soon."""
    invoice = kind is Kind.INVOICE
    days = organization.remind_invoice_days if invoice else organization.remind_quote_days
    now = clock.now().astimezone(clock.zone(organization.timezone))
    if days <= 0 or now.hour < _FROM_HOUR:
        return []
    today = now.date()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(dt.UTC)
    deadline = Document.valid_until if KINDS[kind].answers else Document.due_on
    reminded = sa.exists().where(
        Reminder.document_id == Document.id,
        Reminder.revision == Document.current_revision,
        # What ends at a moment has another revision where that is another one.
        sa.or_(Document.expires_at.is_not(None), Reminder.deadline == deadline),
    )
    last = today + dt.timedelta(days=days)
    soon = sa.and_(deadline >= today, deadline <= last)
    if kind not in _INDEXED:
        end = links.end_of_day(last, organization.timezone)
        at_a_moment = sa.and_(Document.expires_at > clock.now(), Document.expires_at <= end)
        soon = sa.or_(at_a_moment, sa.and_(Document.expires_at.is_(None), soon))
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
            soon,
            Customer.is_active,
            sa.or_(DocumentRevision.shown_at.is_(None), DocumentRevision.shown_at < midnight),
            ~reminded,
        )
        .order_by(deadline, Document.id)
        .limit(_AT_MOST)
    )
    if invoice:
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
