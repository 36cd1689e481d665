"""The lines of an account's bell, as sentences (spec A10, W9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portico import formats
from portico.db import reading
from portico.queries.lists import SECTION_OF
from portico.records.content import Kind
from portico.records.decision import Answer
from portico.records.document import KINDS
from portico.records.notification import Notification, Topic
from portico.records.payment import PaymentKind

PAGE = 25
_table = Notification.__table__


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of news, and the document or payment it leads to."""

    id: int
    sentence: str
    at: dt.datetime
    is_new: bool
    section: str | None
    document_id: int | None
    payment_id: int | None
    project_id: int | None
    tab: str  # of the project


@dataclass(frozen=True, slots=True)
class NewsPage:
    """Newest first; ``older`` is the id to go on from, where there is more."""

    lines: tuple[Line, ...]
    older: int | None


def page(account_id: int, locale: str, *, before: int | None = None) -> NewsPage:
    """A page of an account's news, older than the line *before*."""
    asked = sa.select(_table).where(_table.c.account_id == account_id)
    if before is not None:
        asked = asked.where(_table.c.id < before)
    with reading() as connection:
        rows = connection.execute(asked.order_by(_table.c.id.desc()).limit(PAGE + 1)).all()
    lines = tuple(_line(row, locale) for row in rows[:PAGE])
    return NewsPage(lines, lines[-1].id if len(rows) > PAGE else None)


def path_of(line: Any) -> str:
    """Where a notification leads, below the portal's root: ``invoices/17``."""
    if line.document_id is not None:
        return f"{section_of(line)}/{line.document_id}"
    if line.project_id is not None:
        return f"projects/{line.project_id}?tab={tab_of(line)}"
    return f"payments/{line.payment_id}" if line.payment_id is not None else "documents"


def tab_of(line: Any) -> str:
    """The tab of a project's page that a notification is about."""
    return "comments" if line.topic == Topic.COMMENTED else "documents"


def section_of(line: Any) -> str:
    """The list of the portal that the document of a notification is in."""
    return SECTION_OF[Kind(line.details["kind"])]


def sentence(line: Any, locale: str) -> str:
    """What a notification says; amounts and days in the form of *locale*."""
    return _SENTENCES[Topic(line.topic)](_Facts(line.details, locale))


def _line(row: Any, locale: str) -> Line:
    return Line(
        id=row.id,
        sentence=sentence(row, locale),
        at=row.created_at,
        is_new=row.read_at is None,
        section=section_of(row) if row.document_id else None,
        document_id=row.document_id,
        payment_id=row.payment_id,
        project_id=row.project_id,
        tab=tab_of(row),
    )


class _Facts:
    """What was so when it was told, in words."""

    def __init__(self, details: dict[str, Any], locale: str) -> None:
        self._details, self._locale = details, locale

    def __getitem__(self, name: str) -> Any:
        return self._details.get(name)

    @property
    def named(self) -> str:
        """``quote Q-2041``"""
        kind = self["kind"]
        label = kind if kind in list(PaymentKind) else KINDS[Kind(kind)].label.lower()
        return f"{label} {self['number']}"

    @property
    def Named(self) -> str:  # noqa: N802 - the same at the beginning of a sentence
        return self.named[:1].upper() + self.named[1:]

    @property
    def until(self) -> str:
        day = self["until"]
        return formats.day(dt.date.fromisoformat(day), self._locale) if day else ""

    @property
    def amount(self) -> str:
        """``, €120.00``; nothing where there is none."""
        return f", {self.money('amount')}" if self["amount"] else ""

    def money(self, name: str) -> str:
        return formats.money(self[name], self["currency"], self._locale)


def _decided(facts: _Facts) -> str:
    said = KINDS[Kind(facts["kind"])].says[Answer(facts["answer"])]
    return f"{facts['by']} {said} {facts.named}."


def _extended(facts: _Facts) -> str:
    return f"{facts.Named} is open for longer: until {facts.until}."


def _reminded(facts: _Facts) -> str:
    if facts["kind"] != Kind.INVOICE:
        return f"{facts.Named} waits for your answer until {facts.until}."
    return f"{facts.Named} is due on {facts.until}: {facts.money('open')}."


def _paid(facts: _Facts) -> str:
    if facts["kind"] == PaymentKind.REFUND:
        return f"We paid {facts.money('amount')} back to you: {facts.named}."
    return f"We received {facts.money('amount')}, thank you: {facts.named}."


def _file_shared(facts: _Facts) -> str:
    place = f" in {facts['project']}" if facts["project"] else ""
    return f"New document{place}: {facts['file']}."


_SENTENCES: dict[Topic, Callable[[_Facts], str]] = {
    Topic.NEW_DOCUMENT: lambda facts: f"New: {facts.named}{facts.amount}.",
    Topic.REVISED: lambda facts: f"{facts.Named} has a new version{facts.amount}.",
    Topic.EXTENDED: _extended,
    Topic.DECIDED: _decided,
    Topic.REVERSED: lambda facts: f"The answer to {facts.named} was taken back; it is open again.",
    Topic.RETURNED: lambda facts: f"We need something more for {facts.named}.",
    Topic.ANSWERED: lambda facts: f"We answered a question about {facts.named}.",
    Topic.PAYMENT: _paid,
    Topic.REMINDER: _reminded,
    Topic.COMMENTED: lambda facts: f"We wrote a comment on {facts['project']}.",
    Topic.FILE_SHARED: _file_shared,
}
