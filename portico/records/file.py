"""Files that are shared with a customer, or sent in by one (spec W2, W4)."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, Model, UtcDateTime


class StoredFile(Model):
    """One file. Its bytes lie in the store under a random key; the name is only for people."""

    __tablename__ = "files"
    __table_args__ = (
        sa.Index("ix_files_customer_id", "organization_id", "customer_id", "id"),
        sa.Index("ix_files_project_id", "project_id"),
        sa.Index("ix_files_document_id", "document_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    project_id: Mapped[int | None] = mapped_column(sa.ForeignKey("projects.id"))
    document_id: Mapped[int | None] = mapped_column(sa.ForeignKey("documents.id"))  # a request
    storage_key: Mapped[str] = mapped_column(sa.String(64), unique=True)
    name: Mapped[str] = mapped_column(sa.String(255))
    media_type: Mapped[str] = mapped_column(sa.String(120))  # judged by content
    size: Mapped[int] = mapped_column(sa.BigInteger)  # bytes
    sha256: Mapped[str] = mapped_column(sa.String(64))
    is_shared_with_client: Mapped[bool] = mapped_column(default=False)
    from_staff: Mapped[bool]
    author: Mapped[str] = mapped_column(sa.String(200))
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contacts.id"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    removed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    removed_by: Mapped[str | None] = mapped_column(sa.String(200))
