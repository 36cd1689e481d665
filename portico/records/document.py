"""Documents: a head with what lists and rules need, and frozen revisions with what was said.

States are per kind (spec L16). ``expired`` and ``overdue`` are not stored: they follow from a
date and are judged on the organization's day, so that no sweep can be late with them.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Mapped, mapped_column

from portico import clock
from portico.db import BigId, Model, UtcDateTime
from portico.records.content import DocumentContent, Kind
from portico.records.decision import Answer
from portico.records.organization import Section
from portico.refusals import ChangedMeanwhile, Conflict


class State(StrEnum):
    DRAFT = "draft"
    POSTED = "posted"  # final, not yet put before the customer by mail or link
    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    OVERDUE = "overdue"
    APPLIED = "applied"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    IN_PROGRESS = "in_progress"  # a request of which something was answered
    COMPLETED = "completed"


# What indexes over some documents hold, in their own words: only so are they known to fit.
TO_SEND = (
    "state NOT IN ('draft', 'withdrawn', 'cancelled') AND "
    "(state = 'posted' OR sent_revision <> current_revision)"
)
OWED = "kind = 'invoice' AND balance > 0"


class Document(Model):
    """The head of any document. Amounts are minor units of ``currency``."""

    __tablename__ = "documents"
    __table_args__ = (
        sa.UniqueConstraint("organization_id", "kind", "external_id"),
        sa.Index(
            "ix_documents_customer_list",
            "organization_id", "customer_id", "kind", "issued_on", "id", "number",  # backwards
        ),
        sa.Index(
            "ix_documents_customer_states",
            "organization_id", "customer_id", "kind", "state", "issued_on", "id", "number",
        ),
        sa.Index(
            "ix_documents_valid_until",
            "organization_id", "customer_id", "kind", "state", "valid_until", "id", "number",
            sqlite_where=sa.text("kind = 'quote'"),
            postgresql_where=sa.text("kind = 'quote'"),
        ),
        sa.Index(
            "ix_documents_due_on",
            "organization_id", "customer_id", "kind", "state", "due_on", "id", "number", "balance",
            sqlite_where=sa.text("balance > 0"),
            postgresql_where=sa.text("balance > 0"),
        ),
        sa.Index(
            "ix_documents_open",
            "organization_id", "customer_id", "kind", "currency", "due_on", "balance", "state",
            "posted_at",
            sqlite_where=sa.text("balance <> 0"),
            postgresql_where=sa.text("balance <> 0"),
        ),
        sa.Index("ix_documents_number", "organization_id", "number"),
        # The team's lists, over all customers.
        sa.Index(
            "ix_documents_newest", "organization_id", "issued_on", "id", "number", "customer_id"
        ),
        sa.Index("ix_documents_states", "organization_id", "kind", "state", "issued_on", "id"),
        sa.Index(
            "ix_documents_to_send", "organization_id", "kind", "issued_on", "id",
            sqlite_where=sa.text(TO_SEND), postgresql_where=sa.text(TO_SEND),
        ),
        sa.Index(
            "ix_documents_last_days", "organization_id", "state", "valid_until", "id",
            sqlite_where=sa.text("kind = 'quote'"),
            postgresql_where=sa.text("kind = 'quote'"),
        ),
        sa.Index(
            "ix_documents_owed", "organization_id", "state", "due_on", "id",
            sqlite_where=sa.text(OWED), postgresql_where=sa.text(OWED),
        ),
        sa.Index(
            "ix_documents_asked", "organization_id", "asked_at", "id",
            sqlite_where=sa.text("asked_at IS NOT NULL"),
            postgresql_where=sa.text("asked_at IS NOT NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    kind: Mapped[str] = mapped_column(sa.String(30))
    external_id: Mapped[str] = mapped_column(sa.String(500))
    number: Mapped[str] = mapped_column(sa.String(500))
    state: Mapped[str] = mapped_column(sa.String(20))
    currency: Mapped[str] = mapped_column(sa.String(3))
    total: Mapped[int] = mapped_column(sa.BigInteger)
    payable: Mapped[int] = mapped_column(sa.BigInteger)  # asked for, or credited, by itself
    balance: Mapped[int] = mapped_column(sa.BigInteger)  # what payments and credits left open
    issued_on: Mapped[dt.date]
    due_on: Mapped[dt.date | None]
    valid_until: Mapped[dt.date | None]
    expires_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    project_id: Mapped[int | None] = mapped_column(sa.ForeignKey("projects.id"))
    title: Mapped[str] = mapped_column(sa.String(500), default="")
    current_revision: Mapped[int] = mapped_column(default=1)
    sent_revision: Mapped[int | None]  # the revision the customer has been shown
    posted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    decided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    # Since when something that the customer asked waits for the team's answer.
    asked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    __mapper_args__ = {"polymorphic_on": "kind"}

    label: ClassVar[str] = "Document"
    states: ClassVar[frozenset[State]] = frozenset()
    voided: ClassVar[State] = State.CANCELLED
    answers: ClassVar[frozenset[Answer]] = frozenset()  # what a customer may decide
    says: ClassVar[dict[Answer, str]] = {answer: answer.value for answer in Answer}
    section: ClassVar[Section | None] = None  # has to be switched on for the portal to show it

    @property
    def is_posted(self) -> bool:
        """Whether a customer may see it at all (spec L16)."""
        return self.posted_at is not None and self.state != State.DRAFT

    @property
    def is_void(self) -> bool:
        return self.state in {State.WITHDRAWN, State.CANCELLED}

    @property
    def shown_revision(self) -> int:
        """The revision a customer sees: the last one that was put before them."""
        return self.sent_revision or self.current_revision

    def require_seen(self, revision: int | None) -> None:
        """Whoever acts had the newest revision on screen; None: they act on whatever it is.

        The document is held. Raises ChangedMeanwhile.
        """
        if revision is not None and revision != self.current_revision:
            raise ChangedMeanwhile(
                f"It was changed meanwhile and is now revision {self.current_revision}. Please "
                "look at it again; nothing was done."
            )

    def state_on(self, today: dt.date) -> State:
        """The state as it stands on the organization's day *today*."""
        return State(self.state)

    def take_head(self, content: DocumentContent) -> None:
        """Let the head say what *content* says. What was settled stays settled.

        While a newer revision waits to be sent, the head stays with the one that was: it is what
        customers see in lists and what they owe (spec L9, L16). Raises Conflict where something
        was settled in another currency.
        """
        self.require_currency(content)
        settled = (self.payable or 0) - (self.balance or 0)
        self.number = content.number
        self.currency = content.currency
        gross = content.totals.gross
        self.total = content.totals.payable if gross is None else gross
        self.payable = self.payable_by(content)
        self.balance = self.payable - settled
        self.issued_on = content.issued_on
        self.due_on = content.due_on
        self.valid_until = content.valid_until
        self.expires_at = content.expires_at
        self.title = content.title or ""

    def require_currency(self, content: DocumentContent) -> None:
        """Raises Conflict where something was settled in another currency."""
        if self.payable != self.balance and self.currency != content.currency:
            raise Conflict(
                f"Something is settled on {self.label.lower()} {self.number} in {self.currency}; "
                "release that before its currency changes."
            )

    def payable_by(self, content: DocumentContent) -> int:
        """What a content asks for or credits by itself, minor units."""
        return 0

    def settle(self) -> None:
        """Bring the state in line with what is open, after that changed."""


