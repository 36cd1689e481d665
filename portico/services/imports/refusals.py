"""Why a file was not taken: every fault with its line and field, in words to act on (spec I1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic_core import ErrorDetails

from portico.refusals import StaffRefusal

# Somebody mends a file a few faults at a time; a thousand would only hide them.
MOST_PROBLEMS = 200
_LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. ``line`` counts from 1; ``field`` is a path such as ``Invoice/DueDate``."""

    sentence: str
    field: str = ""
    line: int | None = None

    def __str__(self) -> str:
        where = [f"line {self.line}"] if self.line else []
        where += [self.field] if self.field else []
        return f"{', '.join(where)}: {self.sentence}" if where else self.sentence


class BadFile(StaffRefusal):
    """A file that cannot be imported; nothing of it was. ``problems`` is never empty."""

    title = "This file could not be imported"

    def __init__(self, problems: Iterable[Problem]) -> None:
        found = tuple(problems)
        self.more = max(0, len(found) - MOST_PROBLEMS)
        self.problems = found[:MOST_PROBLEMS]
        count = len(found)
        sentence = str(found[0])
        if count > 1:
            sentence = f"There are {count} things to put right in this file. First: {sentence}"
        super().__init__(sentence)


def quoted(text: str) -> str:
    """*text* between quotation marks, short enough for a sentence and free of controls."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(plain) > _LONGEST_QUOTE:
        plain = plain[: _LONGEST_QUOTE - 1] + "…"
    return f"“{plain}”"


def why(error: ErrorDetails) -> str:
    """What a person should read of one pydantic error, as a sentence."""
    context = error.get("ctx", {})
    value = error.get("input")
    known = {
        "missing": "This is missing.",
        "extra_forbidden": "There is no field of this name.",
        "string_type": "This must be text.",
        "string_too_short": "This must not be empty.",
        "too_short": "This must not be empty.",
        "string_too_long": f"This is longer than {context.get('max_length')} characters.",
        "too_long": f"There are more than {context.get('max_length')} of these.",
        "int_type": "This must be a whole number of minor units (cents).",
        "int_from_float": "This must be a whole number of minor units (cents).",
        "bool_type": "This must be true or false.",
        "enum": f"This must be one of {context.get('expected')}.",
        "model_type": "This must be an object.",
        "model_attributes_type": "This must be an object.",
        "tuple_type": "This must be a list.",
        "list_type": "This must be a list.",
        "less_than_equal": "This is larger than any amount can be.",
        "greater_than_equal": "This is smaller than any amount can be.",
    }
    if error["type"] in known:
        return known[error["type"]]
    if error["type"].startswith("date"):
        return f"{_shown(value)} is not a date; write it as 2026-11-30."
    reason = error["msg"].removeprefix("Value error, ")
    return f"{_shown(value)} {reason}."


def _shown(value: object) -> str:
    return quoted(value if isinstance(value, str) else str(value)[:200])
