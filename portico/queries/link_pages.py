"""What stands behind a secret link, read in one statement, and who may pass (spec L1, L3).

Link, document, customer, contact and organization are joined on every relation that has to
hold, so that a link whose document, customer, contact or organization do not belong together
opens nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from portico import clock, tokens
from portico.db import reading
from portico.queries.faces import (
    decision_face,
    document_columns,
    document_face,
    organization_columns,
    organization_face,
)
from portico.queries.rows import Part, columns
from portico.queries.shown import Shown, decision_columns
from portico.records.customer import Contact, Customer
from portico.records.decision import Decision, Via
from portico.records.document import Document, DocumentRevision, State
from portico.records.link import PortalLink, Purpose
from portico.records.mail import Mail, MailState
from portico.records.message import Message
from portico.records.organization import Organization
from portico.services.activity import Visitor
from portico.services.actors import Actor


class Standing(StrEnum):
    LIVE = "live"
    EXPIRED = "expired"


class Closed(StrEnum):
    """Why a link opens nothing, however old it is."""

    REVOKED = "revoked"
    ENDED = "ended"
    DRAFT = "draft"
    CUSTOMER_OFF = "customer_off"
    CONTACT_OFF = "contact_off"


@dataclass(slots=True, kw_only=True)
class LinkedPage(Shown):
    """A live or expired link and everything its page shows. Expired: only ``org`` is for eyes."""

    standing: Standing
    purpose: Purpose
    link_id: int
    can_be_renewed: bool


# Tables, not records: this is the busiest statement of all, and it needs no identity map.
_link, _doc, _rev = PortalLink.__table__, Document.__table__, DocumentRevision.__table__
_org, _customer, _contact = Organization.__table__, Customer.__table__, Contact.__table__
_decision, _message, _mail = Decision.__table__, Message.__table__, Mail.__table__
_behind = (
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
)  # fmt: skip
_one = (
    sa.select(
        *columns(_link, "link", "id", "contact_id", "expires_at", "is_active",
                  "revoked_at", "ended_at"),
        *columns(_org, "org", *organization_columns),
        *columns(_doc, "doc", *document_columns, "posted_at"),
        *columns(_customer, "customer", "id", "name", "is_active"),
        *columns(_contact, "contact", "name", "email", "is_active"),
        *columns(_rev, "rev", "content", "content_sha256"),
        *columns(_decision, "decision", *decision_columns),
        sa.exists().where(_message.c.document_id == _doc.c.id).label("talks"),
    )
    .select_from(
        _behind.outerjoin(_decision, sa.and_(
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
    if row is None or _closed(row):
        return None
    org = organization_face(Part(row, "org"))
    decided = row.decision_id is not None
    return LinkedPage(
        standing=_standing(row),
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


def _standing(row: Any) -> Standing:
    expired = row.link_expires_at is not None and row.link_expires_at <= clock.now()
    return Standing.EXPIRED if expired else Standing.LIVE


def _closed(row: Any) -> Closed | None:
    """Why nobody passes by a link; None where its holder does."""
    if row.link_ended_at:
        return Closed.ENDED
    if row.link_revoked_at or not row.link_is_active:
        return Closed.REVOKED
    if not row.customer_is_active:
        return Closed.CUSTOMER_OFF
    # A mailed link is bound to its contact: one who was switched off reads nothing more.
    if row.link_contact_id is not None and not row.contact_is_active:
        return Closed.CONTACT_OFF
    if row.doc_posted_at is None or row.doc_state == State.DRAFT:
        return Closed.DRAFT
    return None


# --- for the team ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MailedLink:
    """A link in somebody's mailbox, or on its way there, and whether it opens."""

    id: int
    standing: Standing
    closed: Closed | None
    expires_at: dt.datetime | None  # None: its mail is on its way
    closed_at: dt.datetime | None  # revoked or ended
    revoked_by: str

    @property
    def opens(self) -> bool:
        return self.standing is Standing.LIVE and self.closed is None


_MOST_MAILED = 50
_mailed = (
    sa.select(
        *columns(_link, "link", "id", "contact_id", "expires_at", "is_active", "revoked_at",
                 "revoked_by", "ended_at"),
        *columns(_doc, "doc", "state", "posted_at"),
        _customer.c.is_active.label("customer_is_active"),
        _contact.c.is_active.label("contact_is_active"),
    )
    .select_from(_behind)
    .where(
        _link.c.document_id == sa.bindparam("document_id"),
        _link.c.contact_id == sa.bindparam("contact_id"),
        sa.or_(
            _link.c.delivered_at.is_not(None),
            sa.exists().where(
                _mail.c.link_id == _link.c.id,
                _mail.c.state.in_([MailState.QUEUED.value, MailState.SENDING.value]),
            ),
        ),
    )
    .order_by(_link.c.id.desc())
    .limit(_MOST_MAILED)
)  # fmt: skip


def mailed_to(contact_id: int, document_id: int) -> list[MailedLink]:
    """The links to a document that were mailed to a contact, newest first, judged as when they
    are opened."""
    asked = {"contact_id": contact_id, "document_id": document_id}
    with reading() as connection:
        return [
            MailedLink(
                row.link_id, _standing(row), _closed(row), row.link_expires_at,
                row.link_ended_at or row.link_revoked_at, row.link_revoked_by or "",
            )
            for row in connection.execute(_mailed, asked)
        ]  # fmt: skip
