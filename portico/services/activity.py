"""The activity log: what happened, chained by hash, cheap to write (spec C6, L17).

What changes something is written in the transaction that changes it (:func:`record`). A view
changes nothing, so it is appended to a spool file of this process (:func:`note`) and brought
into the tenant's database in batches, every half second. A spooled view survives the death of
the process, because the file is adopted by whoever comes next; only a power cut can lose the
last seconds. Exactly once: a batch that was committed but not removed is recognised by its ids.
"""

from __future__ import annotations

import datetime as dt
import errno
import fcntl
import json
import logging
import os
import random
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from portico import clock
from portico.config import settings
from portico.db import current_tenant, db, unit_of_work
from portico.records.activity import (
    AccessLog,
    Activity,
    ActivityChain,
    ActivityName,
    ActorKind,
    Label,
    NameKind,
)
from portico.services import activity_chain as chain
from portico.services import scanners
from portico.services.tenants import directory, tenant_scope

log = logging.getLogger(__name__)
# Ids only have to differ; a generator of the process makes them without a call to the system.
_ids = random.Random(secrets.randbits(256))  # nosec B311
os.register_at_fork(after_in_child=lambda: _ids.seed(secrets.randbits(256)))


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request came from, as far as the log wants to know."""

    ip: str | None = None
    user_agent: str | None = None
    method: str = "GET"
    hints: tuple[str, ...] = ()  # see scanners.label_of


class Author(str):
    """Who of the team does something: a name, as services take it in ``by``, that also knows
    session, address and browser. A command gives a plain name; the console gives an Author."""

    visitor: Visitor
    session_id: int | None

    def __new__(cls, name: str, visitor: Visitor, session_id: int | None = None) -> Author:
        author = super().__new__(cls, name)
        author.visitor = visitor
        author.session_id = session_id
        return author


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. Ids are the tenant's own; *actor* is a name people recognise."""

    type: Activity
    actor_kind: ActorKind
    actor: str = ""
    organization_id: int | None = None
    customer_id: int | None = None
    contact_id: int | None = None
    document_id: int | None = None
    link_id: int | None = None
    session_id: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    visitor: Visitor = Visitor()
    preview: bool = False


def record(entry: Entry) -> None:
    """Write *entry* in the running unit of work: it stands if the change stands."""
    _append([_row(entry)])


def record_all(entries: Sequence[Entry]) -> None:
    """Write many in the running unit of work, at the cost of little more than one."""
    if entries:
        _append([_row(entry) for entry in entries])


def note(entry: Entry) -> None:
    """Write *entry* down now, to be brought into the database soon. Raises OSError (full disk)."""
    _spool().write(current_tenant().slug, _row(entry))


def flush() -> None:
    """Bring everything this process has noted into the databases, now."""
    _spool().ingest()


def adopt_orphans() -> int:
    """Bring in what dead processes left behind; returns how many files."""
    return _spool().adopt()


def erase(where: sa.ColumnElement[bool], *, actor: str) -> int:
    """Forget addresses and user agents of the matching rows; the chain still verifies, because it
    says of which they were forgotten, and by whom. Returns of how many."""
    count = 0
    with unit_of_work():
        last = db.session.execute(sa.select(ActivityChain.length)).scalar_one()
    while True:
        with unit_of_work():
            erased = _forget(sa.and_(where, AccessLog.id <= last))
            if not erased:
                return count
            _forget_addresses()
            record_all(
                [
                    Entry(Activity.ERASE_ACTIVITY, ActorKind.STAFF, actor, details=told)
                    for told in chain.as_told(erased)
                ]
            )
        count += len(erased)


def seal(*, actor: str) -> None:
    """Seal the log as it stands, where its seal no longer holds: the keys were lost, or somebody
    wrote to the database. That stands in the log; what was changed in it stays found."""
    with unit_of_work():
        _append([_row(Entry(Activity.SEAL_ACTIVITY, ActorKind.STAFF, actor))], seals=True)


# --- rows and the chain ---------------------------------------------------------------------


def _row(entry: Entry) -> dict[str, Any]:
    visitor, session_id = entry.visitor, entry.session_id
    if isinstance(entry.actor, Author):
        visitor = entry.actor.visitor
        session_id = f"staff {entry.actor.session_id}" if entry.actor.session_id else None
    return {
        "event_id": f"{_ids.getrandbits(128):032x}",
        "occurred_at": clock.now().isoformat(),
        "type": entry.type.value,
        "actor_kind": entry.actor_kind.value,
        "actor": str(entry.actor)[:200],
        "organization_id": entry.organization_id,
        "customer_id": entry.customer_id,
        "contact_id": entry.contact_id,
        "document_id": entry.document_id,
        "link_id": entry.link_id,
        "session_id": session_id,
        "details": entry.details,
        "ip": visitor.ip,
        "user_agent": visitor.user_agent[:1000] if visitor.user_agent else None,
        "method": visitor.method,
        "hints": visitor.hints,
        "preview": entry.preview,
    }


