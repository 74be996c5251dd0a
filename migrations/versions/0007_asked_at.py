"""A task knows when its question was last put to the patient."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column."""
    op.add_column("task", sa.Column("asked_at", postgresql.TIMESTAMP(timezone=True), nullable=True))


def downgrade() -> None:
    """Without it."""
    op.drop_column("task", "asked_at")
