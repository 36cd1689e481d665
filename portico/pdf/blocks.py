"""What a sheet is made of; every text is plain."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class PartyBlock:
    """One party: its role, its name, the lines under it."""

    role: str
    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    label: str
    width: int  # per cent of the sheet
    numeric: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the document: a cell per column, and what stands under its name."""

    name: str
    cells: dict[str, str]
    description: str
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Total:
    label: str
    value: str
    note: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with facts and paragraphs under it."""

    heading: str
    facts: tuple[Fact, ...] = ()
    paragraphs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    on: str
    what: str
    amount: str
    balance: str


@dataclass(frozen=True, slots=True)
class Worked:
    """One row of the hours: when, who, at what, and how long."""

    on: str
    person: str
    task: str
    said: str
    hours: str
