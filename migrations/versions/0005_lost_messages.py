"""Messages that failed or are not known of are counted for the metrics without looking at all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An index of the few that matter."""
    op.create_index(
        "ix_communication_lost",
        "communication",
        ["recorded_at"],
        postgresql_where=sa.text("delivery IN ('failed', 'unknown')"),
    )


def downgrade() -> None:
    """Without it."""
    op.drop_index("ix_communication_lost", table_name="communication")
