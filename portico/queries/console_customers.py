"""Customers as the team sees them: found, listed, opened, and who of theirs gets in (spec C2, C3).

Lists are paged by name and id. So is what a search finds in the names of one organization and the
names and addresses of its contacts, unless that is very much: then they come as they were added,
those whose own name it is before those of whom a contact is called so, and reading stops with the
page.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from portico import clock
from portico.db import reading
from portico.queries import search
from portico.queries.faces import OrganizationFace
from portico.queries.lists import LARGEST_ID, OWING
from portico.queries.rows import columns
from portico.queries.signed_in import SignedIn
from portico.records.account import PortalAccount
from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.decision import Via
from portico.records.document import Document
from portico.records.link import PortalLink
from portico.records.mail import Mail, MailState
from portico.records.project import Project, ProjectShare
from portico.services.actors import Actor

PAGE = 25
PEOPLE = 50
_NAMESAKES = 5
_PLACE = re.compile(r"(?:(own|by)-)?(\d{1,19})\Z", re.ASCII)
_FEW = 2 * PAGE  # customers or contacts that are put in order by name
# What a customer is looked for by.
_NAMES, _PEOPLE = ("name", "external_id"), ("name", "email")

_customer, _contact = Customer.__table__, Contact.__table__
_account, _mail = PortalAccount.__table__, Mail.__table__
_doc, _link = Document.__table__, PortalLink.__table__
_project, _share = Project.__table__, ProjectShare.__table__


# --- the list ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CustomerLine:
    """A customer in the list."""

    id: int
    name: str
    external_id: str
    is_active: bool
    portal_enabled: bool
    contacts: int
    accounts: int  # set up
    open: list[tuple[int, str]]  # what is owed: minor units and currency


class Part(StrEnum):
    """Where in a list a place is: among all or few by name, or of many those whose own name it is,
    and those of whom a contact is called so."""

    NAMED = ""
    OWN = "own"
    BY_CONTACT = "by"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list: a customer's id, or a contact's."""

    id: int
    part: Part = Part.NAMED

    @classmethod
    def parse(cls, text: str) -> Place | None:
        """From the URL's form ``123``, ``own-123`` or ``by-45``; None where it is no place there
        can be."""
        found = _PLACE.match(text)
        if found is None or int(found[2]) > LARGEST_ID:
            return None
        return cls(int(found[2]), Part(found[1] or ""))

    def __str__(self) -> str:
        return f"{self.part}-{self.id}" if self.part else str(self.id)


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """Customers by name, and the places that lead on and back, None where there is nothing more.
    Very many come in the order they were added, those who were found by a contact last."""

    rows: list[CustomerLine]
    on: Place | None
    back: Place | None
    by_name: bool = True


def active(organization_id: int, term: str, most: int) -> list[CustomerLine]:
    """The first *most* active customers that match, those called exactly so before all others."""
    asked = _Asked(organization_id, term, _customer.c.is_active.is_(True))
    found = [*asked.called_so(), *(customer_id for _, customer_id in asked.places(None))]
    return _lines(organization_id, list(dict.fromkeys(found))[:most])


def page(
    organization_id: int,
    *,
    term: str = "",
    beyond: Place | None = None,
    before: Place | None = None,
) -> CustomerPage:
    """One page of an organization's customers. *beyond* and *before* are places at its edge."""
    asked = _Asked(organization_id, term)
    if beyond is None and before is not None:
        found = asked.places(before, backwards=True)
        if len(found) > PAGE:
            return _page(organization_id, found[:PAGE][::-1], on=True, back=True)
    found = asked.places(beyond)
    if beyond is not None and not found:  # a place that is none any more
        beyond, found = None, asked.places(None)
    return _page(organization_id, found[:PAGE], on=len(found) > PAGE, back=beyond is not None)


_Found = tuple[Place, int]  # and the customer's id


def _page(organization_id: int, found: list[_Found], *, on: bool, back: bool) -> CustomerPage:
    rows = _lines(organization_id, [customer_id for _, customer_id in found])
    by_name = all(place.part is Part.NAMED for place, _ in found)
    return CustomerPage(rows, found[-1][0] if on else None, found[0][0] if back else None, by_name)