class Quote(Document):
    __mapper_args__ = {"polymorphic_identity": Kind.QUOTE.value}
    label = "Quote"
    voided = State.WITHDRAWN
    answers = frozenset(Answer)
    states = frozenset(
        {
            State.DRAFT, State.POSTED, State.SENT, State.ACCEPTED,
            State.DECLINED, State.EXPIRED, State.WITHDRAWN,
        }
    )  # fmt: skip

    def state_on(self, today: dt.date) -> State:
        """Expired once the last valid day is over in the organization's zone (spec L7)."""
        open_ = self.state in {State.SENT, State.POSTED}
        if open_ and self.valid_until is not None and self.valid_until < today:
            return State.EXPIRED
        return State(self.state)


class Invoice(Document):
    __mapper_args__ = {"polymorphic_identity": Kind.INVOICE.value}
    label = "Invoice"
    states = frozenset(
        {
            State.DRAFT, State.POSTED, State.SENT, State.PARTIALLY_PAID,
            State.PAID, State.OVERDUE, State.CANCELLED,
        }
    )  # fmt: skip

    def state_on(self, today: dt.date) -> State:
        """Overdue from the day after the due date while something is owed."""
        owing = self.state in {State.POSTED, State.SENT, State.PARTIALLY_PAID} and self.balance > 0
        if owing and self.due_on is not None and self.due_on < today:
            return State.OVERDUE
        return State(self.state)

    def payable_by(self, content: DocumentContent) -> int:
        return content.totals.payable

    @property
    def surplus(self) -> int:
        """What was settled beyond what it asks for: it was made cheaper after it was paid."""
        return max(min(-self.balance, self.payable - self.balance), 0)

    def settle(self) -> None:
        """Paid when nothing is open; partially paid when something was settled."""
        if self.state in {State.DRAFT, State.CANCELLED}:
            return
        if self.balance == 0 or self.surplus:
            self.state = State.PAID.value
        elif self.balance != self.payable:
            self.state = State.PARTIALLY_PAID.value
        else:
            self.state = (State.SENT if self.sent_at else State.POSTED).value


