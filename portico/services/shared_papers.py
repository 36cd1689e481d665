"""Proposals, requests, acceptances and hours as somebody types them, and as they are kept (C5).

What there may be several of is typed a line each, its parts set apart by bars, so that the forms
need no JavaScript: ``Floor plan | As PDF, with measures | file``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError

from portico import clock, formats
from portico.records.content import (
    DocumentContent,
    FeeModel,
    Kind,
    Party,
    ProposalBody,
    RequestBody,
    TimeBody,
    Wanted,
    from_minor,
    to_minor,
)
from portico.refusals import BadInput
from portico.services import links

KINDS = (Kind.PROPOSAL, Kind.REQUEST, Kind.ACCEPTANCE, Kind.TIME_APPROVAL)
LONGEST = 200_000
_HOURS = re.compile(r"(\d{1,2}):([0-5]\d)\Z", re.ASCII)
_WANTS = {"file": Wanted.FILE, "words": Wanted.TEXT}
_NOT_BILLED = "not billed"
# Where an error of the schema belongs on the form.
_FIELDS = {
    "number": "number", "title": "title", "currency": "currency", "totals": "amount",
    "proposal": "chapters", "request": "items", "acceptance": "items", "time": "entries",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TypedShared:
    """The form's fields, as text. ``project`` is the id of one of the customer's projects."""

    number: str = ""
    title: str = ""
    issued_on: str = ""
    last_day: str = ""
    currency: str = "EUR"
    project: str = ""
    fee_model: str = FeeModel.FIXED_FEE.value
    amount: str = ""
    chapters: str = ""
    introduction: str = ""
    confirms: str = ""
    items: str = ""
    start: str = ""
    end: str = ""
    entries: str = ""


# --- from the form ------------------------------------------------------------------------------


def content_of(
    kind: Kind,
    typed: TypedShared,
    seller: Party,
    buyer: Party,
    *,
    zone: str,
    project: str | None,
    base: DocumentContent | None = None,
) -> DocumentContent:
    """The content that was typed; what the form does not know stays as it is in *base*.

    Raises BadInput with every field that is wrong.
    """
    read = _Reading()
    values: dict[str, Any] = base.model_dump(mode="json") if base else {"totals": {"payable": 0}}
    values |= {
        "kind": kind,
        "number": typed.number.strip(),
        "title": typed.title.strip() or None,
        "currency": typed.currency.strip().upper(),
        "issued_on": read.day("issued_on", typed.issued_on),
        "project": project,
        "seller": seller,
        "buyer": buyer,
        **_end(kind, read.day("last_day", typed.last_day, required=False), zone, base),
        **_BODIES[kind](read, typed, base),
    }
    if not values["title"]:
        read.errors["title"] = "Please fill this in."
    if not read.errors:
        try:
            return DocumentContent.model_validate(values)
        except ValidationError as problem:
            for found in problem.errors(include_url=False):
                field = _FIELDS.get(str(found["loc"][0]), "form")
                read.errors.setdefault(field, f"This cannot be taken: {found['msg']}.")
    raise BadInput(read.errors)


class _Reading:
    """What was typed, read field by field; what cannot be read is noted."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}

    def day(self, name: str, text: str, *, required: bool = True) -> dt.date | None:
        if not text.strip() and not required:
            return None
        try:
            return dt.date.fromisoformat(text.strip())
        except ValueError:
            self.errors[name] = "Please give a day, such as 2026-11-30."
            return None

    def lines(self, name: str, text: str, parts: int) -> Iterator[tuple[int, list[str]]]:
        """Each line that holds something, with its number, cut into so many parts."""
        if len(text) > LONGEST:
            self.errors[name] = "This is too long for a form; please import it."
            return
        for number, line in enumerate(text.splitlines(), 1):
            cut = [part.strip() for part in line.split("|")]
            if len(cut) > parts:
                self.errors[name] = f"Line {number} has more than {parts} parts."
            elif any(cut):
                yield number, cut + [""] * (parts - len(cut))


