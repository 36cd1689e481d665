"""Throttles (spec L12): named buckets, counted by tenant and address, on one shared store.

One server counts in a small SQLite file, several in Redis. The numbers hold over all processes.
"""

from __future__ import annotations

import ipaddress
import sqlite3
from fcntl import LOCK_EX, LOCK_UN, flock
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from flask import request
from flask_limiter import Limiter
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import Storage

from portico import clock
from portico.db import current_tenant
from portico.refusals import TooMany


class SqliteStorage(Storage):
    """Fixed windows in one SQLite file, for all threads and processes of one machine.

    Writers queue on a file lock, which wakes them in turn; SQLite's own waiting sleeps in
    growing steps. Nothing is synced: after a power cut the windows simply start afresh.
    """

    STORAGE_SCHEME = ["sqlite-limits"]

    def __init__(self, uri: str, wrap_exceptions: bool = False, **_: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._path = Path(uri.partition("://")[2])
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._turn: Any = None
        self._writes = 0

    @property
    def base_exceptions(self) -> type[Exception]:
        return sqlite3.Error

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = int(clock.now().timestamp())
        return self._run(
            "INSERT INTO windows (key, hits, ends) VALUES (:key, :amount, :now + :expiry) "
            "ON CONFLICT (key) DO UPDATE SET "
            "hits = CASE WHEN ends <= :now THEN :amount ELSE hits + :amount END, "
            "ends = CASE WHEN ends <= :now THEN :now + :expiry ELSE ends END "
            "RETURNING hits",
            {"key": key, "amount": amount, "now": now, "expiry": int(expiry)},
        )

    def get(self, key: str) -> int:
        now = int(clock.now().timestamp())
        return self._run(
            "SELECT hits FROM windows WHERE key = :key AND ends > :now", {"key": key, "now": now}
        )

    def get_expiry(self, key: str) -> float:
        return self._run("SELECT ends FROM windows WHERE key = :key", {"key": key})

    def check(self) -> bool:
        self._run("SELECT 1", {})
        return True

    def reset(self) -> int | None:
        return self._run("DELETE FROM windows", {})

    def clear(self, key: str) -> None:
        self._run("DELETE FROM windows WHERE key = :key", {"key": key})

    def _run(self, statement: str, values: dict[str, Any]) -> int:
        with self._lock:
            connection = self._connection or self._connect()
            flock(self._turn, LOCK_EX)
            try:
                row = connection.execute(statement, values).fetchone()
                self._writes += 1
                if self._writes % 5000 == 0:
                    connection.execute(
                        "DELETE FROM windows WHERE ends <= ?", (int(clock.now().timestamp()),)
                    )
            finally:
                flock(self._turn, LOCK_UN)
        return int(row[0]) if row else 0

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._turn = self._path.with_suffix(".lock").open("a")
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, timeout=10
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS windows "
            "(key TEXT PRIMARY KEY, hits INTEGER NOT NULL, ends INTEGER NOT NULL) WITHOUT ROWID"
        )
        self._connection = connection
        return connection


def client_address() -> str:
    """The visitor's address. The proxies in front are counted by a setting, default none."""
    return request.remote_addr or "unknown"


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    """What one visitor is limited by: an IPv4 address, or the /64 an IPv6 visitor owns."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address


limiter = Limiter(key_func=client_address, strategy="fixed-window", headers_enabled=False)

_UNKNOWN = RateLimitItemPerMinute(30)
_PER_LINK = RateLimitItemPerMinute(120)
_PER_ADDRESS = RateLimitItemPerMinute(600)
_RECOVERY_PER_LINK = RateLimitItemPerHour(5)
_RECOVERY_PER_ADDRESS = RateLimitItemPerHour(30)


def unknown_token(bucket: str) -> None:
    """Count a guess: 30 a minute for an address, whatever it guesses. Raises TooMany."""
    _hit(_UNKNOWN, bucket, "unknown")


def known_link(bucket: str, link_id: int) -> None:
    """Count a visit: 120 a minute for address and link, 600 for the address. Raises TooMany."""
    _hit(_PER_LINK, bucket, str(link_id))
    _hit(_PER_ADDRESS, bucket, "all")


def recovery(link_id: int) -> None:
    """Count an attempt to renew: 5 an hour for the link, 30 for the address. Raises TooMany."""
    _hit(_RECOVERY_PER_ADDRESS, "portal-recovery", "all")
    _hit(_RECOVERY_PER_LINK, "portal-recovery", str(link_id), by_address=False)


def _hit(item: RateLimitItem, bucket: str, what: str, *, by_address: bool = True) -> None:
    who = _network(client_address()) if by_address else "any"
    identifiers = (bucket, current_tenant().slug, who, what)
    if not limiter.limiter.hit(item, *identifiers):
        resets = limiter.limiter.get_window_stats(item, *identifiers).reset_time
        raise TooMany(int(resets - clock.now().timestamp()))
