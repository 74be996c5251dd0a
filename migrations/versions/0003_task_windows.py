"""When a task may be answered: before it is due, and not any more after it is over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both bounds; NULL is what tasks had until now: from the due moment on, however late."""
    op.add_column("task", sa.Column("opens_at", TIMESTAMP(timezone=True), nullable=True))
    op.add_column("task", sa.Column("closes_at", TIMESTAMP(timezone=True), nullable=True))


def downgrade() -> None:
    """Drop both."""
    op.drop_column("task", "closes_at")
    op.drop_column("task", "opens_at")
