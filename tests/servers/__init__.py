"""Real servers for the tests: PostgreSQL, Redis, SMTP, an S3 store and Chromium.

Each starts when the first test asks for it, listens on 127.0.0.1 alone, on a free port, and is
stopped by the process id that was started. A machine that lacks one skips its tests by name;
``PORTICO_NOTHING_SKIPPED=1`` turns that into a failure (``tests/nothing_skipped.py``).

Fixtures: ``postgres_url`` (a fresh database), ``postgres`` (the server, for more than one
database or for copies of a migrated one), ``redis_url`` (an empty database), ``smtp_server``
(an inbox that can misbehave), ``s3_store`` (the setting that names a bucket), ``chromium``
(the browser), ``browser_page`` (a fresh page).

A server at hand is used as it is: ``PORTICO_TEST_POSTGRES`` (any PostgreSQL URL whose user may
create databases), ``PORTICO_TEST_REDIS`` (a URL whose database may be emptied) and
``PORTICO_TEST_CHROMIUM`` (a path).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import redis

from tests.servers.browser import chromium_browser
from tests.servers.postgresql import Postgres, postgres_server
from tests.servers.process import HOST, Missing, free_port
from tests.servers.smtp import Inbox, Received, smtp_inbox
from tests.servers.stores import new_bucket, redis_server, s3_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["HOST", "Inbox", "Postgres", "Received", "free_port", "redis_server", "smtp_inbox"]


@contextmanager
def _or_skip() -> Iterator[None]:
    try:
        yield
    except Missing as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The PostgreSQL server of this session."""
    with _or_skip(), postgres_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The SQLAlchemy URL of a database that is empty, and this test's own."""
    with postgres.database() as url:
        yield url


@pytest.fixture(scope="session")
def _redis() -> Iterator[str]:
    with _or_skip(), redis_server() as url:
        yield url


@pytest.fixture
def redis_url(_redis: str) -> str:
    """The URL of an empty Redis database."""
    with redis.Redis.from_url(_redis) as client:
        client.flushdb()
    return _redis


@pytest.fixture(scope="session")
def _smtp() -> Iterator[Inbox]:
    with smtp_inbox() as inbox:
        yield inbox


@pytest.fixture
def smtp_server(_smtp: Inbox) -> Iterator[Inbox]:
    """An SMTP server that behaves, with nothing in it."""
    _smtp.behave()
    _smtp.messages.clear()
    yield _smtp
    _smtp.behave()


@pytest.fixture(scope="session")
def _s3() -> Iterator[str]:
    with _or_skip(), s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def s3_store(_s3: str) -> dict[str, str]:
    """The settings that keep files in an empty bucket."""
    return {
        "PORTICO_FILES_URL": f"s3://{new_bucket(_s3)}/kept?endpoint={_s3}",
        "PORTICO_S3_ACCESS_KEY": "tests",
        "PORTICO_S3_SECRET_KEY": "tests",
    }


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser of this session."""
    with _or_skip(), chromium_browser() as browser:
        yield browser


@pytest.fixture
def browser_page(chromium: Browser) -> Iterator[Page]:
    """A page in a context of its own: no cookies, no storage, no cache."""
    context = chromium.new_context()
    context.set_default_timeout(10_000)
    try:
        yield context.new_page()
    finally:
        context.close()
