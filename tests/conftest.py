"""What every test may ask for: the stage with its cast, on both databases, and the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from portico import clock as portico_clock
from tests.cast import Company, Stage, TestClock
from tests.servers import Inbox, Postgres

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
            databases = {}
            if backend == "postgres":
                server = request.getfixturevalue("postgres")
                for slug in ("acme", "bolt"):
                    databases[slug] = ends.enter_context(_database(server, slug, tmp_path))
            stage = Stage(folder, smtp_server.url, pattern, **settings)
            stage.inbox = smtp_server
            ends.callback(stage.close)
            for slug, url in databases.items():
                stage.move(getattr(stage, slug), url)
            return stage

        yield make


@contextmanager
def _database(server: Postgres, slug: str, tmp_path: Path) -> Iterator[str]:
    def fill(url: str) -> None:
        stage = Stage(tmp_path / f"pattern-{slug}", NO_MAIL)
        stage.settle(getattr(stage, slug), url)
        stage.close()

    with server.database(slug, fill) as url:
        yield url


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
