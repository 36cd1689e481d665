"""A second click: the very same again from the same person, within a minute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import sqlalchemy as sa

from portico import clock
from portico.db import db

Record = TypeVar("Record")


def newest(
    record: type[Record], *where: sa.ColumnElement[bool], says: Mapping[str, object]
) -> Record | None:
    """The newest record there, where it was made just now and *says* the very same. Whoever asks
    holds what these records lie in."""
    table: Any = record
    found = sa.select(table).where(*where).order_by(table.id.desc()).limit(1)
    last = db.session.scalars(found.execution_options(populate_existing=True)).first()
    if last is None or not clock.is_just_now(last.created_at):
        return None
    return last if is_said_by(last, says) else None


def is_said_by(record: object, says: Mapping[str, object]) -> bool:
    """Whether a record has all of these values."""
    return all(getattr(record, name) == value for name, value in says.items())