def _append(rows: list[dict[str, Any]], *, seals: bool = False) -> None:
    """Chain *rows* at the end of the tenant's log. The update of the end takes the lock.

    An end that is not sealed gets no seal by going on, unless *seals*: what somebody did to the log
    before stays found.
    """
    count = len(rows)
    end = db.session.execute(
        sa.update(ActivityChain)
        .where(ActivityChain.id == 1)
        .values(length=ActivityChain.length + count)
        .returning(ActivityChain.length, ActivityChain.chain_sha256, ActivityChain.seal)
    ).one()
    position, previous = end.length - count, end.chain_sha256
    seals = seals or chain.is_sealed(position, previous, end.seal)
    complete = []
    for row in rows:
        position += 1
        full = _complete(row, position)
        previous = chain.link(previous, full)
        full["chain_sha256"] = previous
        complete.append(full)
    db.session.execute(sa.insert(AccessLog), complete)
    db.session.execute(_KEEP, {"last": position - count})
    values = {"chain_sha256": previous}
    if seals:
        values["seal"] = chain.seal_of(position, previous)
    db.session.execute(sa.update(ActivityChain).where(ActivityChain.id == 1).values(values))


_KEEP = sa.text(
    "INSERT INTO activity_names (organization_id, kind, text) "
    "SELECT organization_id, :actor, actor FROM portal_access_logs "
    "WHERE id > :last AND organization_id IS NOT NULL AND actor <> '' UNION "
    "SELECT organization_id, :address, ip FROM portal_access_logs "
    "WHERE id > :last AND organization_id IS NOT NULL AND ip <> '' ON CONFLICT DO NOTHING"
).bindparams(actor=NameKind.ACTOR.value, address=NameKind.ADDRESS.value)


_REWRITE = "INSERT INTO search_activity_names (search_activity_names) VALUES ('optimize')"


_FORGOTTEN_AT_ONCE = 5_000  # rows that keep others from writing


def _forget(where: sa.ColumnElement[bool]) -> list[int]:
    """The next rows that match and had something to forget, in order."""
    some = sa.select(AccessLog.id).where(where, AccessLog.salt.is_not(None)).order_by(AccessLog.id)
    nothing = dict.fromkeys((*chain.PERSONAL, "salt"))
    erased = db.session.execute(
        sa.update(AccessLog)
        .where(AccessLog.id.in_(some.limit(_FORGOTTEN_AT_ONCE)), AccessLog.salt.is_not(None))
        .values(nothing)
        .returning(AccessLog.id)
        .execution_options(synchronize_session=False)
    )
    return sorted(erased.scalars())


def _forget_addresses() -> None:
    """Let go of addresses that no row bears any more, also of what SQLite's index keeps of what
    was taken out of it."""
    left = sa.exists().where(
        AccessLog.organization_id == ActivityName.organization_id,
        AccessLog.ip == ActivityName.text,
    )
    gone = sa.delete(ActivityName).where(ActivityName.kind == NameKind.ADDRESS.value, ~left)
    db.session.execute(gone.execution_options(synchronize_session=False))
    if db.session.get_bind().dialect.name == "sqlite":
        db.session.execute(sa.text(_REWRITE))


def _complete(row: dict[str, Any], position: int) -> dict[str, Any]:
    full = dict(row)
    label, reason = scanners.label_of(
        full.pop("method"), full["user_agent"], tuple(full.pop("hints")), full.pop("preview")
    )
    if row["actor_kind"] != ActorKind.CUSTOMER and not row["preview"]:
        label, reason = Label.PERSON, "done by the team or by Portico itself"
    elif row["session_id"] and label is Label.SCANNER:
        label, reason = Label.PERSON, "signed in to an account"
    device = scanners.device_of(full["user_agent"])
    full |= {
        "id": position,
        "occurred_at": dt.datetime.fromisoformat(row["occurred_at"]),
        "label": label.value,
        "label_reason": reason,
        "device_type": device.type,
        "browser": device.browser,
        "platform": device.platform,
        "salt": secrets.token_bytes(16),
    }
    full["personal_sha256"] = chain.personal(full)
    return full


# --- the spool ------------------------------------------------------------------------------


@dataclass(slots=True)
class _Failures:
    """The tenants that one round could not reach, each tried once."""

    tenants: dict[str, SQLAlchemyError] = field(default_factory=dict)

    def tell(self) -> None:
        """Raise one of the problems, once everybody else's rows are in."""
        for problem in self.tenants.values():
            raise problem


