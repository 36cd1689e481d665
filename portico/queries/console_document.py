"""One document, as the team opens it, and whom it may be mailed to (spec C4)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from portico.db import reading
from portico.queries.console_documents import STANDING_COLUMNS, Standing, standing
from portico.queries.faces import (
    DecisionFace,
    DocumentFace,
    decision_face,
)
from portico.queries.lists import LARGEST_ID
from portico.queries.rows import Part, columns
from portico.queries.shown import decision_columns
from portico.records.content import Attachment, DocumentContent, Kind
from portico.records.customer import Contact, Customer
from portico.records.decision import Decision
from portico.records.document import KINDS, Document, DocumentRevision, State
from portico.records.link import PortalLink

_MORE_DAYS = 14
_MOST_RECIPIENTS = 100

_doc, _rev, _customer = Document.__table__, DocumentRevision.__table__, Customer.__table__
_decision, _contact, _link = Decision.__table__, Contact.__table__, PortalLink.__table__


@dataclass(slots=True, kw_only=True)
class OpenDocument:
    """One document as the team opens it: its newest revision, sent or not."""

    standing: Standing
    customer_is_active: bool
    content_json: str
    content_sha256: str
    warnings: list[str]
    revised_by: str
    revised_at: dt.datetime
    reason: str
    posted_at: dt.datetime | None
    sent_at: dt.datetime | None
    decision: DecisionFace | None
    _content: DocumentContent | None = None

    @property
    def id(self) -> int:
        return self.standing.face.id

    @property
    def face(self) -> DocumentFace:
        return self.standing.face

    @property
    def kind(self) -> Kind:
        return Kind(self.standing.face.kind)

    @property
    def content(self) -> DocumentContent:
        if self._content is None:
            self._content = DocumentContent.model_validate_json(self.content_json)
        return self._content

    @property
    def attached(self) -> list[Attachment]:
        """The files that came inside the document, in its order."""
        return [ref.attachment for ref in self.content.references if ref.attachment is not None]

    def later_day(self, today: dt.date) -> dt.date:
        """A last day to begin with, for whoever gives more time to answer."""
        more = dt.timedelta(days=_MORE_DAYS)
        last = self.face.valid_until or today
        if self.face.expires_at is not None:
            last = self.face.expires_at.date()
        return min(max(last, today), dt.date.max - more) + more

    def refuses(self) -> dict[str, str]:
        """What cannot be done with the document now, each with why. The services have the last
        word; this is what a page says before anybody tries."""
        state, is_answered = self.face.state, bool(KINDS[self.kind].answers)
        void = f"It is {self.standing.label.lower()}."
        found = {}
        if state != State.DRAFT:
            found["post"] = "It is posted already."
        if state == State.DRAFT:
            found["copy"] = "It is a draft; post it first."
        if self.standing.is_void:
            found |= dict.fromkeys(("copy", "void"), void)
        elif state == State.ACCEPTED:
            found["void"] = "It was accepted; reverse the answer first."
        if is_answered:
            found |= self._refuses_answers(void)
        return found

    def _refuses_answers(self, void: str) -> dict[str, str]:
        state = self.face.state
        found = {}
        if self.decision is None:
            found["reverse"] = "No answer stands on it."
        elif self.standing.is_void:
            found["reverse"] = void
        waits = self.standing.waits
        reason = None
        if state == State.DRAFT:
            reason = "It is a draft."
        elif self.standing.is_void:
            reason = void
        elif self.decision is not None:
            reason = f"It was {self.standing.label.lower()}; reverse the answer first."
        elif waits:
            reason = f"{waits}."
        if reason:
            found["extend"] = found["record"] = reason
        elif state == State.EXPIRED:
            found["record"] = "Its last valid day is over; extend it first."
        if not reason and self.face.valid_until is None and self.face.expires_at is None:
            found["extend"] = "It has no last valid day."
        return found


_one = (
    sa.select(
        *columns(_doc, "doc", *STANDING_COLUMNS, "posted_at"),
        *columns(_customer, "customer", "name", "is_active"),
        *columns(
            _rev, "rev", "content", "content_sha256", "warnings", "created_by", "created_at",
            "reason",
        ),
        *columns(_decision, "decision", *decision_columns),
    )
    .select_from(
        sa.join(_doc, _customer, _customer.c.id == _doc.c.customer_id)
        .join(_rev, sa.and_(
            _rev.c.document_id == _doc.c.id, _rev.c.number == _doc.c.current_revision,
        ))
        .outerjoin(_decision, sa.and_(
            _decision.c.revision_id == _rev.c.id, _decision.c.reversed_at.is_(None),
        ))
    )
    .where(
        _doc.c.id == sa.bindparam("id"), _doc.c.organization_id == sa.bindparam("organization_id")
    )
)  # fmt: skip


def find(organization_id: int, document_id: int, zone: str) -> OpenDocument | None:
    """A document of this organization; None where there is none with this id."""
    if not 0 < document_id <= LARGEST_ID:
        return None
    with reading() as connection:
        row = connection.execute(
            _one, {"id": document_id, "organization_id": organization_id}
        ).first()
    if row is None:
        return None
    decided = row.decision_id is not None
    return OpenDocument(
        standing=standing(Part(row, "doc"), row.customer_name, zone),
        customer_is_active=row.customer_is_active,
        content_json=row.rev_content,
        content_sha256=row.rev_content_sha256,
        warnings=row.rev_warnings,
        revised_by=row.rev_created_by,
        revised_at=row.rev_created_at,
        reason=row.rev_reason,
        posted_at=row.doc_posted_at,
        sent_at=row.doc_sent_at,
        decision=decision_face(Part(row, "decision")) if decided else None,
    )


def shown_content(document: OpenDocument) -> DocumentContent | None:
    """What the customer has been shown last; None where nothing was."""
    number = document.standing.sent_revision
    if number is None or number == document.standing.current_revision:
        return document.content if number else None
    asked = sa.select(_rev.c.content).where(
        _rev.c.document_id == document.id, _rev.c.number == number
    )
    with reading() as connection:
        return DocumentContent.model_validate_json(connection.execute(asked).scalar_one())


@dataclass(frozen=True, slots=True)
class Recipient:
    """A contact who may receive mail, and whether a link to this document went to them before."""

    id: int
    name: str
    email: str
    had_it: bool


def recipients(document: OpenDocument) -> list[Recipient]:
    """Whom the document may be mailed to; who had it before comes first. At most a hundred."""
    had_it = sa.exists().where(
        _link.c.document_id == document.id, _link.c.contact_id == _contact.c.id
    )
    asked = (
        sa.select(_contact.c.id, _contact.c.name, _contact.c.email, had_it.label("had_it"))
        .where(
            _contact.c.customer_id == document.standing.customer_id,
            _contact.c.is_active.is_(True),
            _contact.c.email.is_not(None),
        )
        .order_by(sa.desc("had_it"), _contact.c.id)
        .limit(_MOST_RECIPIENTS)
    )
    with reading() as connection:
        return [
            Recipient(row.id, row.name, row.email, bool(row.had_it))
            for row in connection.execute(asked)
        ]
