"""Databases: one for control, one for each tenant, and a session that cannot mix them up.

The session pins its tenant on first use; the tenant of an app context is written once. There
is no fall-back engine: with no tenant bound, ORM, Core and ``text()`` all raise (spec T2).
SQLite and PostgreSQL run the same code; :func:`unit_of_work` is the only place that commits.
"""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import Flask, current_app, g, has_app_context
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase

CONTROL = "control"
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_SECONDS = 10


class NoTenant(RuntimeError):
    """A tenant's data was asked for where no tenant is bound."""


class TenantMismatch(RuntimeError):
    """A session or context that belongs to one tenant was used for another."""


@dataclass(frozen=True, slots=True)
class BoundTenant:
    """The tenant of the running request, command or job."""

    id: int
    slug: str
    name: str
    database_url: str
    public_url: str  # what links in mail begin with (spec T5); no slash at the end


# --- types ----------------------------------------------------------------------------------

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class UtcDateTime(sa.TypeDecorator[dt.datetime]):
    """A moment: zone-aware in Python, UTC at rest. Naive values are refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        value = value.astimezone(dt.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> dt.datetime | None:
        if value is None:
            return None
        moment: dt.datetime = value
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


# --- engines --------------------------------------------------------------------------------


class Engines:
    """Tenant engines, most recently used last; the oldest is disposed of when room runs out."""

    def __init__(self, limit: int = 128) -> None:
        self._limit = limit
        self._engines: OrderedDict[str, sa.Engine] = OrderedDict()
        self._turns: dict[str, Lock] = {}
        self._lock = Lock()

    def get(self, url: str) -> sa.Engine:
        with self._lock:
            engine = self._engines.get(url)
            if engine is not None:
                self._engines.move_to_end(url)
                return engine
            engine = self._engines[url] = make_engine(url)
            if len(self._engines) > self._limit:
                _, oldest = self._engines.popitem(last=False)
                oldest.dispose()
            return engine

    @contextmanager
    def turn(self, url: str) -> Iterator[None]:
        """Write to a SQLite database when no other thread of this process does (decision 0014).

        SQLite lets who waits for its lock sleep and ask again; a lock of our own wakes the next
        at once. Whose turn does not come in time asks SQLite all the same, which has the last word.
        """
        if self.get(url).dialect.name != "sqlite":
            yield
            return
        with self._lock:
            turn = self._turns.setdefault(url, Lock())
        has_it = turn.acquire(timeout=BUSY_SECONDS)
        try:
            yield
        finally:
            if has_it:
                turn.release()

    def dispose(self) -> None:
        with self._lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()


def make_engine(url: str) -> sa.Engine:
    """An engine for one database, with SQLite made safe for many writers."""
    return sa.create_engine(url, **engine_options(url))


def engine_options(url: str) -> dict[str, Any]:
    # hide_parameters: an error in a log must not carry what a customer typed.
    if sa.make_url(url).get_backend_name() != "sqlite":
        return {
            "hide_parameters": True,
            "pool_pre_ping": True,
            "pool_size": 2,
            "max_overflow": 30,
            "connect_args": {"connect_timeout": BUSY_SECONDS},
        }
    return {
        "hide_parameters": True,
        "pool_size": 4,  # never NullPool: the last close checkpoints the WAL on every request
        "max_overflow": -1,
        "connect_args": {
            "isolation_level": None,
            "timeout": BUSY_SECONDS,
            "check_same_thread": False,
        },
    }


@event.listens_for(sa.Engine, "connect")
def _prepare(connection: Any, _record: Any) -> None:
    """Both wait as long for somebody else's lock, and then say so."""
    if type(connection).__module__ != "sqlite3":
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
        connection.commit()
        return
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


