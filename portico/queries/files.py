"""Files as their readers list and fetch them (spec W2, C5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portico import clock
from portico.db import BigId, reading
from portico.files.store import Reader
from portico.queries.lists import LARGEST_ID
from portico.records.account import PortalAccount, PortalSession
from portico.records.customer import Contact, Customer
from portico.records.file import StoredFile
from portico.records.organization import Section
from portico.records.project import Project, ProjectShare
from portico.records.staff import StaffMember, StaffRole, StaffSession
from portico.services.actors import Actor, may_enter

PAGE = 25

_file, _project, _customer = StoredFile.__table__, Project.__table__, Customer.__table__
_contact, _share = Contact.__table__, ProjectShare.__table__


@dataclass(frozen=True, slots=True)
class FileFace:
    """One file in a list. Size in bytes; ``author`` is for the team alone."""

    id: int
    name: str
    size: int
    created_at: dt.datetime
    project_id: int | None
    project: str | None
    is_shared: bool
    from_staff: bool
    author: str


@dataclass(frozen=True, slots=True)
class FilePage:
    """Newest first; the ids that lead on and back, None where there is nothing more."""

    rows: list[FileFace]
    older: int | None
    newer: int | None


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the team puts files: a customer's library, or one of their projects."""

    customer_id: int
    customer: str
    project_id: int | None = None
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A file that its reader may have."""

    id: int
    storage_key: str
    name: str
    size: int


# --- the customer's -------------------------------------------------------------------------------


def shared_page(
    actor: Actor, *, term: str = "", before: int | None = None, after: int | None = None
) -> FilePage:
    """Everything that was shared with the actor's customer, over projects and library; what they
    sent in themselves stands with its request."""
    wanted = [*_of(actor), *_SHARED, _file.c.document_id.is_(None), _file.c.from_staff.is_(True)]
    return _page(wanted, term, before, after)


def count_shared(actor: Actor, most: int) -> int:
    """How many files :func:`shared_page` has in all, counted up to *most*."""
    some = (
        _joined(sa.select(_file.c.id))
        .where(*_of(actor), *_SHARED, _file.c.document_id.is_(None), _file.c.from_staff.is_(True))
        .limit(most)
        .subquery()
    )
    with reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()


def shared_file(actor: Actor, file_id: int, sections: Collection[str]) -> Found | None:
    """A file that the actor may have now, by a section of the portal that is on; else None."""
    if file_id > LARGEST_ID:
        return None
    query = _joined(sa.select(*_FOUND, _file.c.project_id, _file.c.document_id)).where(
        _file.c.id == file_id, *_of(actor), *_SHARED
    )
    with reading() as connection:
        row = connection.execute(query).first()
    return _found(row) if row is not None and _is_on(row, sections) else None


def _is_on(row: Any, sections: Collection[str]) -> bool:
    """Some file stands on a project's page, some with a request, all others in the library."""
    if row.document_id is not None:
        return Section.REQUESTS in sections
    return Section.DOCUMENTS in sections or (
        row.project_id is not None and Section.PROJECTS in sections
    )


def _of(actor: Actor) -> list[sa.ColumnElement[bool]]:
    return [
        _file.c.organization_id == actor.organization_id,
        _file.c.customer_id == actor.customer_id,
    ]


_SHARED = (
    _file.c.is_shared_with_client.is_(True),
    _file.c.removed_at.is_(None),
    sa.or_(_file.c.project_id.is_(None), _project.c.is_shared_with_client.is_(True)),
)


# --- the team's -----------------------------------------------------------------------------------


def library(organization_id: int, customer_id: int) -> Folder | None:
    """The folder of a customer of this organization."""
    query = sa.select(_customer.c.id, _customer.c.name).where(
        _customer.c.id == customer_id, _customer.c.organization_id == organization_id
    )
    with reading() as connection:
        row = connection.execute(query).first()
    return Folder(*row) if row is not None else None


def project_folder(organization_id: int, project_id: int) -> Folder | None:
    """The folder of a project of this organization."""
    query = (
        sa.select(_customer.c.id, _customer.c.name, _project.c.id, _project.c.name)
        .select_from(sa.join(_project, _customer, _customer.c.id == _project.c.customer_id))
        .where(_project.c.id == project_id, _project.c.organization_id == organization_id)
    )
    with reading() as connection:
        row = connection.execute(query).first()
    return Folder(*row) if row is not None else None


def staff_page(
    organization_id: int,
    folder: Folder,
    *,
    term: str = "",
    before: int | None = None,
    after: int | None = None,
) -> FilePage:
    """All files of a customer, or of one of their projects, shared or not."""
    wanted = [
        _file.c.organization_id == organization_id,
        _file.c.customer_id == folder.customer_id,
        _file.c.removed_at.is_(None),
    ]
    if folder.project_id is not None:
        wanted.append(_file.c.project_id == folder.project_id)
    return _page(wanted, term, before, after)


