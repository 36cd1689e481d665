"""The next number of a series, guessed from the numbers before it. The team may type another."""

from __future__ import annotations

import re
from collections.abc import Sequence

_COUNTED = re.compile(r"(.*?)([0-9]{1,9})\Z", re.DOTALL)


def following(newest: Sequence[str], year: int, start: str) -> str:
    """The number after the highest of the series that *newest* (newest first) begins with.

    ``Q-2026-0155`` is followed by ``Q-2026-0156``, and in another year by ``Q-2027-0001``. Where
    nothing is numbered yet the series is *start*, the year and four digits.
    """
    found = next((match for one in newest if (match := _COUNTED.match(one))), None)
    if found is None:
        return f"{start}-{year}-0001"
    prefix, width = found[1], len(found[2])
    if f"{year - 1}-" in prefix:
        return f"{prefix.replace(f'{year - 1}-', f'{year}-')}{1:0{width}}"
    same = (match for one in newest if (match := _COUNTED.match(one)) and match[1] == prefix)
    return f"{prefix}{max(int(match[2]) for match in same) + 1:0{width}}"


def after(number: str) -> str:
    """The next of a number's series."""
    match = _COUNTED.match(number)
    if match is None:
        return f"{number}-2"
    return f"{match[1]}{int(match[2]) + 1:0{len(match[2])}}"
