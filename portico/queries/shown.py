"""A document as its page shows it, whichever door it was reached through."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import sqlalchemy as sa

from portico.db import db
from portico.queries import changes
from portico.queries.faces import DecisionFace, DocumentFace, OrganizationFace
from portico.records.content import Attachment, DocumentContent
from portico.records.document import AttachedFile, DocumentRevision
from portico.records.message import Message
from portico.services.actors import Actor


@dataclass(slots=True, kw_only=True)
class Shown:
    """One document, who looks at it, and everything its page shows."""

    actor: Actor
    org: OrganizationFace
    document: DocumentFace
    customer_name: str
    content_json: str
    content_sha256: str
    decision: DecisionFace | None
    talks: bool
    _content: DocumentContent | None = field(default=None)

    @property
    def content(self) -> DocumentContent:
        if self._content is None:
            self._content = DocumentContent.model_validate_json(self.content_json)
        return self._content

    @property
    def attached(self) -> list[Attachment]:
        """The files that came inside the document, in its order."""
        return [ref.attachment for ref in self.content.references if ref.attachment is not None]

    @property
    def payment_reference(self) -> str:
        """What a payment should name."""
        means = (one.reference for one in self.content.payment_means)
        return next((one for one in means if one), None) or self.document.number


# What a row needs for :func:`portico.queries.faces.decision_face`.
decision_columns = (
    "id", "answer", "signatory", "decided_at", "po_number", "note", "receipt_code", "revision",
    "via",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation."""

    author: str
    from_staff: bool
    body: str
    at: dt.datetime


def conversation(document_id: int) -> list[Said]:
    """The newest questions and answers about a document, oldest first."""
    rows = db.session.execute(
        sa.select(Message.author, Message.from_staff, Message.body, Message.created_at)
        .where(Message.document_id == document_id)
        .order_by(Message.id.desc())
        .limit(200)
    ).all()
    return [Said(row.author, row.from_staff, row.body, row.created_at) for row in reversed(rows)]


def changed_since(
    document: DocumentFace, seen: int | None, content: DocumentContent, locale: str, zone: str
) -> tuple[int, list[str]] | None:
    """What is different from revision *seen*, or from the one that was shown before this one.

    The earlier revision and the sentences; None where there is nothing to compare. A revision
    that was never put before the customer is not compared with: it is not theirs to read (L16).
    """
    earlier = (
        sa.select(DocumentRevision.number, DocumentRevision.content)
        .where(
            DocumentRevision.document_id == document.id,
            DocumentRevision.number < document.revision,
            DocumentRevision.shown_at.is_not(None),
        )
        .order_by(DocumentRevision.number.desc())
        .limit(1)
    )
    if seen is not None:
        earlier = earlier.where(DocumentRevision.number == seen)
    row = db.session.execute(earlier).first()
    if row is None:
        return None
    before = DocumentContent.model_validate_json(row.content)
    return row.number, changes.between(before, content, locale, zone)


def attached_file(sha256: str) -> bytes | None:
    """The bytes of a file that came inside a document."""
    return db.session.execute(
        sa.select(AttachedFile.data).where(AttachedFile.sha256 == sha256)
    ).scalar_one_or_none()
