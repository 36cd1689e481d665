"""What the team has set for its organization, as the pages of settings show it (spec C7)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from portico.db import reading
from portico.records.content import DocumentContent, Kind
from portico.records.document import Document, DocumentRevision
from portico.records.organization import LinkLifetime, Organization

DEFAULT_HOURS = 24


@dataclass(frozen=True, slots=True)
class Chosen:
    """What stands on no page of a customer's. Days before a deadline; 0: never."""

    remind_quote_days: int
    remind_invoice_days: int
    payment_instructions_changed_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long new links to one kind of document live (spec L4)."""

    hours: int = DEFAULT_HOURS
    until_validity: bool = False


_org, _lifetimes = Organization.__table__, LinkLifetime.__table__
_document, _revision = Document.__table__, DocumentRevision.__table__


def of(organization_id: int) -> Chosen:
    one = sa.select(
        _org.c.remind_quote_days, _org.c.remind_invoice_days, _org.c.payment_instructions_changed_at
    ).where(_org.c.id == organization_id)
    with reading() as connection:
        return Chosen(**connection.execute(one).one()._mapping)


def lifetimes(organization_id: int) -> dict[Kind, Lifetime]:
    """For every kind of document; what was never set is the default."""
    some = sa.select(_lifetimes).where(_lifetimes.c.organization_id == organization_id)
    with reading() as connection:
        kept = {row.kind: row for row in connection.execute(some)}
    return {
        kind: Lifetime(kept[kind].hours, kept[kind].until_validity) if kind in kept else Lifetime()
        for kind in Kind
    }


def newest_content(organization_id: int) -> tuple[DocumentContent, str] | None:
    """The newest quote or invoice that customers may see, and its digest; None before the first."""
    newest = (
        sa.select(_revision.c.content, _revision.c.content_sha256)
        .join(_document, _document.c.id == _revision.c.document_id)
        .where(
            _document.c.organization_id == organization_id,
            _document.c.kind.in_([Kind.QUOTE.value, Kind.INVOICE.value]),
            _document.c.posted_at.is_not(None),
            _revision.c.number == _document.c.current_revision,
        )
        .order_by(_document.c.issued_on.desc(), _document.c.id.desc())
        .limit(1)
    )
    with reading() as connection:
        row = connection.execute(newest).first()
    return (DocumentContent.model_validate_json(row.content), row.content_sha256) if row else None
