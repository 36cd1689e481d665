"""Where an account is signed in just now (spec A11)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from portico import clock
from portico.db import reading
from portico.records.account import PortalSession
from portico.services import scanners
from portico.services.actors import SESSION_IDLE, SESSION_LONGEST, Actor

_MOST = 50
_table = PortalSession.__table__


@dataclass(frozen=True, slots=True)
class SignIn:
    """One place where somebody is signed in."""

    device: str  # "Firefox on Linux"
    type: str  # desktop, mobile or tablet
    address: str
    last_seen_at: dt.datetime
    is_here: bool


def of_account(actor: Actor) -> list[SignIn]:
    """The live sessions of the actor's account, this one first, then the last seen."""
    now = clock.now()
    asked = (
        sa.select(_table)
        .where(
            _table.c.account_id == actor.account_id,
            _table.c.ended_at.is_(None),
            _table.c.last_seen_at > now - SESSION_IDLE,
            _table.c.created_at > now - SESSION_LONGEST,
        )
        .order_by((_table.c.id == actor.session_id).desc(), _table.c.last_seen_at.desc())
        .limit(_MOST)
    )
    with reading() as connection:
        return [_sign_in(row, row.id == actor.session_id) for row in connection.execute(asked)]


def _sign_in(row: sa.Row[tuple[object, ...]], is_here: bool) -> SignIn:
    device = scanners.device_of(row.user_agent)
    known = [part for part in (device.browser, device.platform) if part and part != "Other"]
    return SignIn(
        device=" on ".join(known) or "An unknown browser",
        type=device.type or "",
        address=row.ip or "",
        last_seen_at=row.last_seen_at,
        is_here=is_here,
    )