class _Asked:
    """Customers of an organization that a term stands for, or all, and what else has to hold."""

    def __init__(self, organization_id: int, term: str, *also: sa.ColumnElement[bool]) -> None:
        self._organization_id, self._term, self._also = organization_id, term, also
        if term:
            self._hits = {
                Part.OWN: search.hits(_customer, _NAMES, term),
                Part.BY_CONTACT: search.hits(_contact, _PEOPLE, term),
            }

    def places(self, edge: Place | None, *, backwards: bool = False) -> list[_Found]:
        """The next places, one more than a page."""
        named = edge is None or edge.part is Part.NAMED
        if not self._term:
            if not named:
                return [] if backwards else self._by_name(None, False)
            return self._by_name(edge, backwards)
        if edge is None or named:
            return self._first(edge, backwards)
        return self._as_added(edge, backwards)

    def called_so(self) -> list[int]:
        """Those whose whole name the term is."""
        names = {self._term, self._term.upper(), self._term.lower(), self._term.title()}
        own = _customer.c.organization_id == self._organization_id
        query = sa.select(_customer.c.id).where(own, _customer.c.name.in_(names), *self._also)
        with reading() as connection:
            return list(connection.execute(query.order_by(_customer.c.id).limit(PAGE)).scalars())

    def _by_name(self, edge: Place | None, backwards: bool) -> list[_Found]:
        wanted = [_customer.c.organization_id == self._organization_id, *self._also]
        if edge is not None:
            name = sa.select(_customer.c.name).where(
                _customer.c.id == edge.id, _customer.c.organization_id == self._organization_id
            )
            here = sa.tuple_(_customer.c.name, _customer.c.id)
            there = sa.tuple_(name.scalar_subquery(), sa.literal(edge.id, _customer.c.id.type))
            wanted.append(here < there if backwards else here > there)
        order = (_customer.c.name, _customer.c.id)
        query = sa.select(_customer.c.id).where(*wanted)
        query = query.order_by(*(by.desc() if backwards else by.asc() for by in order))
        with reading() as connection:
            rows = connection.execute(query.limit(PAGE + 1)).scalars()
            return [(Place(one), one) for one in rows]

    def _first(self, edge: Place | None, backwards: bool) -> list[_Found]:
        """By name if they are few, beyond a customer or before; the first of many."""
        some = [
            self._rows(part, sa.literal(part.value).label("part"), _customer.c.name)
            .order_by(hits.id)
            .limit(_FEW + 1)
            .subquery()
            .select()
            for part, hits in self._hits.items()
        ]
        if edge is not None:  # may no longer be one of them, and still is a place
            some.append(self._at(edge.id))
        every = sa.union_all(*some).subquery()
        with reading() as connection:
            rows = connection.execute(sa.select(every).order_by(every.c.name, every.c.id)).all()
        found = [row for row in rows if row.part]
        if max(Counter(row.part for row in found).values(), default=0) > _FEW:
            if backwards:
                return []
            first = _first_of_many(found)
            return first if len(first) > PAGE else self._as_added(Place(0, Part.OWN), False)
        ids = list(dict.fromkeys(row.id for row in (rows[::-1] if backwards else rows)))
        if edge is not None:
            if edge.id not in ids:
                return [] if backwards else self._first(None, False)
            del ids[: ids.index(edge.id) + 1]
        return [(Place(one), one) for one in ids[: PAGE + 1]]

    def _at(self, customer_id: int) -> sa.Select[Any]:
        """A customer of the organization as a row of none of the parts."""
        return sa.select(
            sa.literal(0).label("at"), _customer.c.id,
            sa.literal(Part.NAMED.value).label("part"), _customer.c.name,
        ).where(
            _customer.c.id == customer_id, _customer.c.organization_id == self._organization_id
        )  # fmt: skip

    def _rows(self, part: Part, *more: sa.ColumnElement[Any]) -> sa.Select[Any]:
        """Where the customers of a part are, their ids, and *more*."""
        hits = self._hits[part]
        query = sa.select(hits.id.label("at"), _customer.c.id, *more).select_from(hits.rows)
        if part is Part.BY_CONTACT:
            query = query.join(_customer, _customer.c.id == _contact.c.customer_id)
        # "+ 0" keeps SQLite at the index of parts of words.
        own = _customer.c.organization_id + 0 == self._organization_id
        return query.where(hits.where, own, *self._also)

    def _as_added(self, edge: Place, backwards: bool) -> list[_Found]:
        """The next of many: those whose own name it is, then the others by the first contact of
        theirs who is called so."""
        parts = [Part.BY_CONTACT, Part.OWN] if backwards else [Part.OWN, Part.BY_CONTACT]
        found: list[_Found] = []
        for part in parts[parts.index(edge.part) :]:
            query, at = self._rows(part), self._hits[part].id
            if part is Part.BY_CONTACT:
                query = query.where(~self._hits[Part.OWN].has(_customer), ~self._older())
            if part is edge.part:
                query = query.where(at < edge.id if backwards else at > edge.id)
            query = query.order_by(at.desc() if backwards else at.asc())
            if len(found) <= PAGE:
                with reading() as connection:
                    rows = connection.execute(query.limit(PAGE + 1 - len(found)))
                    found += [(Place(row.at, part), row.id) for row in rows]
        return found

    def _older(self) -> sa.ColumnElement[bool]:
        """That the customer has an older contact who is called so."""
        other = _contact.alias()
        return sa.exists().where(
            other.c.customer_id == _contact.c.customer_id,
            other.c.id < _contact.c.id,
            self._hits[Part.BY_CONTACT].has(other),
        )


