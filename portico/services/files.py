"""Files: taken in, shared, handed out, removed (spec W2, W4)."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

import sqlalchemy as sa
from flask import current_app

from portico import clock
from portico.config import settings
from portico.db import after_commit, db, unit_of_work
from portico.files import kinds
from portico.files.names import shown_name
from portico.files.store import Reader, Store
from portico.records.activity import Activity, ActorKind
from portico.records.customer import Customer
from portico.records.file import StoredFile
from portico.refusals import BadInput, Refusal, Unknown
from portico.services import activity, notifications, projects
from portico.services.activity import Entry
from portico.services.actors import Actor

log = logging.getLogger(__name__)

MOST_PER_CUSTOMER = 5_000
MOST_AT_ONCE = 20
_PIECE = 64 * 1024
_PORTION = 500  # keys in one question to the database
_IN_MEMORY = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """What a file belongs to. Whoever makes one has found each part in the organization."""

    organization_id: int
    customer_id: int
    project_id: int | None = None
    document_id: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes that lie in the store already and belong to nothing yet. Size in bytes."""

    key: str
    name: str
    media_type: str
    size: int
    sha256: str


def store() -> Store:
    """The store of this installation."""
    found: Store = current_app.extensions["portico.files"]
    return found


# --- taken in -----------------------------------------------------------------------------------


def receive(source: IO[bytes], name: str) -> Received:
    """Put an upload's bytes into the store, before any unit of work: they may take their time.

    :func:`keep` makes a file of them, or :func:`discard` takes them away. Raises BadInput naming
    ``file``: empty, too large, or not what may be sent; Busy.
    """
    shown = shown_name(name)
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as copy:
        size, sha256 = _read(source, copy)
        copy.seek(0)
        media_type = kinds.judge(copy.read(kinds.HEAD), shown)
        copy.seek(0)
        key = secrets.token_hex(32)
        store().put(key, copy)
    return Received(key, shown or "file", media_type, size, sha256)


def keep(
    one: Received,
    place: Place,
    *,
    by: str | None = None,
    actor: Actor | None = None,
    shared: bool = False,
) -> StoredFile:
    """The file of received bytes, in the running unit of work: from staff (*by*), or from a
    customer (*actor*), whose own files are always theirs to see; the very same just now is that one.
    Raises BadInput."""
    author = by or (actor.name if actor else "")
    before = _kept_before(one, place, author, shared or actor is not None)
    if before is not None:
        discard(one)
        return before
    _check_room(place)
    file = StoredFile(
        organization_id=place.organization_id,
        customer_id=place.customer_id,
        project_id=place.project_id,
        document_id=place.document_id,
        storage_key=one.key,
        name=one.name,
        media_type=one.media_type,
        size=one.size,
        sha256=one.sha256,
        is_shared_with_client=shared or actor is not None,
        from_staff=actor is None,
        author=author,
        contact_id=actor.contact_id if actor else None,
        created_at=clock.now(),
    )
    db.session.add(file)
    db.session.flush()
    if shared and actor is None:
        _show(file)
    activity.record(entry(Activity.UPLOAD_FILE, file, by=by, actor=actor))
    return file


def _kept_before(one: Received, place: Place, author: str, shared: bool) -> StoredFile | None:
    """The file that somebody sent just now with the same name and bytes. The place is held."""
    same = sa.select(StoredFile).where(
        StoredFile.organization_id == place.organization_id,
        StoredFile.customer_id == place.customer_id,
        StoredFile.project_id.is_not_distinct_from(place.project_id),
        StoredFile.document_id.is_not_distinct_from(place.document_id),
        StoredFile.sha256 == one.sha256,
        StoredFile.name == one.name,
        StoredFile.author == author,
        StoredFile.is_shared_with_client.is_(shared),
        StoredFile.removed_at.is_(None),
        StoredFile.created_at > clock.now() - dt.timedelta(minutes=1),
    )
    return db.session.scalars(same.order_by(StoredFile.id.desc()).limit(1)).first()


def discard(received: Received) -> None:
    """Take received bytes away that nothing was made of."""
    _forget(received.key)


def take_in(
    source: IO[bytes],
    name: str,
    place: Place,
    *,
    by: str | None = None,
    actor: Actor | None = None,
    shared: bool = False,
) -> StoredFile:
    """One file, received and kept; if it cannot be kept, its bytes go again. Not within a unit of
    work. Raises BadInput naming ``file``, Busy."""
    there = receive(source, name)
    try:
        with unit_of_work():
            _hold(place)
            return keep(there, place, by=by, actor=actor, shared=shared)
    except BaseException:
        discard(there)
        raise


def add(
    uploads: Sequence[tuple[IO[bytes], str]], place: Place, *, by: str, shared: bool = False
) -> list[StoredFile]:
    """Files from the team, each with its name: all of them, or none, and then no bytes stay.

    Not within a unit of work. Raises BadInput naming ``file``, Busy.
    """
    if not uploads:
        raise BadInput({"file": "Please choose a file."})
    if len(uploads) > MOST_AT_ONCE:
        raise BadInput({"file": f"Please send at most {MOST_AT_ONCE} files at once."})
    there: list[Received] = []
    try:
        for source, name in uploads:
            there.append(_receive_one_of(len(uploads), source, name))
        with unit_of_work():
            _hold(place)
            return [keep(one, place, by=by, shared=shared) for one in there]
    except BaseException:
        for one in there:
            discard(one)
        raise