class SalesOrder(Document):
    __mapper_args__ = {"polymorphic_identity": Kind.SALES_ORDER.value}
    label = "Sales order"
    section = Section.ORDERS
    states = frozenset({State.DRAFT, State.POSTED, State.SENT, State.FULFILLED, State.CANCELLED})


class SalesReceipt(Document):
    __mapper_args__ = {"polymorphic_identity": Kind.SALES_RECEIPT.value}
    label = "Sales receipt"
    states = frozenset({State.DRAFT, State.POSTED, State.SENT, State.CANCELLED})


class RefundReceipt(Document):
    __mapper_args__ = {"polymorphic_identity": Kind.REFUND_RECEIPT.value}
    label = "Refund receipt"
    states = frozenset({State.DRAFT, State.POSTED, State.SENT, State.CANCELLED})


class CreditNote(Document):
    __mapper_args__ = {"polymorphic_identity": Kind.CREDIT_NOTE.value}
    label = "Credit note"
    states = frozenset({State.DRAFT, State.POSTED, State.SENT, State.APPLIED, State.CANCELLED})

    def payable_by(self, content: DocumentContent) -> int:
        return content.totals.payable

    def settle(self) -> None:
        """Applied when all of its credit was used."""
        if self.state in {State.DRAFT, State.CANCELLED}:
            return
        if self.balance == 0:
            self.state = State.APPLIED.value
        elif self.state == State.APPLIED:
            self.state = (State.SENT if self.sent_at else State.POSTED).value


class Statement(Document):
    __mapper_args__ = {"polymorphic_identity": Kind.STATEMENT.value}
    label = "Statement"
    states = frozenset({State.DRAFT, State.POSTED, State.SENT, State.CANCELLED})

    def payable_by(self, content: DocumentContent) -> int:
        return content.statement.closing if content.statement else 0


class _Shared(Document):
    """What is decided or answered in shared work; it may expire at a moment or after a day."""

    __abstract__ = True
    voided = State.WITHDRAWN
    states = frozenset(
        {
            State.DRAFT, State.POSTED, State.SENT, State.ACCEPTED,
            State.DECLINED, State.EXPIRED, State.WITHDRAWN,
        }
    )  # fmt: skip

    def state_on(self, today: dt.date) -> State:
        """Expired after the last valid day, or from the moment it expires at (spec W5)."""
        if self.state not in {State.SENT, State.POSTED}:
            return State(self.state)
        over = self.valid_until is not None and self.valid_until < today
        if over or (self.expires_at is not None and self.expires_at <= clock.now()):
            return State.EXPIRED
        return State(self.state)


