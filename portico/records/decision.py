"""Who agreed to what: the evidence of each decision (spec L8)."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, Model, UtcDateTime


class Answer(StrEnum):
    ACCEPTED = "accepted"
    DECLINED = "declined"


class Via(StrEnum):
    LINK = "link"
    QUOTE_LINK = "quote_link"
    ACCOUNT = "account"
    STAFF = "staff"


class Decision(Model):
    """One answer to one revision. At most one stands; reversed ones stay on record (L9)."""

    __tablename__ = "decisions"
    __table_args__ = (
        sa.Index(
            "uq_decisions_standing",
            "revision_id",
            unique=True,
            sqlite_where=sa.text("reversed_at IS NULL"),
            postgresql_where=sa.text("reversed_at IS NULL"),
        ),
        sa.Index("ix_decisions_document_id", "document_id"),
        sa.Index("ix_decisions_newest", "organization_id", "decided_at", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    receipt_code: Mapped[str] = mapped_column(sa.String(32), unique=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"))
    revision_id: Mapped[int] = mapped_column(sa.ForeignKey("document_revisions.id"))
    revision: Mapped[int]
    content_sha256: Mapped[str] = mapped_column(sa.String(64))
    answer: Mapped[str] = mapped_column(sa.String(20))
    via: Mapped[str] = mapped_column(sa.String(20))
    link_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customer_portal_links.id"))
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customer_portal_accounts.id"))
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contacts.id"))
    contact_name: Mapped[str | None] = mapped_column(sa.String(200))
    contact_email: Mapped[str | None] = mapped_column(sa.String(320))
    signatory: Mapped[str] = mapped_column(sa.String(200))
    po_number: Mapped[str] = mapped_column(sa.String(100), default="")
    note: Mapped[str] = mapped_column(sa.Text, default="")  # or the reason of a refusal
    decided_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    ip: Mapped[str | None] = mapped_column(sa.String(64))
    user_agent: Mapped[str | None] = mapped_column(sa.String(1000))
    recorded_by: Mapped[str | None] = mapped_column(sa.String(200))  # staff, for an offline answer
    seal: Mapped[str] = mapped_column(sa.String(64))  # HMAC over all of the above
    reversed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    reversed_by: Mapped[str | None] = mapped_column(sa.String(200))
    reversal_note: Mapped[str | None] = mapped_column(sa.Text)
