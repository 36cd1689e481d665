"""Portico's own JSON form of documents (docs/import.md): every kind, content as it is kept.

It is ``DocumentContent`` with three fields more (``external_id``, ``customer``, ``draft``), and
with more than one way to write an amount. Prices, quantities and rates are decimal strings or
plain JSON numbers. Totals and statements are whole minor units as numbers, or decimal strings in
the currency's own units: ``622750`` and ``"6227.50"`` are the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from portico.formats import is_currency
from portico.records.content import DocumentContent, Kind, Name, RequiredName, digits_of
from portico.records.document import KINDS
from portico.services.imports import payments_json, projects_json
from portico.services.imports.checks import check_sums
from portico.services.imports.embedded import attachment, decoded
from portico.services.imports.json_source import JsonFile, joined, parse
from portico.services.imports.parsed import (
    CustomerHints,
    FileWarning,
    HintedContact,
    ParsedDocument,
    hints_of,
)
from portico.services.imports.payments_json import ParsedPayment
from portico.services.imports.projects_json import ParsedProject
from portico.services.imports.refusals import BadFile, Problem, quoted, why

MOST_BYTES = 20 * 1024 * 1024
MOST_DOCUMENTS = 10_000

# Fields that hold decimal strings wherever they stand outside totals and statements.
_DECIMALS = frozenset(
    {
        "quantity", "price", "base_quantity", "amount", "percent", "base_amount", "taxable",
        "tax_amount", "exchange_rate",
    }
)  # fmt: skip
_IN_MINOR_UNITS = frozenset({"totals", "statement"})
_STATEMENT_AMOUNTS = frozenset({"opening", "closing", "amount", "balance"})
# What each of these kinds must have, and no other may.
_BODIES = {
    "statement": Kind.STATEMENT,
    "proposal": Kind.PROPOSAL,
    "request": Kind.REQUEST,
    "acceptance": Kind.ACCEPTANCE,
    "time": Kind.TIME_APPROVAL,
}
_EXPIRING = {Kind.PROPOSAL, Kind.ACCEPTANCE, Kind.TIME_APPROVAL}
_ABOUT_NO_MONEY = (Kind.REQUEST.value, Kind.ACCEPTANCE.value, Kind.TIME_APPROVAL.value)
_LISTS = frozenset({"documents", "payments", "projects"})
_OWN_FIELDS = frozenset({"external_id", "customer", "draft"})
_AMOUNT = re.compile(r"[+-]?\d{1,18}(\.\d{1,12})?", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")

ModelType = TypeVar("ModelType", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Contact(_Strict):
    name: Name | None = None
    email: Annotated[str, Field(max_length=320, pattern=_EMAIL.pattern)] | None = None


class _Customer(_Strict):
    external_id: Name | None = None
    name: Name | None = None
    tax_id: Name | None = None
    email: Annotated[str, Field(max_length=320, pattern=_EMAIL.pattern)] | None = None
    contacts: tuple[_Contact, ...] = Field(default=(), max_length=200)


class _Wrapper(_Strict):
    external_id: RequiredName | None = None
    customer: _Customer | None = None
    draft: bool = False


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """All that a file holds; the documents come first, so that payments can name them."""

    documents: list[ParsedDocument]
    payments: list[ParsedPayment]
    projects: list[ParsedProject]


def read(data: bytes, *, most_bytes: int = MOST_BYTES) -> list[ParsedDocument]:
    """The documents in *data*; see :func:`read_all`."""
    return read_all(data, most_bytes=most_bytes).documents


def read_all(data: bytes, *, most_bytes: int = MOST_BYTES) -> ParsedFile:
    """One document, or lists of them under ``documents``, of payments and of projects.

    Raises BadFile with every fault of everything in them, each with its path and line.
    """
    file = parse(data, most_bytes)
    problems: list[Problem] = []
    found: list[tuple[str, ParsedDocument]] = []
    for path, value in _documents(file):
        one = _OneDocument(file, path)
        parsed = one.parsed(value)
        problems += one.problems
        if parsed is not None:
            found.append((path, parsed))
    problems += _twice(file, found)
    payments, faults = payments_json.read(file, _listed(file.value, "payments"))
    projects, more = projects_json.read(file, _listed(file.value, "projects"))
    if problems or faults or more:
        raise BadFile([*problems, *faults, *more])
    return ParsedFile([parsed for _, parsed in found], payments, projects)


def _documents(file: JsonFile) -> Iterator[tuple[str, dict[str, Any]]]:
    value = file.value
    if isinstance(value, dict) and not value.keys() & _LISTS:
        yield "", value
        return
    if not isinstance(value, dict) or not all(
        isinstance(value[key], list) for key in value.keys() & _LISTS
    ):
        sentence = "The file must be one document, or an object with a list called documents."
        raise BadFile([Problem(sentence, line=1)])
    problems = [
        file.problem(key, "There is no field of this name.") for key in value if key not in _LISTS
    ]
    documents = _listed(value, "documents")
    problems += [
        file.problem(joined("documents", number), "This must be an object.")
        for number, item in enumerate(documents)
        if not isinstance(item, dict)
    ]
    for key in sorted(value.keys() & _LISTS):
        if not value[key]:
            problems.append(file.problem(key, f"There are no {key} in this list."))
        if len(value[key]) > MOST_DOCUMENTS:
            sentence = f"There are more than {MOST_DOCUMENTS:,} {key}; please split the file."
            problems.append(file.problem(key, sentence))
    if problems:
        raise BadFile(problems)
    for number, item in enumerate(documents):
        yield joined("documents", number), item


def _listed(value: Any, key: str) -> list[Any]:
    found: list[Any] = value.get(key, [])
    return found


def _twice(file: JsonFile, found: list[tuple[str, ParsedDocument]]) -> Iterator[Problem]:
    """Two documents of one identity (kind and external id) in the same file."""
    first: dict[tuple[Kind, str], str] = {}
    for path, parsed in found:
        identity = (parsed.content.kind, parsed.external_id)
        if identity in first:
            sentence = f"{first[identity]} is the same kind with the same id."
            yield file.problem(path, sentence)
        first.setdefault(identity, path)


class _OneDocument:
    """One object of the file on its way to a ParsedDocument."""

    def __init__(self, file: JsonFile, path: str) -> None:
        self.file = file
        self.path = path
        self.problems: list[Problem] = []
        self.warnings: list[FileWarning] = []
        self.attachments: dict[str, bytes] = {}

    def parsed(self, value: dict[str, Any]) -> ParsedDocument | None:
        """The document, or ``None`` after noting what is wrong with it."""
        own = {key: item for key, item in value.items() if key in _OWN_FIELDS}
        rest = {key: item for key, item in value.items() if key not in _OWN_FIELDS}
        if rest.get("kind") in _ABOUT_NO_MONEY:
            rest.setdefault("totals", {"payable": 0})
        wrapper = self._validated(_Wrapper, own)
        content = self._validated(DocumentContent, self._plain_schema(rest))
        if content is not None:
            self._fits_its_kind(content)
        if self.problems or wrapper is None or content is None:
            return None
        return ParsedDocument(
            content=content,
            external_id=wrapper.external_id or content.number,
            customer=_hints(content, wrapper.customer),
            draft=wrapper.draft,
            warnings=(*self.warnings, *map(self._located, check_sums(content))),
            attachments=self.attachments,
        )

    def _validated(self, model: type[ModelType], value: dict[str, Any]) -> ModelType | None:
        # From JSON text, because only there strict mode takes dates, enums and tuples.
        try:
            return model.model_validate_json(json.dumps(value, default=float), strict=True)
        except ValidationError as error:
            for found in error.errors(include_url=False):
                self._fault(found["loc"], why(found))
            return None

    def _fits_its_kind(self, content: DocumentContent) -> None:
        for name, kind in _BODIES.items():
            body = getattr(content, name)
            if content.kind is kind and body is None:
                self._fault((name,), f"A {KINDS[kind].label.lower()} needs this.")
            if content.kind is not kind and body is not None:
                self._fault((name,), f"Only documents of the kind {kind} have this.")
        if content.expires_at is not None and content.kind not in _EXPIRING:
            self._fault(("expires_at",), "This kind of document does not expire at a moment.")

    # --- conveniences to the plain schema -----------------------------------------------------

    def _plain_schema(self, value: dict[str, Any]) -> dict[str, Any]:
        """*value* with numbers, amounts and embedded files as ``DocumentContent`` has them."""
        plain = {
            key: item if key in _IN_MINOR_UNITS else self._walked(item, (key,))
            for key, item in value.items()
        }
        plain = {key: self._as_text(key, item) for key, item in plain.items()}
        currency = plain.get("currency")
        if isinstance(plain.get("totals"), dict):
            totals = plain["totals"]
            plain["totals"] = {
                key: self._minor(item, currency, ("totals", key)) for key, item in totals.items()
            }
        if "statement" in plain:
            plain["statement"] = self._statement(plain["statement"], currency, ("statement",))
        if "tax_in_tax_currency" in plain:
            amount = plain["tax_in_tax_currency"]
            accounting = plain.get("tax_currency")
            plain["tax_in_tax_currency"] = self._minor(amount, accounting, ("tax_in_tax_currency",))
        return plain

    def _walked(self, value: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(value, list):
            return [self._walked(item, (*path, number)) for number, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        walked: dict[str, Any] = {}
        for key, item in value.items():
            if key == "attachment" and isinstance(item, dict):
                walked[key] = self._attachment(item, (*path, key), str(value.get("id") or ""))
            else:
                walked[key] = self._as_text(key, self._walked(item, (*path, key)))
        return walked

    @staticmethod
    def _as_text(key: str, value: Any) -> Any:
        number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        return format(value, "f") if number and key in _DECIMALS else value

    def _statement(self, value: Any, currency: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(value, list):
            return [
                self._statement(item, currency, (*path, number))
                for number, item in enumerate(value)
            ]
        if not isinstance(value, dict):
            return value
        return {
            key: self._minor(item, currency, (*path, key))
            if key in _STATEMENT_AMOUNTS
            else self._statement(item, currency, (*path, key))
            for key, item in value.items()
        }

    def _minor(self, value: Any, currency: Any, path: tuple[str | int, ...]) -> Any:
        """A decimal string in whole minor units; everything else as it is, for the schema."""
        if not isinstance(value, str):
            return value
        if not _AMOUNT.fullmatch(value.strip()):
            self._fault(path, f"{quoted(value)} is not an amount; write it as 1234.50.")
            return 0
        if not isinstance(currency, str) or not is_currency(currency):
            return 0  # the currency is named as a fault of its own
        amount = Decimal(value.strip())
        scaled = amount.scaleb(digits_of(currency))
        whole = scaled.to_integral_value(ROUND_HALF_UP)
        if whole != scaled:
            sentence = (
                f"{amount:f} has more decimals than {currency} knows; it was rounded to "
                f"{whole.scaleb(-digits_of(currency)):f}."
            )
            place = self._place(path)
            self.warnings.append(FileWarning(sentence, place, self.file.line_of(place)))
        return int(whole)

    def _attachment(self, value: dict[str, Any], path: tuple[str | int, ...], number: str) -> Any:
        if "content" not in value:
            self._fault(path, "The embedded file has no content (its bytes in base64).")
            return None
        content, filename, mime = (value.get(key, "") for key in ("content", "filename", "mime"))
        unknown = sorted(value.keys() - {"content", "filename", "mime"})
        for key in unknown:
            self._fault((*path, key), "There is no field of this name.")
        if not (isinstance(content, str) and isinstance(filename, str) and isinstance(mime, str)):
            self._fault(path, "The file's filename, mime and content must be text.")
            return None
        data = decoded(content)
        if not data:
            self._fault((*path, "content"), "The file is empty or not valid base64.")
            return None
        made = attachment(data, filename=filename, mime=mime, number=number)
        self.attachments[made.sha256] = data
        return made.model_dump(mode="json")

    # --- places -------------------------------------------------------------------------------

    def _place(self, location: tuple[str | int, ...]) -> str:
        path = self.path
        for step in location:
            path = joined(path, step)
        return path

    def _fault(self, location: tuple[str | int, ...], sentence: str) -> None:
        problem = self.file.problem(self._place(location), sentence)
        if problem not in self.problems:
            self.problems.append(problem)

    def _located(self, warning: FileWarning) -> FileWarning:
        place = joined(self.path, warning.field) if self.path else warning.field
        return FileWarning(warning.sentence, place, self.file.line_of(place))


def _hints(content: DocumentContent, stated: _Customer | None) -> CustomerHints:
    """What the file says of the customer first, then what lies in the buyer."""
    account = (content.customer_account,) if content.customer_account else ()
    found = hints_of(content.buyer, account)
    if stated is None:
        return found
    people = [HintedContact(name=c.name, email=c.email) for c in stated.contacts]
    if stated.email and all(person.email != stated.email for person in people):
        people.insert(0, HintedContact(email=stated.email))
    return CustomerHints(
        external_ids=_first(stated.external_id, found.external_ids),
        tax_ids=_first(stated.tax_id, found.tax_ids),
        endpoints=found.endpoints,
        names=_first(stated.name, found.names),
        contacts=tuple(dict.fromkeys((*people, *found.contacts))),
    )


def _first(stated: str | None, found: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*((stated,) if stated else ()), *found)))
