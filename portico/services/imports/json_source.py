"""JSON from strangers: parsed strictly, with the line of every value kept for what is said of it."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portico.services.imports.refusals import BadFile, Problem, quoted

DEEPEST = 40
MOST_VALUES = 1_000_000
_LONGEST_NUMBER = 40
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_SURROGATE = re.compile("[\ud800-\udfff]")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
          (codecs.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class NoNumber:
    """A number that Python's json takes and JSON or we do not: NaN, Infinity, 1e400."""

    text: str


@dataclass(frozen=True, slots=True)
class JsonFile:
    """What a file holds. Numbers with a point or exponent are Decimals, exactly as written."""

    value: Any
    lines: dict[str, int]  # by path, such as documents[0].lines[2].price

    def line_of(self, path: str) -> int | None:
        """The line of *path*, or of the nearest thing around it."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get("")

    def problem(self, path: str, sentence: str) -> Problem:
        return Problem(sentence, path[:500], self.line_of(path))


def parse(data: bytes, most_bytes: int) -> JsonFile:
    """The JSON in *data* (UTF-8, or UTF-16 with its mark). Raises BadFile with every fault."""
    text = _text(data, most_bytes)
    try:
        value = json.loads(
            text, parse_constant=NoNumber, parse_int=_whole_number, parse_float=_fraction
        )
    except json.JSONDecodeError as error:
        sentence = f"The file is not JSON: {error.msg} at column {error.colno}."
        raise BadFile([Problem(sentence, line=error.lineno)]) from None
    except RecursionError:
        raise BadFile([Problem(f"The file is nested more than {DEEPEST} deep.")]) from None
    index = _Index(text)
    file = JsonFile(value, index.lines)
    if index.problems:
        raise BadFile(index.problems)
    faults = [file.problem(path, sentence) for path, sentence in _faults(value, "")]
    if faults:
        raise BadFile(faults)
    return file


def joined(path: str, step: str | int) -> str:
    """*path* and one step more: ``lines`` and 2 make ``lines[2]``."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    return f"{path}.{step}" if path else step


def _text(data: bytes, most_bytes: int) -> str:
    if len(data) > most_bytes:
        sentence = (
            f"The file is {len(data) / 2**20:.1f} MB; at most {most_bytes / 2**20:.1f} MB fit."
        )
        raise BadFile([Problem(sentence)])
    encoding = "utf-8"
    for mark, marked in _MARKS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], marked
            break
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        sentence = "The file is not in UTF-8. Please save it in that encoding."
        raise BadFile([Problem(sentence, line=line)]) from None
    if not text.strip():
        raise BadFile([Problem("The file is empty.")])
    if text.lstrip().startswith("<"):
        raise BadFile([Problem("This looks like XML, not JSON.", line=1)])
    return text


def _whole_number(text: str) -> int | NoNumber:
    return int(text) if len(text) <= _LONGEST_NUMBER else NoNumber(text)


def _fraction(text: str) -> Decimal | NoNumber:
    if len(text) > _LONGEST_NUMBER:
        return NoNumber(text)
    number = Decimal(text)
    return number if abs(number.adjusted()) <= _LONGEST_NUMBER else NoNumber(text)


def _faults(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Numbers that are none, and text that no database, page or PDF can hold."""
    if isinstance(value, NoNumber):
        yield path, f"{quoted(value.text)} is not a number that can be taken."
    elif isinstance(value, str) and _SURROGATE.search(value):
        yield path, "This holds half a character (a lone surrogate)."
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _faults(item, joined(path, number))
    elif isinstance(value, dict):
        for key, item in value.items():
            if _SURROGATE.search(key):
                yield path, "A field's name holds half a character (a lone surrogate)."
            else:
                yield from _faults(item, joined(path, key))


class _Index:
    """Goes over the tokens of valid JSON for what the parser forgets: lines and repeated keys."""

    def __init__(self, text: str) -> None:
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []
        self._line = 1
        self._values = 0
        self._tokens = self._numbered(text)
        self._value("", next(self._tokens), 0)

    def _numbered(self, text: str) -> Iterator[str]:
        end = 0
        for match in _TOKEN.finditer(text):
            self._line += text.count("\n", end, match.start())
            end = match.start()
            yield match[0]

    def _value(self, path: str, token: str, depth: int) -> None:
        self._values += 1
        if self._values > MOST_VALUES:
            sentence = f"The file has more than {MOST_VALUES:,} values; please split it."
            raise BadFile([Problem(sentence, line=self._line)])
        self.lines.setdefault(path, self._line)
        walk: Callable[[str, int], None] | None = {"{": self._object, "[": self._array}.get(token)
        if walk is None:
            return
        if depth >= DEEPEST:
            raise BadFile(
                [Problem(f"The file is nested more than {DEEPEST} deep.", line=self._line)]
            )
        walk(path, depth + 1)

    def _object(self, path: str, depth: int) -> None:
        seen: set[str] = set()
        for token in self._tokens:
            if token == "}":
                return
            if token == ",":
                continue
            key = str(json.loads(token))
            inner = joined(path, key)
            if key in seen:
                self.problems.append(Problem("This field is given twice.", inner[:500], self._line))
            seen.add(key)
            next(self._tokens)  # the colon
            self._value(inner, next(self._tokens), depth)

    def _array(self, path: str, depth: int) -> None:
        number = 0
        for token in self._tokens:
            if token == "]":
                return
            if token == ",":
                continue
            self._value(joined(path, number), token, depth)
            number += 1
