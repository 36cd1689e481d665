"""Parts of words, found in an index of every three characters in a row.

SQLite has such an index in a table of FTS5 beside each searched table, kept by triggers;
PostgreSQL uses its own (pg_trgm) by itself for ILIKE. Migration 0006 makes both. The few rows that
an index finds are put in order; what very many have is met soon by whoever reads a list in order.
Shorter terms, and all where PostgreSQL has no pg_trgm, are looked for row by row.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa

from portico.db import BigId, current_tenant, engines, reading
from portico.records.customer import Customer

SHORTEST = 3  # characters of a term that an index knows
MOST = 500  # rows that are put in order; of more, a list is read in its own

_customer = Customer.__table__


def ids(
    table: sa.FromClause, columns: tuple[str, ...], term: str, most: int = MOST
) -> list[int] | None:
    """The rows of a whole table that have *term* in one of the columns, in capitals or not; None
    where there are more than *most*, or no index knows."""
    if len(term) < SHORTEST:
        return None
    if _on_sqlite():
        return _at_most(most, _in_own_index(table, columns, term))
    return read_ids(table, columns, term, most) if _has_trigrams(_database()) else None


def read_ids(
    table: sa.FromClause, columns: tuple[str, ...], term: str, most: int = MOST
) -> list[int] | None:
    """The same, where need be by reading the whole table: for those that are no longer than there
    are people."""
    if _on_sqlite() and len(term) >= SHORTEST:
        return ids(table, columns, term, most)
    return _at_most(most, sa.select(table.c.id).where(written(table, columns, term)))


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
    found, own = read_ids(_customer, ("name",), term), _customer.c.organization_id
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


def _in_own_index(table: sa.FromClause, columns: tuple[str, ...], term: str) -> sa.Select[Any]:
    """The term in quotes is a phrase: its triples of characters, one after the other."""
    name = f"search_{table.name}"  # type: ignore[attr-defined]
    quoted = term.replace('"', '""')
    phrase = f'{{{" ".join(columns)}}} : "{quoted}"'
    found = sa.select(sa.column("rowid", BigId)).select_from(sa.table(name))
    return found.where(sa.column(name).op("MATCH")(phrase))
