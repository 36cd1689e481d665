"""what lists are looked through for is in their indexes; payments have two more, of days and parts

Two filters of the log at once, and a part of very many names, are looked for in the order of time.
The indexes of that order hold what is looked for behind it, so that no row has to be read to be
passed over. Parts of a payment's number and reference are found as those of a document's (0007).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_LOG = "portal_access_logs"
_IN_ORDER = ("occurred_at", "id")
_FEW = ("actor_kind", "label", "type", "customer_id")
_ALL = (*_FEW, "actor", "ip", "session_id")
# The index's name, what stands before the order, what is looked for behind it, of which rows.
_INDEXES = (
    ("time", (), _ALL, None),
    ("types", ("type",), _ALL, None),
    ("actor_kind", ("actor_kind",), _ALL, None),
    ("label", ("label",), _ALL, "label <> 'person'"),
    ("actor", ("actor",), _FEW, None),
    ("ip", ("ip",), _FEW, "ip IS NOT NULL"),
    ("session_id", ("session_id",), _FEW, "session_id IS NOT NULL"),
)
_NEWEST = ("organization_id", "issued_on", "id", "number", "customer_id")


def upgrade() -> None:
    _make_anew(wide=True)
    days = ["organization_id", "received_on", "id", "customer_id"]
    op.create_index("ix_payments_days", "payments", days)
    if op.get_bind().dialect.name == "sqlite":
        _search_on_sqlite()
    else:
        _search_on_postgresql()


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for what in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER search_payments_{what}")
        op.execute("DROP TABLE search_payments_triples")
        op.execute("DROP TABLE search_payments")
        op.execute("DROP VIEW searched_payments")
    else:
        op.execute("DROP INDEX IF EXISTS search_payments")
    op.drop_index("ix_payments_days", "payments")
    _make_anew(wide=False)


def _make_anew(*, wide: bool) -> None:
    op.drop_index("ix_documents_newest", "documents")
    op.create_index("ix_documents_newest", "documents", list(_NEWEST if wide else _NEWEST[:-1]))
    for name, before, behind, rows in _INDEXES:
        op.drop_index(f"ix_{_LOG}_{name}", _LOG)
        tail = [one for one in behind if wide and one not in before]
        where = sa.text(rows) if rows else None
        op.create_index(
            f"ix_{_LOG}_{name}", _LOG, ["organization_id", *before, *_IN_ORDER, *tail],
            sqlite_where=where, postgresql_where=where,
        )  # fmt: skip


def _search_on_sqlite() -> None:
    pad = " || char(10, 10)"
    op.execute(
        f"CREATE VIEW searched_payments AS SELECT id, number{pad} AS number, "  # nosec B608
        f"reference{pad} AS reference FROM payments"
    )
    op.execute(
        "CREATE VIRTUAL TABLE search_payments USING fts5(number, reference, "
        "content='searched_payments', content_rowid='id', columnsize=0, tokenize='trigram')"
    )
    op.execute(
        "CREATE VIRTUAL TABLE search_payments_triples USING fts5vocab('search_payments', 'row')"
    )
    add, remove = (
        f"INSERT INTO search_payments ({command}rowid, number, reference) "  # nosec B608
        f"VALUES ({value}{row}.id, {row}.number{pad}, {row}.reference{pad});"
        for command, value, row in (("", "", "new"), ("search_payments, ", "'delete', ", "old"))
    )
    for what, on, then in (
        ("insert", "INSERT", add),
        ("delete", "DELETE", remove),
        ("update", "UPDATE OF id, number, reference", f"{remove} {add}"),
    ):
        op.execute(f"CREATE TRIGGER search_payments_{what} AFTER {on} ON payments BEGIN {then} END")
    op.execute("INSERT INTO search_payments (search_payments) VALUES ('rebuild')")


def _search_on_postgresql() -> None:
    """Where pg_trgm cannot be had, searches read the table: they find the same, only later."""
    try:
        with op.get_bind().begin_nested():
            op.execute(
                "CREATE INDEX search_payments ON payments "
                "USING gin (number gin_trgm_ops, reference gin_trgm_ops)"
            )
    except sa.exc.DBAPIError:
        pass
