"""The outbox as the team reads it: every message with how it went, newest first (spec C8).

A page is a range of one index: of a state, of a kind, or of all. What few messages have of an
address or a number is found everywhere; what very many have is looked for in the next 2,000
messages of that range and no further.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portico.db import reading
from portico.queries import search
from portico.queries.lists import LARGEST_ID
from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.document import KINDS, Document
from portico.records.link import PortalLink
from portico.records.mail import Mail, MailKind, MailState
from portico.records.organization import Organization
from portico.records.staff import StaffMember

PAGE = 50
LOOKED_THROUGH = 2_000
_FEW, _MORE = 300, 3000  # messages that a search stands for
_SHORT = 4  # characters of a term

WORDS = {
    MailKind.DOCUMENT_SENT: "A document",
    MailKind.LINK_RENEWED: "A fresh link",
    MailKind.RECEIPT_CUSTOMER: "Receipt of an answer",
    MailKind.RECEIPT_STAFF: "Answer to a quote",
    MailKind.QUESTION_STAFF: "Question from a customer",
    MailKind.ANSWER_CUSTOMER: "Answer to a question",
    MailKind.MORE_TIME_STAFF: "Wish for more time",
    MailKind.QUOTE_EXTENDED: "More time on a quote",
    MailKind.DECISION_REVERSED: "An answer was reversed",
    MailKind.STAFF_INVITATION: "Invitation to the team",
    MailKind.STAFF_RESET: "New password for the team",
    MailKind.STAFF_NOTICE: "News about somebody's own sign-in",
    MailKind.ACCOUNT_SETUP: "Invitation to the portal",
    MailKind.PASSWORD_RESET: "New password for the portal",
    MailKind.PASSWORD_CHANGED: "Password was changed",
    MailKind.COMMENT_STAFF: "Comment on a project",
    MailKind.PROJECT_SHARED: "A link to a project",
    MailKind.REQUEST_ANSWERED_STAFF: "Answer to a request",
    MailKind.ANSWER_RETURNED: "Something more is needed",
    MailKind.NOTIFICATION: "Notification",
    MailKind.REMINDER: "Reminder",
    MailKind.PAYMENT_INSTRUCTIONS_CHANGED: "Ways to pay were changed",
}
STATES = {
    MailState.QUEUED: ("Queued", "info"),
    MailState.SENDING: ("Sending", "info"),
    MailState.SENT: ("Sent", "good"),
    MailState.FAILED: ("Failed", "bad"),
    MailState.SKIPPED: ("Skipped", "warn"),
}


def words_of(kind: str) -> str:
    """A kind as people say it; what has no words yet is shown under its own name."""
    try:
        return WORDS[MailKind(kind)]
    except (KeyError, ValueError):
        return kind.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Filter:
    organization_id: int
    state: MailState | None = None
    kind: MailKind | None = None
    term: str = ""  # a part of the recipient's address, or a document's number


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one recipient."""

    id: int
    kind: MailKind
    words: str
    state: MailState
    state_label: str
    tone: str
    recipient: str  # where it went, or would go now
    recipient_name: str
    customer: str
    document_id: int | None
    document_kind: Kind | None
    document: str
    attempts: int
    created_at: dt.datetime
    next_attempt_at: dt.datetime
    sent_at: dt.datetime | None
    error: str
    has_dead_link: bool  # revoked or ended: it would lead nowhere

    @property
    def can_be_resent(self) -> bool:
        return self._did_not_arrive and not self.has_dead_link

    @property
    def needs_a_fresh_link(self) -> bool:
        return self._did_not_arrive and self.has_dead_link

    @property
    def _did_not_arrive(self) -> bool:
        return self.state in {MailState.FAILED, MailState.SKIPPED}

    @property
    def is_waiting(self) -> bool:
        """Whether it was tried and will be tried again."""
        return self.state is MailState.QUEUED and self.attempts > 0


@dataclass(frozen=True, slots=True)
class Page:
    """Messages, newest first, and the number that leads on; *looked_back_to* where more may match
    beyond what was looked through."""

    rows: list[Message]
    older: int | None
    looked_back_to: dt.datetime | None = None


_mail, _contact, _customer = Mail.__table__, Contact.__table__, Customer.__table__
_document, _org, _staff = Document.__table__, Organization.__table__, StaffMember.__table__
_link = PortalLink.__table__


