"""Parts of words, found in an index of every three characters in a row.

SQLite has such an index in a table of FTS5 beside each searched table, kept by triggers;
PostgreSQL uses its own (pg_trgm) by itself for ILIKE. Migrations 0006 and 0007 make both. The few
rows that an index finds are put in order; what very many have is met soon by whoever reads a list in
order. Shorter terms stand for the triples that begin with them, which SQLite can list. PostgreSQL
looks for them row by row, and for all where it has no pg_trgm.
"""

from __future__ import annotations

import sys
from functools import cache
from itertools import product
from typing import Any

import sqlalchemy as sa

from portico.db import BigId, current_tenant, engines, reading
from portico.records.customer import Customer

SHORTEST = 3  # characters of a term that an index knows
MOST = 500  # rows that are put in order; of more, a list is read in its own
_MOST_SORTED = 3000  # rows that a database puts in order by itself
_MOST_TRIPLES = 100  # that a shorter term may stand for

_customer = Customer.__table__


def ids(
    table: sa.FromClause, columns: tuple[str, ...], term: str, most: int = MOST
) -> list[int] | None:
    """The rows of a whole table that have *term* in one of the columns, in capitals or not; None
    where there are more than *most*, or no index knows."""
    asked = _indexed(table, columns, term)
    return None if asked is None else _at_most(most, asked)


def read_ids(
    table: sa.FromClause, columns: tuple[str, ...], term: str, most: int = MOST
) -> list[int] | None:
    """The same, where need be by reading the whole table: for those that are no longer than there
    are people."""
    asked = _indexed_or_read(table, columns, term)
    return None if asked is None else _at_most(most, asked)


def within(table: sa.FromClause, columns: tuple[str, ...], term: str) -> sa.Select[Any] | None:
    """The same as a SELECT of ids that is part of another; None where there are more than can be
    put in order: who reads a list in order will soon meet some."""
    asked = _indexed_or_read(table, columns, term)
    if asked is None:
        return None
    some = sa.select(sa.func.count()).select_from(asked.limit(_MOST_SORTED + 1).subquery())
    with reading() as connection:
        return asked if connection.execute(some).scalar_one() <= _MOST_SORTED else None


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


def customers(organization_id: int, term: str, limit: int) -> list[int]:
    """The first customers by name of those in whose name the term is."""
    found, own = within(_customer, ("name",), term), _customer.c.organization_id
    wanted = [own == organization_id, written(_customer, ("name",), term)]
    if found is not None:
        wanted = [own + 0 == organization_id, _customer.c.id.in_(found)]  # "+ 0" keeps SQLite there
    named = sa.select(_customer.c.id).where(*wanted).order_by(_customer.c.name, _customer.c.id)
    with reading() as connection:
        return list(connection.execute(named.limit(limit)).scalars())


def written(table: sa.FromClause, columns: tuple[str, ...], term: str) -> sa.ColumnElement[bool]:
    """That a row has *term* in one of the columns, judged row by row as a list is read."""
    return sa.or_(*(_contains(table.c[name], term) for name in columns))


def _contains(column: sa.ColumnElement[Any], term: str) -> sa.ColumnElement[bool]:
    """SQLite's LIKE takes capitals of English for small letters by itself, and no others."""
    contains = column.contains if _on_sqlite() else column.icontains
    if term.isascii():
        return contains(term, autoescape=True)
    spellings = dict.fromkeys((term, term.lower(), term.upper(), term.title()))
    return sa.or_(*(contains(one, autoescape=True) for one in spellings))


def _indexed_or_read(
    table: sa.FromClause, columns: tuple[str, ...], term: str
) -> sa.Select[Any] | None:
    """On SQLite an index knows all but what very many have."""
    asked = _indexed(table, columns, term)
    if asked is None and not _on_sqlite():
        return sa.select(table.c.id).where(written(table, columns, term))
    return asked


def _indexed(table: sa.FromClause, columns: tuple[str, ...], term: str) -> sa.Select[Any] | None:
    """The rows' ids by an index; None where it does not know, or a term stands for too much."""
    if _on_sqlite():
        return _in_own_index(table, columns, term)
    if len(term) < SHORTEST or not _has_trigrams(_database()):
        return None
    return sa.select(table.c.id).where(written(table, columns, term))


def _in_own_index(
    table: sa.FromClause, columns: tuple[str, ...], term: str
) -> sa.Select[Any] | None:
    """A term in quotes is a phrase: its triples of characters, one after the other."""
    name = f"search_{table.name}"  # type: ignore[attr-defined]
    phrases = [term] if len(term) >= SHORTEST else _triples(name, term)
    if not phrases:
        return sa.select(table.c.id).where(sa.false())
    if len(phrases) > _MOST_TRIPLES:
        return None
    quoted = (one.replace('"', '""') for one in phrases)
    any_of_them = " OR ".join(f'"{one}"' for one in quoted)
    found = sa.select(sa.column("rowid", BigId)).select_from(sa.table(name))
    return found.where(sa.column(name).op("MATCH")(f"{{{' '.join(columns)}}} : ({any_of_them})"))


def _triples(name: str, term: str) -> list[str]:
    """What begins with a term of one or two characters, in any case."""
    triple: sa.ColumnClause[str] = sa.column("term", sa.Text())
    # One after the other: of several ranges at once SQLite would read the whole list.
    asked = [
        sa.select(triple)
        .select_from(sa.table(f"{name}_triples"))
        .where(triple.between(begin, begin + chr(sys.maxunicode)))
        for begin in map("".join, product(*map(_cases, term)))
    ]
    with reading() as connection:
        found = connection.execute(sa.union_all(*asked).limit(_MOST_TRIPLES + 1))
        return list(found.scalars())


def _cases(character: str) -> list[str]:
    """What the index may have for a character: it has small letters, by a table of its own where
    Σ and ς are σ, and İ stays as it is."""
    if character.isascii():
        return [character.lower()]
    cases = (character, character.lower(), character.casefold(), character.upper())
    return [one for one in dict.fromkeys(cases) if len(one) == 1]
