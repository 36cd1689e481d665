"""What pages and mails know of an organization, a document and a decision: values, no records."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from portico import clock, formats
from portico.records.content import Kind
from portico.records.decision import Answer
from portico.records.document import KINDS, State

_EXPIRING_DAYS = 3
_URGENT = dt.timedelta(hours=48)


@dataclass(slots=True)
class OrganizationFace:
    """The organization as its customers see it."""

    id: int
    name: str
    address: str
    email: str
    phone: str
    website: str
    tax_id: str
    locale: str
    timezone: str
    colour: str
    pdf_design: str
    next_steps: str
    payment_instructions: str
    payment_instructions_changed_on: dt.date | None
    payment_url: str
    slug: str
    sections: list[str]
    self_signup: bool
    zone: str  # where days are judged; ``timezone`` is what times are shown in
    sender_name: str
    logo_sha256: str | None
    pdf_templates_enabled: bool
    brand_css_url: str = ""
    logo_url: str = ""

    @property
    def initial(self) -> str:
        return next((c for c in self.name if c.isalnum()), "·").upper()

    @property
    def direction(self) -> str:
        return formats.direction(self.locale)


# What a row needs for :func:`organization_face`.
organization_columns = (
    "id", "name", "address", "email", "phone", "website", "tax_id", "locale", "timezone", "colour",
    "pdf_design", "next_steps", "payment_instructions", "payment_instructions_changed_at",
    "payment_url", "slug", "sections", "self_signup", "sender_name", "logo_sha256",
    "pdf_templates_enabled",
)  # fmt: skip


def organization_face(row: Any) -> OrganizationFace:
    """From an Organization record, or a row with its columns."""
    changed = row.payment_instructions_changed_at
    return OrganizationFace(
        id=row.id,
        name=row.name,
        address=row.address,
        email=row.email,
        phone=row.phone,
        website=row.website,
        tax_id=row.tax_id,
        locale=row.locale,
        timezone=row.timezone,
        colour=row.colour,
        pdf_design=row.pdf_design,
        next_steps=row.next_steps,
        payment_instructions=row.payment_instructions,
        payment_instructions_changed_on=day_of(changed, row.timezone) if changed else None,
        payment_url=row.payment_url,
        slug=row.slug,
        sections=row.sections,
        self_signup=row.self_signup,
        zone=row.timezone,
        sender_name=row.sender_name,
        logo_sha256=row.logo_sha256,
        pdf_templates_enabled=row.pdf_templates_enabled,
    )


def day_of(moment: dt.datetime, zone: str) -> dt.date:
    """The calendar day of a UTC moment in *zone*."""
    return moment.astimezone(clock.zone(zone)).date()


# What a customer reads beside a state, and in which tone.
_QUOTE_LABELS = {
    State.POSTED: ("Being revised", "info"),
    State.SENT: ("Awaiting your answer", "warn"),
    State.ACCEPTED: ("Accepted", "good"),
    State.DECLINED: ("Declined", "none"),
    State.EXPIRED: ("Expired", "bad"),
    State.WITHDRAWN: ("Withdrawn", "none"),
}
_LABELS = {
    State.POSTED: ("Open", "info"),
    State.SENT: ("Sent", "info"),
    State.PARTIALLY_PAID: ("Partially paid", "warn"),
    State.PAID: ("Paid", "good"),
    State.OVERDUE: ("Overdue", "bad"),
    State.CANCELLED: ("Cancelled", "none"),
    State.APPLIED: ("Applied", "good"),
    State.FULFILLED: ("Fulfilled", "good"),
}
_SHARED_LABELS = {
    State.POSTED: ("Being revised", "info"),
    State.SENT: ("Pending", "warn"),
    State.ACCEPTED: ("Accepted", "good"),
    State.DECLINED: ("Declined", "none"),
    State.EXPIRED: ("Expired", "bad"),
    State.WITHDRAWN: ("Withdrawn", "none"),
}
_NOT_SENT = ("In preparation", "info")  # of what waits for an answer, once it is sent
_TIME_LABELS = {State.ACCEPTED: ("Approved", "good"), State.DECLINED: ("Queried", "info")}
_REQUEST_LABELS = {
    State.POSTED: ("Sent", "info"),
    State.SENT: ("Sent", "warn"),
    State.IN_PROGRESS: ("In progress", "info"),
    State.COMPLETED: ("Completed", "good"),
    State.CANCELLED: ("Cancelled", "none"),
}
_PAPER_LABELS = {State.POSTED: ("Issued", "info"), State.SENT: ("Issued", "info")}


def state_label(kind: Kind, state: State) -> tuple[str, str]:
    """The word and the tone (good, warn, bad, info, none) of a state, for customers."""
    if kind is Kind.QUOTE:
        return _QUOTE_LABELS.get(state, ("Open", "info"))
    if kind is Kind.REQUEST:
        return _REQUEST_LABELS.get(state, ("Sent", "info"))
    if kind is Kind.TIME_APPROVAL and state in _TIME_LABELS:
        return _TIME_LABELS[state]
    if KINDS[kind].answers:
        return _SHARED_LABELS.get(state, ("Pending", "info"))
    if kind is not Kind.INVOICE and state in _PAPER_LABELS:
        return _PAPER_LABELS[state]
    return _LABELS.get(state, ("Open", "info"))


@dataclass(frozen=True, slots=True)
class Words:
    """Accepting and declining, as this kind of document says it."""

    accept: str = "Accept"
    decline: str = "Decline"
    accepted: str = "Accepted"
    declined: str = "Declined"


_WORDS = {Kind.TIME_APPROVAL: Words("Approve", "Query", "Approved", "Queried")}


@dataclass(slots=True)
class DocumentFace:
    """A document as it stands today. Amounts are minor units of ``currency``."""

    id: int
    kind: str
    kind_label: str
    number: str
    state: State
    state_label: str
    tone: str
    revision: int
    currency: str
    total: int
    balance: int
    issued_on: dt.date
    due_on: dt.date | None
    valid_until: dt.date | None
    days_left: int | None
    is_superseded: bool
    title: str = ""
    sent_on: dt.date | None = None
    expires_at: dt.datetime | None = None
    pay_url: str | None = None

    @property
    def is_quote(self) -> bool:
        return self.kind == Kind.QUOTE

    @property
    def is_decidable(self) -> bool:
        answers = KINDS[Kind(self.kind)].answers
        return bool(answers) and self.state == State.SENT and not self.is_superseded

    @property
    def may_decline(self) -> bool:
        return Answer.DECLINED in KINDS[Kind(self.kind)].answers

    @property
    def wants_answer(self) -> bool:
        """Whether it is put before its customer to be answered, by yes and no or item by item."""
        return _is_asked(Kind(self.kind))

    @property
    def takes_answers(self) -> bool:
        """Whether the items of a request can be answered now."""
        open_ = self.state in {State.SENT, State.IN_PROGRESS}
        return self.kind == Kind.REQUEST and open_ and not self.is_superseded

    @property
    def begins_work(self) -> bool:
        """Whether something begins once it is accepted."""
        return self.kind in {Kind.QUOTE, Kind.PROPOSAL}

    @property
    def noun(self) -> str:
        """What it is called within a sentence."""
        return self.kind_label.lower()

    @property
    def has_amount(self) -> bool:
        """Whether it is about money at all."""
        return self.kind not in {Kind.REQUEST, Kind.ACCEPTANCE, Kind.TIME_APPROVAL}

    @property
    def is_urgent(self) -> bool:
        """Within 48 hours of its end (spec W5)."""
        if not self.is_decidable or self.expires_at is None:
            return False
        return self.expires_at - clock.now() <= _URGENT

    @property
    def words(self) -> Words:
        """What the answers are called."""
        return _WORDS.get(Kind(self.kind), Words())

    @property
    def is_expired(self) -> bool:
        return self.state == State.EXPIRED

    @property
    def is_expiring(self) -> bool:
        return self.is_decidable and self.days_left is not None and self.days_left <= _EXPIRING_DAYS

    @property
    def is_payable(self) -> bool:
        """Whether something is owed on it (spec L13)."""
        asks = self.kind in {Kind.INVOICE, Kind.STATEMENT} and self.balance > 0
        return asks and self.state not in {State.PAID, State.CANCELLED}

    @property
    def overpaid(self) -> int:
        """What was paid beyond what an invoice asks for, minor units."""
        is_paid = self.kind == Kind.INVOICE and self.state == State.PAID
        return max(-self.balance, 0) if is_paid else 0

    @property
    def can_pay(self) -> bool:
        return self.pay_url is not None


# What a row needs for :func:`document_face`.
document_columns = (
    "id", "kind", "number", "state", "currency", "total", "balance", "issued_on", "due_on",
    "valid_until", "expires_at", "title", "sent_at", "current_revision", "sent_revision",
)  # fmt: skip


def document_face(row: Any, zone: str) -> DocumentFace:
    """From a Document record, or a row with its columns, judged on the day it is in *zone*."""
    kind = Kind(row.kind)
    today = clock.today(zone)
    state = _state_on(row, kind, today)
    label, tone = state_label(kind, state)
    if state is State.POSTED and row.sent_revision is None and _is_asked(kind):
        label, tone = _NOT_SENT
    last_day = row.valid_until if KINDS[kind].answers else row.due_on
    if row.expires_at is not None:
        last_day = day_of(row.expires_at, zone)
    return DocumentFace(
        id=row.id,
        kind=row.kind,
        kind_label=KINDS[kind].label,
        number=row.number,
        state=state,
        state_label=label,
        tone=tone,
        revision=row.sent_revision or row.current_revision,
        currency=row.currency,
        total=row.total,
        balance=row.balance,
        issued_on=row.issued_on,
        due_on=row.due_on,
        valid_until=row.valid_until,
        days_left=(last_day - today).days if last_day else None,
        is_superseded=_is_superseded(row),
        title=row.title,
        sent_on=day_of(row.sent_at, zone) if row.sent_at else None,
        expires_at=row.expires_at,
    )


def _is_asked(kind: Kind) -> bool:
    return bool(KINDS[kind].answers) or kind is Kind.REQUEST


def _is_superseded(row: Any) -> bool:
    return row.sent_revision is not None and row.sent_revision != row.current_revision


def _state_on(row: Any, kind: Kind, today: dt.date) -> State:
    """The rule stands on the record's class; it reads nothing that a row does not have."""
    state: State = KINDS[kind].state_on(row, today)
    return state


@dataclass(slots=True)
class DecisionFace:
    """The answer that stands, as both sides may read it."""

    id: int
    accepted: bool
    signatory: str
    decided_at: dt.datetime
    po_number: str
    note: str
    reason: str
    receipt_code: str
    revision: int
    by_staff: bool


def decision_face(row: Any) -> DecisionFace:
    """From a Decision record, or a row with its columns."""
    accepted = row.answer == "accepted"
    return DecisionFace(
        id=row.id,
        accepted=accepted,
        signatory=row.signatory,
        decided_at=row.decided_at,
        po_number=row.po_number,
        note=row.note if accepted else "",
        reason="" if accepted else row.note,
        receipt_code=row.receipt_code,
        revision=row.revision,
        by_staff=row.via == "staff",
    )


def masked_email(address: str) -> str:
    """``m•••@fjordhus.example``: enough to recognise one's own address, no more."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}•••@{domain}"
