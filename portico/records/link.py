"""Secret addresses: one row for each link that was mailed or copied (spec L2-L4, Q1)."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, Model, UtcDateTime


class Purpose(StrEnum):
    DOCUMENT = "document"  # /i/<token>
    QUOTE = "quote"  # /q/<token>


class PortalLink(Model):
    """A link to one document. The token is derived from ``nonce`` and is nowhere at rest.

    Until the mail is delivered ``expires_at`` is empty and the link is live, because the
    customer may click before we have written down that the mail server took it.
    """

    __tablename__ = "customer_portal_links"
    __table_args__ = (
        sa.Index("ix_customer_portal_links_document_id", "document_id"),
        sa.Index("ix_customer_portal_links_customer_id", "customer_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    purpose: Mapped[str] = mapped_column(sa.String(20))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"))
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contacts.id"))
    renewed_from_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customer_portal_links.id"))
    nonce: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    token_sha256: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    life_hours: Mapped[int]
    until_validity: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(sa.String(200))
    delivered_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    revoked_by: Mapped[str | None] = mapped_column(sa.String(200))
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # by the customer, L11
