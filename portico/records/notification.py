"""What is new for a customer with an account (the bell), and what they were reminded of (A10, W9)."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, Model, UtcDateTime


class Topic(StrEnum):
    """What a notification is about; each belongs to one choice in the account's settings."""

    NEW_DOCUMENT = "new_document"
    REVISED = "revised"
    EXTENDED = "extended"
    DECIDED = "decided"
    REVERSED = "reversed"
    ANSWERED = "answered"
    RETURNED = "returned"
    PAYMENT = "payment"
    REMINDER = "reminder"
    COMMENTED = "commented"
    FILE_SHARED = "file_shared"


class Notification(Model):
    """One line in one account's bell."""

    __tablename__ = "notifications"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "once"),
        sa.Index("ix_notifications_account_id_id", "account_id", "id"),
        sa.Index(
            "ix_notifications_unread",
            "account_id",
            sqlite_where=sa.text("read_at IS NULL"),
            postgresql_where=sa.text("read_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("customer_portal_accounts.id"))
    topic: Mapped[str] = mapped_column(sa.String(30))
    document_id: Mapped[int | None] = mapped_column(sa.ForeignKey("documents.id"))
    payment_id: Mapped[int | None] = mapped_column(sa.ForeignKey("payments.id"))
    project_id: Mapped[int | None] = mapped_column(sa.ForeignKey("projects.id"))
    details: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    once: Mapped[str] = mapped_column(sa.String(120))  # the same news is told once
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    read_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class Reminder(Model):
    """A customer was reminded of a deadline: once for each revision and day it is due (W9)."""

    __tablename__ = "reminders"

    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    deadline: Mapped[dt.date] = mapped_column(primary_key=True)
    reminded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
