"""Throttles (spec L12): named buckets, counted by tenant and address, on one shared store.

One server counts in a small SQLite file, several in Redis. The numbers hold over all processes.
"""

from __future__ import annotations

import ipaddress
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from flask import Flask, request
from flask_limiter import Limiter
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import Storage

from portico import clock
from portico.db import current_tenant
from portico.refusals import TooMany


class SqliteStorage(Storage):
    """Fixed windows in one SQLite file, for all threads and processes of one machine.

    A hit is one statement that counts and answers, so that no two processes count the same hit.
    Nothing is synced: after a power cut the windows simply start afresh.
    """

    STORAGE_SCHEME = ["sqlite-limits"]

    def __init__(self, uri: str, wrap_exceptions: bool = False, **_: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._path = Path(uri.partition("://")[2])
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._hits = 0

    @property
    def base_exceptions(self) -> type[Exception]:
        return sqlite3.Error

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        return self.incr_all([(key, expiry)], amount)[0]

    def incr_all(self, windows: Sequence[tuple[str, float]], amount: int = 1) -> list[int]:
        """Count one hit in several windows at once; returns their counts in the same order."""
        now = int(clock.now().timestamp())
        places = ",".join("(?,?,?)" for _ in windows)
        values = [value for key, expiry in windows for value in (key, amount, now + int(expiry))]
        rows = self._run(
            f"INSERT INTO windows (key, hits, ends) VALUES {places} "  # nosec B608 - only places
            f"ON CONFLICT (key) DO UPDATE SET "
            f"hits = iif(ends <= {now}, excluded.hits, hits + excluded.hits), "
            f"ends = iif(ends <= {now}, excluded.ends, ends) RETURNING key, hits",
            values,
        )
        self._tidy(now)
        counts = dict(rows)
        return [counts[key] for key, _ in windows]

    def get(self, key: str) -> int:
        now = int(clock.now().timestamp())
        return self._one("SELECT hits FROM windows WHERE key = ? AND ends > ?", [key, now])

    def get_expiry(self, key: str) -> float:
        return self._one("SELECT ends FROM windows WHERE key = ?", [key])

    def check(self) -> bool:
        return self._one("SELECT 1", []) == 1

    def reset(self) -> int | None:
        return len(self._run("DELETE FROM windows RETURNING key", []))

    def clear(self, key: str) -> None:
        self._run("DELETE FROM windows WHERE key = ?", [key])

    def _one(self, statement: str, values: list[Any]) -> int:
        rows = self._run(statement, values)
        return int(rows[0][0]) if rows else 0

    def _run(self, statement: str, values: list[Any]) -> list[Any]:
        with self._lock:
            connection = self._connection or self._connect()
            return connection.execute(statement, values).fetchall()

    def _tidy(self, now: int) -> None:
        self._hits += 1
        if self._hits % 5000 == 0:
            self._run("DELETE FROM windows WHERE ends <= ?", [now])

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
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
    """The visitor's address. The proxies in front are counted by a setting, default none.

    It is what a header says where a proxy is counted, so it is cut to what the log holds.
    """
    return (request.remote_addr or "unknown")[:64]


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


def init_limits(app: Flask) -> None:
    """Give the limiter its store. Buckets are counted by the gates, who know whether a link
    exists, so Flask-Limiter's own look at every request (4 % of a page's time) stays off."""
    app.extensions.setdefault("limiter", set()).add(limiter)
    limiter.init_app(app)


_UNKNOWN = RateLimitItemPerMinute(30)
_PER_LINK = RateLimitItemPerMinute(120)
_PER_ADDRESS = RateLimitItemPerMinute(600)
_QUESTIONS_PER_LINK = RateLimitItemPerHour(20)
_STATEMENTS_PER_ACCOUNT = RateLimitItemPerHour(40)
_RECOVERY_PER_LINK = RateLimitItemPerHour(5)
_RECOVERY_PER_ADDRESS = RateLimitItemPerHour(30)


def unknown_token(bucket: str) -> None:
    """Count a guess: 30 a minute for an address, whatever it guesses. Raises TooMany."""
    _hit(_UNKNOWN, _names(bucket, "unknown"))


def known_link(bucket: str, link_id: int | str) -> None:
    """Count a visit: 120 a minute for address and link, 600 for the address. Raises TooMany."""
    _hit_all((_PER_LINK, _names(bucket, str(link_id))), (_PER_ADDRESS, _names(bucket, "all")))


def recovery(link_id: int) -> None:
    """Count an attempt to renew: 5 an hour for the link, 30 for the address. Raises TooMany."""
    _hit_all(
        (_RECOVERY_PER_ADDRESS, _names("portal-recovery", "all")),
        (_RECOVERY_PER_LINK, ("portal-recovery", current_tenant().slug, "any", str(link_id))),
    )


_FAILURES_PER_PAIR, _FAILURES_PER_ADDRESS = 10, 60
_LOCK_SECONDS = 15 * 60
_LOGIN = "customer-portal-login"
_PASSWORD = RateLimitItemPerHour(10)
_CODES_PER_PERSON = RateLimitItemPerHour(10)


class TooManyTries(TooMany):
    sentence = "There were too many tries to sign in."


class SignInAttempt:
    """One try to sign in (spec A5): 10 failures lock e-mail and address together for 15 minutes,
    60 lock the address; never an e-mail alone, so that no stranger can shut a customer out.

    The try is counted before the password is looked at, so that many at once count as many. A
    lock has a window of its own and so lasts its full time; the count that led to it ends before
    it does. What is refused is not counted. Raises TooManyTries.
    """

    def __init__(self, bucket: str, account: str) -> None:
        who = sha256(account.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self._pair = "/".join(_names(bucket, who))
        self._address = "/".join(_names(bucket, "all"))
        for key in (self._pair, self._address):
            if limiter.storage.get(f"{key}/locked"):
                raise self._locked(key)
        self._tries = limiter.storage.incr(self._pair, _LOCK_SECONDS)
        if self._tries > _FAILURES_PER_PAIR:
            raise self._lock(self._pair)
        self._tries_of_address = limiter.storage.incr(self._address, _LOCK_SECONDS)
        if self._tries_of_address > _FAILURES_PER_ADDRESS:
            raise self._lock(self._address)

    def failed(self) -> None:
        """The last failure that is allowed locks at once."""
        if self._tries == _FAILURES_PER_PAIR:
            self._lock(self._pair)
        if self._tries_of_address == _FAILURES_PER_ADDRESS:
            self._lock(self._address)

    def succeeded(self) -> None:
        """Forget the failures of this pair, and this try among those of the address."""
        limiter.storage.clear(self._pair)
        self.went_halfway()

    def went_halfway(self) -> None:
        """The password was right and a code is due: this try stays counted for the pair, or each
        right password would buy as many codes again."""
        if limiter.storage.get(self._address) > 0:
            limiter.storage.incr(self._address, _LOCK_SECONDS, amount=-1)

    def _lock(self, key: str) -> TooManyTries:
        limiter.storage.incr(f"{key}/locked", _LOCK_SECONDS)
        return self._locked(key)

    def _locked(self, key: str) -> TooManyTries:
        ends = limiter.storage.get_expiry(f"{key}/locked")
        return TooManyTries(int(ends - clock.now().timestamp()))


def customer_sign_in(organization_id: int, email: str) -> SignInAttempt:
    """Count a try to sign in as a customer. Raises TooMany."""
    return SignInAttempt(_LOGIN, f"{organization_id}:{email}")


def staff_sign_in(email: str) -> SignInAttempt:
    """Count a try to sign in to the console, password or second factor. Raises TooMany."""
    return SignInAttempt("staff-login", email)


def second_factor(staff_id: int) -> None:
    """Count a code typed after a right password: 10 an hour for a person, from any address, so
    that whoever learnt a password cannot go on guessing from many. Raises TooMany."""
    _hit(_CODES_PER_PERSON, _codes_of(staff_id))


def second_factor_passed(staff_id: int) -> None:
    """The code was right: those before it are forgotten."""
    limiter.limiter.clear(_CODES_PER_PERSON, *_codes_of(staff_id))


def _codes_of(staff_id: int) -> tuple[str, ...]:
    return "staff-code", current_tenant().slug, "any", str(staff_id)


def password_post() -> None:
    """Count a post that sets or asks for a password: 10 an hour for an address. Raises TooMany."""
    _hit(_PASSWORD, _names("customer-portal-password", "all"))


def own_password(session_id: int) -> None:
    """Count a post that names the present password: as :func:`password_post`, and 10 an hour for
    the session, so that a stolen one cannot guess from many addresses. Raises TooMany."""
    password_post()
    _hit(_PASSWORD, ("customer-portal-password", current_tenant().slug, "own", str(session_id)))


def account_page(account_id: int) -> None:
    """Count a visit of somebody signed in, as :func:`known_link` does. Raises TooMany."""
    known_link("customer-portal", account_id)


def account_question(account_id: int) -> None:
    """Count a message to the team: 20 an hour for an account. Raises TooMany."""
    names = ("portal-questions", current_tenant().slug, "account", str(account_id))
    _hit(_QUESTIONS_PER_LINK, names)


def account_statement(account_id: int) -> None:
    """Count a statement made as PDF: each takes a processor for seconds. Raises TooMany."""
    names = ("portal-statements", current_tenant().slug, "account", str(account_id))
    _hit(_STATEMENTS_PER_ACCOUNT, names)


def question(link_id: int) -> None:
    """Count a message to the team: each mails it, so 20 an hour for a link. Raises TooMany."""
    _hit(_QUESTIONS_PER_LINK, ("portal-questions", current_tenant().slug, "any", str(link_id)))


def _names(bucket: str, what: str) -> tuple[str, str, str, str]:
    return bucket, current_tenant().slug, _network(client_address()), what


def _hit(item: RateLimitItem, names: tuple[str, ...]) -> None:
    if not limiter.limiter.hit(item, *names):
        raise _too_many(item, names)


def _hit_all(*windows: tuple[RateLimitItem, tuple[str, ...]]) -> None:
    """Count one visit in several windows: at once where the store can, else one by one."""
    storage = limiter.storage
    if not isinstance(storage, SqliteStorage):
        for item, names in windows:
            _hit(item, names)
        return
    keys = [(item.key_for(*names), item.get_expiry()) for item, names in windows]
    for (item, names), count in zip(windows, storage.incr_all(keys), strict=True):
        if count > item.amount:
            raise _too_many(item, names)


def _too_many(item: RateLimitItem, names: tuple[str, ...]) -> TooMany:
    resets = limiter.limiter.get_window_stats(item, *names).reset_time
    return TooMany(int(resets - clock.now().timestamp()))