def _receive_one_of(count: int, source: IO[bytes], name: str) -> Received:
    """Which of several is not taken has to be said."""
    try:
        return receive(source, name)
    except BadInput as problem:
        if count == 1:
            raise
        named = shown_name(name) or "One file"
        sentence = f"{named}: {problem.sentence} None of the files was taken."
        raise BadInput({"file": sentence}) from None


def _read(source: IO[bytes], copy: IO[bytes]) -> tuple[int, str]:
    """Size and SHA-256 of what came, into *copy*. Never reads more than may be kept."""
    most, size, digest = settings().max_upload, 0, hashlib.sha256()
    while piece := source.read(_PIECE):
        size += len(piece)
        if size > most:
            raise BadInput({"file": f"This file is larger than {readable(most)}."})
        digest.update(piece)
        copy.write(piece)
    if size == 0:
        raise BadInput({"file": "This file is empty. Please choose another."})
    return size, digest.hexdigest()


def readable(size: int) -> str:
    """Bytes in the unit that a limit is told in: ``25 MB``, ``64 KB``."""
    megabyte = 1024 * 1024
    return f"{size // megabyte} MB" if size >= megabyte else f"{size // 1024} KB"


def _hold(place: Place) -> None:
    """Two who send at once are counted one after the other."""
    db.session.get(Customer, place.customer_id, with_for_update={"key_share": True})


def _check_room(place: Place) -> None:
    count = db.session.scalar(
        sa.select(sa.func.count())
        .select_from(StoredFile)
        .where(
            StoredFile.organization_id == place.organization_id,
            StoredFile.customer_id == place.customer_id,
            StoredFile.removed_at.is_(None),
        )
    )
    if (count or 0) >= MOST_PER_CUSTOMER:
        raise BadInput({"file": "There are too many files already, so nothing was taken."})


# --- shared, removed ------------------------------------------------------------------------------


def share(file_id: int, shared: bool, *, by: str) -> None:
    """Show a file to its customer, who is told, or no more. Raises Unknown."""
    with unit_of_work():
        file = find(file_id)
        if file.is_shared_with_client == shared:
            return
        file.is_shared_with_client = shared
        if shared:
            _show(file)
        else:
            notifications.untell_file_shared(file)
        activity.record(entry(Activity.SHARE_FILE, file, by=by, shared=shared))


def _show(file: StoredFile) -> None:
    """The customer is told, and the project it is in has seen something new. Project before log,
    as everybody does it, so that no two wait for each other."""
    if file.project_id is not None:
        projects.touch(projects.held(file.project_id))
    notifications.tell_file_shared(file)


def remove(file_id: int, *, by: str) -> None:
    """Take a file away from everybody; its row stays, its bytes do not. Raises Unknown."""
    with unit_of_work():
        file = find(file_id)
        file.removed_at, file.removed_by = clock.now(), by
        file.is_shared_with_client = False
        notifications.untell_file_shared(file)
        key = file.storage_key
        after_commit(lambda: _forget(key))
        activity.record(entry(Activity.REMOVE_FILE, file, by=by))


def tidy(older_than: dt.timedelta) -> int:
    """Take away bytes that no file leads to, of uploads whose process died; returns how many.

    What came lately may still become a file. Not by itself, but by a command: to a database from
    an older backup, newer files would look like this. Raises Busy.
    """
    gone = 0
    keys = sorted(set(store().keys(clock.now() - older_than)))
    for start in range(0, len(keys), _PORTION):
        some = keys[start : start + _PORTION]
        known = sa.select(StoredFile.storage_key).where(
            StoredFile.storage_key.in_(some), StoredFile.removed_at.is_(None)
        )
        for key in set(some).difference(db.session.scalars(known)):
            _forget(key)
            gone += 1
    return gone


def find(file_id: int) -> StoredFile:
    """A file, read now and held for a running unit of work. Raises Unknown, also for a removed
    one."""
    file = db.session.get(StoredFile, file_id, with_for_update=True, populate_existing=True)
    if file is None or file.removed_at is not None:
        raise Unknown("There is no such file.")
    return file


def _forget(key: str) -> None:
    """What the database no longer knows need not stay; if it does, nobody is led to it."""
    try:
        store().remove(key)
    except (Refusal, OSError) as problem:
        log.error("the bytes of file %s… could not be removed: %s", key[:8], problem)


# --- handed out -----------------------------------------------------------------------------------


def address(key: str, name: str, reader: Reader, who: int) -> str:
    """Where the bytes can be had for a short time; whoever asks for it was let in just now, by
    the session or the share whose id is *who*."""
    return store().url(key, name, reader, who)


def address_for_staff(file: StoredFile, session_id: int, *, by: str) -> str:
    """The same for the team, shared or not; that they fetched it is written down."""
    activity.note(entry(Activity.DOWNLOAD_FILE, file, by=by))
    return address(file.storage_key, file.name, Reader.STAFF, session_id)


def entry(
    type_: Activity,
    file: StoredFile,
    *,
    by: str | None = None,
    actor: Actor | None = None,
    **details: object,
) -> Entry:
    """A line of the log about a file: by staff (*by*) or a customer (*actor*)."""
    facts = {"file": file.id, "name": file.name, "size": file.size, **details}
    if actor is not None:
        return actor.entry(type_, **facts)
    return Entry(
        type_,
        ActorKind.STAFF,
        actor=by or "",
        organization_id=file.organization_id,
        customer_id=file.customer_id,
        document_id=file.document_id,
        details=facts,
    )
