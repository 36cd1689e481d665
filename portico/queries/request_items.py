"""The items of a request as they stand: what is asked, what was given, what was said of it (W4)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import sqlalchemy as sa

from portico.db import db, reading
from portico.records.content import DocumentContent, Wanted
from portico.records.file import StoredFile
from portico.records.request import ItemState, RequestAnswer, RequestItem

_item, _answer, _file = RequestItem.__table__, RequestAnswer.__table__, StoredFile.__table__

_LABELS = {
    ItemState.OPEN: ("Open", "warn"),
    ItemState.ANSWERED: ("Answered", "info"),
    ItemState.ACCEPTED: ("Accepted", "good"),
    ItemState.RETURNED: ("Please look again", "bad"),
}


@dataclass(frozen=True, slots=True)
class Given:
    """One answer. ``file_id`` is None where it was words alone, or the file was removed."""

    id: int
    body: str
    file_id: int | None
    file_name: str
    file_size: int  # bytes
    author: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Item:
    """One item; ``answers`` are newest first."""

    position: int
    name: str
    description: str
    wants: Wanted
    state: ItemState
    remark: str
    answers: tuple[Given, ...] = field(default=())

    @property
    def label(self) -> str:
        return _LABELS[self.state][0]

    @property
    def tone(self) -> str:
        return _LABELS[self.state][1]

    @property
    def newest(self) -> Given | None:
        return self.answers[0] if self.answers else None

    @property
    def takes_text(self) -> bool:
        return self.wants is not Wanted.FILE

    @property
    def takes_file(self) -> bool:
        return self.wants is not Wanted.TEXT


def of(document_id: int, content: DocumentContent) -> list[Item]:
    """The items of a request that was found through the actor or the organization."""
    if content.request is None:
        return []
    rows = sa.select(_item).where(_item.c.document_id == document_id)
    given = (
        sa.select(
            _answer.c.id, _answer.c.item_id, _answer.c.body, _answer.c.author,
            _answer.c.created_at, _file.c.id.label("file_id"), _file.c.name, _file.c.size,
        )
        .join(_item, _item.c.id == _answer.c.item_id)
        .outerjoin(_file, sa.and_(_file.c.id == _answer.c.file_id, _file.c.removed_at.is_(None)))
        .where(_item.c.document_id == document_id)
        .order_by(_answer.c.id.desc())
    )  # fmt: skip
    answers: dict[int, list[Given]] = {}
    with reading() as connection:
        standing = {row.position: row for row in connection.execute(rows)}
        for row in connection.execute(given):
            answers.setdefault(row.item_id, []).append(
                Given(
                    row.id, row.body, row.file_id, row.name or "", row.size or 0, row.author,
                    row.created_at,
                )
            )  # fmt: skip
    found = []
    for position, asked in enumerate(content.request.items, 1):
        known = standing.get(position)
        found.append(
            Item(
                position=position,
                name=asked.name,
                description=asked.description or "",
                wants=asked.wants,
                state=ItemState(known.state) if known else ItemState.OPEN,
                remark=known.remark if known else "",
                answers=tuple(answers.get(known.id, ())) if known else (),
            )
        )
    return found


def file_of(document_id: int, file_id: int) -> StoredFile | None:
    """A file that was given as an answer to this request; None for any other."""
    return db.session.execute(
        sa.select(StoredFile)
        .join(RequestAnswer, RequestAnswer.file_id == StoredFile.id)
        .join(RequestItem, RequestItem.id == RequestAnswer.item_id)
        .where(
            StoredFile.id == file_id,
            StoredFile.removed_at.is_(None),
            RequestItem.document_id == document_id,
        )
        .limit(1)
    ).scalar_one_or_none()
