"""accounts, sessions, payments, notifications"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _columns()
    _accounts()
    _payments()
    op.create_table(
        "notifications",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("topic", sa.String(30), nullable=False),
        sa.Column("document_id", _ID, nullable=True),
        sa.Column("payment_id", _ID, nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("once", sa.String(120), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("read_at", _MOMENT, nullable=True),
        _key("notifications"),
        _refers("notifications", "account_id", "customer_portal_accounts"),
        _refers("notifications", "document_id", "documents"),
        _refers("notifications", "payment_id", "payments"),
        sa.UniqueConstraint("account_id", "once", name=op.f("uq_notifications_account_id_once")),
    )
    op.create_index("ix_notifications_account_id_id", "notifications", ["account_id", "id"])
    op.create_index(
        "ix_notifications_unread",
        "notifications",
        ["account_id"],
        sqlite_where=sa.text("read_at IS NULL"),
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_table(
        "reminders",
        sa.Column("document_id", _ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("deadline", sa.Date(), nullable=False),
        sa.Column("reminded_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("document_id", "revision", "deadline", name=op.f("pk_reminders")),
        _refers("reminders", "document_id", "documents"),
    )
    with op.batch_alter_table("decisions") as table:
        table.add_column(sa.Column("account_id", _ID, nullable=True))
        table.create_foreign_key(
            op.f("fk_decisions_account_id_customer_portal_accounts"),
            "customer_portal_accounts",
            ["account_id"],
            ["id"],
        )


def downgrade() -> None:
    with op.batch_alter_table("decisions") as table:
        table.drop_constraint(
            op.f("fk_decisions_account_id_customer_portal_accounts"), type_="foreignkey"
        )
        table.drop_column("account_id")
    for name in (
        "reminders",
        "notifications",
        "payment_allocations",
        "payments",
        "customer_portal_sessions",
        "customer_portal_password_reset_tokens",
        "customer_portal_setup_tokens",
        "customer_portal_accounts",
    ):
        op.drop_table(name)
    op.drop_index("ix_documents_open", "documents")
    op.drop_index("ix_documents_due_on", "documents")
    op.drop_index("ix_documents_valid_until", "documents")
    op.drop_index("ix_documents_customer_states", "documents")
    op.drop_index("ix_documents_customer_list", "documents")
    op.execute("UPDATE documents SET balance = 0 WHERE kind = 'credit_note'")
    op.drop_column("documents", "payable")
    op.create_index(
        "ix_documents_customer_list",
        "documents",
        ["organization_id", "customer_id", "kind", "issued_on", "id"],
    )
    for name in ("sections", "self_signup", "remind_quote_days", "remind_invoice_days"):
        op.drop_column("organizations", name)
    for name in ("customers", "contacts"):
        op.drop_column(name, "portal_withdrawn_at")


def _columns() -> None:
    for column in (
        sa.Column("sections", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("self_signup", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("remind_quote_days", sa.Integer(), nullable=False, server_default="3"),
        sa.Column("remind_invoice_days", sa.Integer(), nullable=False, server_default="3"),
    ):
        op.add_column("organizations", column)
    for name in ("customers", "contacts"):
        op.add_column(name, sa.Column("portal_withdrawn_at", _MOMENT, nullable=True))
    op.add_column(
        "documents", sa.Column("payable", sa.BigInteger(), nullable=False, server_default="0")
    )
    # Nothing could be paid before; what is open is what was asked for.
    op.execute(
        "UPDATE documents SET payable = CASE WHEN kind = 'credit_note' OR "
        "state IN ('paid', 'partially_paid') THEN total ELSE balance END"
    )
    op.execute(
        "UPDATE documents SET balance = total "
        "WHERE kind = 'credit_note' AND state NOT IN ('applied', 'cancelled')"
    )
    _heads_as_shown()
    op.drop_index("ix_documents_customer_list", "documents")
    op.create_index(
        "ix_documents_customer_list",
        "documents",
        ["organization_id", "customer_id", "kind", "issued_on", "id", "number"],
    )
    op.create_index(
        "ix_documents_customer_states",
        "documents",
        ["organization_id", "customer_id", "kind", "state", "issued_on", "id", "number"],
    )
    op.create_index(
        "ix_documents_valid_until",
        "documents",
        ["organization_id", "customer_id", "kind", "state", "valid_until", "id", "number"],
        sqlite_where=sa.text("kind = 'quote'"),
        postgresql_where=sa.text("kind = 'quote'"),
    )
    op.create_index(
        "ix_documents_due_on",
        "documents",
        ["organization_id", "customer_id", "kind", "state", "due_on", "id", "number", "balance"],
        sqlite_where=sa.text("balance > 0"),
        postgresql_where=sa.text("balance > 0"),
    )
    op.create_index(
        "ix_documents_open",
        "documents",
        [
            *("organization_id", "customer_id", "kind", "currency"),
            *("due_on", "balance", "state", "posted_at"),
        ],
        sqlite_where=sa.text("balance <> 0"),
        postgresql_where=sa.text("balance <> 0"),
    )


def _heads_as_shown() -> None:
    """A head says what the customer sees, also while a newer revision waits to be sent."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT d.id, d.kind, r.content FROM documents d JOIN document_revisions r "
            "ON r.document_id = d.id AND r.number = d.sent_revision "
            "WHERE d.sent_revision <> d.current_revision"
        )
    ).all()
    for row in rows:
        content = json.loads(row.content)
        totals = content["totals"]
        payable = totals["payable"] if row.kind in {"invoice", "credit_note"} else 0
        if row.kind == "statement":
            payable = content["statement"]["closing"]
        gross = totals.get("gross")
        values = {
            "id": row.id,
            "number": content["number"],
            "currency": content["currency"],
            "total": totals["payable"] if gross is None else gross,
            "payable": payable,
            "balance": payable,
            "issued_on": content["issued_on"],
            "due_on": content.get("due_on"),
            "valid_until": content.get("valid_until"),
        }
        dates = ("issued_on", "due_on", "valid_until")
        setters = ", ".join(
            f"{name} = CAST(:{name} AS date)"
            if name in dates and connection.dialect.name == "postgresql"
            else f"{name} = :{name}"
            for name in values
            if name != "id"
        )
        statement = f"UPDATE documents SET {setters} WHERE id = :id"  # nosec B608 - our own names
        connection.execute(sa.text(statement), values)


