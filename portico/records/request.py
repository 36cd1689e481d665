"""What the team asks a customer for, item by item (spec W4)."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portico.db import BigId, Model, UtcDateTime


class ItemState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    ACCEPTED = "accepted"
    RETURNED = "returned"


class RequestItem(Model):
    """How one item of a request stands. What it asks for is in the document's content."""

    __tablename__ = "request_items"
    __table_args__ = (sa.UniqueConstraint("document_id", "position"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"))
    position: Mapped[int]  # 1 is the first item of the content
    state: Mapped[str] = mapped_column(sa.String(20), default=ItemState.OPEN.value)
    remark: Mapped[str] = mapped_column(sa.Text, default="")  # staff's, when it was returned
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class RequestAnswer(Model):
    """What a customer gave for an item: words, a file, or both. Earlier answers stay."""

    __tablename__ = "request_answers"
    __table_args__ = (sa.Index("ix_request_answers_item_id", "item_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("request_items.id"))
    file_id: Mapped[int | None] = mapped_column(sa.ForeignKey("files.id"))
    body: Mapped[str] = mapped_column(sa.Text, default="")
    author: Mapped[str] = mapped_column(sa.String(200))
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contacts.id"))
    link_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customer_portal_links.id"))
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customer_portal_accounts.id"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
