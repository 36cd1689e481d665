"""What every test may ask for: the stage with its cast, on both databases, and the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from portico import clock as portico_clock
from portico.db import db, make_engine
from tests.cast import Company, Stage, TestClock
from tests.servers import Inbox, Postgres

# An application and its databases are made for nearly every test, with the same 300 addresses and
# the same statements. What werkzeug compiles depends on the address alone, what SQLAlchemy compiles
# on the statement and the kind of database, so each is compiled once; it was half of all time.
_compile_rule = Rule.compile
_rules: dict[tuple[object, ...], tuple[dict[str, Any], tuple[Any, Any]]] = {}
_statements: dict[type[sa.Dialect], LRUCache[Any, Any]] = {}


def _compile_rule_once(rule: Rule) -> None:
    key = (rule.rule, repr(rule.defaults), rule.subdomain, rule.host, rule.build_only)
    if key not in _rules:
        _compile_rule(rule)
        kept = {name: vars(rule)[name] for name in ("_parts", "_trace", "_converters", "arguments")}
        _rules[key] = kept, (rule._build.__func__, rule._build_unknown.__func__)  # type: ignore[attr-defined]
        return
    kept, (build, build_unknown) = _rules[key]
    vars(rule).update(kept)
    rule._build = build.__get__(rule, None)
    rule._build_unknown = build_unknown.__get__(rule, None)


def _compiled_statements(engine: sa.Engine) -> LRUCache[Any, Any]:
    return _statements.setdefault(type(engine.dialect), LRUCache(5000))


Rule.compile = _compile_rule_once  # type: ignore[method-assign, assignment]
sa.Engine._compiled_cache = property(_compiled_statements, lambda engine, own: None)  # type: ignore[assignment]
DefaultDialect.__hash__ = lambda dialect: hash(type(dialect))  # type: ignore[method-assign, assignment]
DefaultDialect.__eq__ = lambda dialect, other: type(dialect) is type(other)  # type: ignore[method-assign]

NO_MAIL = "smtp://127.0.0.1:9"  # nobody listens there


@pytest.fixture
def clock() -> Iterator[TestClock]:
    """The clock of this process, standing at nine in the morning of 12 November 2026, UTC."""
    standing = TestClock()
    portico_clock.set_source(standing)
    yield standing
    portico_clock.set_source(None)


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation with everybody in it; each test gets a copy."""
    stage = Stage(tmp_path_factory.mktemp("pattern") / "instance", NO_MAIL)
    for company in (stage.acme, stage.bolt):
        stage.settle(company)
    stage.close()
    return stage.folder


@pytest.fixture
def raise_curtain(
    tmp_path: Path, pattern: Path, smtp_server: Inbox, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Stage]]:
    """Make stages: ``raise_curtain("postgres", **settings)``."""
    with ExitStack() as ends:

        def make(backend: str = "sqlite", **settings: str) -> Stage:
            number = len(list(tmp_path.glob("instance*")))
            folder = tmp_path / f"instance{number}"
            databases: dict[str, tuple[str, Callable[[], object]]] = {}
            if backend == "postgres":
                databases = request.getfixturevalue("postgres_tenants")
                for _, as_it_was in databases.values():
                    as_it_was()
            stage = Stage(folder, smtp_server.url, pattern, **settings)
            stage.inbox = smtp_server
            ends.callback(stage.close)
            for slug, (url, _) in databases.items():
                stage.move(getattr(stage, slug), url)
            return stage

        yield make


@pytest.fixture(scope="session")
def postgres_tenants(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[str, Callable[[], object]]]]:
    """A database for each tenant, with everybody in it, and how to make it as it was."""
    with ExitStack() as ends:
        databases = {}
        for slug in ("acme", "bolt"):
            url = ends.enter_context(postgres.database())
            stage = Stage(tmp_path_factory.mktemp(slug) / "instance", NO_MAIL)
            stage.settle(getattr(stage, slug), url)
            stage.close()
            databases[slug] = url, ends.enter_context(_kept(url))
        yield databases


@contextmanager
def _kept(url: str) -> Iterator[Callable[[], object]]:
    """Keep a copy of all tables; the call fills them again from it.

    A function of the database does, over one connection that stays: what it asks is planned once.
    That takes a hundredth of the time in which a database is made.
    """
    steps = [f"DELETE FROM public.{table.name}" for table in reversed(db.metadata.sorted_tables)]
    engine = make_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CREATE SCHEMA kept")
        for table in db.metadata.sorted_tables:
            name = table.name
            connection.exec_driver_sql(f"CREATE TABLE kept.{name} AS TABLE public.{name}")
            steps.append(f"INSERT INTO public.{name} SELECT * FROM kept.{name}")
            column = table.autoincrement_column
            sequence = column is not None and connection.scalar(
                sa.select(sa.func.pg_get_serial_sequence(name, column.name))
            )
            if column is not None and sequence:
                newest = f"(SELECT max({column.name}) FROM kept.{name})"
                steps.append(
                    f"PERFORM setval('{sequence}', coalesce({newest}, 1), {newest} IS NOT NULL)"
                )
        connection.exec_driver_sql(
            "CREATE FUNCTION kept.fill_again() RETURNS void LANGUAGE plpgsql "
            f"AS $$ BEGIN {'; '.join(steps)}; END $$"
        )
        yield lambda: connection.exec_driver_sql("SELECT kept.fill_again()")
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def backend(request: pytest.FixtureRequest) -> str:
    """A test that asks for it runs on both databases."""
    name: str = request.param
    return name


@pytest.fixture
def stage(raise_curtain: Callable[..., Stage], clock: TestClock) -> Stage:
    """An installation on SQLite, with the standing clock."""
    return raise_curtain()


@pytest.fixture
def both(raise_curtain: Callable[..., Stage], clock: TestClock, backend: str) -> Stage:
    """The same, once on each database."""
    return raise_curtain(backend)


@pytest.fixture
def live(raise_curtain: Callable[..., Stage]) -> Stage:
    """An installation whose time passes, for processes of their own."""
    return raise_curtain()


@pytest.fixture
def acme(stage: Stage) -> Company:
    return stage.acme


@pytest.fixture
def bolt(stage: Stage) -> Company:
    return stage.bolt
