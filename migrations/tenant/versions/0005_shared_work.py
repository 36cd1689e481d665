"""projects, files, proposals, requests, acceptances, time approvals, project shares"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_TABLES = (
    "request_answers",
    "request_items",
    "files",
    "project_shares",
    "project_comments",
    "project_time_entries",
    "project_tasks",
    "project_deliverables",
    "project_milestones",
    "projects",
)


def upgrade() -> None:
    _projects()
    op.add_column("documents", sa.Column("expires_at", _MOMENT, nullable=True))
    op.add_column(
        "documents", sa.Column("title", sa.String(500), nullable=False, server_default="")
    )
    # Written out, because SQLite takes a reference only with its column, and a table that others
    # refer to cannot be made anew.
    for table in ("documents", "notifications"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN project_id "
            f"{'INTEGER' if _on_sqlite() else 'BIGINT'} "
            f"CONSTRAINT fk_{table}_project_id_projects REFERENCES projects (id)"
        )
    title = "json_extract(r.content, '$.title')" if _on_sqlite() else "r.content::json ->> 'title'"
    op.execute(
        f"UPDATE documents SET title = coalesce((SELECT {title} FROM document_revisions r "  # nosec B608
        "WHERE r.document_id = documents.id "
        "AND r.number = coalesce(documents.sent_revision, documents.current_revision)), '')"
    )
    _in_projects()
    _files()
    _requests()


def downgrade() -> None:
    op.execute("DELETE FROM notifications WHERE project_id IS NOT NULL")
    op.execute("ALTER TABLE notifications DROP COLUMN project_id")
    for name in ("project_id", "title", "expires_at"):
        op.execute(f"ALTER TABLE documents DROP COLUMN {name}")
    for name in _TABLES:
        op.drop_table(name)


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", _ID, nullable=False),
        sa.Column("organization_id", _ID, nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("external_id", sa.String(500), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("is_shared_with_client", sa.Boolean(), nullable=False),
        sa.Column("shows_hours", sa.Boolean(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("budget", sa.BigInteger(), nullable=True),
        sa.Column("spent", sa.BigInteger(), nullable=True),
        sa.Column("last_activity_at", _MOMENT, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        _key("projects"),
        _refers("projects", "organization_id", "organizations"),
        _refers("projects", "customer_id", "customers"),
        sa.UniqueConstraint(
            "organization_id", "external_id", name=op.f("uq_projects_organization_id_external_id")
        ),
    )
    op.create_index("ix_projects_customer_id", "projects", ["organization_id", "customer_id", "id"])
    op.create_index("ix_projects_organization_id_id", "projects", ["organization_id", "id"])


def _in_projects() -> None:
    own = {
        "project_milestones": (
            sa.Column("due_on", sa.Date(), nullable=True),
            sa.Column("reached_on", sa.Date(), nullable=True),
        ),
        "project_deliverables": (
            sa.Column("description", sa.Text(), nullable=False),
            sa.Column("delivered_on", sa.Date(), nullable=True),
        ),
        "project_tasks": (
            sa.Column("assignee", sa.String(200), nullable=False),
            sa.Column("state", sa.String(20), nullable=False),
            sa.Column("due_on", sa.Date(), nullable=True),
        ),
    }
    for name, columns in own.items():
        op.create_table(
            name,
            *columns,
            sa.Column("id", _ID, nullable=False),
            sa.Column("project_id", _ID, nullable=False),
            sa.Column("external_id", sa.String(500), nullable=True),
            sa.Column("position", sa.Integer(), nullable=False),
            sa.Column("name", sa.String(300), nullable=False),
            _key(name),
            _refers(name, "project_id", "projects"),
        )
        op.create_index(op.f(f"ix_{name}_project_id"), name, ["project_id"])
    name = "project_time_entries"
    op.create_table(
        name,
        sa.Column("id", _ID, nullable=False),
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("task_id", _ID, nullable=True),
        sa.Column("external_id", sa.String(500), nullable=True),
        sa.Column("worked_on", sa.Date(), nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("is_billable", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        _key(name),
        _refers(name, "project_id", "projects"),
        _refers(name, "task_id", "project_tasks"),
    )
    op.create_index("ix_project_time_entries_project_id", name, ["project_id", "worked_on"])
    name = "project_comments"
    op.create_table(
        name,
        sa.Column("id", _ID, nullable=False),
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("from_staff", sa.Boolean(), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("contact_id", _ID, nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        _key(name),
        _refers(name, "project_id", "projects"),
        _refers(name, "contact_id", "contacts"),
    )
    op.create_index("ix_project_comments_project_id", name, ["project_id", "id"])
    name = "project_shares"
    op.create_table(
        name,
        sa.Column("id", _ID, nullable=False),
        sa.Column("organization_id", _ID, nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("contact_id", _ID, nullable=True),
        sa.Column("nonce", sa.LargeBinary(32), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("shows_time", sa.Boolean(), nullable=False),
        sa.Column("shows_budget", sa.Boolean(), nullable=False),
        sa.Column("shows_files", sa.Boolean(), nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("revoked_at", _MOMENT, nullable=True),
        sa.Column("revoked_by", sa.String(200), nullable=True),
        _key(name),
        _refers(name, "organization_id", "organizations"),
        _refers(name, "customer_id", "customers"),
        _refers(name, "project_id", "projects"),
        _refers(name, "contact_id", "contacts"),
        sa.UniqueConstraint("token_sha256", name=op.f(f"uq_{name}_token_sha256")),
    )
    op.create_index("ix_project_shares_project_id", name, ["project_id"])


def _files() -> None:
    op.create_table(
        "files",
        sa.Column("id", _ID, nullable=False),
        sa.Column("organization_id", _ID, nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("project_id", _ID, nullable=True),
        sa.Column("document_id", _ID, nullable=True),
        sa.Column("storage_key", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("media_type", sa.String(120), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("is_shared_with_client", sa.Boolean(), nullable=False),
        sa.Column("from_staff", sa.Boolean(), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("contact_id", _ID, nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("removed_at", _MOMENT, nullable=True),
        sa.Column("removed_by", sa.String(200), nullable=True),
        _key("files"),
        _refers("files", "organization_id", "organizations"),
        _refers("files", "customer_id", "customers"),
        _refers("files", "project_id", "projects"),
        _refers("files", "document_id", "documents"),
        _refers("files", "contact_id", "contacts"),
        sa.UniqueConstraint("storage_key", name=op.f("uq_files_storage_key")),
    )
    op.create_index("ix_files_customer_id", "files", ["organization_id", "customer_id", "id"])
    op.create_index("ix_files_project_id", "files", ["project_id"])
    op.create_index("ix_files_document_id", "files", ["document_id"])


def _requests() -> None:
    op.create_table(
        "request_items",
        sa.Column("id", _ID, nullable=False),
        sa.Column("document_id", _ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        _key("request_items"),
        _refers("request_items", "document_id", "documents"),
        sa.UniqueConstraint(
            "document_id", "position", name=op.f("uq_request_items_document_id_position")
        ),
    )
    name = "request_answers"
    op.create_table(
        name,
        sa.Column("id", _ID, nullable=False),
        sa.Column("item_id", _ID, nullable=False),
        sa.Column("file_id", _ID, nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("contact_id", _ID, nullable=True),
        sa.Column("link_id", _ID, nullable=True),
        sa.Column("account_id", _ID, nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        _key(name),
        _refers(name, "item_id", "request_items"),
        _refers(name, "file_id", "files"),
        _refers(name, "contact_id", "contacts"),
        _refers(name, "link_id", "customer_portal_links"),
        _refers(name, "account_id", "customer_portal_accounts"),
    )
    op.create_index("ix_request_answers_item_id", name, ["item_id", "id"])


def _key(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))
