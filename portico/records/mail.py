"""The outbox: what is to be mailed, to whom, and how it went (spec C8)."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, Model, UtcDateTime


class MailKind(StrEnum):
    DOCUMENT_SENT = "document_sent"
    LINK_RENEWED = "link_renewed"
    RECEIPT_CUSTOMER = "decision_receipt_customer"
    RECEIPT_STAFF = "decision_receipt_staff"
    QUESTION_STAFF = "question_staff"
    ANSWER_CUSTOMER = "answer_customer"
    MORE_TIME_STAFF = "more_time_staff"
    QUOTE_EXTENDED = "quote_extended"
    DECISION_REVERSED = "decision_reversed"
    STAFF_INVITATION = "staff_invitation"
    STAFF_RESET = "staff_reset"
    STAFF_NOTICE = "staff_notice"
    COMMENT_STAFF = "comment_staff"
    REQUEST_ANSWERED_STAFF = "request_answered_staff"
    ANSWER_RETURNED = "answer_returned"
    PROJECT_SHARED = "project_shared"
    ACCOUNT_SETUP = "account_setup"
    PASSWORD_RESET = "password_reset"  # nosec B105 - a kind of mail
    PASSWORD_CHANGED = "password_changed"  # nosec B105 - a kind of mail
    NOTIFICATION = "notification"
    REMINDER = "reminder"
    PAYMENT_INSTRUCTIONS_CHANGED = "payment_instructions_changed"


class MailState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"  # there was nobody who may receive it


class Mail(Model):
    """One message to one recipient: a kind and references, never a rendered text or token."""

    __tablename__ = "mails"
    __table_args__ = (
        sa.Index("ix_mails_state_next_attempt_at", "state", "next_attempt_at"),
        sa.Index("ix_mails_document_id", "document_id"),
        sa.Index("ix_mails_contact_id", "contact_id"),
        sa.Index("ix_mails_organization_id", "organization_id", "id"),
        sa.Index("ix_mails_organization_id_state", "organization_id", "state", "id"),
        sa.Index("ix_mails_organization_id_kind", "organization_id", "kind", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(40))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customers.id"))
    document_id: Mapped[int | None] = mapped_column(sa.ForeignKey("documents.id"))
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contacts.id"))  # None: staff
    link_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customer_portal_links.id"))
    reference: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    message_id: Mapped[str] = mapped_column(sa.String(200), unique=True)
    state: Mapped[str] = mapped_column(sa.String(20), default=MailState.QUEUED.value)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    claimed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    claimed_by: Mapped[str | None] = mapped_column(sa.String(200))
    recipient: Mapped[str | None] = mapped_column(sa.String(320))  # where it went, once it did
    error: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
