"""Who a paper is from and to, as the team has it written down."""

from __future__ import annotations

import sqlalchemy as sa

from portico.db import db
from portico.records.content import Address, DocumentContent, Identifier, Kind, Party
from portico.records.customer import Customer
from portico.records.document import Document, DocumentRevision
from portico.records.organization import Organization


def seller(organization: Organization) -> Party:
    """The organization as its papers name it."""
    lines = tuple(line[:500] for line in organization.address.splitlines() if line.strip())
    tax_id = organization.tax_id
    return Party(
        name=organization.name,
        address=Address(lines=lines[:12]) if lines else None,
        tax_ids=(Identifier(value=tax_id),) if tax_id else (),
    )


def buyer(customer: Customer) -> Party:
    """As the newest invoice names them, address and all; else by name alone."""
    newest = db.session.execute(
        sa.select(DocumentRevision.content)
        .join(
            Document,
            sa.and_(
                Document.id == DocumentRevision.document_id,
                DocumentRevision.number
                == sa.func.coalesce(Document.sent_revision, Document.current_revision),
            ),
        )
        .where(
            Document.organization_id == customer.organization_id,
            Document.customer_id == customer.id,
            Document.kind == Kind.INVOICE.value,
            Document.posted_at.is_not(None),
        )
        .order_by(Document.issued_on.desc(), Document.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if newest is None:
        return Party(name=customer.name)
    return DocumentContent.model_validate_json(newest).buyer
