"""Statements: one that the team issues and sends, and one for a period a customer chose (A12)."""

from __future__ import annotations

import re

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError

from portico import clock
from portico.db import db, unit_of_work
from portico.queries.statement import (
    AccountStatement,
    Span,
    check_currency,
    currencies,
    has_used,
    statement,
)
from portico.records.activity import Activity, ActorKind
from portico.records.content import (
    AgeingBucket,
    DocumentContent,
    Kind,
    Period,
    StatementBody,
    StatementEntry,
    Totals,
)
from portico.records.customer import Customer
from portico.records.document import Document
from portico.records.organization import Organization
from portico.refusals import BadInput, Conflict, StaffRefusal
from portico.services import activity, documents, parties
from portico.services.activity import Entry
from portico.services.actors import Actor
from portico.services.documents import Draft


def issue(
    organization: Organization,
    customer: Customer,
    span: Span,
    *,
    by: str,
    currency: str | None = None,
    once: bool = False,
) -> Document:
    """A statement as a document with a number of its own, to be sent like any other.

    *once*: where the newest one, of the same day, says the very same, that is returned. *currency*
    may be left out where the customer has only one. Raises BadInput, StaffRefusal.
    """
    try:
        with unit_of_work():
            # One at a time, so that each gets the next number.
            db.session.refresh(organization, with_for_update={"key_share": True})
            number = _next_number(organization)
            content = content_for(organization, customer, span, currency, number=number)
            issued = _issued_today(customer, content) if once else None
            if issued is not None:
                return issued
            document = documents.add(Draft(content, number), organization, customer, by=by)
            activity.record(
                Entry(
                    Activity.ISSUE_STATEMENT,
                    ActorKind.STAFF,
                    actor=by,
                    organization_id=organization.id,
                    customer_id=customer.id,
                    document_id=document.id,
                    details={"start": span.start.isoformat(), "end": span.end.isoformat()},
                )
            )
            return document
    except IntegrityError:
        raise Conflict("The number was taken in this moment; please try again.") from None


def _issued_today(customer: Customer, content: DocumentContent) -> Document | None:
    """The customer's newest statement, if it stands and says the same under its own number."""
    newest = db.session.execute(
        sa.select(Document)
        .where(
            Document.customer_id == customer.id,
            Document.kind == Kind.STATEMENT.value,
            Document.issued_on == content.issued_on,
        )
        .order_by(Document.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if newest is None or newest.is_void:
        return None
    said = documents.current_content(newest)
    return newest if said == content.model_copy(update={"number": said.number}) else None


def content_for(
    organization: Organization,
    customer: Customer,
    span: Span,
    currency: str | None = None,
    *,
    number: str | None = None,
) -> DocumentContent:
    """What a statement of this period says today. Nothing is stored.

    Without a *number* it is named by its period. Raises BadInput, StaffRefusal.
    """
    found = statement(
        organization.id,
        customer.id,
        _currency(organization, customer, currency),
        span,
        organization.timezone,
    )
    try:
        return DocumentContent(
            kind=Kind.STATEMENT,
            number=number or f"{span.start} to {span.end}",
            currency=found.currency,
            issued_on=clock.today(organization.timezone),
            seller=parties.seller(organization),
            buyer=parties.buyer(customer),
            totals=Totals(payable=found.closing),
            statement=_body(found),
        )
    except ValidationError:
        raise StaffRefusal("The amounts are too large for one statement.") from None


def for_actor(actor: Actor, span: Span, currency: str | None = None) -> DocumentContent:
    """The statement a signed-in customer asks for. Raises what :func:`content_for` raises."""
    return for_customer(actor.customer_id, span, currency)


def for_customer(customer_id: int, span: Span, currency: str | None = None) -> DocumentContent:
    """What a statement of a customer would say today. Raises what :func:`content_for` raises."""
    return content_for(*_both(customer_id), span, currency)


def issue_for(customer_id: int, span: Span, currency: str | None = None, *, by: str) -> int:
    """Issue a statement of a customer, once for two clicks; returns the document's id. Raises
    what :func:`issue` does."""
    return issue(*_both(customer_id), span, by=by, currency=currency, once=True).id


def _both(customer_id: int) -> tuple[Organization, Customer]:
    customer = db.session.get_one(Customer, customer_id)
    return db.session.get_one(Organization, customer.organization_id), customer


def _currency(organization: Organization, customer: Customer, asked: str | None) -> str:
    if asked and not has_used(organization.id, customer.id, check_currency(asked)):
        raise BadInput({"currency": f"{customer.name} has nothing in {asked}."})
    if asked:
        return asked
    known = currencies(organization.id, customer.id)
    if not known:
        raise StaffRefusal(f"{customer.name} has no invoices, credit notes or payments yet.")
    if len(known) > 1:
        raise BadInput({"currency": f"Please choose one of {', '.join(known)}."})
    return known[0]


def _body(found: AccountStatement) -> StatementBody:
    return StatementBody(
        period=Period(start=found.span.start, end=found.span.end),
        opening=found.opening,
        entries=tuple(
            StatementEntry(
                on=one.on,
                kind=one.label,
                number=one.number,
                description=one.note or None,
                amount=one.amount,
                balance=one.balance,
            )
            for one in found.movements
        ),
        closing=found.closing,
        ageing=tuple(AgeingBucket(label=one.label, amount=one.amount) for one in found.ageing),
    )


def _next_number(organization: Organization) -> str:
    """``ST-2026-0001`` and so on, by the year it is in the organization's zone."""
    start = f"ST-{clock.today(organization.timezone).year}-"
    used = db.session.execute(
        sa.select(Document.external_id, Document.number).where(
            Document.organization_id == organization.id,
            Document.kind == Kind.STATEMENT.value,
            sa.or_(Document.external_id.startswith(start), Document.number.startswith(start)),
        )
    ).all()
    pattern = re.compile(re.escape(start) + r"([0-9]{1,9})\Z")
    counted = [int(match[1]) for row in used for name in row if (match := pattern.match(name))]
    return f"{start}{max(counted, default=0) + 1:04}"
