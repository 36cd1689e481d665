"""Parts of words, found in an index of every three characters in a row.

SQLite has such an index in a table of FTS5 beside each searched table, kept by triggers;
PostgreSQL uses its own (pg_trgm) by itself for ILIKE. Migrations 0006 to 0008 make both. Few rows
that an index finds are put in any order that is wanted; many it gives in the order of their ids, and
stops when a page is full. Shorter terms stand for the triples that begin with them, which SQLite can
list. PostgreSQL looks for them row by row, and for all where it has no pg_trgm.
"""

from __future__ import annotations

import sys
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import sqlalchemy as sa

from portico.db import BigId, current_tenant, engines, reading
from portico.records.customer import Customer

SHORTEST = 3  # characters of a term that an index knows
MOST = 500  # rows that are put in order; of more, a list is read in its own
_FEW_CUSTOMERS = 50
_MOST_AT_HAND = 300  # customers that a list is held against; more will soon be met
_MOST_TRIPLES = 40  # that a shorter term may stand for

_customer = Customer.__table__


@dataclass(frozen=True, slots=True)
class Hits:
    """The rows of a table that have a term in one of some columns, for a statement about them."""

    table: sa.FromClause
    columns: tuple[str, ...]
    term: str
    index: sa.TableClause | None  # of SQLite, where that knows the term
    where: sa.ColumnElement[bool]
    at_most: int | None = None  # how many they can be, where that is known without looking

    @property
    def id(self) -> sa.ColumnElement[Any]:
        """What the rows can be ordered by, either way, and come by themselves."""
        return self.table.c.id if self.index is None else self.index.c.rowid

    @property
    def rows(self) -> sa.FromClause:
        """The table, behind its index."""
        if self.index is None:
            return self.table
        return self.index.join(self.table, self.table.c.id == self.index.c.rowid)

    @property
    def is_indexed(self) -> bool:
        """Whether they are found without reading the table."""
        if _on_sqlite():
            return self.index is not None
        return len(self.term) >= SHORTEST and _has_trigrams(_database())

    @property
    def are_many(self) -> bool:
        """Whether that is known without counting: what SQLite's index leaves out."""
        return self.index is None and _on_sqlite()

    def ids(self) -> sa.Select[Any]:
        source = self.table if self.index is None else self.index
        return sa.select(self.id).select_from(source).where(self.where)

    def has(self, row: sa.FromClause) -> sa.ColumnElement[bool]:
        """That a row of the table, or of an alias of it, is one of them; never NULL."""
        if self.index is None:
            return sa.func.coalesce(written(row, self.columns, self.term), sa.false())
        return sa.exists().where(self.where, self.index.c.rowid == row.c.id)


def hits(table: sa.FromClause, columns: tuple[str, ...], term: str) -> Hits:
    """What has *term* in one of the columns, in capitals or not. What no index knows is looked for
    row by row: on SQLite that is only what very many have."""
    found = _match(table, columns, term) if _on_sqlite() else None
    if found is None:
        return Hits(table, columns, term, None, written(table, columns, term))
    return Hits(table, columns, term, *found)


def count(asked: sa.Select[Any], most: int) -> int:
    """How many rows there are, counted up to *most*."""
    some = sa.select(sa.func.count()).select_from(asked.limit(most).subquery())
    with reading() as connection:
        return connection.execute(some).scalar_one()


def ids(
    table: sa.FromClause, columns: tuple[str, ...], term: str, organization_id: int, most: int
) -> list[int] | None:
    """The rows of an organization that have *term* in one of the columns, in capitals or not; None
    where there are more than *most*, or no index knows."""
    found = hits(table, columns, term)
    if not found.is_indexed:
        return None
    own = table.c.organization_id + 0 == organization_id  # "+ 0" keeps SQLite at the index
    return _at_most(most, sa.select(found.id).select_from(found.rows).where(found.where, own))


