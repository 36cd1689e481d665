"""which revisions a customer was shown"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "document_revisions", sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True)
    )
    # Of the past only the last one that was sent is known.
    op.execute(
        "UPDATE document_revisions SET shown_at = "
        "(SELECT coalesce(d.sent_at, d.created_at) FROM documents d "
        "WHERE d.id = document_revisions.document_id "
        "AND d.sent_revision = document_revisions.number)"
    )


def downgrade() -> None:
    op.drop_column("document_revisions", "shown_at")
