"""Sign-ins of customers as rows, so that they can be ended at once (spec A6)."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from portico import clock
from portico.db import db, unit_of_work
from portico.records.account import PortalAccount, PortalSession
from portico.services.activity import Visitor


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was just opened: its row, and the secret that the cookie carries."""

    id: int
    secret: str


def open_for(account: PortalAccount, visitor: Visitor) -> Opened:
    """A new session of an account, in the running unit of work."""
    secret = secrets.token_urlsafe(32)
    now = clock.now()
    session = PortalSession(
        account_id=account.id,
        secret_sha256=digest(secret),
        created_at=now,
        last_seen_at=now,
        ip=visitor.ip,
        user_agent=browser_of(visitor),
    )
    db.session.add(session)
    account.last_sign_in_at = now
    db.session.flush()
    return Opened(session.id, secret)


def digest(secret: str) -> bytes:
    """What is kept of a session's secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def browser_of(visitor: Visitor) -> str | None:
    """What is kept of what a browser calls itself."""
    return visitor.user_agent[:1000] if visitor.user_agent else None


def seen(session_id: int) -> None:
    """The session was used just now; its idle time begins afresh. Where the database can write nothing
    at the moment, pages are read all the same, and the next request tries again."""
    with suppress(OperationalError), unit_of_work():
        db.session.execute(
            sa.update(PortalSession)
            .where(PortalSession.id == session_id, PortalSession.ended_at.is_(None))
            .values(last_seen_at=clock.now())
        )


def end(session_id: int, because: str) -> bool:
    """End one session, in the running unit of work; False where it had ended before."""
    return _end(PortalSession.id == session_id, because) == 1


def end_all(account_id: int, because: str, *, but: int | None = None) -> int:
    """End every session of an account, in the running unit of work; returns how many."""
    which = PortalSession.account_id == account_id
    return _end(which if but is None else sa.and_(which, PortalSession.id != but), because)


def _end(which: sa.ColumnElement[bool], because: str) -> int:
    result = db.session.execute(
        sa.update(PortalSession)
        .where(which, PortalSession.ended_at.is_(None))
        .values(ended_at=clock.now(), ended_because=because)
        .execution_options(synchronize_session=False)
    )
    return int(getattr(result, "rowcount", 0))
