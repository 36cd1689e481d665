"""terms of one and two characters are found by an index too; the log is read by who did something

SQLite's triples of characters are made of texts with two line ends behind them, so that every
character and every two begin a triple. What is padded is a view, because the index reads its
content from where it was told to when it is checked or built again. ``search_<table>_triples``
lists the triples there are.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KIND = "ix_portal_access_logs_actor_kind"
_PAD = " || char(10, 10)"
_SEARCHED = {
    "customers": ("name", "external_id"),
    "contacts": ("name", "email"),
    "documents": ("number",),
    "mails": ("recipient",),
    "activity_names": ("text",),
}


def upgrade() -> None:
    columns = ["organization_id", "actor_kind", "occurred_at", "id"]
    op.create_index(_KIND, "portal_access_logs", columns)
    if op.get_bind().dialect.name == "sqlite":
        for table, searched in _SEARCHED.items():
            _drop(table)
            _search_padded(table, searched)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table, searched in _SEARCHED.items():
            op.execute(f"DROP TABLE search_{table}_triples")
            _drop(table)
            op.execute(f"DROP VIEW searched_{table}")
            _search(table, searched, table, "")
    op.drop_index(_KIND, "portal_access_logs")


def _drop(table: str) -> None:
    for what in ("insert", "delete", "update"):
        op.execute(f"DROP TRIGGER search_{table}_{what}")
    op.execute(f"DROP TABLE search_{table}")


def _search_padded(table: str, columns: tuple[str, ...]) -> None:
    padded = ", ".join(f"{name}{_PAD} AS {name}" for name in columns)
    op.execute(f"CREATE VIEW searched_{table} AS SELECT id, {padded} FROM {table}")  # nosec B608
    _search(table, columns, f"searched_{table}", _PAD)
    op.execute(
        f"CREATE VIRTUAL TABLE search_{table}_triples USING fts5vocab('search_{table}', 'row')"
    )


def _search(table: str, columns: tuple[str, ...], content: str, pad: str) -> None:
    search = f"search_{table}"
    names = ", ".join(columns)
    new, old = (
        ", ".join((f"{row}.id", *(f"{row}.{name}{pad}" for name in columns)))
        for row in ("new", "old")
    )
    add = f"INSERT INTO {search} (rowid, {names}) VALUES ({new});"  # nosec B608
    remove = f"INSERT INTO {search} ({search}, rowid, {names}) VALUES ('delete', {old});"  # nosec B608
    op.execute(
        f"CREATE VIRTUAL TABLE {search} USING fts5({names}, content='{content}', "
        "content_rowid='id', columnsize=0, tokenize='trigram')"
    )
    for what, on, then in (
        ("insert", "INSERT", add),
        ("delete", "DELETE", remove),
        ("update", f"UPDATE OF id, {names}", f"{remove} {add}"),
    ):
        op.execute(f"CREATE TRIGGER {search}_{what} AFTER {on} ON {table} BEGIN {then} END")
    op.execute(f"INSERT INTO {search} ({search}) VALUES ('rebuild')")  # nosec B608