def _end(
    kind: Kind, last: dt.date | None, zone: str, base: DocumentContent | None
) -> dict[str, Any]:
    """Until when: an acceptance ends at a moment, a request is due, all else is valid to a day."""
    if kind is Kind.REQUEST:
        return {"due_on": last}
    if kind is not Kind.ACCEPTANCE and not (base and base.expires_at):
        return {"valid_until": last}
    if last is None:
        return {"expires_at": None}
    if base and base.expires_at and last == _last_day(base, zone):
        return {"expires_at": base.expires_at}
    return {"expires_at": links.last_minute(last, zone)}


def _proposal(read: _Reading, typed: TypedShared, base: DocumentContent | None) -> dict[str, Any]:
    if typed.fee_model not in set(FeeModel):
        read.errors["fee_model"] = "Please choose how it is paid for."
    chapters: list[dict[str, str]] = []
    for line in typed.chapters[:LONGEST].splitlines():
        if line.startswith("# "):
            chapters.append({"heading": line[2:].strip(), "body": ""})
        elif chapters:
            chapters[-1]["body"] += f"{line}\n"
        elif line.strip():
            read.errors["chapters"] = "Please begin with a heading: a line that starts with #."
            break
    minor = _minor(read, typed)
    body = {"fee_model": typed.fee_model, "chapters": chapters}
    kept = base is not None and base.totals.payable == minor
    return {"proposal": body} | ({} if kept else {"totals": {"payable": minor, "gross": minor}})


def _minor(read: _Reading, typed: TypedShared) -> int:
    try:
        number = Decimal(typed.amount.replace(" ", "").replace(",", "."))
        if not number.is_finite() or not 0 <= number < 10**12:
            raise InvalidOperation
        return to_minor(number, typed.currency.strip().upper())
    except (InvalidOperation, ValueError):
        read.errors["amount"] = "Please give an amount, such as 1250.00."
        return 0


def _request(read: _Reading, typed: TypedShared, _base: DocumentContent | None) -> dict[str, Any]:
    items = []
    for number, (name, description, wants) in read.lines("items", typed.items, 3):
        if wants and wants.lower() not in _WANTS:
            read.errors["items"] = f"Line {number} ends with neither file nor words."
        items.append(
            {
                "name": name,
                "description": description or None,
                "wants": _WANTS.get(wants.lower(), Wanted.EITHER),
            }
        )
    if not items:
        read.errors.setdefault("items", "Please ask for something, a line each.")
    return {"request": {"introduction": typed.introduction.strip() or None, "items": items}}


def _acceptance(read: _Reading, typed: TypedShared, _base: Any) -> dict[str, Any]:
    if not typed.confirms.strip():
        read.errors["confirms"] = "Please say what is confirmed."
    items = [
        {"name": name, "description": description or None}
        for _, (name, description) in read.lines("items", typed.items, 2)
    ]
    return {"acceptance": {"confirms": typed.confirms, "items": items}}


def _time(read: _Reading, typed: TypedShared, _base: Any) -> dict[str, Any]:
    start, end = read.day("start", typed.start), read.day("end", typed.end)
    if start and end and end < start:
        read.errors["end"] = "The period ends before it begins."
    entries = []
    for number, (on, person, hours, task, description, billed) in read.lines(
        "entries", typed.entries, 6
    ):
        minutes = _minutes(hours)
        try:
            day = dt.date.fromisoformat(on)
        except ValueError:
            day = None
        if day is None or not person or minutes is None:
            read.errors["entries"] = (
                f"Line {number} cannot be read. It begins like: 2026-11-02 | Kari | 7:30"
            )
        entries.append(
            {
                "on": day,
                "person": person,
                "minutes": minutes,
                "task": task or None,
                "description": description or None,
                "is_billable": billed.lower() != _NOT_BILLED,
            }
        )
    if not entries:
        read.errors.setdefault("entries", "Please give the hours, a line each.")
    return {"time": {"period": {"start": start, "end": end}, "entries": entries}}


