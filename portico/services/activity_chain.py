"""The chain of the activity log, and the proof that it is whole (spec C6).

Each row's hash covers the one before, what happened, and a digest of address, user agent and device,
salted so that they can be erased. The end is sealed with a key of this installation: who can write
to the database, and has no key, can change no row unseen. Whoever puts back the whole database as
it once was can; only a copy elsewhere tells.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from portico import clock, tokens
from portico.db import db
from portico.records.activity import AccessLog, Activity, ActivityChain
from portico.records.link import PortalLink

PERSONAL = ("ip", "user_agent", "device_type", "browser", "platform")
_FACTS = (
    "id", "event_id", "type", "actor_kind", "actor", "organization_id", "customer_id",
    "contact_id", "document_id", "link_id", "session_id", "details", "label", "label_reason",
)  # fmt: skip
# Read as columns: records would cost as much again as all the hashing.
_CHAINED = tuple(
    getattr(AccessLog, name)
    for name in (*_FACTS, "occurred_at", "salt", *PERSONAL, "personal_sha256", "chain_sha256")
)
_START = bytes(32)
_RANGES = 50  # that one row tells of
_RUN = re.compile(r"(\d{1,19})-(\d{1,19})", re.ASCII)
# A link is made with a row of the log, in one transaction, which takes no longer than this.
_ONE_TRANSACTION = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What :func:`verify` found; ``problem`` is None where the chain is whole."""

    rows: int  # how many were looked at
    problem: str | None
    length: int = 0  # how many there are


def verify(newest: int | None = None) -> Verdict:
    """Walk the tenant's chain: finds a changed, deleted, reordered, slipped-in or cut row, and what
    was erased without a word.

    *newest*: only so many, from the end back; what is older is then taken on trust.
    """
    _read_one_moment()
    end = db.session.get(ActivityChain, 1, populate_existing=True)
    if end is None:
        return Verdict(0, "its end is missing")
    skipped = 0 if newest is None else max(0, end.length - newest)
    walk = _Walk(skipped)
    try:
        problem = walk.to_the_end() or _wrong_with_end(end, skipped + walk.count, walk.head)
    except ValueError:  # no time, or no details, as the log writes them
        problem = f"what comes after row {skipped + walk.count} cannot be read"
    return Verdict(walk.count, problem, end.length)


class _Walk:
    """From a row to the end, each held against the one before."""

    def __init__(self, skipped: int) -> None:
        self.count = 0
        self.head = _START
        self._skipped = skipped
        if skipped:
            begin = sa.select(AccessLog.chain_sha256).where(AccessLog.id == skipped)
            self.head = db.session.execute(begin).scalar() or _START

    def to_the_end(self) -> str | None:
        """What is wrong first, or None. Raises ValueError where a row cannot be read."""
        erasures = _Erasures()
        for row in db.session.execute(
            sa.select(*_CHAINED)
            .where(sa.or_(AccessLog.id > self._skipped, AccessLog.id < 1))
            .order_by(AccessLog.id)
            .execution_options(yield_per=1000)
        ):
            self.head = link(self.head, row)
            problem = _wrong_with(row, self._skipped + self.count + 1, self.head)
            if problem:
                return problem
            self.count += 1
            erasures.meet(row)
        return erasures.untold()


def _wrong_with(row: Any, place: int, chained: bytes) -> str | None:
    if row.id != place:
        return f"row {place} is missing" if row.id > place else f"row {row.id} is not of the log"
    if not _is_personal_whole(row):
        return f"row {row.id}: address, user agent or device was changed"
    return None if chained == row.chain_sha256 else f"row {row.id} was changed or moved"


def _is_personal_whole(row: Any) -> bool:
    if row.salt is None:
        return all(getattr(row, name) is None for name in PERSONAL)
    # Rows of before covered address and user agent alone.
    return row.personal_sha256 in {personal(row), personal(row, PERSONAL[:2])}


