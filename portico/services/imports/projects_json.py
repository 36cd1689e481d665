"""Projects in Portico's own JSON form (docs/import.md), beside documents and payments."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from portico.records.content import Currency, MinorUnits, RequiredName, to_minor
from portico.records.project import ProjectState, TaskState
from portico.services.imports.json_source import JsonFile, joined
from portico.services.imports.parsed import CustomerHints
from portico.services.imports.payments_json import AMOUNT, Place
from portico.services.imports.refusals import Problem, quoted, why

MOST_PARTS = 2000  # tasks, milestones or deliverables of one project
MOST_TIMES = 10_000

PartName = Annotated[str, Field(min_length=1, max_length=300)]
Person = Annotated[str, Field(max_length=200)]
Amount = Annotated[MinorUnits, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Customer(_Strict):
    external_id: RequiredName | None = None
    name: RequiredName | None = None
    tax_id: RequiredName | None = None


class MilestoneIn(_Strict):
    external_id: RequiredName | None = None
    name: PartName
    due_on: dt.date | None = None
    reached_on: dt.date | None = None


class DeliverableIn(_Strict):
    external_id: RequiredName | None = None
    name: PartName
    description: Annotated[str, Field(max_length=4000)] = ""
    delivered_on: dt.date | None = None


class TaskIn(_Strict):
    external_id: RequiredName | None = None
    name: PartName
    assignee: Person = ""
    state: TaskState = TaskState.OPEN
    due_on: dt.date | None = None


class TimeIn(_Strict):
    external_id: RequiredName
    worked_on: dt.date
    person: Annotated[str, Field(min_length=1, max_length=200)]
    minutes: Annotated[int, Field(ge=1, le=24 * 60)]
    is_billable: bool = True
    description: Annotated[str, Field(max_length=2000)] = ""
    task: RequiredName | None = None  # the id of a task of the project


class ProjectIn(_Strict):
    """One project, as a file has it."""

    external_id: RequiredName
    customer: _Customer
    name: PartName
    description: Annotated[str, Field(max_length=10_000)] = ""
    state: ProjectState = ProjectState.PLANNED
    is_shared_with_client: bool = True
    shows_hours: bool = False
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None
    currency: Currency = "EUR"
    budget: Amount | None = None
    spent: Amount | None = None
    milestones: tuple[MilestoneIn, ...] = Field(default=(), max_length=MOST_PARTS)
    deliverables: tuple[DeliverableIn, ...] = Field(default=(), max_length=MOST_PARTS)
    tasks: tuple[TaskIn, ...] = Field(default=(), max_length=MOST_PARTS)
    time: tuple[TimeIn, ...] = Field(default=(), max_length=MOST_TIMES)


PARTS = ("milestones", "deliverables", "tasks", "time")
PartIn = MilestoneIn | DeliverableIn | TaskIn | TimeIn


@dataclass(frozen=True, slots=True)
class ParsedProject:
    """One project, checked as far as a file can be."""

    content: ProjectIn
    customer: CustomerHints
    place: Place
    file: JsonFile

    def at(self, *steps: str | int) -> Place:
        """Where a part of it stands."""
        return _place(self.file, self.place.path, steps)


def identity(part: PartIn) -> str:
    """What a part is called in the system it comes from; its name where nothing else is said."""
    return part.external_id or str(getattr(part, "name", ""))


def read(file: JsonFile, values: list[Any]) -> tuple[list[ParsedProject], list[Problem]]:
    """The projects of a file's list, and every fault of every one of them."""
    found: list[ParsedProject] = []
    problems: list[Problem] = []
    first: dict[str, str] = {}
    for number, value in enumerate(values):
        one = _OneProject(file, joined("projects", number))
        parsed = one.parsed(value)
        problems += one.problems
        if parsed is None:
            continue
        number_of = parsed.content.external_id
        if number_of in first:
            problems.append(parsed.place.problem(f"{first[number_of]} has the same id."))
        first.setdefault(number_of, parsed.place.path)
        found.append(parsed)
    return found, problems


class _OneProject:
    """One object of the file on its way to a ParsedProject."""

    def __init__(self, file: JsonFile, path: str) -> None:
        self.file = file
        self.path = path
        self.problems: list[Problem] = []

    def parsed(self, value: Any) -> ParsedProject | None:
        """The project, or ``None`` after noting what is wrong with it."""
        if not isinstance(value, dict):
            self._fault((), "This must be an object.")
            return None
        plain = dict(value)
        for name in ("budget", "spent"):
            if name in plain:
                plain[name] = self._minor(plain[name], value.get("currency", "EUR"), name)
        try:
            # From JSON text, because only there strict mode takes dates, enums and tuples.
            text = json.dumps(plain, default=float)
            project = ProjectIn.model_validate_json(text, strict=True)
        except ValidationError as error:
            for found in error.errors(include_url=False):
                self._fault(found["loc"], _why(found))
            return None
        self._check(project)
        if self.problems:
            return None
        given = project.customer
        hints = CustomerHints(
            external_ids=_one(given.external_id),
            tax_ids=_one(given.tax_id),
            names=_one(given.name),
        )
        return ParsedProject(project, hints, _place(self.file, self.path, ()), self.file)

    def _check(self, project: ProjectIn) -> None:
        if not any(project.customer.model_dump().values()):
            self._fault(("customer",), "Please name the customer by external_id, name or tax_id.")
        if project.starts_on and project.ends_on and project.ends_on < project.starts_on:
            self._fault(("ends_on",), "A project ends after it began.")
        for kind in PARTS:
            known: dict[str, int] = {}
            for number, part in enumerate(getattr(project, kind)):
                name = identity(part)
                if name in known:
                    sentence = f"{joined(kind, known[name])} has the same id."
                    self._fault((kind, number), sentence)
                known.setdefault(name, number)

    def _minor(self, value: Any, currency: Any, name: str) -> Any:
        """A decimal string in whole minor units; everything else as it is, for the schema."""
        if not isinstance(value, str):
            return value
        if not AMOUNT.fullmatch(value.strip()):
            self._fault((name,), f"{quoted(value)} is not an amount; write it as 1234.50.")
            return 0
        try:
            # A currency that is none is named as a fault of its own.
            return to_minor(Decimal(value.strip()), currency if isinstance(currency, str) else "")
        except ValueError as problem:
            self._fault((name,), f"{quoted(value)} {problem}.")
            return 0

    def _fault(self, location: tuple[str | int, ...], sentence: str) -> None:
        problem = _place(self.file, self.path, location).problem(sentence)
        if problem not in self.problems:
            self.problems.append(problem)


def _place(file: JsonFile, path: str, steps: tuple[str | int, ...]) -> Place:
    for step in steps:
        path = joined(path, step)
    return Place(path[:500], file.line_of(path))


def _one(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


def _why(error: Any) -> str:
    if error["loc"][-1:] == ("minutes",) and error["type"] != "missing":
        return "This must be a whole number of minutes, from 1 to 1440."
    if error["type"] == "greater_than_equal":
        return "This must not be below zero."
    return why(error)