def _accounts() -> None:
    accounts = "customer_portal_accounts"
    op.create_table(
        accounts,
        sa.Column("id", _ID, nullable=False),
        sa.Column("organization_id", _ID, nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("contact_id", _ID, nullable=False),
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
        sa.Column("invitation_mail_id", _ID, nullable=True),
        sa.Column("salutation", sa.String(60), nullable=False),
        sa.Column("locale", sa.String(20), nullable=True),
        sa.Column("timezone", sa.String(60), nullable=True),
        sa.Column("mail_documents", sa.Boolean(), nullable=False),
        sa.Column("mail_decisions", sa.Boolean(), nullable=False),
        sa.Column("mail_messages", sa.Boolean(), nullable=False),
        sa.Column("mail_reminders", sa.Boolean(), nullable=False),
        _key(accounts),
        _refers(accounts, "organization_id", "organizations"),
        _refers(accounts, "customer_id", "customers"),
        _refers(accounts, "contact_id", "contacts"),
        _refers(accounts, "invitation_mail_id", "mails"),
        sa.UniqueConstraint("contact_id", name=op.f("uq_customer_portal_accounts_contact_id")),
        sa.UniqueConstraint(
            "organization_id",
            "email",
            name=op.f("uq_customer_portal_accounts_organization_id_email"),
        ),
    )
    op.create_index("ix_customer_portal_accounts_customer_id", accounts, ["customer_id"])
    for name in ("customer_portal_setup_tokens", "customer_portal_password_reset_tokens"):
        op.create_table(
            name,
            sa.Column("id", _ID, nullable=False),
            sa.Column("nonce", sa.LargeBinary(32), nullable=False),
            sa.Column("token_sha256", sa.LargeBinary(32), nullable=False),
            sa.Column("created_at", _MOMENT, nullable=False),
            sa.Column("created_by", sa.String(200), nullable=False),
            sa.Column("delivered_at", _MOMENT, nullable=True),
            sa.Column("expires_at", _MOMENT, nullable=True),
            sa.Column("used_at", _MOMENT, nullable=True),
            sa.Column("voided_at", _MOMENT, nullable=True),
            sa.Column("account_id", _ID, nullable=False),
            _key(name),
            _refers(name, "account_id", accounts),
            sa.UniqueConstraint("token_sha256", name=op.f(f"uq_{name}_token_sha256")),
        )
        op.create_index(op.f(f"ix_{name}_account_id"), name, ["account_id"])
    sessions = "customer_portal_sessions"
    op.create_table(
        sessions,
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("last_seen_at", _MOMENT, nullable=False),
        sa.Column("ip", sa.String(64), nullable=True),
        sa.Column("user_agent", sa.String(1000), nullable=True),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("ended_because", sa.String(40), nullable=True),
        _key(sessions),
        _refers(sessions, "account_id", accounts),
        sa.UniqueConstraint("secret_sha256", name=op.f(f"uq_{sessions}_secret_sha256")),
    )
    op.create_index(op.f(f"ix_{sessions}_account_id"), sessions, ["account_id"])


def _payments() -> None:
    op.create_table(
        "payments",
        sa.Column("id", _ID, nullable=False),
        sa.Column("organization_id", _ID, nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("external_id", sa.String(500), nullable=False),
        sa.Column("number", sa.String(500), nullable=False),
        sa.Column("method", sa.String(100), nullable=False),
        sa.Column("reference", sa.String(500), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("unallocated", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("voided_at", _MOMENT, nullable=True),
        sa.Column("voided_by", sa.String(200), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("imported_sha256", sa.String(64), nullable=True),
        _key("payments"),
        _refers("payments", "organization_id", "organizations"),
        _refers("payments", "customer_id", "customers"),
        sa.UniqueConstraint(
            "organization_id", "external_id", name=op.f("uq_payments_organization_id_external_id")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payments_amount_positive")),
        sa.CheckConstraint(
            "unallocated >= 0 AND unallocated <= amount",
            name=op.f("ck_payments_unallocated_within"),
        ),
    )
    op.create_index(
        "ix_payments_customer_list",
        "payments",
        ["organization_id", "customer_id", "received_on", "id", "number"],
    )
    newest = ["organization_id", "kind", "received_on", "id"]
    op.create_index("ix_payments_newest", "payments", newest)
    op.create_index(
        "ix_payments_open",
        "payments",
        newest,
        sqlite_where=sa.text("unallocated > 0"),
        postgresql_where=sa.text("unallocated > 0"),
    )
    op.create_index(
        "ix_payments_unallocated",
        "payments",
        ["organization_id", "customer_id", "currency"],
        sqlite_where=sa.text("unallocated > 0"),
        postgresql_where=sa.text("unallocated > 0"),
    )
    name = "payment_allocations"
    op.create_table(
        name,
        sa.Column("id", _ID, nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("payment_id", _ID, nullable=True),
        sa.Column("credit_note_id", _ID, nullable=True),
        sa.Column("invoice_id", _ID, nullable=True),
        sa.Column("refund_id", _ID, nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        _key(name),
        _refers(name, "customer_id", "customers"),
        _refers(name, "payment_id", "payments"),
        _refers(name, "credit_note_id", "documents"),
        _refers(name, "invoice_id", "documents"),
        _refers(name, "refund_id", "payments"),
        sa.CheckConstraint("amount > 0", name=op.f(f"ck_{name}_amount_positive")),
        sa.CheckConstraint(
            "(payment_id IS NULL) <> (credit_note_id IS NULL)", name=op.f(f"ck_{name}_one_source")
        ),
        sa.CheckConstraint(
            "(invoice_id IS NULL) <> (refund_id IS NULL)", name=op.f(f"ck_{name}_one_target")
        ),
    )
    for column in ("payment_id", "credit_note_id", "invoice_id", "refund_id"):
        op.create_index(f"ix_{name}_{column}", name, [column])
    op.create_index(f"ix_{name}_customer_id_made_on", name, ["customer_id", "made_on"])


def _key(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))
