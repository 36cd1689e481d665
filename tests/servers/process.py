"""A server process of the tests: started, waited for, ended with the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
                env={**plain_environment(), "HOW_TO_STOP": stop_with},
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


def plain_environment() -> dict[str, str]:
    """What a server needs to know of ours: no PG… or REDIS… setting of the developer's."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8",
        "TZ": "UTC",
    }


def accepts(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


@contextmanager
def folder_of_its_own(prefix: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