class Proposal(_Shared):
    __mapper_args__ = {"polymorphic_identity": Kind.PROPOSAL.value}
    label = "Proposal"
    section = Section.PROPOSALS
    answers = frozenset(Answer)


class Acceptance(_Shared):
    __mapper_args__ = {"polymorphic_identity": Kind.ACCEPTANCE.value}
    label = "Acceptance"
    section = Section.ACCEPTANCES
    answers = frozenset({Answer.ACCEPTED})


class TimeApproval(_Shared):
    __mapper_args__ = {"polymorphic_identity": Kind.TIME_APPROVAL.value}
    label = "Time approval"
    section = Section.TIME
    answers = frozenset(Answer)
    says: ClassVar = {Answer.ACCEPTED: "approved", Answer.DECLINED: "queried"}


class InformationRequest(Document):
    __mapper_args__ = {"polymorphic_identity": Kind.REQUEST.value}
    label = "Request"
    section = Section.REQUESTS
    states = frozenset(
        {
            State.DRAFT, State.POSTED, State.SENT, State.IN_PROGRESS,
            State.COMPLETED, State.CANCELLED,
        }
    )  # fmt: skip


KINDS: dict[Kind, type[Document]] = {
    Kind.QUOTE: Quote,
    Kind.INVOICE: Invoice,
    Kind.SALES_ORDER: SalesOrder,
    Kind.SALES_RECEIPT: SalesReceipt,
    Kind.REFUND_RECEIPT: RefundReceipt,
    Kind.CREDIT_NOTE: CreditNote,
    Kind.STATEMENT: Statement,
    Kind.PROPOSAL: Proposal,
    Kind.REQUEST: InformationRequest,
    Kind.ACCEPTANCE: Acceptance,
    Kind.TIME_APPROVAL: TimeApproval,
}
COMMERCIAL = tuple(
    kind
    for kind in Kind
    if kind
    not in {
        Kind.PROPOSAL,
        Kind.REQUEST,
        Kind.ACCEPTANCE,
        Kind.TIME_APPROVAL,
    }
)


class DocumentRevision(Model):
    """What a document said at one time: canonical JSON and its SHA-256. Never changed."""

    __tablename__ = "document_revisions"
    __table_args__ = (sa.UniqueConstraint("document_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"))
    number: Mapped[int]
    content: Mapped[str] = mapped_column(sa.Text)
    content_sha256: Mapped[str] = mapped_column(sa.String(64))
    warnings: Mapped[list[str]] = mapped_column(sa.JSON, default=list)  # staff only, spec I1
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    created_by: Mapped[str] = mapped_column(sa.String(200))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    # When it was first put before the customer; the only column that is set later, once.
    shown_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class RevisionIsFrozen(RuntimeError):
    """Somebody tried to change a revision; make a new one instead."""


@event.listens_for(DocumentRevision, "before_update")
@event.listens_for(DocumentRevision, "before_delete")
def _keep_frozen(_mapper: Any, _connection: Any, revision: DocumentRevision) -> None:
    raise RevisionIsFrozen(f"revision {revision.number} of document {revision.document_id}")


class AttachedFile(Model):
    """The bytes of a file that came inside a document, kept once by SHA-256."""

    __tablename__ = "attached_files"

    sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    data: Mapped[bytes] = mapped_column(sa.LargeBinary)


class Rendition(Model):
    """A PDF made from a revision or a decision: a cache, may be emptied at any time."""

    __tablename__ = "renditions"

    key: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    data: Mapped[bytes] = mapped_column(sa.LargeBinary)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
