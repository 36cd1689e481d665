"""Customers as the team finds and lists them (spec C2).

Lists are paged by name and id. So is what a search finds in the names of one organization and the
names and addresses of its contacts, unless that is very much: then they come as they were added,
those whose own name it is before those of whom a contact is called so, and reading stops with the
page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from portico.db import reading
from portico.queries import search
from portico.queries.lists import LARGEST_ID, OWING
from portico.records.account import PortalAccount
from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.document import Document

PAGE = 25
_PLACE = re.compile(r"(?:(own|by)-)?(\d{1,19})\Z", re.ASCII)
_FEW = 2 * PAGE  # customers or contacts that are put in order by name
# What a customer is looked for by.
_NAMES, _PEOPLE = ("name", "external_id"), ("name", "email")

_customer, _contact = Customer.__table__, Contact.__table__
_account, _doc = PortalAccount.__table__, Document.__table__


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