def _minutes(text: str) -> int | None:
    """``7:30`` and ``7.5`` are 450; None for what is no time of a day."""
    if found := _HOURS.match(text):
        minutes = int(found[1]) * 60 + int(found[2])
    else:
        try:
            hours = Decimal(text.replace(",", ".")) * 60
        except InvalidOperation:
            return None
        if not hours.is_finite() or hours != hours.to_integral_value():
            return None
        minutes = int(hours)
    return minutes if 0 < minutes <= 24 * 60 else None


_BODIES = {
    Kind.PROPOSAL: _proposal,
    Kind.REQUEST: _request,
    Kind.ACCEPTANCE: _acceptance,
    Kind.TIME_APPROVAL: _time,
}


# --- to the form --------------------------------------------------------------------------------


def typed_of(content: DocumentContent, zone: str, project_id: int | None = None) -> TypedShared:
    """A content as somebody would have typed it."""
    return TypedShared(
        number=content.number,
        title=content.title or "",
        issued_on=content.issued_on.isoformat(),
        last_day=_iso(_last_day(content, zone)),
        currency=content.currency,
        project=str(project_id or ""),
        **_typed_body(content),
    )


def _typed_body(content: DocumentContent) -> dict[str, str]:
    if content.proposal:
        return _typed_proposal(content.proposal, content)
    if content.request:
        return _typed_request(content.request)
    if content.acceptance:
        items = ((one.name, one.description or "") for one in content.acceptance.items)
        return {"confirms": content.acceptance.confirms, "items": _lines(items)}
    return _typed_time(content.time) if content.time else {}


def _typed_proposal(body: ProposalBody, content: DocumentContent) -> dict[str, str]:
    chapters = (f"# {one.heading}\n{one.body}" for one in body.chapters)
    return {
        "fee_model": body.fee_model.value,
        "amount": f"{from_minor(content.totals.payable, content.currency):f}",
        "chapters": "\n\n".join(chapters),
    }


def _typed_request(body: RequestBody) -> dict[str, str]:
    said = {Wanted.EITHER: "", Wanted.FILE: "file", Wanted.TEXT: "words"}
    items = ((one.name, one.description or "", said[one.wants]) for one in body.items)
    return {"introduction": body.introduction or "", "items": _lines(items)}


def _typed_time(body: TimeBody) -> dict[str, str]:
    rows = (
        (
            one.on.isoformat(), one.person, formats.hours(one.minutes), one.task or "",
            " ".join((one.description or "").split()), "" if one.is_billable else _NOT_BILLED,
        )
        for one in body.entries
    )  # fmt: skip
    return {
        "start": _iso(body.period.start),
        "end": _iso(body.period.end),
        "entries": _lines(rows),
    }


def lines_of_time(rows: Iterator[tuple[dt.date, str, int, str, str, bool]]) -> str:
    """Day, person, minutes, task, words and whether it is billed, as lines of the form."""
    return _lines(
        (
            on.isoformat(), _one_part(person), formats.hours(minutes), _one_part(task),
            _one_part(words), "" if billed else _NOT_BILLED,
        )
        for on, person, minutes, task, words, billed in rows
    )  # fmt: skip


def lost_by_editing(content: DocumentContent, zone: str) -> bool:
    """Whether the form would lose something of this content: then it is imported again instead."""
    typed = typed_of(content, zone)
    try:
        again = content_of(
            content.kind, typed, content.seller, content.buyer,
            zone=zone, project=content.project, base=content,
        )  # fmt: skip
    except BadInput:
        return True
    return again != content


def _one_part(text: str) -> str:
    return " ".join(text.replace("|", "/").split())


def _lines(rows: Iterator[tuple[str, ...]] | Any) -> str:
    return "\n".join(" | ".join(row).rstrip(" |") for row in rows)


def _last_day(content: DocumentContent, zone: str) -> dt.date | None:
    if content.expires_at is not None:
        return content.expires_at.astimezone(clock.zone(zone)).date()
    return content.valid_until or content.due_on


def _iso(day: dt.date | None) -> str:
    return day.isoformat() if day else ""
