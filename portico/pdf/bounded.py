"""Rendering in a process of its own, with a limit on everything it may take.

Rendering is pure Python and starves the threads beside it, and its input comes from outside. So
the worker, and a request that finds no cached file, hand it to a child that is given so much
processor time, memory and patience, and no more. To load what rendering needs takes ten times as
long as to render a page, so a press (``python -m portico.pdf``) has it loaded, and forks.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from portico.pdf.letterhead import Letterhead
from portico.pdf.pictures import first_page
from portico.pdf.receipts import Receipt
from portico.pdf.render import DEFAULT_DESIGN, PdfFailed, document_pdf, receipt_pdf
from portico.records.content import DocumentContent

_ROOT = Path(__file__).parents[2]

MESSAGE = 64  # bytes that go with each order
LENGTH = 8  # bytes in front of a PDF that say how long it is
IDLE = 600  # seconds without an order after which a press leaves

# Renderings at a time in one process, so that a burst of clicks does not take the machine.
_SLOTS = threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one rendering may take: processor seconds, seconds on the clock, MiB of memory."""

    cpu: int = 45
    wall: float = 60.0
    memory: int = 1024

    def written(self) -> bytes:
        """As a message to the press, of :data:`MESSAGE` bytes."""
        return f"{self.cpu} {self.wall} {self.memory}".encode().ljust(MESSAGE)

    @classmethod
    def read(cls, message: bytes) -> Limits:
        """What :meth:`written` wrote."""
        cpu, wall, memory = message.split()
        return cls(int(cpu), float(wall), int(memory))


class Order(BaseModel):
    """What to print: the document, or, where *receipt* is given, the receipt with it. With a
    *picture_width* in pixels, its first page as a PNG."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    content: DocumentContent
    letterhead: Letterhead
    design: str = DEFAULT_DESIGN
    state_note: str | None = None
    receipt: Receipt | None = None
    picture_width: int | None = None

    def render(self) -> bytes:
        """The PDF or the PNG, made in this process. Raises PdfFailed."""
        pdf = self._pdf()
        return first_page(pdf, self.picture_width) if self.picture_width else pdf

    def _pdf(self) -> bytes:
        if self.receipt:
            return receipt_pdf(self.receipt, self.content, self.letterhead)
        return document_pdf(
            self.content, self.letterhead, design=self.design, state_note=self.state_note
        )


class NoPress(PdfFailed):
    """There was no press, or no place at it, which says nothing of the order."""


def render_in_subprocess(order: Order, limits: Limits | None = None) -> bytes:
    """The PDF of *order*, made by a child within *limits* (spec L5).

    Raises PdfFailed where it takes more than that or fails; NoPress where it finds no free place in
    time, or where the press was ended twice meanwhile.
    """
    limits = limits or Limits()
    if not _SLOTS.acquire(timeout=limits.wall):
        raise NoPress("other renderings took all the time there was")
    try:
        try:
            return _run(order, limits)
        except NoPress:
            return _run(order, limits)  # by a press that is started anew
    finally:
        _SLOTS.release()


def _run(order: Order, limits: Limits) -> bytes:
    deadline = time.monotonic() + limits.wall
    try:
        with _PRESS.connection(limits) as child:
            child.settimeout(limits.wall)
            child.sendall(order.model_dump_json().encode())
            child.shutdown(socket.SHUT_WR)
            answer = read_all(child, deadline)
    except TimeoutError:
        raise PdfFailed(f"not done after {limits.wall:g} seconds") from None
    except OSError as problem:
        _PRESS.ended()  # where it is just ending, nobody should go to it again
        raise NoPress(f"the renderer could not be used: {problem}") from None
    pdf = answer[LENGTH:]
    if pdf and int.from_bytes(answer[:LENGTH]) == len(pdf):
        return pdf
    if (status := _PRESS.ended()) is not None:
        raise NoPress(f"the renderer's press ended with {status}")
    raise PdfFailed("the renderer ended without a PDF")


def read_all(connection: socket.socket, deadline: float | None = None) -> bytes:
    """What comes until the other side ends. Raises TimeoutError, OSError."""
    parts: list[bytes] = []
    while True:
        if deadline is not None:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
        part = connection.recv(1 << 20)
        if not part:
            return b"".join(parts)
        parts.append(part)


class _Press:
    """The press of this process: started with the first order, and again when it has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None
        self._owner = 0
        self._used = 0.0

    def connection(self, limits: Limits) -> socket.socket:
        """To a child that takes one order. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            if not self._is_running():
                self._start()
            assert self._orders is not None
            socket.send_fds(self._orders, [limits.written()], [theirs.fileno()])
        return ours

    def ended(self) -> int | None:
        """What the press ended with, where it has: whoever ends an order by ending all there is
        gets to the press last."""
        with self._lock, suppress(subprocess.TimeoutExpired):
            return self._process.wait(0.2) if self._process else 0
        return None

    def _is_running(self) -> bool:
        if self._process is None or self._owner != os.getpid():
            return False
        idle, self._used = time.monotonic() - self._used, time.monotonic()
        return idle < IDLE / 2 and self._process.poll() is None  # later it may be about to leave

    def _start(self) -> None:
        if self._orders is not None and self._process is not None:
            self._orders.close()  # by which one that is there still learns that it may go
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "portico.pdf"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # it may quote the document, and logs are no place for that
                cwd=_ROOT,
                # None of this process's settings: the press needs no secrets to set type.
                env={"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PATH": os.defpath},
                start_new_session=True,  # Ctrl-C is for those who send orders; it goes with them
            )
        self._orders, self._owner, self._used = ours, os.getpid(), time.monotonic()


_PRESS = _Press()
