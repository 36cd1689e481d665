"""Real server processes, and crowds that ask them all at once."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Barrier, local
from urllib.parse import urlencode, urlsplit

from tests.cast import Stage
from tests.client import FIREFOX
from tests.servers import HOST, free_port


def until(answer: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something to become true. It is looked for again and again: other processes tell
    nobody when they are ready, so the short sleep stands between two looks and proves nothing."""
    deadline = time.monotonic() + seconds
    while not answer():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def running(stage: Stage, processes: int = 1, threads: int = 16) -> Iterator[list[int]]:
    """Server processes of an installation, each on a port of its own."""
    ports = [free_port() for _ in range(processes)]
    with ExitStack() as ends:
        for port in ports:
            log = stage.folder.parent / f"server-{port}.log"
            process = stage.spawn(
                [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", HOST]
                + ["--port", str(port), "--workers", "1", "--blocking-threads", str(threads)]
                + ["--no-access-log", "--log-level", "warning", "wsgi:application"],
                log,
            )
            ends.callback(end, process)
            stage.servers[port] = process
        for port in ports:
            until(lambda port=port: _answers(port))  # type: ignore[misc]
        yield ports


@contextmanager
def working(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process."""
    process = stage.process("worker", log=stage.folder.parent / "worker.log")
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a process that was started here, patiently at first."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    """Whether there is a server by now: nothing is at this address, whoever it is asked of."""
    try:
        return ask(port, "GET", "http://nobody.example/nothing").status == 404
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    text: str


def ask(
    port: int,
    method: str,
    url: str,
    form: dict[str, str] | None = None,
    *,
    address: str = "203.0.113.7",
    connection: http.client.HTTPConnection | None = None,
    **headers: str,
) -> Reply:
    """One request to a server process, as a proxy would pass it on."""
    parts = urlsplit(url)
    own = connection or http.client.HTTPConnection(HOST, port, timeout=60)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {
        "Host": parts.netloc,
        "User-Agent": FIREFOX,
        "Accept-Language": "en",
        "Sec-Fetch-Mode": "navigate",
        "X-Forwarded-For": address,
        "X-Forwarded-Proto": parts.scheme,
        **given,
    }
    body = None
    if form is not None:
        body = urlencode(form)
        sent |= {
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
        }
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        own.request(method, path or "/", body, sent)
        answer = own.getresponse()
        return Reply(answer.status, answer.read().decode(errors="replace"))
    finally:
        if connection is None:
            own.close()


class Crowd:
    """So many people who ask in the same moment."""

    def __init__(self, ports: list[int], size: int = 32) -> None:
        self.ports = ports
        self.size = size
        self._pool = ThreadPoolExecutor(size)
        self._barrier = Barrier(size)
        self._own = local()

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def post(self, urls: list[str], forms: list[dict[str, str]]) -> list[Reply]:
        """One post from each, released together, to the servers in turn."""
        waiting = [
            self._pool.submit(self._post, number, url, form)
            for number, (url, form) in enumerate(zip(urls, forms, strict=True))
        ]
        return [one.result(60) for one in waiting]

    def _post(self, number: int, url: str, form: dict[str, str]) -> Reply:
        port = self.ports[number % len(self.ports)]
        connections = self._own.__dict__.setdefault("connections", {})
        if port not in connections:
            connections[port] = http.client.HTTPConnection(HOST, port, timeout=60)
        connection = connections[port]
        connection.connect() if connection.sock is None else None
        self._barrier.wait(60)
        address = f"10.{number}.{id(form) % 256}.{number}"
        return ask(port, "POST", url, form, address=address, connection=connection)
