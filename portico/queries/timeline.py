"""What happened to a document, in lines people read."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from portico.db import db
from portico.records.activity import AccessLog
from portico.records.mail import Mail


def of_document(document_id: int) -> Iterator[str]:
    """Activity and waiting mail of a document, oldest first; times are UTC."""
    rows = db.session.execute(
        sa.select(AccessLog)
        .where(AccessLog.document_id == document_id)
        .order_by(AccessLog.occurred_at, AccessLog.id)
    ).scalars()
    for row in rows:
        yield _line(row)
    waiting = db.session.execute(
        sa.select(Mail)
        .where(
            Mail.document_id == document_id,
            Mail.state.in_(["queued", "sending", "failed", "skipped"]),
        )
        .order_by(Mail.id)
    ).scalars()
    for mail in waiting:
        reason = f": {mail.error}" if mail.error else ""
        yield f"{_time(mail.created_at)}  mail {mail.kind} {mail.state}{reason}"


def _line(row: AccessLog) -> str:
    who = row.actor or row.actor_kind
    parts = [_time(row.occurred_at), f"{row.type:18}", who]
    if row.actor_kind == "customer":
        parts.append(f"[{row.label}: {row.label_reason}]")
        if row.ip:
            parts.append(f"from {row.ip}")
        if row.browser:
            parts.append(f"{row.browser} on {row.platform or 'unknown'} ({row.device_type})")
    details = ", ".join(f"{name}={value}" for name, value in sorted(row.details.items()))
    if details:
        parts.append(f"({details})")
    return "  ".join(parts)


def _time(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
