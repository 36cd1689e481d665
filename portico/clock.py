"""The only clock. Times are UTC and zone-aware; dates are judged in an organization's zone."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)  # noqa: E731


def now() -> dt.datetime:
    """The current moment, UTC and zone-aware."""
    return _now()


def today(zone_name: str) -> dt.date:
    """The calendar day it is now in a zone (an IANA name)."""
    return _now().astimezone(zone(zone_name)).date()


def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; UTC where this machine does not know it any more."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def ticks() -> float:
    """Seconds on a clock that never jumps: for time-outs and cache ages, not for records."""
    return time.monotonic()


@contextmanager
def at(moment: dt.datetime) -> Iterator[None]:
    """Let it be *moment*, for making a history that is believable (the demonstration)."""
    global _now
    before, _now = _now, lambda: moment
    try:
        yield
    finally:
        _now = before


def set_source(source: Callable[[], dt.datetime] | None) -> None:
    """Replace the clock (tests only); ``None`` gives the real one back."""
    global _now
    _now = source or (lambda: dt.datetime.now(dt.UTC))


def is_just_now(moment: dt.datetime) -> bool:
    """Whether it was within the last minute. Whoever does the very same again so soon has clicked
    twice, and is led to what the first click did."""
    return moment > a_moment_ago()


def a_moment_ago() -> dt.datetime:
    """What came after this was just now."""
    return now() - dt.timedelta(minutes=1)
