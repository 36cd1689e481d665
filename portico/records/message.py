"""The conversation about a document (spec L6, L9)."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, Model, UtcDateTime


class Topic(StrEnum):
    QUESTION = "question"
    MORE_TIME = "more_time"
    ANSWER = "answer"


class Message(Model):
    """One thing that a customer or the team said about a document. Both sides read it."""

    __tablename__ = "document_messages"
    __table_args__ = (sa.Index("ix_document_messages_document_id", "document_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"))
    topic: Mapped[str] = mapped_column(sa.String(20))
    from_staff: Mapped[bool]
    author: Mapped[str] = mapped_column(sa.String(200))
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contacts.id"))
    link_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customer_portal_links.id"))
    body: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