def staff_file(organization_id: int, file_id: int) -> StoredFile | None:
    """A file of an organization that was not removed."""
    query = sa.select(_file).where(
        _file.c.id == file_id,
        _file.c.organization_id == organization_id,
        _file.c.removed_at.is_(None),
    )
    with reading() as connection:
        row = connection.execute(query).first()
    return StoredFile(**row._mapping) if row is not None else None


# --- a signed address -----------------------------------------------------------------------------


def handed_out(key: str, reader: Reader, who: int) -> Found | None:
    """The file behind a signed address, if whoever it was signed for may still have it: the
    session or share with the id *who*.

    Asked again at every click: the file may have been removed or hidden since, its customer
    switched off, the session ended, the share revoked.
    """
    query = (
        sa.select(*_FOUND)
        .select_from(
            sa.join(_file, _customer, _customer.c.id == _file.c.customer_id).outerjoin(
                _project, _project.c.id == _file.c.project_id
            )
        )
        .where(_file.c.storage_key == key, _file.c.removed_at.is_(None), _STANDS[reader](who))
    )
    if reader is not Reader.STAFF:
        query = query.where(*_SHARED, _customer.c.is_active.is_(True))
    with reading() as connection:
        row = connection.execute(query).first()
    return _found(row) if row is not None else None


def _account_stands(session_id: int) -> sa.ColumnElement[bool]:
    """The session goes on, and its account may enter, as one of the file's customer."""
    return sa.exists().where(
        PortalSession.id == sa.literal(session_id, BigId),
        PortalSession.ended_at.is_(None),
        PortalAccount.id == PortalSession.account_id,
        Contact.id == PortalAccount.contact_id,
        PortalAccount.customer_id == _customer.c.id,
        *may_enter(),
    )


def _share_stands(share_id: int) -> sa.ColumnElement[bool]:
    """The share opens the file's project, with its files."""
    mailed_to = sa.exists().where(
        _contact.c.id == _share.c.contact_id, _contact.c.is_active.is_(True)
    )
    return sa.exists().where(
        _share.c.id == sa.literal(share_id, BigId),
        _share.c.project_id == _file.c.project_id,
        _share.c.customer_id == _file.c.customer_id,
        _share.c.shows_files.is_(True),
        _share.c.revoked_at.is_(None),
        sa.or_(_share.c.expires_at.is_(None), _share.c.expires_at > clock.now()),
        sa.or_(_share.c.contact_id.is_(None), mailed_to),
    )


def _staff_stands(session_id: int) -> sa.ColumnElement[bool]:
    """The session goes on, and its person has a role in the file's organization."""
    return sa.exists().where(
        StaffSession.id == sa.literal(session_id, BigId),
        StaffSession.ended_at.is_(None),
        StaffMember.id == StaffSession.staff_id,
        StaffMember.is_active.is_(True),
        StaffRole.staff_id == StaffMember.id,
        StaffRole.organization_id == _file.c.organization_id,
    )


_STANDS = {
    Reader.CUSTOMER: _account_stands,
    Reader.SHARE: _share_stands,
    Reader.STAFF: _staff_stands,
}


# --- parts ----------------------------------------------------------------------------------------

_FOUND = (_file.c.id, _file.c.storage_key, _file.c.name, _file.c.size)
_FACE = (
    _file.c.id, _file.c.name, _file.c.size, _file.c.created_at, _file.c.project_id,
    _project.c.name.label("project"), _file.c.is_shared_with_client, _file.c.from_staff,
    _file.c.author,
)  # fmt: skip


def _found(row: Any) -> Found:
    return Found(row.id, row.storage_key, row.name, row.size)


def _joined(query: sa.Select[Any]) -> sa.Select[Any]:
    return query.select_from(_file.outerjoin(_project, _project.c.id == _file.c.project_id))


def _page(
    wanted: list[sa.ColumnElement[bool]], term: str, before: int | None, after: int | None
) -> FilePage:
    if term:
        wanted = [*wanted, _file.c.name.icontains(term, autoescape=True)]
    if before is None and after is not None:
        found = _rows([*wanted, _file.c.id > sa.literal(after, BigId)], upwards=True)
        if len(found) > PAGE:
            rows = found[:PAGE][::-1]
            return FilePage(rows, rows[-1].id, rows[0].id)
    beyond = [] if before is None else [_file.c.id < sa.literal(before, BigId)]
    found = _rows([*wanted, *beyond])
    rows = found[:PAGE]
    older = rows[-1].id if len(found) > PAGE else None
    return FilePage(rows, older, rows[0].id if rows and before is not None else None)


def _rows(wanted: list[sa.ColumnElement[bool]], *, upwards: bool = False) -> list[FileFace]:
    """One more than a page."""
    order = _file.c.id.asc() if upwards else _file.c.id.desc()
    query = _joined(sa.select(*_FACE)).where(*wanted).order_by(order).limit(PAGE + 1)
    with reading() as connection:
        return [FileFace(*row) for row in connection.execute(query)]
