"""How far the clock of a demonstration has been moved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table of at most one row."""
    op.create_table(
        "simulated_clock",
        sa.Column("ahead", sa.Interval(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("id = '00000000-0000-0000-0000-000000000001'", name=op.f("ck_simulated_clock_only")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulated_clock")),
    )


def downgrade() -> None:
    """Without it."""
    op.drop_table("simulated_clock")
