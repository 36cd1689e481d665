"""The activity log as the team reads it: newest first, narrowed down, at a bounded cost (C6).

A page reads ranges of one index, in the order of time: those of documents, of customers, of
types, or all of the organization; for a part of a name or an address, those of the few that have
it. What no index narrows down (two filters at once, a part of very many names) is looked for in
the next 2,000 rows of those ranges and no further; the page says how far it looked, and leads on
from there. But for those of documents and customers, the ranges' indexes hold what is looked for, so
that what does not fit is passed over without being read.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portico.db import BigId, UtcDateTime, reading
from portico.queries import search
from portico.queries.lists import LARGEST_ID
from portico.records.activity import (
    NOT_A_PERSON,
    AccessLog,
    Activity,
    ActivityName,
    ActorKind,
    Label,
    NameKind,
)
from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.document import KINDS, Document

PAGE = 50
LOOKED_THROUGH = 2_000
_AT_ONCE = 1000  # rows of an export
_NAMESAKES = 20  # customers or documents that one search stands for
_NAMES = 10  # actors and addresses; of more, some row is met soon
_KEY = re.compile(r"(\d{1,17})\.(\d{1,19})\Z", re.ASCII)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)

WORDS = {
    Activity.LOGIN: "Signed in",
    Activity.LOGOUT: "Signed out",
    Activity.FAILED_LOGIN: "Failed to sign in",
    Activity.REQUEST_ACCOUNT: "Asked for an account",
    Activity.REQUEST_RESET: "Asked for a new password",
    Activity.PASSWORD_RESET: "Set a new password by mail",
    Activity.CHANGE_PASSWORD: "Changed their password",
    Activity.SET_UP_ACCOUNT: "Set up an account",
    Activity.INVITE: "Invited to the portal",
    Activity.INVITE_STAFF: "Invited to the team",
    Activity.CHANGE_TEAM: "Changed the team",
    Activity.CHANGE_SECOND_FACTOR: "Changed a second factor",
    Activity.DISABLE_ACCOUNT: "Disabled an account",
    Activity.ENABLE_ACCOUNT: "Enabled an account",
    Activity.SWITCH_ACCESS: "Switched portal access",
    Activity.UPDATE_PROFILE: "Changed their profile",
    Activity.UPDATE_ORGANIZATION: "Changed the settings",
    Activity.VIEW_QUOTE: "Viewed a quote",
    Activity.VIEW_INVOICE: "Viewed an invoice",
    Activity.VIEW_DOCUMENT: "Viewed a document",
    Activity.VIEW_PROJECT: "Viewed a project",
    Activity.CHANGE_PROJECT: "Changed a project",
    Activity.SHARE_PROJECT: "Shared or unshared a project",
    Activity.VIEW_SHARE: "Viewed a shared project",
    Activity.DOWNLOAD_PDF: "Downloaded a PDF",
    Activity.DOWNLOAD_FILE: "Downloaded a file",
    Activity.DOWNLOAD_RECEIPT: "Downloaded a receipt",
    Activity.UPLOAD_FILE: "Uploaded a file",
    Activity.SHARE_FILE: "Shared or hid a file",
    Activity.REMOVE_FILE: "Removed a file",
    Activity.APPROVE_QUOTE: "Accepted a quote",
    Activity.DECLINE_QUOTE: "Declined a quote",
    Activity.ACCEPT_DOCUMENT: "Accepted a document",
    Activity.DECLINE_DOCUMENT: "Declined a document",
    Activity.ANSWER_REQUEST: "Answered a request",
    Activity.JUDGE_ANSWER: "Looked at an answer",
    Activity.REVERSE_DECISION: "Reversed a decision",
    Activity.SEND_MESSAGE: "Wrote a message",
    Activity.ASK_MORE_TIME: "Asked for more time",
    Activity.REQUEST_LINK: "Asked for a fresh link",
    Activity.END_LINK: "Ended a link",
    Activity.ISSUE_LINK: "Issued a link",
    Activity.REVOKE_LINK: "Revoked a link",
    Activity.SEND_DOCUMENT: "Sent a document",
    Activity.WRITE_DOCUMENT: "Wrote a document",
    Activity.REVISE_DOCUMENT: "Revised a document",
    Activity.POST_DOCUMENT: "Posted a document",
    Activity.IMPORT_DOCUMENT: "Imported a document",
    Activity.EXTEND_QUOTE: "Gave more time",
    Activity.VOID_DOCUMENT: "Withdrew a document",
    Activity.RECORD_PAYMENT: "Recorded a payment",
    Activity.RECORD_REFUND: "Recorded a refund",
    Activity.PAY_INVOICE: "Paid an invoice",
    Activity.ALLOCATE_PAYMENT: "Moved money",
    Activity.VOID_PAYMENT: "Voided a payment",
    Activity.ISSUE_STATEMENT: "Issued a statement",
    Activity.MAIL_SENT: "Mail sent",
    Activity.MAIL_FAILED: "Mail failed",
    Activity.RESEND_MAIL: "Sent a mail again",
    Activity.EXPORT_ACTIVITY: "Exported the log",
    Activity.VERIFY_ACTIVITY: "Verified the log",
    Activity.ERASE_ACTIVITY: "Erased addresses",
    Activity.SEAL_ACTIVITY: "Sealed the log anew",
}
SECURITY = tuple(one for one in Activity if one.is_security_event)
FINANCIAL = tuple(one for one in Activity if one.is_financial_action)


def words_of(type_: str) -> str:
    """A type as people say it; what has no words yet is shown under its own name."""
    try:
        return WORDS[Activity(type_)]
    except (KeyError, ValueError):
        return type_.replace("_", " ").capitalize()


def _words(row: Any) -> str:
    """What happened, in the words that fit who did it and what is known of it."""
    details = row.details
    if row.type == Activity.SWITCH_ACCESS and "on" in details:
        return f"Switched portal access {_on(details['on'])}"
    if row.type == Activity.REVOKE_LINK and details.get("count", 1) != 1:
        return f"Revoked {details['count']} links"
    if row.type != Activity.UPDATE_PROFILE or row.actor_kind != ActorKind.STAFF:
        return words_of(row.type)
    whom = "a contact" if row.contact_id else "the customer"
    if "active" in details:
        return f"Switched {whom} {_on(details['active'])}"
    if "changed" in details:
        return f"Changed {whom} ({said(details['changed'])})"
    return f"{'Added' if details.get('created') else 'Changed'} {whom}"


def _on(switched: bool) -> str:
    return "on" if switched else "off"


@dataclass(frozen=True, slots=True)
class Filter:
    """What to show. *organization_id* None: what belongs to no single organization."""

    organization_id: int | None
    types: tuple[Activity, ...] = ()  # none: all
    actor_kind: ActorKind | None = None
    label: Label | None = None
    customer_id: int | None = None
    customer: str = ""  # a part of a name
    document: str = ""  # a number
    term: str = ""  # a part of an actor's name or of an address, or a session
    since: dt.datetime | None = None
    until: dt.datetime | None = None  # before this moment


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A place in the log: its time, and the row's number."""

    at: dt.datetime
    id: int

    @classmethod
    def parse(cls, text: str) -> Key | None:
        """From the URL's form, microseconds and number; None where it is no place there can be."""
        found = _KEY.match(text)
        if found is None or int(found[2]) > LARGEST_ID:
            return None
        return cls(_EPOCH + int(found[1]) * _MICROSECOND, int(found[2]))

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // _MICROSECOND}.{self.id}"


