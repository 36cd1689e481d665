"""Rendering in a process of its own, with a limit on everything it may take.

Rendering is pure Python and starves the threads beside it, and its input comes from outside. So
the worker, and a request that finds no cached file, hand it to a child that is given so much
processor time, memory and patience, and no more.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from portico.pdf.letterhead import Letterhead
from portico.pdf.receipts import Receipt
from portico.pdf.render import DEFAULT_DESIGN, PdfFailed, document_pdf, receipt_pdf
from portico.records.content import DocumentContent

_ROOT = Path(__file__).parents[2]

# Renderings at a time in one process, so that a burst of clicks does not take the machine.
_SLOTS = threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one rendering may take: processor seconds, seconds on the clock, MiB of memory."""

    cpu: int = 45
    wall: float = 60.0
    memory: int = 1024


class Order(BaseModel):
    """What to print: the document, or, where *receipt* is given, the receipt with it."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    content: DocumentContent
    letterhead: Letterhead
    design: str = DEFAULT_DESIGN
    state_note: str | None = None
    receipt: Receipt | None = None

    def render(self) -> bytes:
        """The PDF, made in this process. Raises PdfFailed."""
        if self.receipt:
            return receipt_pdf(self.receipt, self.content, self.letterhead)
        return document_pdf(
            self.content, self.letterhead, design=self.design, state_note=self.state_note
        )


def render_in_subprocess(order: Order, limits: Limits | None = None) -> bytes:
    """The PDF of *order*, made by a child within *limits* (spec L5).

    Raises PdfFailed where it takes more than that, fails, or finds no free place in time.
    """
    limits = limits or Limits()
    if not _SLOTS.acquire(timeout=limits.wall):
        raise PdfFailed("other renderings took all the time there was")
    try:
        return _run(order, limits)
    finally:
        _SLOTS.release()


def _run(order: Order, limits: Limits) -> bytes:
    command = [sys.executable, "-m", "portico.pdf", str(limits.cpu), str(limits.memory)]
    # None of this process's settings: the child needs no secrets to set type.
    environment = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PATH": os.defpath}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it may quote the document, and logs are no place for that
        cwd=_ROOT,
        env=environment,
    ) as child:
        try:
            pdf, _ = child.communicate(order.model_dump_json().encode(), timeout=limits.wall)
        except subprocess.TimeoutExpired:
            child.kill()
            raise PdfFailed(f"not done after {limits.wall:g} seconds") from None
    if child.returncode or not pdf.startswith(b"%PDF-"):
        raise PdfFailed(f"the renderer ended with {child.returncode}")
    return pdf
