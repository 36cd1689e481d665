"""What every test may ask for: the stage with its cast, on both databases, and the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from app import create_app
from portico import clock as portico_clock
from portico import config
from portico.services import tenants
from tests.cast import KEY, Company, Stage, TestClock, close
from tests.servers import Inbox, Postgres


@pytest.fixture
def clock() -> Iterator[TestClock]:
    """The clock of this process, standing at nine in the morning of 12 November 2026, UTC."""
    standing = TestClock()
    portico_clock.set_source(standing)
    yield standing
    portico_clock.set_source(None)


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation that is set up and empty; each test gets a copy."""
    folder = tmp_path_factory.mktemp("pattern")
    app = create_app(config.load({"PORTICO_INSTANCE": str(folder), "PORTICO_SECRET_KEYS": KEY}))
    with app.app_context():
        tenants.create("pattern", "Pattern", "https://pattern.example")
    close(app)
    for file in folder.glob("control.db*"):
        file.unlink()
    for file in (folder / "tenants").glob("pattern.*"):
        file.unlink()
    return folder


@pytest.fixture
def raise_curtain(
    tmp_path: Path, pattern: Path, smtp_server: Inbox, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Stage]]:
    """Make stages: ``raise_curtain("postgres", **settings)``."""
    with ExitStack() as ends:

        def make(backend: str = "sqlite", **settings: str) -> Stage:
            urls: dict[str, str | None] = {"acme": None, "bolt": None}
            if backend == "postgres":
                server = request.getfixturevalue("postgres")
                urls = {slug: ends.enter_context(_database(server, tmp_path)) for slug in urls}
            number = len(list(tmp_path.glob("instance*")))
            stage = Stage(tmp_path / f"instance{number}", smtp_server, pattern, **settings)
            ends.callback(stage.close)
            stage.set(urls)
            return stage

        yield make


@contextmanager
def _database(server: Postgres, tmp_path: Path) -> Iterator[str]:
    def migrate(url: str) -> None:
        settings = {"PORTICO_INSTANCE": str(tmp_path / "migrating"), "PORTICO_SECRET_KEYS": KEY}
        app = create_app(config.load(settings))
        with app.app_context():
            tenants.create("pattern", "Pattern", "https://pattern.example", url=url)
        close(app)

    with server.database("tenant", migrate) as url:
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
