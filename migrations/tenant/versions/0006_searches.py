"""parts of words are found in an index of every three characters

SQLite: a table of FTS5 beside each searched table, kept by triggers. PostgreSQL: an index of
pg_trgm on it. Both are called ``search_<table>``; the models do not know them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SEARCHED = {
    "customers": ("name", "external_id"),
    "contacts": ("name", "email"),
    "documents": ("number",),
    "mails": ("recipient",),
    "activity_names": ("text",),
}
_LOG = {"actor": "actor", "address": "ip"}
_INDEXES = (
    ("ix_portal_access_logs_actor", "portal_access_logs", "actor", None),
    ("ix_portal_access_logs_ip", "portal_access_logs", "ip", "ip IS NOT NULL"),
    ("ix_portal_access_logs_session_id", "portal_access_logs", "session_id",
     "session_id IS NOT NULL"),
    ("ix_portal_access_logs_label", "portal_access_logs", "label", "label <> 'person'"),
)  # fmt: skip


def upgrade() -> None:
    for name, table, column, only in _INDEXES:
        where = sa.text(only) if only else None
        op.create_index(
            name, table, ["organization_id", column, "occurred_at", "id"],
            sqlite_where=where, postgresql_where=where,
        )  # fmt: skip
    op.create_index("ix_mails_contact_id", "mails", ["contact_id"])
    op.create_index("ix_contacts_organization_id_id", "contacts", ["organization_id", "id"])
    _names()
    if op.get_bind().dialect.name == "sqlite":
        for table, columns in _SEARCHED.items():
            _search_on_sqlite(table, columns)
    else:
        _search_on_postgresql()


def downgrade() -> None:
    for table in _SEARCHED:
        if op.get_bind().dialect.name == "sqlite":
            for what in ("insert", "delete", "update"):
                op.execute(f"DROP TRIGGER search_{table}_{what}")
            op.execute(f"DROP TABLE search_{table}")
        else:
            op.execute(f"DROP INDEX IF EXISTS search_{table}")
    op.drop_table("activity_names")
    op.drop_index("ix_contacts_organization_id_id", "contacts")
    op.drop_index("ix_mails_contact_id", "mails")
    for name, table, _, _ in _INDEXES:
        op.drop_index(name, table)


def _names() -> None:
    op.create_table(
        "activity_names",
        sa.Column("id", _ID, nullable=False),
        sa.Column("organization_id", _ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("text", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity_names")),
        sa.UniqueConstraint(
            "organization_id", "kind", "text",
            name=op.f("uq_activity_names_organization_id_kind_text"),
        ),
    )  # fmt: skip
    for kind, column in _LOG.items():
        op.execute(
            "INSERT INTO activity_names (organization_id, kind, text) "  # nosec B608
            f"SELECT DISTINCT organization_id, '{kind}', {column} FROM portal_access_logs "
            f"WHERE organization_id IS NOT NULL AND {column} <> ''"
        )


def _search_on_sqlite(table: str, columns: tuple[str, ...]) -> None:
    search = f"search_{table}"
    names = ", ".join(columns)
    new, old = (", ".join(f"{row}.{name}" for name in ("id", *columns)) for row in ("new", "old"))
    add = f"INSERT INTO {search} (rowid, {names}) VALUES ({new});"  # nosec B608
    remove = f"INSERT INTO {search} ({search}, rowid, {names}) VALUES ('delete', {old});"  # nosec B608
    op.execute(
        f"CREATE VIRTUAL TABLE {search} USING fts5({names}, content='{table}', "
        "content_rowid='id', columnsize=0, tokenize='trigram')"
    )
    for what, on, then in (
        ("insert", "INSERT", add),
        ("delete", "DELETE", remove),
        ("update", f"UPDATE OF id, {names}", f"{remove} {add}"),
    ):
        op.execute(f"CREATE TRIGGER {search}_{what} AFTER {on} ON {table} BEGIN {then} END")
    op.execute(f"INSERT INTO {search} ({search}) VALUES ('rebuild')")  # nosec B608


def _search_on_postgresql() -> None:
    """Where pg_trgm cannot be had, searches read the table: they find the same, only later."""
    try:
        with op.get_bind().begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            for table, columns in _SEARCHED.items():
                searched = ", ".join(f"{name} gin_trgm_ops" for name in columns)
                op.execute(f"CREATE INDEX search_{table} ON {table} USING gin ({searched})")
    except sa.exc.DBAPIError:
        pass