@dataclass(frozen=True, slots=True)
class Line:
    """One row, with the names of what it is about."""

    id: int
    at: dt.datetime
    type: str
    words: str
    is_security_event: bool
    is_financial_action: bool
    actor_kind: str
    actor: str
    customer_id: int | None
    customer: str
    contact: str  # whom it was about, if somebody else did it
    document_id: int | None
    document: str  # kind and number
    document_number: str
    link_id: int | None
    session_id: str
    details: list[tuple[str, str]]
    label: str
    label_reason: str
    ip: str
    user_agent: str
    device_type: str
    browser: str
    platform: str
    is_erased: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first, and the key that leads on; *looked_back_to* where more may match
    beyond what was looked through."""

    rows: list[Line]
    older: Key | None
    looked_back_to: dt.datetime | None = None


def page(wanted: Filter, before: Key | None = None, size: int = PAGE) -> Page:
    """The next *size* rows before a key."""
    ranges, rest = _ranges(wanted)
    upper = _first(before, Key(wanted.until, 0) if wanted.until else None)
    lower = Key(wanted.since, 0) if wanted.since else None
    horizon = _horizon(ranges, upper, lower) if rest else None
    found = _keys(ranges, rest, upper, horizon or lower, size + 1)
    lines = _lines(found[:size], wanted.organization_id)
    if len(found) > size:
        return Page(lines, found[size - 1])
    return Page(lines, horizon, horizon.at if horizon else None)


def every(wanted: Filter) -> Iterator[Line]:
    """All that matches, newest first, read a thousand at a time."""
    before = None
    while True:
        some = page(wanted, before, _AT_ONCE)
        yield from some.rows
        before = some.older
        if before is None:
            return


# --- ranges -----------------------------------------------------------------------------------

_log = AccessLog.__table__
_order = (_log.c.occurred_at, _log.c.id)
_customer, _contact, _document = Customer.__table__, Contact.__table__, Document.__table__
_name = ActivityName.__table__
Conditions = list[sa.ColumnElement[bool]]


def _ranges(wanted: Filter) -> tuple[list[Conditions], Conditions]:
    """The ranges of an index to read, and what is left to be looked for in them."""
    # Customers and documents are found in the organization, and so are their rows.
    ranges, rest = None, _rest(wanted)
    if wanted.customer_id is not None:
        ranges = [[_log.c.customer_id == wanted.customer_id]]
    elif wanted.document:
        ranges = [[_log.c.document_id == one] for one in _numbered_documents(wanted)]
    if wanted.customer:
        named = search.Customers(wanted.organization_id or 0, wanted.customer)
        if ranges is None and named.few is not None and len(named.few) <= _NAMESAKES:
            ranges = [[_log.c.customer_id == one] for one in named.few]
        else:
            rest.append(named.has(_log.c.customer_id))
    if ranges is None:
        return _over_all(wanted, rest)
    return ranges, [*rest, *_types(wanted), *_term(wanted)]


def _over_all(wanted: Filter, rest: Conditions) -> tuple[list[Conditions], Conditions]:
    """The ranges of the whole organization: of those whom a term stands for, of a rare label, of
    types, of those who did something, or all."""
    whole = _log.c.organization_id == wanted.organization_id
    types = [_log.c.type == one.value for one in wanted.types]
    named = _named(wanted) if wanted.term else None
    if named is None:
        rest += _term(wanted)
    if named is None and wanted.label in {None, Label.PERSON}:
        if wanted.actor_kind and not types:
            del rest[1 if wanted.label else 0]
            types = [_log.c.actor_kind == wanted.actor_kind.value]
        return [[whole, one] for one in types] or [[whole]], rest
    rest += _types(wanted)
    if named is not None:
        return [[whole, one] for one in named], rest
    # In the index's own words: only so is it known to fit.
    unusual: sa.ColumnElement[bool] = sa.literal_column(f"({NOT_A_PERSON})")
    return [[whole, unusual, _log.c.label == str(wanted.label)]], rest[1:]


def _named(wanted: Filter) -> Conditions | None:
    """Rows of each name and address that has the term, and those of a session; None where it
    stands for too many."""
    if wanted.organization_id is None:
        return None
    has, own = search.hits(_name, ("text",), wanted.term), _name.c.organization_id
    names = sa.select(_name.c.kind, _name.c.text).select_from(has.rows)
    # "+ 0" keeps SQLite at the index of parts of words.
    names = names.where(has.where, own + 0 == wanted.organization_id)
    with reading() as connection:
        found = connection.execute(names.limit(_NAMES + 1)).all()
    if len(found) > _NAMES:
        return None
    of = {NameKind.ACTOR: _log.c.actor, NameKind.ADDRESS: _log.c.ip}
    named = [of[NameKind(row.kind)] == row.text for row in found]
    return [*named, _log.c.session_id == wanted.term]


def _term(wanted: Filter) -> Conditions:
    """A term as it is looked for row by row."""
    if not wanted.term:
        return []
    named = search.written(_log, ("actor", "ip"), wanted.term)
    return [sa.or_(named, _log.c.session_id == wanted.term)]


def _types(wanted: Filter) -> Conditions:
    types = [one.value for one in wanted.types]
    return [(_log.c.type + "").in_(types)] if types else []


def _rest(wanted: Filter) -> Conditions:
    """What no range is of; a label comes first, then who did it. '+ ""' keeps SQLite at a range."""
    rest: Conditions = []
    if wanted.label:
        rest.append(_log.c.label + "" == wanted.label.value)
    if wanted.actor_kind:
        rest.append(_log.c.actor_kind + "" == wanted.actor_kind.value)
    return rest


def _numbered_documents(wanted: Filter) -> list[int]:
    numbered = sa.select(_document.c.id).where(
        _document.c.organization_id == wanted.organization_id,
        _document.c.number == wanted.document,
    )
    with reading() as connection:
        return list(connection.execute(numbered.limit(_NAMESAKES)).scalars())


# --- reading ----------------------------------------------------------------------------------


def _first(*keys: Key | None) -> Key | None:
    given = [key for key in keys if key is not None]
    return min(given) if given else None


def _bounds(upper: Key | None, lower: Key | None) -> Conditions:
    """One bound at each end: that is what an index range can have."""
    bounds: Conditions = []
    if upper is not None:
        bounds.append(sa.tuple_(*_order) < _place(upper))
    if lower is not None:
        bounds.append(sa.tuple_(*_order) >= _place(lower))
    return bounds


def _place(key: Key) -> sa.Tuple:
    return sa.tuple_(sa.literal(key.at, UtcDateTime()), sa.literal(key.id, BigId))


def _horizon(ranges: list[Conditions], upper: Key | None, lower: Key | None) -> Key | None:
    """How far back to look; None where all that there is can be looked through."""
    share = LOOKED_THROUGH // max(len(ranges), 1)
    last = [
        sa.select(*_order)
        .where(*one, *_bounds(upper, lower))
        .order_by(*(by.desc() for by in _order))
        .offset(share - 1)
        .limit(1)
        .subquery()
        .select()
        for one in ranges
    ]
    if not last:
        return None
    with reading() as connection:
        found = [Key(row.occurred_at, row.id) for row in connection.execute(sa.union_all(*last))]
    return max(found) if found else None


def _keys(
    ranges: list[Conditions], rest: Conditions, upper: Key | None, lower: Key | None, limit: int
) -> list[Key]:
    parts = [
        sa.select(*_order)
        .where(*one, *_bounds(upper, lower), *rest)
        .order_by(*(by.desc() for by in _order))
        .limit(limit)
        .subquery()
        .select()
        for one in ranges
    ]
    if not parts:
        return []
    # A row may be found by its actor and by its address: union drops one.
    merged = sa.union(*parts).subquery()
    newest = sa.select(merged).order_by(merged.c.occurred_at.desc(), merged.c.id.desc())
    with reading() as connection:
        return [Key(row.occurred_at, row.id) for row in connection.execute(newest.limit(limit))]


def _lines(keys: list[Key], organization_id: int | None) -> list[Line]:
    """The rows at these places, in their order; of another organization none."""
    if not keys:
        return []
    rows = (
        sa.select(
            _log,
            _customer.c.name.label("customer_name"),
            _contact.c.name.label("contact_name"),
            _document.c.kind.label("document_kind"),
            _document.c.number.label("document_number"),
        )
        .outerjoin(_customer, _customer.c.id == _log.c.customer_id)
        .outerjoin(_contact, _contact.c.id == _log.c.contact_id)
        .outerjoin(_document, _document.c.id == _log.c.document_id)
        .where(_log.c.id.in_([key.id for key in keys]))
    )
    with reading() as connection:
        found = {
            row.id: _line(row)
            for row in connection.execute(rows)
            if row.organization_id == organization_id
        }
    return [found[key.id] for key in keys if key.id in found]


def _line(row: Any) -> Line:
    number = row.document_number or ""
    type_ = Activity(row.type) if row.type in set(Activity) else None
    return Line(
        id=row.id,
        at=row.occurred_at,
        type=row.type,
        words=_words(row),
        is_security_event=type_ is not None and type_.is_security_event,
        is_financial_action=type_ is not None and type_.is_financial_action,
        actor_kind=row.actor_kind,
        actor=row.actor,
        customer_id=row.customer_id,
        customer=row.customer_name or "",
        contact=(row.contact_name or "") if row.actor_kind != ActorKind.CUSTOMER else "",
        document_id=row.document_id,
        document=f"{KINDS[Kind(row.document_kind)].label} {number}" if number else "",
        document_number=number,
        link_id=row.link_id,
        session_id=row.session_id or "",
        details=[(name.replace("_", " "), said(value)) for name, value in row.details.items()],
        label=row.label,
        label_reason=row.label_reason,
        ip=row.ip or "",
        user_agent=row.user_agent or "",
        device_type=row.device_type or "",
        browser=row.browser or "",
        platform=row.platform or "",
        is_erased=row.salt is None,
    )


def said(value: object) -> str:
    """A detail of a row, as people write it."""
    if isinstance(value, list):
        return ", ".join(map(said, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
