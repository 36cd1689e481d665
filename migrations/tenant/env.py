"""Migrations of a tenant database. The runner hands over a connection; there is no other way."""

from alembic import context

import models  # noqa: F401
from portico.db import db

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=db.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
