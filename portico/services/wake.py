"""Wake-ups for the worker. Losing one is harmless: a sweep finds what is due."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import current_app

log = logging.getLogger(__name__)

Waker = Callable[[str, int], None]


def mail(tenant: str, mail_id: int) -> None:
    """Tell the worker, by way of its queue, that a message waits."""
    waker: Waker | None = current_app.extensions.get("portico.waker")
    if waker is None:
        return
    try:
        waker(tenant, mail_id)
    except OSError as problem:
        log.warning("the queue could not be reached (%s); the sweep will find the mail", problem)


def sweep() -> None:
    """Tell the worker that so much waits that it had better look for itself, now."""
    sweeper: Callable[[], None] | None = current_app.extensions.get("portico.sweep_soon")
    if sweeper is not None:
        sweeper()
