"""Work on many people at once, with what became of each (spec C3)."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, Model, UtcDateTime


class ItemState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


class InvitationBatch(Model):
    """One run of bulk invitations. Its items say how far it is."""

    __tablename__ = "invitation_batches"
    __table_args__ = (sa.Index("ix_invitation_batches_organization_id", "organization_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    total: Mapped[int]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(sa.String(200))
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class BatchItem(Model):
    """One contact of a batch."""

    __tablename__ = "invitation_batch_items"
    __table_args__ = (
        sa.UniqueConstraint("batch_id", "contact_id"),
        sa.Index("ix_invitation_batch_items_batch_id_state", "batch_id", "state"),
        sa.Index("ix_invitation_batch_items_mail_id", "mail_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(sa.ForeignKey("invitation_batches.id"))
    contact_id: Mapped[int] = mapped_column(sa.ForeignKey("contacts.id"))
    mail_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mails.id"))
    state: Mapped[str] = mapped_column(sa.String(20))
    reason: Mapped[str] = mapped_column(sa.String(300), default="")
