"""What stands behind a secret link, read in one statement (spec L1, L3).

Link, document, customer, contact and organization are joined on every relation that has to
hold, so that a link whose document, customer, contact or organization do not belong together
opens nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from portico import clock, tokens
from portico.db import db, reading
from portico.queries import changes
from portico.queries.faces import (
    DecisionFace,
    DocumentFace,
    OrganizationFace,
    decision_face,
    document_face,
    organization_columns,
    organization_face,
)
from portico.queries.rows import Part, columns
from portico.records.content import DocumentContent
from portico.records.customer import Contact, Customer
from portico.records.decision import Decision, Via
from portico.records.document import AttachedFile, Document, DocumentRevision, State
from portico.records.link import PortalLink, Purpose
from portico.records.message import Message
from portico.records.organization import Organization
from portico.services.activity import Visitor
from portico.services.actors import Actor


class Standing(StrEnum):
    LIVE = "live"
    EXPIRED = "expired"


@dataclass(slots=True)
class LinkedPage:
    """A live or expired link and everything its page shows. Expired: only ``org`` is for eyes."""

    standing: Standing
    purpose: Purpose
    link_id: int
    actor: Actor
    org: OrganizationFace
    document: DocumentFace
    customer_name: str
    content_json: str
    content_sha256: str
    decision: DecisionFace | None
    can_be_renewed: bool
    talks: bool
    _content: DocumentContent | None = field(default=None)

    @property
    def content(self) -> DocumentContent:
        if self._content is None:
            self._content = DocumentContent.model_validate_json(self.content_json)
        return self._content


_DOCUMENT = (
    "id", "kind", "number", "state", "currency", "total", "balance", "issued_on", "due_on",
    "valid_until", "current_revision", "sent_revision", "posted_at",
)  # fmt: skip
_DECISION = (
    "id", "answer", "signatory", "decided_at", "po_number", "note", "receipt_code", "revision",
    "via",
)  # fmt: skip

# Tables, not records: this is the busiest statement of all, and it needs no identity map.
_link, _doc, _rev = PortalLink.__table__, Document.__table__, DocumentRevision.__table__
_org, _customer, _contact = Organization.__table__, Customer.__table__, Contact.__table__
_decision, _message = Decision.__table__, Message.__table__
_one = (
    sa.select(
        *columns(_link, "link", "id", "contact_id", "expires_at", "is_active",
                  "revoked_at", "ended_at"),
        *columns(_org, "org", *organization_columns),
        *columns(_doc, "doc", *_DOCUMENT),
        *columns(_customer, "customer", "id", "name", "is_active"),
        *columns(_contact, "contact", "name", "email", "is_active"),
        *columns(_rev, "rev", "content", "content_sha256"),
        *columns(_decision, "decision", *_DECISION),
        sa.exists().where(_message.c.document_id == _doc.c.id).label("talks"),
    )
    .select_from(
        sa.join(_link, _doc, sa.and_(
            _doc.c.id == _link.c.document_id,
            _doc.c.customer_id == _link.c.customer_id,
            _doc.c.organization_id == _link.c.organization_id,
        ))
        .join(_org, _org.c.id == _link.c.organization_id)
        .join(_customer, sa.and_(
            _customer.c.id == _link.c.customer_id,
            _customer.c.organization_id == _link.c.organization_id,
        ))
        .join(_rev, sa.and_(
            _rev.c.document_id == _doc.c.id,
            _rev.c.number == sa.func.coalesce(_doc.c.sent_revision, _doc.c.current_revision),
        ))
        .outerjoin(_contact, sa.and_(
            _contact.c.id == _link.c.contact_id, _contact.c.customer_id == _link.c.customer_id,
        ))
        .outerjoin(_decision, sa.and_(
            _decision.c.revision_id == _rev.c.id, _decision.c.reversed_at.is_(None),
        ))
    )
    .where(
        _link.c.token_sha256 == sa.bindparam("token_sha256"),
        _link.c.purpose == sa.bindparam("purpose"),
    )
)  # fmt: skip


def open_link(token: str, purpose: Purpose, visitor: Visitor) -> LinkedPage | None:
    """The page behind a token; None where it is unknown, revoked, ended or not to be seen."""
    sha256 = tokens.digest(token)
    if sha256 is None:
        return None
    with reading() as connection:
        values = {"token_sha256": sha256, "purpose": purpose.value}
        row = connection.execute(_one, values).first()
    if row is None or not _may_pass(row):
        return None
    org = organization_face(Part(row, "org"))
    expired = row.link_expires_at is not None and row.link_expires_at <= clock.now()
    decided = row.decision_id is not None
    return LinkedPage(
        standing=Standing.EXPIRED if expired else Standing.LIVE,
        purpose=purpose,
        link_id=row.link_id,
        actor=Actor(
            via=Via.QUOTE_LINK if purpose is Purpose.QUOTE else Via.LINK,
            link_id=row.link_id,
            organization_id=row.org_id,
            customer_id=row.customer_id,
            document_id=row.doc_id,
            contact_id=row.link_contact_id,
            contact_name=row.contact_name,
            contact_email=row.contact_email,
            visitor=visitor,
        ),
        org=org,
        document=document_face(Part(row, "doc"), org.timezone),
        customer_name=row.customer_name,
        content_json=row.rev_content,
        content_sha256=row.rev_content_sha256,
        decision=decision_face(Part(row, "decision")) if decided else None,
        can_be_renewed=row.link_contact_id is not None,
        talks=row.talks,
    )


def _may_pass(row: Any) -> bool:
    if not row.link_is_active or row.link_revoked_at or row.link_ended_at:
        return False
    if row.doc_posted_at is None or row.doc_state == State.DRAFT or not row.customer_is_active:
        return False
    # A mailed link is bound to its contact: one who was switched off reads nothing more.
    return row.link_contact_id is None or bool(row.contact_is_active)


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
    document: DocumentFace, seen: int | None, content: DocumentContent, locale: str
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
    return row.number, changes.between(before, content, locale)


def attached_file(sha256: str) -> bytes | None:
    """The bytes of a file that came inside a document."""
    return db.session.execute(
        sa.select(AttachedFile.data).where(AttachedFile.sha256 == sha256)
    ).scalar_one_or_none()