class Customers:
    """The customers of an organization in whose name a term is, for a list of what is theirs."""

    def __init__(self, organization_id: int, term: str) -> None:
        self._organization_id, self._term = organization_id, term
        self._hits = hits(_customer, ("name",), term)
        own = _customer.c.organization_id + 0 == organization_id  # "+ 0" keeps SQLite at the index
        named = sa.select(_customer.c.id).select_from(self._hits.rows).where(self._hits.where, own)
        some = _at_most(_MOST_AT_HAND, named)
        self._are_at_hand = some is not None
        # Their ids; None: there are more.
        self.few = some if some is not None and len(some) <= _FEW_CUSTOMERS else None

    def rows_in(self, table: sa.FromClause) -> sa.Select[Any] | None:
        """The ids of what is theirs in a table; None where they are nobody, or it is too much to be
        put in order."""
        if not self.few:
            return None
        theirs = sa.select(table.c.id).where(
            table.c.organization_id == self._organization_id, table.c.customer_id.in_(self.few)
        )
        return theirs if count(theirs, MOST + 1) <= MOST else None

    def has(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """That the customer in *column* is one of them, for rows of the organization that are read
        in their order."""
        if self._are_at_hand and self._hits.index is not None:
            return column.in_(self._hits.ids())
        written_ = written(_customer, ("name",), self._term)
        return sa.exists().where(_customer.c.id == column, written_)


def _at_most(most: int, asked: sa.Select[Any]) -> list[int] | None:
    with reading() as connection:
        found = list(connection.execute(asked.limit(most + 1)).scalars())
    return found if len(found) <= most else None


def _database() -> str:
    return current_tenant().database_url


def _on_sqlite() -> bool:
    return engines().get(_database()).dialect.name == "sqlite"


@cache
def _has_trigrams(_database_url: str) -> bool:
    """Whether the migration could make PostgreSQL's indexes; found out once for each database."""
    with reading() as connection:
        known = connection.execute(sa.select(sa.func.to_regclass("search_customers"))).scalar()
    return known is not None


def written(table: sa.FromClause, columns: tuple[str, ...], term: str) -> sa.ColumnElement[bool]:
    """That a row has *term* in one of the columns, judged row by row as a list is read."""
    return sa.or_(*(_contains(table.c[name], term) for name in columns))


def _contains(column: sa.ColumnElement[Any], term: str) -> sa.ColumnElement[bool]:
    """SQLite's LIKE takes capitals of English for small letters by itself, and no others."""
    contains = column.contains if _on_sqlite() else column.icontains
    if term.isascii():
        return contains(term, autoescape=True)
    cases = (term, term.lower(), term.upper(), term.title())
    spellings = dict.fromkeys(form for one in cases for form in _forms(one))
    return sa.or_(*(contains(one, autoescape=True) for one in spellings))


def _forms(term: str) -> list[str]:
    """A term (in NFC), and as it stands in a name that a file brought in pieces."""
    return list(dict.fromkeys((term, unicodedata.normalize("NFD", term))))


def _match(
    table: sa.FromClause, columns: tuple[str, ...], term: str
) -> tuple[sa.TableClause, sa.ColumnElement[bool], int | None] | None:
    """SQLite's index of a table, what a row of it has to match, and how many at most do; None for
    what stands for too many triples. A term in quotes is a phrase: its triples, one after the
    other."""
    name = f"search_{table.name}"  # type: ignore[attr-defined]
    index = sa.table(name, sa.column("rowid", BigId), sa.column(name))
    phrases: dict[str, int | None] = {}
    for form in _forms(term):
        phrases |= {form: None} if len(form) >= SHORTEST else _triples(name, form)
    if not phrases:
        return index, sa.false(), 0
    if len(phrases) > _MOST_TRIPLES:
        return None
    quoted = (one.replace('"', '""') for one in phrases)
    any_of_them = " OR ".join(f'"{one}"' for one in quoted)
    where = index.c[name].op("MATCH")(f"{{{' '.join(columns)}}} : ({any_of_them})")
    known = [rows for rows in phrases.values() if rows is not None]
    return index, where, sum(known) if len(known) == len(phrases) else None


def _triples(name: str, term: str) -> dict[str, int | None]:
    """What begins with a term of one or two characters, in any case, and how many rows have it."""
    triple: sa.ColumnClause[str] = sa.column("term", sa.Text())
    # One after the other: of several ranges at once SQLite would read the whole list.
    asked = [
        sa.select(triple, sa.column("doc", sa.Integer()))
        .select_from(sa.table(f"{name}_triples"))
        .where(triple.between(begin, begin + chr(sys.maxunicode)))
        for begin in map("".join, product(*map(_cases, term)))
    ]
    with reading() as connection:
        found = connection.execute(sa.union_all(*asked).limit(_MOST_TRIPLES + 1))
        return {row.term: row.doc for row in found}


def _cases(character: str) -> list[str]:
    """What the index may have for a character: it has small letters, by a table of its own where
    Σ and ς are σ, and İ stays as it is."""
    if character.isascii():
        return [character.lower()]
    cases = (character, character.lower(), character.casefold(), character.upper())
    return [one for one in dict.fromkeys(cases) if len(one) == 1]