def _wrong_with_end(end: ActivityChain, count: int, head: bytes) -> str | None:
    """Whether the log ends where it is sealed; None if so."""
    if end.length != count or end.chain_sha256 != head:
        return f"the log should have {end.length} rows and has {count}"
    if end.length == 0:
        # A log that was never begun has no seal yet; but no link is issued without a row in it.
        issued = db.session.execute(sa.select(PortalLink.id).limit(1)).first()
        return "it is empty, but links were issued" if issued else None
    if not tokens.seal_holds("activity", _head(end.length, head), end.seal):
        return "the end of the log is not sealed by this installation"
    return None


def _read_one_moment() -> None:
    """See rows and end as they stood together, though the log grows. SQLite reads so anyway."""
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.rollback()
        db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


# --- the links of the chain -------------------------------------------------------------------


def link(previous: bytes, row: Any) -> bytes:
    """The hash of a row, as a mapping or a record, behind the one before it."""
    facts = hashlib.sha256(_facts(row)).digest()
    return hashlib.sha256(previous + facts + _of(row, "personal_sha256")).digest()


def personal(row: Any, names: Iterable[str] = PERSONAL) -> bytes:
    """The salted digest of what can be erased."""
    values = json.dumps([_of(row, name) for name in names]).encode()
    return hashlib.sha256(_of(row, "salt") + values).digest()


def _facts(row: Any) -> bytes:
    values = [_of(row, name) for name in _FACTS]
    values.append(_of(row, "occurred_at").isoformat())
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _of(row: Any, name: str) -> Any:
    return row[name] if isinstance(row, dict) else getattr(row, name)


# --- its end ----------------------------------------------------------------------------------


def seal_of(length: int, digest: bytes) -> bytes:
    """What the end of a log of so many rows is sealed with."""
    return tokens.seal("activity", _head(length, digest))


def is_sealed(length: int, digest: bytes, seal: bytes) -> bool:
    """Whether the end that was found is as this installation left it, so that it may go on. A log
    that was never begun has no seal; one that was emptied is told by the links it knew."""
    if tokens.seal_holds("activity", _head(length, digest), seal):
        return True
    if length or digest != _START:
        return False
    before = clock.now() - _ONE_TRANSACTION
    issued = sa.select(PortalLink.id).where(PortalLink.created_at < before).limit(1)
    return db.session.execute(issued).first() is None


def _head(length: int, digest: bytes) -> bytes:
    return str(length).encode() + b"|" + digest


# --- what was erased --------------------------------------------------------------------------


def as_told(erased: list[int]) -> Iterator[dict[str, Any]]:
    """What the log says of rows whose personal part was erased: how many, and which."""
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(erased), key=lambda pair: pair[1] - pair[0])
    ]
    for start in range(0, len(runs), _RANGES):
        some = runs[start : start + _RANGES]
        told = ", ".join(f"{run[0]}-{run[-1]}" for run in some)
        yield {"rows": sum(map(len, some)), "which": told}


class _Erasures:
    """The rows that were found erased, and those of which the log tells so."""

    def __init__(self) -> None:
        self._erased: list[int] = []
        self._told: list[tuple[int, int]] = []  # first and last

    def meet(self, row: Any) -> None:
        if row.salt is None:
            self._erased.append(row.id)
        if row.type == Activity.ERASE_ACTIVITY:
            # Rows of before told how many alone.
            which = row.details.get("which", f"1-{row.id}")
            self._told += [(int(first), int(last)) for first, last in _RUN.findall(which)]

    def untold(self) -> str | None:
        """The first that was erased without a word; None if there is none."""
        told = sorted(self._told, reverse=True)
        end = 0  # of what is told from here on
        for number in self._erased:
            while told and told[-1][0] <= number:
                end = max(end, told.pop()[1])
            if number > end:
                return f"row {number}: its address and device are gone without a word"
        return None
