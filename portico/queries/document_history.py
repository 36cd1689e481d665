"""What became of a document: its links, and what happened to it, as the team reads them (C4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portico import clock
from portico.db import BigId, UtcDateTime, reading
from portico.queries import console_mail
from portico.queries.console_activity import Key, said, words_of
from portico.records.activity import AccessLog, Activity, ActorKind, Label
from portico.records.customer import Contact
from portico.records.link import PortalLink, Purpose
from portico.records.mail import Mail, MailState
from portico.records.message import Message

PAGE = 25
MOST_VIEWS = 100  # beyond that it is "100 or more"
_MOST_MAILS = 20

_link, _contact, _log = PortalLink.__table__, Contact.__table__, AccessLog.__table__
_mail, _message = Mail.__table__, Message.__table__
_VIEWS = [one.value for one in (Activity.VIEW_QUOTE, Activity.VIEW_INVOICE, Activity.VIEW_DOCUMENT)]


# --- links -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinkLine:
    """One link, how it stands, and who probably looked (spec L17)."""

    id: int
    is_quote_link: bool
    recipient: str  # empty: it was copied
    email: str
    created_at: dt.datetime
    created_by: str
    delivered_at: dt.datetime | None
    state: str
    tone: str
    until: dt.datetime | None  # the end of its life, past or to come
    can_be_revoked: bool
    views: int  # by persons, counted up to MOST_VIEWS
    seen_at: dt.datetime | None
    seen_by: str
    seen_reason: str


@dataclass(frozen=True, slots=True)
class LinkPage:
    """Links, newest first; ``older`` is the id to go on from, where there is more."""

    rows: list[LinkLine]
    older: int | None


def links(document_id: int, before: int | None = None) -> LinkPage:
    """A page of a document's links, older than the link *before*."""
    views = _log.c.link_id == _link.c.id, _log.c.type.in_(_VIEWS)
    last = sa.select(sa.func.max(_log.c.id)).where(*views).scalar_subquery()
    some = (
        sa.select(_log.c.id)
        .where(*views, _log.c.label == Label.PERSON.value)
        .limit(MOST_VIEWS)
        .correlate(_link)
        .subquery()
    )
    counted = sa.select(sa.func.count()).select_from(some).scalar_subquery()
    asked = (
        sa.select(
            _link,
            _contact.c.name.label("contact_name"),
            _contact.c.email.label("contact_email"),
            _contact.c.is_active.label("contact_is_active"),
            counted.label("views"),
            last.label("last_view"),
        )
        .outerjoin(_contact, _contact.c.id == _link.c.contact_id)
        .where(_link.c.document_id == document_id)
        .order_by(_link.c.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        asked = asked.where(_link.c.id < before)
    with reading() as connection:
        rows = connection.execute(asked).all()
    seen = _seen([row.last_view for row in rows if row.last_view is not None])
    lines = [_link_line(row, seen.get(row.last_view)) for row in rows[:PAGE]]
    return LinkPage(lines, lines[-1].id if len(rows) > PAGE else None)


def has_link(document_id: int, link_id: int) -> bool:
    """Whether a link is one of this document's."""
    with reading() as connection:
        found = connection.execute(
            sa.select(_link.c.id).where(_link.c.id == link_id, _link.c.document_id == document_id)
        ).first()
    return found is not None


def may_revoke(document_id: int) -> bool:
    """Whether there is a link to revoke: also an expired one, which could be renewed."""
    with reading() as connection:
        found = connection.execute(
            sa.select(_link.c.id)
            .where(_link.c.document_id == document_id, _link.c.revoked_at.is_(None))
            .limit(1)
        ).first()
    return found is not None


def _seen(ids: list[int]) -> dict[int, Any]:
    if not ids:
        return {}
    asked = sa.select(_log.c.id, _log.c.occurred_at, _log.c.label, _log.c.label_reason)
    with reading() as connection:
        return {row.id: row for row in connection.execute(asked.where(_log.c.id.in_(ids)))}


_SEEN_BY = {
    Label.PERSON: "a person",
    Label.SCANNER: "probably a scanner",
    Label.PREVIEW: "the team, as a preview",
}


def _link_line(row: Any, seen: Any) -> LinkLine:
    state, tone = _state_of(row)
    return LinkLine(
        id=row.id,
        is_quote_link=row.purpose == Purpose.QUOTE,
        recipient=row.contact_name or "",
        email=row.contact_email or "",
        created_at=row.created_at,
        created_by=row.created_by,
        delivered_at=row.delivered_at,
        state=state,
        tone=tone,
        until=row.expires_at,
        can_be_revoked=row.revoked_at is None,
        views=row.views,
        seen_at=seen.occurred_at if seen else None,
        seen_by=_SEEN_BY[Label(seen.label)] if seen else "",
        seen_reason=seen.label_reason if seen else "",
    )


def _state_of(row: Any) -> tuple[str, str]:
    if row.ended_at is not None:
        return "Ended by the customer", "none"
    if row.revoked_at is not None or not row.is_active:
        return "Revoked", "bad"
    if row.contact_id is not None and not row.contact_is_active:
        return "Closed with the contact", "none"
    if row.expires_at is None:
        return "Waiting for its mail", "warn"
    return ("Live", "good") if row.expires_at > clock.now() else ("Expired", "none")


# --- what happened -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of a document's history. Only what customers did has a label."""

    at: dt.datetime
    words: str
    who: str
    by_customer: bool
    label: str
    label_reason: str
    details: str
    device: str


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """What happened, newest first, and the key that leads on."""

    rows: list[Happened]
    older: Key | None


def history(document_id: int, before: Key | None = None) -> HistoryPage:
    """A page of what is in the log about a document, older than *before*."""
    order = (_log.c.occurred_at, _log.c.id)
    asked = (
        sa.select(_log, _contact.c.name.label("contact_name"))
        .outerjoin(_contact, _contact.c.id == _log.c.contact_id)
        .where(_log.c.document_id == document_id)
    )
    if before is not None:
        there = sa.tuple_(sa.literal(before.at, UtcDateTime()), sa.literal(before.id, BigId))
        asked = asked.where(sa.tuple_(*order) < there)
    asked = asked.order_by(*(by.desc() for by in order)).limit(PAGE + 1)
    with reading() as connection:
        rows = connection.execute(asked).all()
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    older = Key(last.occurred_at, last.id) if last else None
    return HistoryPage([_happened(row) for row in rows[:PAGE]], older)


def _happened(row: Any) -> Happened:
    device = " on ".join(one for one in (row.browser, row.platform) if one)
    by_customer = row.actor_kind == ActorKind.CUSTOMER
    return Happened(
        at=row.occurred_at,
        words=words_of(row.type),
        who=row.actor or ("Somebody with the link" if by_customer else "Portico"),
        by_customer=by_customer,
        label=row.label if by_customer or row.label != Label.PERSON else "",
        label_reason=row.label_reason,
        details=", ".join(_details(row)),
        device=device,
    )


def _details(row: Any) -> Iterator[str]:
    """What is known beside it; of a message, what it was and to whom it went."""
    recipient = row.contact_name or "the team"
    for name, value in row.details.items():
        if name == "mail":
            yield f"{console_mail.words_of(value)} to {recipient}"
        else:
            yield f"{name.replace('_', ' ')} {said(value).replace('_', ' ')}"
    if row.type == Activity.SEND_DOCUMENT:
        yield f"to {recipient}"


def last_message(document_id: int) -> int:
    """The id of the newest thing said about a document; 0 where nothing was."""
    asked = sa.select(sa.func.max(_message.c.id)).where(_message.c.document_id == document_id)
    with reading() as connection:
        return connection.execute(asked).scalar() or 0


# --- mail --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MailLine:
    """A message about a document that has not arrived, and why."""

    id: int
    kind: str
    recipient: str
    state: str
    tone: str
    error: str
    created_at: dt.datetime
    can_be_sent_again: bool


_MAIL_STATES = {
    MailState.QUEUED: ("Waiting", "info"),
    MailState.SENDING: ("On its way", "info"),
    MailState.FAILED: ("Failed", "bad"),
    MailState.SKIPPED: ("Not sent", "none"),
}


def mails(document_id: int) -> list[MailLine]:
    """The newest messages about a document that wait, failed, or had nobody to go to."""
    asked = (
        sa.select(
            _mail,
            _contact.c.name.label("contact_name"),
            sa.or_(_link.c.revoked_at.is_not(None), _link.c.ended_at.is_not(None)).label("is_dead"),
        )
        .outerjoin(_contact, _contact.c.id == _mail.c.contact_id)
        .outerjoin(_link, _link.c.id == _mail.c.link_id)
        .where(
            _mail.c.document_id == document_id,
            _mail.c.state.in_([state.value for state in _MAIL_STATES]),
        )
        .order_by(_mail.c.id.desc())
        .limit(_MOST_MAILS)
    )
    with reading() as connection:
        return [_mail_line(row) for row in connection.execute(asked)]


def _mail_line(row: Any) -> MailLine:
    state, tone = _MAIL_STATES[MailState(row.state)]
    return MailLine(
        id=row.id,
        kind=console_mail.words_of(row.kind),
        recipient=row.contact_name or "the team",
        state=state,
        tone=tone,
        error=row.error or "",
        created_at=row.created_at,
        can_be_sent_again=row.state in {MailState.FAILED, MailState.SKIPPED} and not row.is_dead,
    )


def has_mail(document_id: int, mail_id: int) -> bool:
    """Whether a message is about this document."""
    with reading() as connection:
        found = connection.execute(
            sa.select(_mail.c.id).where(_mail.c.id == mail_id, _mail.c.document_id == document_id)
        ).first()
    return found is not None
