"""What a form showed, told by short marks: nobody saves over a colleague's change unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from portico.refusals import ChangedMeanwhile


class ChangedSince(ChangedMeanwhile):
    """Others saved since the form was opened. ``now`` is how all of it stands, ``over`` names what
    would have been put out of place unseen."""

    sentence = "A colleague changed this while it was open here, so nothing was saved."

    def __init__(self, now: Mapping[str, Any], over: Iterable[str]) -> None:
        self.now, self.over = dict(now), list(over)
        super().__init__()


def of(values: Mapping[str, Any]) -> str:
    """The marks of *values* by name, for a form to carry; they tell nothing but a difference."""
    return " ".join(f"{name}:{_mark(value)}" for name, value in values.items())


def require_seen(now: Mapping[str, Any], replaced: Iterable[str], seen: str | None) -> None:
    """Make sure that what is *replaced* stands as the marks *seen* say; None asks for nothing.

    Raises ChangedSince. Whoever asks holds the record.
    """
    if seen is None:
        return
    marks = set(seen.split())
    over = [name for name in replaced if f"{name}:{_mark(now[name])}" not in marks]
    if over:
        raise ChangedSince(now, over)


def _mark(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12]
