"""Runs the migrations on the application's own engine; one transaction, so a failed upgrade leaves nothing behind."""

from __future__ import annotations

from alembic import context
from flask import current_app

import care.records  # noqa: F401  (registers every table)
from care.records.base import Base


def run() -> None:
    """Upgrade, downgrade or compare, as Alembic was asked."""
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("migrations need a database")
run()
