"""Columns of several records in one joined row, told apart by a prefix."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def columns(table: sa.FromClause, prefix: str, *names: str) -> list[sa.Label[Any]]:
    """The named columns, each labelled ``<prefix>_<name>``."""
    return [table.c[name].label(f"{prefix}_{name}") for name in names]


class Part:
    """The columns of one record in a joined row, under their own names."""

    __slots__ = ("_prefix", "_row")

    def __init__(self, row: Any, prefix: str) -> None:
        self._row, self._prefix = row, prefix

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, f"{self._prefix}_{name}")
