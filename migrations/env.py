"""Runs the migrations in one transaction, so that a failed upgrade leaves nothing behind.

On the connection in `config.attributes["connection"]` when there is one, else on the application's own engine.
"""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import Connection

import care.records  # noqa: F401  (registers every table)
from care.records.base import Base


def run(connection: Connection) -> None:
    """Upgrade, downgrade or compare, as Alembic was asked."""
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("migrations need a database")
given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with current_app.extensions["migrate"].db.engine.connect() as opened:
        run(opened)
