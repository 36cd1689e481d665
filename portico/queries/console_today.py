"""What needs the team's attention today: the start page of the console (spec C)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portico import clock
from portico.db import reading
from portico.queries import console_documents, console_mail
from portico.queries.console_documents import Standing, Wanted, Which
from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.decision import Decision
from portico.records.document import KINDS, Document
from portico.records.mail import Mail, MailState
from portico.records.message import Message

MOST = 6  # of each; the rest stands in the lists
_DAYS = 14  # decisions and failures are news for so long

_doc, _customer, _contact = Document.__table__, Customer.__table__, Contact.__table__
_decision, _mail, _message = Decision.__table__, Mail.__table__, Message.__table__


@dataclass(frozen=True, slots=True)
class Listed:
    """The first documents of one kind of work, and whether there are more."""

    rows: list[Standing]
    more: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A document with a question, and what the customer said last."""

    standing: Standing
    author: str
    body: str


@dataclass(frozen=True, slots=True)
class Decided:
    """An answer of a customer."""

    document_id: int
    document: str
    customer_name: str
    accepted: bool
    signatory: str
    at: dt.datetime
    is_reversed: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that could not be sent, and why."""

    id: int
    kind: str
    to: str
    error: str
    at: dt.datetime
    document_id: int | None
    document: str


@dataclass(frozen=True, slots=True)
class Today:
    """Everything the start page shows. Each part costs the same, however much there is."""

    to_send: Listed
    asked: list[Asked]
    more_asked: bool
    running_out: Listed
    overdue: Listed
    failed: list[Failed]
    decided: list[Decided]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing waits for anybody."""
        listed = (self.to_send, self.running_out, self.overdue)
        return not (self.asked or self.failed or any(one.rows for one in listed))


def read(organization_id: int, zone: str) -> Today:
    """What waits in an organization, on the day it is in *zone*."""

    def listed(which: Which) -> Listed:
        found = console_documents.page(organization_id, Wanted(which), zone, size=MOST)
        return Listed(found.rows, found.on is not None)

    questions = listed(Which.QUESTIONS)
    return Today(
        to_send=listed(Which.TO_SEND),
        asked=_asked(questions.rows),
        more_asked=questions.more,
        running_out=listed(Which.RUNNING_OUT),
        overdue=listed(Which.OVERDUE),
        failed=_failed(organization_id),
        decided=_decided(organization_id),
    )


def _asked(rows: list[Standing]) -> list[Asked]:
    if not rows:
        return []
    last = (
        sa.select(sa.func.max(_message.c.id))
        .where(
            _message.c.document_id.in_([row.face.id for row in rows]),
            _message.c.from_staff.is_(False),
        )
        .group_by(_message.c.document_id)
    )
    said = sa.select(_message.c.document_id, _message.c.author, _message.c.body)
    with reading() as connection:
        found = connection.execute(said.where(_message.c.id.in_(last))).all()
    newest = {one.document_id: one for one in found}
    return [
        Asked(row, newest[row.face.id].author, newest[row.face.id].body)
        for row in rows
        if row.face.id in newest
    ]


def _decided(organization_id: int) -> list[Decided]:
    asked = (
        sa.select(_decision, _doc.c.kind, _doc.c.number, _customer.c.name.label("customer_name"))
        .join(_doc, _doc.c.id == _decision.c.document_id)
        .join(_customer, _customer.c.id == _decision.c.customer_id)
        .where(
            _decision.c.organization_id == organization_id,
            _decision.c.decided_at >= _since(),
        )
        .order_by(_decision.c.decided_at.desc(), _decision.c.id.desc())
        .limit(MOST)
    )
    with reading() as connection:
        return [
            Decided(
                document_id=row.document_id,
                document=_named(row.kind, row.number),
                customer_name=row.customer_name,
                accepted=row.answer == "accepted",
                signatory=row.signatory,
                at=row.decided_at,
                is_reversed=row.reversed_at is not None,
            )
            for row in connection.execute(asked)
        ]


def _failed(organization_id: int) -> list[Failed]:
    asked = (
        sa.select(
            _mail,
            _doc.c.kind.label("document_kind"),
            _doc.c.number,
            _contact.c.name.label("contact_name"),
        )
        .outerjoin(_doc, _doc.c.id == _mail.c.document_id)
        .outerjoin(_contact, _contact.c.id == _mail.c.contact_id)
        .where(_mail.c.organization_id == organization_id, _mail.c.state == MailState.FAILED.value)
        .order_by(_mail.c.id.desc())
        .limit(MOST)
    )
    with reading() as connection:
        rows = connection.execute(asked).all()
        colleagues = console_mail.colleagues_in(connection, rows)
    return [
        Failed(
            id=row.id,
            kind=console_mail.words_of(row.kind),
            to=row.contact_name or _colleague(row, colleagues) or "the team",
            error=row.error or "",
            at=row.created_at,
            document_id=row.document_id,
            document=_named(row.document_kind, row.number) if row.number else "",
        )
        for row in rows
        if row.created_at >= _since()
    ]


def _colleague(row: Any, colleagues: dict[int, Any]) -> str | None:
    member = colleagues.get(row.reference.get("staff"))
    named: str | None = member.name if member else row.reference.get("email")
    return named


def _named(kind: str, number: str) -> str:
    return f"{KINDS[Kind(kind)].label} {number}"


def _since() -> dt.datetime:
    return clock.now() - dt.timedelta(days=_DAYS)