@event.listens_for(sa.Engine, "begin")
def _begin_sqlite(connection: sa.Connection) -> None:
    """Begin ourselves, so that a transaction that will write holds the lock from the start.

    Asked for later it is ignored, and a read that turns into a write fails with "locked".
    """
    if connection.dialect.name != "sqlite":
        return
    options = connection.get_execution_options()
    if options.get("portico_writes"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif not options.get("portico_one_read"):
        connection.exec_driver_sql("BEGIN")


# --- the session ----------------------------------------------------------------------------


class TenantSession(FlaskSession):
    """A session for the one tenant that was bound when it was first used."""

    def get_bind(
        self,
        mapper: Any | None = None,
        clause: Any | None = None,
        bind: sa.Engine | sa.Connection | None = None,
        **kwargs: Any,
    ) -> sa.Engine | sa.Connection:
        if bind is not None:
            return bind
        if _is_control(mapper, clause):
            return self._db.engines[CONTROL]
        tenant = current_tenant()
        pinned = self.info.setdefault("tenant", tenant)
        if pinned.database_url != tenant.database_url:
            raise TenantMismatch(f"this session belongs to tenant {pinned.slug!r}")
        return engines().get(tenant.database_url)


def _is_control(mapper: Any, clause: Any) -> bool:
    table = sa.inspect(mapper).local_table if mapper is not None else clause
    if isinstance(table, sa.UpdateBase):
        table = table.table
    if isinstance(table, sa.Select):
        froms = table.get_final_froms()
        table = froms[0] if froms else None
    metadata = getattr(table, "metadata", None)
    return metadata is not None and metadata.info.get("bind_key") == CONTROL


class Base(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMING)


db = SQLAlchemy(
    model_class=Base,
    session_options={"class_": TenantSession, "expire_on_commit": False},
    disable_autonaming=True,
)
db.metadatas[CONTROL] = sa.MetaData(naming_convention=NAMING, info={"bind_key": CONTROL})

if TYPE_CHECKING:

    class Model(Base):
        __abstract__ = True

    class ControlModel(Base):
        __abstract__ = True
else:
    Model = db.Model

    class ControlModel(db.Model):
        __abstract__ = True
        __bind_key__ = CONTROL


def init_databases(app: Flask, control_url: str) -> None:
    """Bind the control database; tenants' engines are made when they are first needed."""
    app.config["SQLALCHEMY_BINDS"] = {CONTROL: {"url": control_url, **engine_options(control_url)}}
    db.init_app(app)
    app.extensions["portico.engines"] = Engines()


def engines() -> Engines:
    pool: Engines = current_app.extensions["portico.engines"]
    return pool


def sqlite_file(url: str) -> Path | None:
    """The file behind a SQLite URL, or None for another database."""
    parsed = sa.make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


# --- the tenant slot ------------------------------------------------------------------------


def bind_tenant(tenant: BoundTenant) -> None:
    """Bind this app context to *tenant*, once. Raises TenantMismatch on a second, other one."""
    bound = g.get("portico_tenant")
    if bound is not None and bound != tenant:
        raise TenantMismatch(f"this context belongs to tenant {bound.slug!r}")
    g.portico_tenant = tenant


def current_tenant() -> BoundTenant:
    """The bound tenant. Raises NoTenant where there is none."""
    tenant: BoundTenant | None = g.get("portico_tenant") if has_app_context() else None
    if tenant is None:
        raise NoTenant("no tenant is bound here")
    return tenant


@contextmanager
def reading() -> Iterator[sa.Connection]:
    """A connection to the tenant's database for one statement that needs no session.

    On SQLite a single SELECT is a transaction by itself, so none is begun around it.
    """
    with engines().get(current_tenant().database_url).connect() as connection:
        yield connection.execution_options(portico_one_read=True)


# --- units of work --------------------------------------------------------------------------


@contextmanager
def unit_of_work() -> Iterator[None]:
    """One transaction on the tenant's database: all of it, or nothing.

    It takes SQLite's write lock with its first statement. A unit inside a unit joins it.
    What was read before it began is let go, so read again inside what a decision rests on.
    """
    session = db.session()
    if session.info.get("in_unit"):
        yield
        return
    if session.in_transaction():
        session.rollback()
    calls: list[Callable[[], None]] = []
    with engines().turn(current_tenant().database_url):
        session.info["in_unit"] = True
        session.info["after_commit"] = calls
        try:
            session.connection(execution_options={"portico_writes": True})
            yield
            session.commit()
        except BaseException:
            session.rollback()
            calls.clear()
            raise
        finally:
            session.info.pop("in_unit", None)
            session.info.pop("after_commit", None)
    for call in calls:
        call()


def after_commit(call: Callable[[], None]) -> None:
    """Run *call* once the running unit of work has committed; never if it fails."""
    calls: list[Callable[[], None]] = db.session().info["after_commit"]
    calls.append(call)


@contextmanager
def control_unit() -> Iterator[sa.Connection]:
    """One transaction on the control database."""
    with (
        db.engines[CONTROL].connect().execution_options(portico_writes=True) as connection,
        connection.begin(),
    ):
        yield connection
