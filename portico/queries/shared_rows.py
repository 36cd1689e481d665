"""What the lists of shared work show beside the head of each document (spec W3, W4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from portico.db import reading
from portico.queries.faces import DocumentFace
from portico.records.content import MOST_ENTRIES, DocumentContent
from portico.records.document import Document, DocumentRevision
from portico.records.project import Project, Task, TimeEntry
from portico.records.request import ItemState, RequestItem

_MOST_PROJECTS = 200
_doc, _rev, _item = Document.__table__, DocumentRevision.__table__, RequestItem.__table__
_project, _entry, _task = Project.__table__, TimeEntry.__table__, Task.__table__


@dataclass(frozen=True, slots=True)
class Beside:
    """What a document says that its head does not; ``accepted`` and ``items`` are of a request."""

    fee_model: str = ""
    project: str = ""
    hours: int = 0  # minutes
    accepted: int = 0
    items: int = 0


def beside(documents: Iterable[DocumentFace]) -> dict[int, Beside]:
    """By id, for documents that were found through the actor, as their customer was shown them."""
    ids = [document.id for document in documents]
    if not ids:
        return {}
    said = (
        sa.select(_doc.c.id, _rev.c.content)
        .join(_rev, sa.and_(
            _rev.c.document_id == _doc.c.id,
            _rev.c.number == sa.func.coalesce(_doc.c.sent_revision, _doc.c.current_revision),
        ))
        .where(_doc.c.id.in_(ids))
    )  # fmt: skip
    with reading() as connection:
        contents = {
            row.id: DocumentContent.model_validate_json(row.content)
            for row in connection.execute(said)
        }
    done = accepted(ids)
    return {id_: _beside(content, done.get(id_, 0)) for id_, content in contents.items()}


def accepted(ids: list[int]) -> dict[int, int]:
    """How many items of each of these requests were accepted."""
    counted = (
        sa.select(_item.c.document_id, sa.func.count().label("done"))
        .where(_item.c.document_id.in_(ids), _item.c.state == ItemState.ACCEPTED.value)
        .group_by(_item.c.document_id)
    )
    with reading() as connection:
        return {row.document_id: row.done for row in connection.execute(counted)}


def _beside(content: DocumentContent, done: int) -> Beside:
    return Beside(
        fee_model=content.proposal.fee_model.label if content.proposal else "",
        project=content.project or "",
        hours=content.time.minutes if content.time else 0,
        accepted=done,
        items=len(content.request.items) if content.request else 0,
    )


def projects_of(organization_id: int, customer_id: int) -> list[tuple[str, str]]:
    """Id and name of a customer's projects, the newest first, to choose from."""
    asked = (
        sa.select(_project.c.id, _project.c.name)
        .where(_project.c.organization_id == organization_id, _project.c.customer_id == customer_id)
        .order_by(_project.c.id.desc())
        .limit(_MOST_PROJECTS)
    )
    with reading() as connection:
        return [(str(row.id), row.name) for row in connection.execute(asked)]


def worked(
    project_id: int, start: dt.date, end: dt.date
) -> list[tuple[dt.date, str, int, str, str, bool]]:
    """Day, person, minutes, task, words and whether it is billed, of a project's hours; one more
    than fit into one approval, where there are so many."""
    asked = (
        sa.select(_entry, _task.c.name.label("task"))
        .outerjoin(_task, _task.c.id == _entry.c.task_id)
        .where(_entry.c.project_id == project_id, _entry.c.worked_on.between(start, end))
        .order_by(_entry.c.worked_on, _entry.c.id)
        .limit(MOST_ENTRIES + 1)
    )
    with reading() as connection:
        return [
            (row.worked_on, row.person, row.minutes, row.task or "", row.description,
             row.is_billable)
            for row in connection.execute(asked)
        ]  # fmt: skip


def project_of(document_id: int) -> int | None:
    """The project that a document belongs to, if it does to one."""
    with reading() as connection:
        return connection.execute(
            sa.select(_doc.c.project_id).where(_doc.c.id == document_id)
        ).scalar_one_or_none()
