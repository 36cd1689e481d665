"""The next number of a series, guessed from the numbers before it. The team may type another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_COUNTED = re.compile(r"(.*?)([0-9]{1,9})\Z", re.DOTALL)
_LAST_FEW = 5  # tell which series goes on


def following(newest: Sequence[str], year: int, start: str) -> str:
    """The number after the highest of the series that most of the last few of *newest* (newest
    first) belong to: one that was numbered otherwise begins no series.

    ``Q-2026-0155`` is followed by ``Q-2026-0156``, and in another year by ``Q-2027-0001``. Where
    nothing is numbered yet the series is *start*, the year and four digits.
    """
    counted = [
        (match[1].replace(f"{year - 1}-", f"{year}-"), match)
        for one in newest
        if (match := _COUNTED.match(one))
    ]
    if not counted:
        return f"{start}-{year}-0001"
    [(prefix, _times)] = Counter(series for series, _match in counted[:_LAST_FEW]).most_common(1)
    width = next(len(match[2]) for series, match in counted if series == prefix)
    highest = max((int(match[2]) for _series, match in counted if match[1] == prefix), default=0)
    return f"{prefix}{highest + 1:0{width}}"


def after(number: str) -> str:
    """The next of a number's series."""
    match = _COUNTED.match(number)
    if match is None:
        return f"{number}-2"
    return f"{match[1]}{int(match[2]) + 1:0{len(match[2])}}"
