"""The transactional outbox: a change and the mail about it are one transaction.

A row names a kind of message and what it is about. The worker claims it by a conditional
update, renders it, sends it, writes down how it went, backs off, and gives up visibly. A crash
may send a mail twice (same link, same Message-ID), never lose one.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import socket
from collections.abc import Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from portico import clock
from portico.config import settings
from portico.db import after_commit, current_tenant, db, unit_of_work
from portico.records.account import PortalAccount
from portico.records.activity import Activity, ActorKind
from portico.records.link import PortalLink
from portico.records.mail import Mail, MailKind, MailState
from portico.records.staff import StaffMember
from portico.refusals import Conflict
from portico.services import activity, wake
from portico.services.activity import Entry

# After the first try at once: minutes until the next. About a day in all, then it has failed.
BACKOFF_MINUTES = (1, 5, 15, 60, 180, 360, 720)
# Of many messages at once the first wake the worker; a sweep finds the others.
_WAKES = 20
# What staff send again carries a new way in; who asked for a reset asks again.
_WITH_FRESH_TOKEN = {MailKind.ACCOUNT_SETUP, MailKind.STAFF_INVITATION, MailKind.STAFF_RESET}
_TOKENS = {"token", "staff_token"}


def post(
    kind: MailKind,
    *,
    organization_id: int,
    customer_id: int | None = None,
    document_id: int | None = None,
    contact_id: int | None = None,
    link_id: int | None = None,
    reference: dict[str, Any] | None = None,
) -> Mail:
    """Put a message into the outbox, in the running unit of work; the worker wakes on commit.

    *contact_id* None means the organization's own address.
    """
    domain = settings().mail_from.rpartition("@")[2]
    mail = Mail(
        kind=kind.value,
        organization_id=organization_id,
        customer_id=customer_id,
        document_id=document_id,
        contact_id=contact_id,
        link_id=link_id,
        reference=reference or {},
        message_id=f"<{secrets.token_hex(16)}@{domain}>",
        state=MailState.QUEUED.value,
        attempts=0,
        next_attempt_at=clock.now(),
        created_at=clock.now(),
    )
    db.session.add(mail)
    db.session.flush()
    tenant, mail_id = current_tenant().slug, mail.id
    after_commit(lambda: wake.mail(tenant, mail_id))
    return mail


def post_to_many(kind: MailKind, messages: Sequence[dict[str, Any]]) -> list[int]:
    """Put many messages of one kind into the outbox, in the running unit of work, in one statement.

    Each says what :func:`post` takes: at least ``organization_id``, and the same columns in each.
    Returns their ids, in the order given.
    """
    if not messages:
        return []
    now, domain = clock.now(), settings().mail_from.rpartition("@")[2]
    rows = [
        {
            "kind": kind.value,
            "message_id": f"<{secrets.token_hex(16)}@{domain}>",
            "state": MailState.QUEUED.value,
            "attempts": 0,
            "next_attempt_at": now,
            "created_at": now,
            **message,
        }
        for message in messages
    ]
    # Ordered here: asked to keep the order, SQLAlchemy would send them to SQLite one by one.
    insert = sa.insert(Mail).returning(Mail.message_id, Mail.id)
    by_message = {row.message_id: row.id for row in db.session.execute(insert, rows)}
    ids = [by_message[row["message_id"]] for row in rows]
    tenant = current_tenant().slug
    for mail_id in ids[:_WAKES]:
        after_commit(partial(wake.mail, tenant, mail_id))
    if len(ids) > _WAKES:
        after_commit(wake.sweep)
    return ids


def claim(mail_id: int) -> bool:
    """Take a message for sending; False where another worker has it or it is done or not due.

    A claim whose process is gone, or that is older than the lease, is taken over.
    """
    now = clock.now()
    with unit_of_work():
        mail = db.session.get(Mail, mail_id)
        if mail is None:
            return False
        held_by = mail.claimed_by
        free = sa.and_(Mail.state == MailState.QUEUED, Mail.next_attempt_at <= now)
        stale = Mail.claimed_at < now - dt.timedelta(seconds=settings().mail_lease)
        if held_by and _is_dead(held_by):
            stale = Mail.claimed_by == held_by
        result = db.session.execute(
            sa.update(Mail)
            .where(
                Mail.id == mail_id, sa.or_(free, sa.and_(Mail.state == MailState.SENDING, stale))
            )
            .values(
                state=MailState.SENDING.value,
                claimed_at=now,
                claimed_by=_me(),
                attempts=Mail.attempts + 1,
            )
            .execution_options(synchronize_session=False)
        )
        won = int(getattr(result, "rowcount", 0)) == 1
        db.session.expire(mail)
    return won


def due(limit: int = 500) -> list[int]:
    """Messages that wait, and claims that might be dead; oldest first."""
    now = clock.now()
    rows = db.session.execute(
        sa.select(Mail.id, Mail.state, Mail.claimed_by, Mail.claimed_at)
        .where(
            sa.or_(
                sa.and_(Mail.state == MailState.QUEUED, Mail.next_attempt_at <= now),
                Mail.state == MailState.SENDING,
            )
        )
        .order_by(Mail.next_attempt_at, Mail.id)
        .limit(limit)
    ).all()
    lease = now - dt.timedelta(seconds=settings().mail_lease)
    return [
        row.id
        for row in rows
        if row.state == MailState.QUEUED or row.claimed_at < lease or _is_dead(row.claimed_by or "")
    ]


def resend(mail_id: int, *, by: str) -> None:
    """Queue a failed or skipped message again, from the first attempt (spec C8).

    Of two who ask at once one wins. A way to set a password is made anew, since the old one may
    have run out. Raises Conflict, also where the link in it was taken back, or whom it invites has a
    password by now.
    """
    with unit_of_work():
        _require_of_use(db.session.get(Mail, mail_id))
        again = (
            sa.update(Mail)
            .where(Mail.id == mail_id, Mail.state.in_([MailState.FAILED, MailState.SKIPPED]))
            .values(
                state=MailState.QUEUED.value, attempts=0, next_attempt_at=clock.now(), error=None
            )
            .execution_options(synchronize_session=False)
        )
        if int(getattr(db.session.execute(again), "rowcount", 0)) != 1:
            raise Conflict("This message is on its way or has arrived.")
        mail = db.session.get_one(Mail, mail_id, populate_existing=True)
        if mail.kind in _WITH_FRESH_TOKEN:
            kept = {name: mail.reference[name] for name in mail.reference.keys() - _TOKENS}
            mail.reference = kept
        activity.record(
            Entry(
                Activity.RESEND_MAIL,
                ActorKind.STAFF,
                actor=by,
                organization_id=mail.organization_id,
                customer_id=mail.customer_id,
                contact_id=mail.contact_id,
                document_id=mail.document_id,
                link_id=mail.link_id,
                details={"mail": mail.kind, "number": mail.id},
            )
        )
        tenant = current_tenant().slug
        after_commit(lambda: wake.mail(tenant, mail_id))


def is_set_up_since(mail: Mail) -> bool:
    """Whether whom an invitation is for chose a password after it was asked for."""
    if mail.kind == MailKind.ACCOUNT_SETUP:
        theirs = PortalAccount.contact_id == mail.contact_id
        chosen = db.session.scalar(sa.select(PortalAccount.set_up_at).where(theirs))
    elif mail.kind == MailKind.STAFF_INVITATION:
        them = StaffMember.id == mail.reference["staff"]
        chosen = db.session.scalar(sa.select(StaffMember.set_up_at).where(them))
    else:
        return False
    return chosen is not None and chosen > mail.created_at


def _require_of_use(mail: Mail | None) -> None:
    """Raises Conflict where a message would lead nowhere, and so would never go out."""
    if mail is not None and is_set_up_since(mail):
        raise Conflict(
            "They have chosen a password already. The sign-in page mails a new one to who asks."
        )
    link = db.session.get(PortalLink, mail.link_id) if mail and mail.link_id else None
    if link is not None and (link.revoked_at or link.ended_at):
        raise Conflict(
            "The link in it was revoked or ended. Send the document anew; that makes a fresh link."
        )


def _me() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def _is_dead(owner: str) -> bool:
    """Whether a claim's process ran on this machine and is gone (or its number was given anew)."""
    host, _, rest = owner.rpartition(":")[0].rpartition(":")
    started = owner.rpartition(":")[2]
    if host != socket.gethostname() or not rest.isdigit():
        return False
    return _started(int(rest)) != started


def _started(pid: int) -> str:
    """When a process began, in the kernel's ticks; empty where there is none or no /proc."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "running"
    return "running"