def key_of(text: str) -> int | None:
    """A message's number from an address; None where it is none there can be."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        return None
    return int(text) if int(text) <= LARGEST_ID else None


def page(wanted: Filter, before: int | None = None) -> Page:
    """The next page of messages before a number."""
    horizon, found = None, _among(wanted, before) if wanted.term else None
    if found is None:
        within, rest = _range(wanted, before)
        horizon = _horizon(within) if rest else None
        if horizon is not None:
            within.append(_mail.c.id >= horizon.id)
        newest = sa.select(_mail.c.id).where(*within, *rest).order_by(_mail.c.id.desc())
        with reading() as connection:
            found = list(connection.execute(_joined(newest).limit(PAGE + 1)).scalars())
    rows = _messages(found[:PAGE], wanted.organization_id)
    if len(found) > PAGE:
        return Page(rows, found[PAGE - 1])
    return Page(rows, horizon.id, horizon.created_at) if horizon else Page(rows, None)


def one(mail_id: int, organization_id: int) -> Message | None:
    """A message of this organization; None where there is no such one."""
    return next(iter(_messages([mail_id], organization_id)), None)


def counts(organization_id: int, most: int = 1000) -> dict[MailState, int]:
    """How many wait, failed or were skipped, each counted up to *most*."""
    looked_at = (MailState.QUEUED, MailState.FAILED, MailState.SKIPPED)
    some = [
        sa.select(sa.literal(state.value).label("state"), sa.func.count().label("n")).select_from(
            sa.select(_mail.c.id)
            .where(_mail.c.organization_id == organization_id, _mail.c.state == state.value)
            .limit(most)
            .subquery()
        )
        for state in looked_at
    ]
    with reading() as connection:
        return {MailState(row.state): row.n for row in connection.execute(sa.union_all(*some))}


def _range(
    wanted: Filter, before: int | None
) -> tuple[list[sa.ColumnElement[bool]], list[sa.ColumnElement[bool]]]:
    """The range of an index to read, and what is left to be looked for in it."""
    within = [_mail.c.organization_id == wanted.organization_id]
    if before is not None:
        within.append(_mail.c.id < before)
    asked = [
        (column, value.value)
        for column, value in ((_mail.c.state, wanted.state), (_mail.c.kind, wanted.kind))
        if value
    ]
    if wanted.state is MailState.SENT:
        asked.reverse()  # nearly all were sent
    within += [column == value for column, value in asked[:1]]
    rest = [column + "" == value for column, value in asked[1:]]  # '+ ""' keeps SQLite at the range
    return within, [*rest, *([_matches(wanted.term)] if wanted.term else [])]


def _among(wanted: Filter, before: int | None) -> list[int] | None:
    """The next messages among all that a term stands for; None where those are many, of which some
    will soon be met, or no index knows."""
    hits = (
        search.hits(_mail, ("recipient",), wanted.term),
        search.hits(_contact, ("email",), wanted.term),
        search.hits(_document, ("number",), wanted.term),
    )
    if not all(one.is_indexed for one in hits):
        return None
    # What is short is rarely had by few.
    found = _next_of(hits, _FEW, wanted, before) if len(wanted.term) > _SHORT else None
    if found is not None:
        return found
    return None if _are_many(hits) else _next_of(hits, _MORE, wanted, before)


def _are_many(hits: Sequence[search.Hits]) -> bool:
    """Whether a term stands for too much to be put in order."""
    known = [one.at_most for one in hits if one.at_most is not None]
    if len(known) == len(hits):
        return sum(known) >= _MORE
    some = sa.union_all(*(one.ids().limit(_MORE).subquery().select() for one in hits)).subquery()
    return search.count(some.select(), _MORE) == _MORE


def _next_of(
    hits: Iterable[search.Hits], most: int, wanted: Filter, before: int | None
) -> list[int] | None:
    """The next of what is found, in one statement, so that it is looked for once; None where that
    is more than *most*."""
    sent, contacts, documents = (one.ids().limit(most + 1).cte() for one in hits)
    parts = (
        sent.select(),
        sa.select(_mail.c.id).where(_mail.c.contact_id.in_(contacts.select())),
        sa.select(_mail.c.id).where(_mail.c.document_id.in_(documents.select())),
    )
    some = sa.union_all(*(one.limit(most + 1).subquery().select() for one in parts)).cte()
    in_contacts, in_documents, in_mails = (
        sa.select(sa.func.count()).select_from(one).scalar_subquery()
        for one in (contacts, documents, some)
    )
    # "+ 0" and '+ ""' keep SQLite at the ids.
    where = [_mail.c.id.in_(some.select()), _mail.c.organization_id + 0 == wanted.organization_id]
    if before is not None:
        where.append(_mail.c.id < before)
    if wanted.state:
        where.append(_mail.c.state + "" == wanted.state.value)
    if wanted.kind:
        where.append(_mail.c.kind + "" == wanted.kind.value)
    newest = sa.select(_mail.c.id).where(*where).order_by(_mail.c.id.desc()).limit(PAGE + 1)
    size = sa.select((in_contacts + in_documents + in_mails).label("n")).cte()
    next_ = newest.subquery()
    asked = sa.select(size.c.n, next_.c.id).select_from(size.outerjoin(next_, sa.true()))
    with reading() as connection:
        rows = connection.execute(asked.order_by(next_.c.id.desc())).all()
    return [row.id for row in rows if row.id is not None] if rows[0].n <= most else None


def _horizon(within: list[sa.ColumnElement[bool]]) -> Any:
    last = (
        sa.select(_mail.c.id, _mail.c.created_at)
        .where(*within)
        .order_by(_mail.c.id.desc())
        .offset(LOOKED_THROUGH - 1)
        .limit(1)
    )
    with reading() as connection:
        return connection.execute(last).first()


def _joined(select: sa.Select[Any]) -> sa.Select[Any]:
    return select.outerjoin(_contact, _contact.c.id == _mail.c.contact_id).outerjoin(
        _document, _document.c.id == _mail.c.document_id
    )


def _matches(term: str) -> sa.ColumnElement[bool]:
    return sa.or_(
        search.written(_mail, ("recipient",), term),
        search.written(_contact, ("email",), term),
        search.written(_document, ("number",), term),
    )


def _messages(ids: list[int], organization_id: int) -> list[Message]:
    if not ids:
        return []
    select = sa.select(
        _mail,
        _contact.c.name.label("contact_name"),
        _contact.c.email.label("contact_email"),
        _customer.c.name.label("customer_name"),
        _document.c.kind.label("document_kind"),
        _document.c.number.label("document_number"),
        _org.c.email.label("org_email"),
        sa.or_(_link.c.revoked_at.is_not(None), _link.c.ended_at.is_not(None)).label("is_dead"),
    )
    rows = (
        _joined(select)
        .outerjoin(_customer, _customer.c.id == _mail.c.customer_id)
        .outerjoin(_link, _link.c.id == _mail.c.link_id)
        .join(_org, _org.c.id == _mail.c.organization_id)
        .where(_mail.c.id.in_(ids), _org.c.id == organization_id)
    )
    with reading() as connection:
        found = {row.id: row for row in connection.execute(rows)}
        colleagues = colleagues_in(connection, found.values())
    return [_message(found[one], colleagues) for one in ids if one in found]


def colleagues_in(connection: sa.Connection, rows: Any) -> dict[int, Any]:
    """The members of the team that messages are for, by id."""
    ids = {row.reference["staff"] for row in rows if "staff" in row.reference}
    if not ids:
        return {}
    members = sa.select(_staff.c.id, _staff.c.name, _staff.c.email).where(_staff.c.id.in_(ids))
    return {row.id: row for row in connection.execute(members)}


def _message(row: Any, colleagues: dict[int, Any]) -> Message:
    kind, state = MailKind(row.kind), MailState(row.state)
    label, tone = STATES[state]
    name, address = _addressee(row, colleagues)
    paper = Kind(row.document_kind) if row.document_kind else None
    return Message(
        id=row.id,
        kind=kind,
        words=words_of(kind),
        state=state,
        state_label=label,
        tone=tone,
        recipient=row.recipient or address,
        recipient_name=name,
        customer=row.customer_name or "",
        document_id=row.document_id,
        document_kind=paper,
        document=f"{KINDS[paper].label} {row.document_number}" if paper else "",
        attempts=row.attempts,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at,
        sent_at=row.sent_at,
        error=row.error or "",
        has_dead_link=bool(row.is_dead),
    )


def _addressee(row: Any, colleagues: dict[int, Any]) -> tuple[str, str]:
    """Name and address of whom a message is for, as far as is known before it goes out."""
    if row.contact_id is not None:
        return row.contact_name, row.contact_email or ""
    if "staff" in row.reference:
        member = colleagues.get(row.reference["staff"])
        return (member.name, member.email) if member else ("", "")
    if "email" in row.reference:  # as somebody typed it; there may be nobody of that address
        return "", row.reference["email"]
    return "The team", row.reference.get("to") or row.org_email