def _first_of_many(rows: Iterable[Any]) -> list[_Found]:
    """What _as_added begins with, out of the first rows of each part."""
    found: dict[int, Place] = {}
    for row in sorted(rows, key=lambda row: (row.part != Part.OWN, row.at)):
        found.setdefault(row.id, Place(row.at, Part(row.part)))
    return [(place, customer_id) for customer_id, place in found.items()][: PAGE + 1]


def _lines(organization_id: int, ids: Sequence[int]) -> list[CustomerLine]:
    if not ids:
        return []
    people = sa.select(sa.func.count()).where(_contact.c.customer_id == _customer.c.id)
    set_up = sa.select(sa.func.count()).where(
        _account.c.customer_id == _customer.c.id, _account.c.set_up_at.is_not(None)
    )
    query = sa.select(
        _customer.c.id, _customer.c.name, _customer.c.external_id, _customer.c.is_active,
        _customer.c.portal_enabled, people.scalar_subquery().label("contacts"),
        set_up.scalar_subquery().label("accounts"),
    ).where(_customer.c.id.in_(ids))  # fmt: skip
    owed = _owed(organization_id, ids)
    with reading() as connection:
        found = {
            row.id: CustomerLine(
                row.id, row.name, row.external_id or "", row.is_active, row.portal_enabled,
                row.contacts, row.accounts, owed.get(row.id, []),
            )
            for row in connection.execute(query)
        }  # fmt: skip
    return [found[one] for one in ids]


def _owed(organization_id: int, ids: Sequence[int]) -> dict[int, list[tuple[int, str]]]:
    """What is open on invoices, by customer, a sum for each currency."""
    query = (
        sa.select(_doc.c.customer_id, _doc.c.currency, sa.func.sum(_doc.c.balance).label("sum"))
        .where(
            _doc.c.organization_id == organization_id,
            _doc.c.customer_id.in_(ids),
            _doc.c.kind == Kind.INVOICE.value,
            _doc.c.balance != sa.literal_column("0"),
            _doc.c.posted_at.is_not(None),
            _doc.c.state.in_([state.value for state in OWING]),
        )
        .group_by(_doc.c.customer_id, _doc.c.currency)
        .order_by(_doc.c.currency)
    )
    owed: dict[int, list[tuple[int, str]]] = {}
    with reading() as connection:
        for row in connection.execute(query):
            owed.setdefault(row.customer_id, []).append((int(row.sum), row.currency))
    return owed


# --- one customer -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """One customer, as the team wrote them down."""

    id: int
    name: str
    external_id: str
    tax_id: str
    endpoint: str
    is_active: bool
    portal_enabled: bool
    links: int  # that open something now, a document or a project
    may_revoke: bool  # whether there is any, also one that ran out and could be renewed


@dataclass(frozen=True, slots=True)
class Person:
    """A contact, and how far they are with the portal."""

    id: int
    customer_id: int
    name: str
    email: str
    role: str
    is_active: bool
    portal_access: bool
    account_id: int | None
    account_active: bool
    set_up_at: dt.datetime | None
    last_sign_in_at: dt.datetime | None
    mail_id: int  # the newest invitation; 0: none
    mail_state: str | None
    mail_at: dt.datetime | None
    mail_error: str

    @property
    def is_set_up(self) -> bool:
        return self.set_up_at is not None

    @property
    def was_invited(self) -> bool:
        return self.mail_state is not None

    @property
    def can_be_invited(self) -> bool:
        """Until setup is done, and while there is somebody to mail (A4)."""
        disabled = self.account_id is not None and not self.account_active
        return self.is_active and bool(self.email) and not self.is_set_up and not disabled

    @property
    def standing(self) -> tuple[str, str]:
        """The word and the tone of a chip."""
        if self.account_id is not None and not self.account_active:
            return "Disabled", "bad"
        if not self.is_active:
            return "Switched off", "none"
        if self.is_set_up:
            return ("Set up", "good") if self.portal_access else ("Access off", "warn")
        if self.mail_state in {MailState.FAILED, MailState.SKIPPED}:
            return "Invitation failed", "bad"
        if self.mail_state == MailState.SENT:
            return "Invited", "info"
        if self.mail_state is not None:
            return "Being invited", "info"
        return "No account", "none"