class Spool:
    """Append-only files of one process. Owning a file means holding its lock."""

    def __init__(self, app: Flask, folder: Path, every: float = 0.5) -> None:
        self._app = app
        self._folder = folder
        self._every = every
        self._write_lock = Lock()
        self._ingest_lock = Lock()
        self._file: int | None = None
        self._path: Path | None = None
        self._owner = 0
        self._pending = False
        self._stop = Event()

    def write(self, tenant: str, row: dict[str, Any]) -> None:
        line = json.dumps([tenant, row], separators=(",", ":")).encode() + b"\n"
        with self._write_lock:
            if self._file is None or self._owner != os.getpid():
                self._open()
            assert self._file is not None
            size = os.fstat(self._file).st_size
            written = os.write(self._file, line)
            if written != len(line):
                os.ftruncate(self._file, size)  # or the next line would hang on to half of this one
                raise OSError(errno.ENOSPC, "the disk is full")

    def ingest(self) -> None:
        """Take the current file out of use and bring it in; then whatever dead ones there are."""
        with self._ingest_lock:
            with self._write_lock:
                file, path = self._file, self._path
                self._file = self._path = None
            failures = _Failures()
            if file is not None and path is not None and self._owner == os.getpid():
                self._bring_in(file, path, failures)
            self._adopt(failures)
            failures.tell()

    def adopt(self) -> int:
        with self._ingest_lock:
            failures = _Failures()
            adopted = self._adopt(failures)
            failures.tell()
            return adopted

    def close(self) -> None:
        """Bring in what was noted and let the thread end."""
        self._stop.set()
        self.ingest()

    def _open(self) -> None:
        started = self._owner == os.getpid()
        self._folder.mkdir(parents=True, exist_ok=True)
        while True:
            path = self._folder / f"{os.getpid()}-{secrets.token_hex(8)}.jsonl"
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file).st_nlink:
                break
            os.close(file)  # somebody took it for an orphan before it was locked, and removed it
        self._file, self._path, self._owner = file, path, os.getpid()
        if not started:
            Thread(target=self._run, name="activity", daemon=True).start()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            if self._file is None and not self._pending:
                continue
            try:
                self._pending = False
                self.ingest()
            except (OSError, SQLAlchemyError):
                self._pending = True
                log.exception("the activity spool could not be brought in; it will be tried again")

    def _adopt(self, failures: _Failures) -> int:
        adopted = 0
        for path in sorted(self._folder.glob("*.jsonl")):
            if path == self._path:
                continue
            with suppress(FileNotFoundError, BlockingIOError):
                file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(file)
                    raise
                if os.fstat(file).st_nlink == 0:  # somebody brought it in meanwhile
                    os.close(file)
                    continue
                adopted += self._bring_in(file, path, failures)
        return adopted

    def _bring_in(self, file: int, path: Path, failures: _Failures) -> bool:
        """All rows of a file into their tenants' databases, then the file away. Closes it.

        A tenant that cannot be reached keeps the file, and holds up no other tenant.
        """
        try:
            by_tenant: dict[str, list[dict[str, Any]]] = {}
            for tenant, row in _lines(file):
                by_tenant.setdefault(tenant, []).append(row)
            for tenant, rows in by_tenant.items():
                if tenant in failures.tenants:
                    continue
                try:
                    self._store(tenant, rows)
                except SQLAlchemyError as problem:
                    failures.tenants[tenant] = problem
            if failures.tenants.keys() & by_tenant.keys():
                return False
            path.unlink(missing_ok=True)
            return True
        finally:
            os.close(file)

    def _store(self, tenant: str, rows: list[dict[str, Any]]) -> None:
        with self._app.app_context():
            if directory().by_slug(tenant) is None:
                directory().forget()  # it may have been made a moment ago
            exists = directory().by_slug(tenant) is not None
        if not exists:
            log.warning("activity of a tenant that no longer exists was passed over")
            return
        with tenant_scope(self._app, tenant), unit_of_work():
            for start in range(0, len(rows), 500):
                some = rows[start : start + 500]
                known = set(
                    db.session.execute(
                        sa.select(AccessLog.event_id).where(
                            AccessLog.event_id.in_([row["event_id"] for row in some])
                        )
                    ).scalars()
                )
                fresh = [row for row in some if row["event_id"] not in known]
                if fresh:
                    _append(fresh)


def _lines(file: int) -> Iterator[tuple[str, dict[str, Any]]]:
    size = os.fstat(file).st_size
    for line in os.pread(file, size, 0).split(b"\n"):
        if not line:
            continue
        try:
            tenant, row = json.loads(line)
        except ValueError:
            # Only a power cut leaves half a line; the rest of the file is still good.
            log.warning("a damaged line in the activity spool was passed over")
            continue
        yield tenant, row


def init_spool(app: Flask) -> None:
    with app.app_context():
        app.extensions["portico.spool"] = Spool(app, settings().spool_folder)


def _spool() -> Spool:
    spool: Spool = current_app.extensions["portico.spool"]
    return spool
