"""The queue: wake-ups for mail, and a sweep that finds what was missed.

Huey on a SQLite file by default, on Redis by setting. A task carries its tenant and an id;
everything else is read from the tenant's database when it runs.
"""

from __future__ import annotations

import datetime as dt
import logging
import signal
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app
from huey import Huey, RedisHuey, SqliteHuey, crontab
from huey.consumer import Consumer
from redis.exceptions import RedisError
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from portico import clock
from portico.config import Config
from portico.records.mail import MailState
from portico.refusals import Refusal
from portico.services import activity, delivery, outbox, reminders
from portico.services.tenants import directory, tenant_scope

log = logging.getLogger(__name__)
_PORTION = 100  # mails of one tenant, before it is the next one's turn


def init_queue(app: Flask, settings: Config) -> None:
    """Give *app* its queue, the tasks on it, and the waker that services use."""
    huey = _queue(settings)

    @huey.task(name="deliver")
    def deliver_task(tenant: str, mail_id: int) -> None:
        deliver(app, tenant, mail_id)

    @huey.periodic_task(crontab(minute="*"), name="sweep")
    def sweep_task() -> None:
        sweep(app)

    def wake(tenant: str, mail_id: int) -> None:
        try:
            deliver_task(tenant, mail_id)
        except (sqlite3.Error, RedisError) as problem:
            raise OSError(str(problem)) from problem

    app.extensions["portico.queue"] = huey
    app.extensions["portico.reminded"] = {}

    def sweep_soon() -> None:
        try:
            sweep_task()
        except (sqlite3.Error, RedisError) as problem:
            log.warning(
                "the queue could not be reached (%s); the next sweep is in a minute", problem
            )

    app.extensions["portico.waker"] = wake
    app.extensions["portico.sweep_soon"] = sweep_soon


def deliver(app: Flask, tenant: str, mail_id: int) -> MailState | None:
    """Send one message, then make the PDF that its reader may ask for next."""
    with tenant_scope(app, tenant):
        state = delivery.deliver(mail_id)
        if state is MailState.SENT:
            try:
                delivery.make_pdfs(mail_id)
            except (Refusal, SQLAlchemyError, OSError, ValueError) as problem:
                log.warning("the PDF was not made ahead (%s); the first click makes it", problem)
        return state


def sweep(app: Flask) -> int:
    """Remind, deliver what is due, bring in orphaned activity, in every tenant; returns mails tried."""
    with app.app_context():
        directory().forget()
        tenants = [tenant.slug for tenant in directory().all()]
        try:
            activity.adopt_orphans()
        except (SQLAlchemyError, OSError) as problem:
            log.error("stray activity stays where it is until the next sweep: %s", problem)
    for tenant in tenants:
        try:
            remind(app, tenant)
        except (SQLAlchemyError, Refusal) as problem:
            log.error("tenant %s was not reminded in this sweep: %s", tenant, problem)
    done: set[tuple[str, int]] = set()
    while tenants:
        tenants = [tenant for tenant in tenants if _deliver_some(app, tenant, done)]
    return len(done)


def _deliver_some(app: Flask, tenant: str, done: set[tuple[str, int]]) -> bool:
    """A portion of what is due in a tenant, so that thousands of one hold up no other; whether
    there may be more."""
    try:
        with tenant_scope(app, tenant):
            waiting = [one for one in outbox.due(_PORTION) if (tenant, one) not in done]
        for mail_id in waiting:
            done.add((tenant, mail_id))
            _deliver_one(app, tenant, mail_id)
    except (SQLAlchemyError, Refusal) as problem:
        log.error("tenant %s was passed over in this sweep: %s", tenant, problem)
        return False
    return bool(waiting)


def _deliver_one(app: Flask, tenant: str, mail_id: int) -> None:
    try:
        deliver(app, tenant, mail_id)
    except (DataError, IntegrityError) as problem:  # its own trouble, and none of the others
        log.error(
            "mail %s of tenant %s was passed over in this sweep: %s", mail_id, tenant, problem
        )


def remind(app: Flask, tenant: str) -> None:
    """Remind a tenant's customers of deadlines: once an hour, or on until nothing is left to do.

    Each process looks by itself; who comes second finds that it was done (spec W9).
    """
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    done: dict[str, dt.datetime] = app.extensions["portico.reminded"]
    if done.get(tenant) == hour:
        return
    with tenant_scope(app, tenant):
        if reminders.remind():
            done[tenant] = hour


class GracefulConsumer(Consumer):
    """Finishes what it is at on SIGTERM, as service managers expect."""

    def _set_signal_handlers(self) -> None:
        super()._set_signal_handlers()
        handler = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGTERM, lambda _signum, frame: handler(signal.SIGINT, frame))  # type: ignore[operator,misc]


def run(threads: int = 2) -> None:
    """Work until told to stop. Begins with a sweep, so that a restart loses no time."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    huey: Huey = app.extensions["portico.queue"]
    consumer = GracefulConsumer(
        huey, workers=threads, worker_type="thread", initial_delay=0.05, max_delay=1.0
    )
    # By way of the queue, so that a signal that comes meanwhile finds the consumer in charge.
    app.extensions["portico.sweep_soon"]()
    consumer.run()


def _queue(settings: Config) -> Huey:
    parts = urlsplit(settings.queue_url)
    common: dict[str, Any] = {"results": False, "store_none": False, "utc": True}
    if parts.scheme in {"redis", "rediss", "unix"}:
        return RedisHuey("portico", url=settings.queue_url, **common)
    file = Path(settings.queue_url.removeprefix("sqlite:///"))
    file.parent.mkdir(parents=True, exist_ok=True)
    return SqliteHuey("portico", filename=str(file), **common)