def find(organization_id: int, customer_id: int) -> CustomerRecord | None:
    """A customer of the organization; None for any other id."""
    if not 0 < customer_id <= LARGEST_ID:
        return None
    kept = _link.c.customer_id == _customer.c.id, _link.c.revoked_at.is_(None)
    live = sa.select(sa.func.count()).where(
        *kept,
        _link.c.is_active.is_(True),
        _link.c.ended_at.is_(None),
        sa.or_(_link.c.expires_at.is_(None), _link.c.expires_at > clock.now()),
    )
    shared = (
        _project.c.organization_id == _customer.c.organization_id,
        _project.c.customer_id == _customer.c.id,
        _share.c.project_id == _project.c.id,
        _share.c.revoked_at.is_(None),
    )
    shares = sa.select(sa.func.count(_share.c.id)).where(
        *shared,
        _project.c.is_shared_with_client.is_(True),
        sa.or_(_share.c.expires_at.is_(None), _share.c.expires_at > clock.now()),
    )
    query = sa.select(
        _customer.c.id, _customer.c.name, _customer.c.external_id, _customer.c.tax_id,
        _customer.c.endpoint, _customer.c.is_active, _customer.c.portal_enabled,
        (live.scalar_subquery() + shares.scalar_subquery()).label("links"),
        sa.or_(sa.exists().where(*kept), sa.exists().where(*shared)).label("may_revoke"),
    ).where(_customer.c.id == customer_id, _customer.c.organization_id == organization_id)  # fmt: skip
    with reading() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    return CustomerRecord(
        row.id, row.name, row.external_id or "", row.tax_id or "", row.endpoint or "",
        row.is_active, row.portal_enabled, row.links, row.may_revoke,
    )  # fmt: skip


def people(customer_id: int, *, beyond: int = 0) -> tuple[list[Person], int | None]:
    """The contacts of a customer in the order they were added, and the id that leads on."""
    query = _people().where(_contact.c.customer_id == customer_id, _contact.c.id > beyond)
    with reading() as connection:
        rows = connection.execute(query.order_by(_contact.c.id).limit(PEOPLE + 1)).all()
    found = [_person(row) for row in rows[:PEOPLE]]
    return found, found[-1].id if len(rows) > PEOPLE else None


def person(organization_id: int, customer_id: int, contact_id: int) -> Person | None:
    """One contact of a customer of the organization; None for any other ids."""
    if not (0 < contact_id <= LARGEST_ID and 0 < customer_id <= LARGEST_ID):
        return None
    query = _people().where(
        _contact.c.id == contact_id,
        _contact.c.customer_id == customer_id,
        _contact.c.organization_id == organization_id,
    )
    with reading() as connection:
        row = connection.execute(query).first()
    return _person(row) if row is not None else None


def _people() -> sa.Select[Any]:
    return sa.select(
        *columns(_contact, "contact", "id", "customer_id", "name", "email", "role", "is_active",
                 "portal_access"),
        *columns(_account, "account", "id", "is_active", "set_up_at", "last_sign_in_at"),
        *columns(_mail, "mail", "id", "state", "created_at", "sent_at", "error"),
    ).select_from(
        sa.outerjoin(_contact, _account, _account.c.contact_id == _contact.c.id)
        .outerjoin(_mail, _mail.c.id == _account.c.invitation_mail_id)
    )  # fmt: skip


def _person(row: Any) -> Person:
    return Person(
        id=row.contact_id,
        customer_id=row.contact_customer_id,
        name=row.contact_name,
        email=row.contact_email or "",
        role=row.contact_role,
        is_active=row.contact_is_active,
        portal_access=row.contact_portal_access,
        account_id=row.account_id,
        account_active=bool(row.account_is_active),
        set_up_at=row.account_set_up_at,
        last_sign_in_at=row.account_last_sign_in_at,
        mail_id=row.mail_id or 0,
        mail_state=row.mail_state,
        mail_at=row.mail_sent_at or row.mail_created_at,
        mail_error=row.mail_error or "",
    )


def numbered(organization_id: int, number: str) -> list[tuple[int, str]]:
    """Documents of the organization with a number, whosever they are: ids and what to call them."""
    query = sa.select(_doc.c.id, _doc.c.kind).where(
        _doc.c.organization_id == organization_id, _doc.c.number == number
    )
    with reading() as connection:
        rows = connection.execute(query.order_by(_doc.c.id.desc()).limit(_NAMESAKES)).all()
    return [(row.id, row.kind) for row in rows]


def as_signed_in(org: OrganizationFace, customer: CustomerRecord) -> SignedIn:
    """Somebody at the customer, for a preview by the team: of no account, with no session, so
    that nothing can be done in their name."""
    return SignedIn(
        actor=Actor(
            via=Via.ACCOUNT,
            organization_id=org.id,
            customer_id=customer.id,
            contact_id=None,
            contact_name=None,
            contact_email=None,
        ),
        org=org,
        customer_name=customer.name,
        name=customer.name,
        email="",
        role="",
        salutation="",
        locale=None,
        timezone=None,
        mail_documents=False,
        mail_decisions=False,
        mail_messages=False,
        mail_reminders=False,
        unread=0,
        last_seen_at=clock.now(),
    )
