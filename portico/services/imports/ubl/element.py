"""Reading values out of UBL elements: each fault is noted with its place, and reading goes on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from portico.records.content import Identifier, Name, Property, Text
from portico.services.imports.parsed import FileWarning
from portico.services.imports.refusals import MOST_PROBLEMS, Problem, quoted, why

_COMMON = "urn:oasis:names:specification:ubl:schema:xsd:Common"
# UBL 2.0 to 2.4 share these. No name stands in both, so children are found by name alone.
_NAMESPACES = frozenset({f"{_COMMON}AggregateComponents-2", f"{_COMMON}BasicComponents-2"})

# xsd:decimal and xsd:date; the latter may carry a zone, which a day on paper does not have.
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_MOST_DIGITS = 28
_LARGEST = Decimal(10) ** 15
_MOST_NUMBERED = 20_000

_NAME: TypeAdapter[str] = TypeAdapter(Name)
_TEXT: TypeAdapter[str] = TypeAdapter(Text)
_LONGEST_NAME = 500

PartType = TypeVar("PartType", bound=BaseModel)


@dataclass
class Reading:
    """What came up while one file was read: faults, doubts, and the files inside it."""

    currency: str | None = None  # of the document; None until it is known
    problems: list[Problem] = field(default_factory=list)
    warnings: list[FileWarning] = field(default_factory=list)
    attachments: dict[str, bytes] = field(default_factory=dict)


class Element:
    """One element and its children in UBL's namespaces, by local name.

    Paths are local names with slashes. A missing element reads as ``None`` or ``()``; a faulty
    value too, after its fault went to ``reading.problems``.
    """

    __slots__ = ("_children", "_node", "reading")

    def __init__(self, node: Any, reading: Reading) -> None:
        self._node = node
        self._children: dict[str, list[Element]] | None = None
        self.reading = reading

    # --- finding ------------------------------------------------------------------------------

    @property
    def tag(self) -> str:
        """The local name."""
        return str(self._node.tag).rpartition("}")[2]

    @property
    def namespace(self) -> str:
        return str(self._node.tag).rpartition("}")[0].removeprefix("{")

    @property
    def line(self) -> int | None:
        line = self._node.sourceline
        return int(line) if line else None

    @property
    def place(self) -> str:
        """A path from the root that finds this very element: ``Invoice/InvoiceLine[2]/ID``."""
        steps: list[str] = []
        node = self._node
        while node is not None:
            parent = node.getparent()
            name = str(node.tag).rpartition("}")[2]
            # To number a child takes a walk over all of them: not for thousands of faults.
            few = parent is not None and len(parent) <= _MOST_NUMBERED
            twins = parent.findall(node.tag) if few else []
            steps.append(f"{name}[{twins.index(node) + 1}]" if len(twins) > 1 else name)
            node = parent
        return "/".join(reversed(steps))

    def all(self, path: str) -> list[Element]:
        """Every element at *path*, in document order."""
        found = [self]
        for step in path.split("/"):
            found = [child for element in found for child in element._by_name().get(step, ())]
        return found

    def each(self, *paths: str) -> Iterator[Element]:
        """The elements at several paths, path after path."""
        for path in paths:
            yield from self.all(path)

    def one(self, *paths: str) -> Element | None:
        """The first element at the first path that has any."""
        return next(self.each(*paths), None)

    def attribute(self, name: str) -> str | None:
        """An attribute's value, trimmed; ``None`` where it is missing or blank."""
        return self._checked(_NAME, _squeezed(self._node.get(name) or ""))

    def foreign(self) -> list[Any]:
        """Child nodes outside UBL's namespaces (an envelope's content is one)."""
        return [node for node in self._node if isinstance(node.tag, str)]

    def _by_name(self) -> dict[str, list[Element]]:
        if self._children is None:
            self._children = {}
            for node in self._node:
                if not isinstance(node.tag, str):
                    continue
                namespace, _, name = node.tag.rpartition("}")
                if namespace[1:] in _NAMESPACES:
                    self._children.setdefault(name, []).append(Element(node, self.reading))
        return self._children

    # --- values -------------------------------------------------------------------------------

    @property
    def raw(self) -> str:
        """The element's own text, trimmed, as written."""
        return (self._node.text or "").strip()

    def own_name(self) -> str | None:
        """The element's text on one line, of at most 500 characters."""
        return self._checked(_NAME, _squeezed(self.raw))

    def own_text(self) -> str | None:
        """The element's text with its line breaks, without the indentation of the file."""
        lines = [_squeezed(line) for line in self.raw.splitlines()]
        return self._checked(_TEXT, re.sub(r"\n{3,}", "\n\n", "\n".join(lines)))

    def own_identifier(self) -> Identifier | None:
        """The element's text with its ``schemeID``."""
        value = self.own_name()
        return Identifier(value=value, scheme=self.attribute("schemeID")) if value else None

    def own_decimal(self) -> Decimal | None:
        """A plain decimal number; what is none (NaN, 1e400, 1.234,50) becomes a problem."""
        text = self.raw
        if not text:
            return None
        if not _DECIMAL.fullmatch(text):
            self.fault(f"{quoted(text)} is not a decimal number; write it as 1234.50.")
            return None
        if len(text.strip("+-").replace(".", "")) > _MOST_DIGITS:
            self.fault(f"{quoted(text)} has more digits than any amount needs.")
            return None
        number = Decimal(text)
        if abs(number) >= _LARGEST or (number and number.adjusted() < -12):
            self.fault(f"{quoted(text)} is too large or too small for any amount.")
            return None
        return number

    def own_amount(self, currency: str | None = None) -> Decimal | None:
        """A decimal whose ``currencyID`` is that of the document, or of *currency*."""
        expected = currency or self.reading.currency
        stated = (self.attribute("currencyID") or "").upper()
        if stated and expected and stated != expected:
            self.fault(f"This amount is in {quoted(stated)}, but the document is in {expected}.")
            return None
        return self.own_decimal()

    def name(self, *paths: str) -> str | None:
        """The first non-empty text at these paths, on one line."""
        return next((value for e in self.each(*paths) if (value := e.own_name())), None)

    def names(self, *paths: str) -> list[str]:
        """Every different text at these paths, each on one line."""
        return _once(e.own_name() for e in self.each(*paths))

    def text(self, *paths: str) -> str | None:
        """The first non-empty text at these paths, with its line breaks."""
        return next((value for e in self.each(*paths) if (value := e.own_text())), None)

    def texts(self, *paths: str) -> list[str]:
        """Every different text at these paths, with its line breaks."""
        return _once(e.own_text() for e in self.each(*paths))

    def identifier(self, *paths: str) -> Identifier | None:
        return next((value for e in self.each(*paths) if (value := e.own_identifier())), None)

    def identifiers(self, *paths: str) -> tuple[Identifier, ...]:
        found = (e.own_identifier() for e in self.each(*paths))
        return tuple(dict.fromkeys(value for value in found if value))

    def date(self, *paths: str) -> dt.date | None:
        """The first date at these paths, the time zone put aside."""
        for element in self.each(*paths):
            text = element.raw
            if not text:
                continue
            match = _DATE.fullmatch(text)
            try:
                if match:
                    return dt.date.fromisoformat(match[1])
            except ValueError:
                pass
            element.fault(f"{quoted(text)} is not a date; write it as 2026-11-30.")
            return None
        return None

    def name_with_unit(self) -> str | None:
        """A quantity and its unit, to be read: ``12 KGM``."""
        words = [self.own_name(), self.attribute("unitCode")]
        return " ".join(word for word in words if word) if words[0] else None

    def number_here(self) -> str | None:
        """The element's own decimal, as a plain decimal string."""
        return plain(self.own_decimal())

    def long_names(self, path: str) -> list[str]:
        """Like ``names``, for names that some senders fill with a whole description."""
        return [
            text if "\n" in text and len(text) > _LONGEST_NAME else _squeezed(text)
            for text in self.texts(path)
        ]

    def number(self, *paths: str) -> str | None:
        """The first decimal at these paths, as a plain decimal string."""
        element = self.one(*paths)
        return plain(element.own_decimal()) if element else None

    def amount(self, *paths: str) -> str | None:
        """The first amount at these paths, in the document's currency, as a decimal string."""
        element = self.one(*paths)
        return plain(element.own_amount()) if element else None

    def flag(self, path: str) -> bool | None:
        """An xsd:boolean."""
        element = self.one(path)
        if element is None or not element.raw:
            return None
        value = {"true": True, "1": True, "false": False, "0": False}.get(element.raw.lower())
        if value is None:
            element.fault(f"{quoted(element.raw)} is neither true nor false.")
        return value

    def details(self, labels: dict[str, str]) -> list[Property]:
        """A labelled fact for every non-empty text at the paths that are keys of *labels*."""
        return [
            Property(name=label, value=value)
            for path, label in labels.items()
            for value in self.texts(path)
        ]

    # --- faults -------------------------------------------------------------------------------

    def fault(self, sentence: str, child: str = "") -> None:
        """Note a problem here, or with a missing *child*."""
        many = len(self.reading.problems) >= MOST_PROBLEMS
        place = self.tag if many else self.place
        place = f"{place}/{child}" if child else place
        self.reading.problems.append(Problem(sentence, place, self.line))

    def warn(self, sentence: str) -> None:
        """Note something that staff should see, and go on."""
        self.reading.warnings.append(FileWarning(sentence, self.place, self.line))

    def build(self, part: type[PartType], **values: Any) -> PartType | None:
        """A part of the content, or ``None`` after noting why these values do not make one."""
        try:
            return part(**values)
        except ValidationError as error:
            for found in error.errors(include_url=False):
                path = ".".join(str(step) for step in found["loc"])
                self.fault(f"{why(found)} ({path})" if path else why(found))
            return None

    def _checked(self, kind: TypeAdapter[str], text: str) -> str | None:
        if not text:
            return None
        try:
            return kind.validate_python(text) or None
        except ValidationError as error:
            self.fault(why(error.errors(include_url=False)[0]))
            return None


def plain(number: Decimal | None) -> str | None:
    """A decimal without exponent and trailing zeros: ``4000``, ``0.496``."""
    if number is None:
        return None
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", "", "+0"} else text


def shortened(text: str) -> str:
    """*text* on one line, cut with an ellipsis to what a name may hold."""
    line = _squeezed(text)
    return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1].rstrip() + "…"


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _once(values: Iterator[str | None]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))
