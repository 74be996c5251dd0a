"""What was sent and never confirmed is found by the time it was sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An index."""
    op.create_index(
        "ix_communication_unconfirmed", "communication", ["sent_at"], postgresql_where=sa.text("delivery = 'sent'")
    )


def downgrade() -> None:
    """Without it."""
    op.drop_index("ix_communication_unconfirmed", table_name="communication")
