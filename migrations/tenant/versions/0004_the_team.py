"""the team, its sessions, bulk invitations, branding"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_ORGANIZATION = ("sender_name", "logo", "logo_sha256", "pdf_templates_enabled")

# What the console lists, each in the order of an index.
_LOG = "portal_access_logs"
_LISTS = (
    ("ix_portal_access_logs_document_id", _LOG, ["document_id", "occurred_at", "id"]),
    ("ix_portal_access_logs_customer_time", _LOG, ["customer_id", "occurred_at", "id"]),
    ("ix_portal_access_logs_time", _LOG, ["organization_id", "occurred_at", "id"]),
    ("ix_portal_access_logs_types", _LOG, ["organization_id", "type", "occurred_at", "id"]),
    ("ix_mails_organization_id", "mails", ["organization_id", "id"]),
    ("ix_mails_organization_id_state", "mails", ["organization_id", "state", "id"]),
    ("ix_mails_organization_id_kind", "mails", ["organization_id", "kind", "id"]),
)


def upgrade() -> None:
    for column in (
        sa.Column("sender_name", sa.String(200), nullable=False, server_default=""),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("logo_sha256", sa.String(64), nullable=True),
        sa.Column("pdf_templates_enabled", sa.Boolean(), nullable=False, server_default=sa.true()),
    ):
        op.add_column("organizations", column)
    _people()
    _batches()
    _questions_and_lists()
    op.drop_index("ix_portal_access_logs_document_id", _LOG)
    for name, table, columns in _LISTS:
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, table, _columns, _only in _DOCUMENTS:
        op.drop_index(name, table)
    op.drop_column("documents", "asked_at")
    for name, table, _columns in _LISTS:
        op.drop_index(name, table)
    op.create_index("ix_portal_access_logs_document_id", _LOG, ["document_id", "id"])
    for name in (
        "invitation_batch_items",
        "invitation_batches",
        "staff_sessions",
        "staff_recovery_codes",
        "staff_tokens",
        "staff_roles",
        "staff_members",
    ):
        op.drop_table(name)
    for name in _ORGANIZATION:
        op.drop_column("organizations", name)


# The team's lists of documents, over all customers: name, table, columns, which rows.
_DOCUMENTS = (
    ("ix_documents_newest", "documents", ["organization_id", "issued_on", "id", "number"], None),
    ("ix_documents_states", "documents", ["organization_id", "kind", "state", "issued_on", "id"],
     None),
    ("ix_documents_to_send", "documents", ["organization_id", "kind", "issued_on", "id"],
     ("state NOT IN ('draft', 'withdrawn', 'cancelled') AND "
      "(state = 'posted' OR sent_revision <> current_revision)")),
    ("ix_documents_last_days", "documents", ["organization_id", "state", "valid_until", "id"],
     "kind = 'quote'"),
    ("ix_documents_owed", "documents", ["organization_id", "state", "due_on", "id"],
     "kind = 'invoice' AND balance > 0"),
    ("ix_documents_asked", "documents", ["organization_id", "asked_at", "id"],
     "asked_at IS NOT NULL"),
    ("ix_decisions_newest", "decisions", ["organization_id", "decided_at", "id"], None),
    ("ix_portal_access_logs_link_id", "portal_access_logs", ["link_id", "id"],
     "link_id IS NOT NULL"),
)  # fmt: skip


def _questions_and_lists() -> None:
    op.add_column("documents", sa.Column("asked_at", _MOMENT, nullable=True))
    # Since the first thing that a customer said after the team's last word.
    op.execute(
        "UPDATE documents SET asked_at = (SELECT min(m.created_at) FROM document_messages m "
        "WHERE m.document_id = documents.id AND NOT m.from_staff AND m.id > coalesce("
        "(SELECT max(a.id) FROM document_messages a WHERE a.document_id = documents.id "
        "AND a.from_staff), 0))"
    )
    for name, table, columns, only in _DOCUMENTS:
        where = sa.text(only) if only else None
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _people() -> None:
    op.create_table(
        "staff_members",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("password_hash", sa.String(100), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("set_up_at", _MOMENT, nullable=True),
        sa.Column("password_changed_at", _MOMENT, nullable=True),
        sa.Column("last_sign_in_at", _MOMENT, nullable=True),
        sa.Column("disabled_at", _MOMENT, nullable=True),
        sa.Column("disabled_by", sa.String(200), nullable=True),
        sa.Column("totp_nonce", sa.LargeBinary(32), nullable=True),
        sa.Column("totp_sha256", sa.LargeBinary(32), nullable=True),
        sa.Column("totp_confirmed_at", _MOMENT, nullable=True),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        _key("staff_members"),
        sa.UniqueConstraint("email", name=op.f("uq_staff_members_email")),
    )
    op.create_table(
        "staff_roles",
        sa.Column("staff_id", _ID, nullable=False),
        sa.Column("organization_id", _ID, nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("staff_id", "organization_id", name=op.f("pk_staff_roles")),
        _refers("staff_roles", "staff_id", "staff_members"),
        _refers("staff_roles", "organization_id", "organizations"),
    )
    op.create_table(
        "staff_tokens",
        sa.Column("id", _ID, nullable=False),
        sa.Column("staff_id", _ID, nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("nonce", sa.LargeBinary(32), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("delivered_at", _MOMENT, nullable=True),
        sa.Column("expires_at", _MOMENT, nullable=True),
        sa.Column("used_at", _MOMENT, nullable=True),
        sa.Column("voided_at", _MOMENT, nullable=True),
        _key("staff_tokens"),
        _refers("staff_tokens", "staff_id", "staff_members"),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_staff_tokens_token_sha256")),
    )
    op.create_index("ix_staff_tokens_staff_id", "staff_tokens", ["staff_id"])
    op.create_table(
        "staff_recovery_codes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("staff_id", _ID, nullable=False),
        sa.Column("code_seal", sa.LargeBinary(32), nullable=False),
        sa.Column("used_at", _MOMENT, nullable=True),
        _key("staff_recovery_codes"),
        _refers("staff_recovery_codes", "staff_id", "staff_members"),
    )
    op.create_index("ix_staff_recovery_codes_staff_id", "staff_recovery_codes", ["staff_id"])
    op.create_table(
        "staff_sessions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("staff_id", _ID, nullable=False),
        sa.Column("organization_id", _ID, nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("second_factor_due", sa.Boolean(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("last_seen_at", _MOMENT, nullable=False),
        sa.Column("ip", sa.String(64), nullable=True),
        sa.Column("user_agent", sa.String(1000), nullable=True),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("ended_because", sa.String(40), nullable=True),
        _key("staff_sessions"),
        _refers("staff_sessions", "staff_id", "staff_members"),
        _refers("staff_sessions", "organization_id", "organizations"),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_staff_sessions_secret_sha256")),
    )
    op.create_index("ix_staff_sessions_staff_id", "staff_sessions", ["staff_id"])


def _batches() -> None:
    op.create_table(
        "invitation_batches",
        sa.Column("id", _ID, nullable=False),
        sa.Column("organization_id", _ID, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        _key("invitation_batches"),
        _refers("invitation_batches", "organization_id", "organizations"),
    )
    op.create_index(
        "ix_invitation_batches_organization_id", "invitation_batches", ["organization_id", "id"]
    )
    name = "invitation_batch_items"
    op.create_table(
        name,
        sa.Column("id", _ID, nullable=False),
        sa.Column("batch_id", _ID, nullable=False),
        sa.Column("contact_id", _ID, nullable=False),
        sa.Column("mail_id", _ID, nullable=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        _key(name),
        _refers(name, "batch_id", "invitation_batches"),
        _refers(name, "contact_id", "contacts"),
        _refers(name, "mail_id", "mails"),
        sa.UniqueConstraint("batch_id", "contact_id", name=op.f(f"uq_{name}_batch_id_contact_id")),
    )
    op.create_index(f"ix_{name}_batch_id_state", name, ["batch_id", "state"])
    op.create_index(f"ix_{name}_mail_id", name, ["mail_id"])


def _key(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))
