"""The outbox claims by channel and urgency, knows when it handed a message over, and paces its senders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column, the indexes of the claim, and the buckets of senders with a rate."""
    op.add_column("communication", sa.Column("handed_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.create_index(
        "ix_communication_outbox",
        "communication",
        ["channel", "priority", "send_at", "recorded_at"],
        postgresql_where=sa.text("send_at IS NOT NULL"),
    )
    op.create_index(
        "ix_communication_outbox_address",
        "communication",
        ["address_token"],
        postgresql_where=sa.text("send_at IS NOT NULL"),
    )
    op.create_index(
        "ix_dead_letter_open", "dead_letter", ["queue", "at"], postgresql_where=sa.text("resolved_at IS NULL")
    )
    op.create_index("ix_dead_letter_row", "dead_letter", ["row_id"])
    op.create_table(
        "pace",
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pace"),
        sa.UniqueConstraint("sender", name="uq_pace_sender"),
    )


def downgrade() -> None:
    """Without them."""
    op.drop_table("pace")
    op.drop_index("ix_dead_letter_row", table_name="dead_letter")
    op.drop_index("ix_dead_letter_open", table_name="dead_letter")
    op.drop_index("ix_communication_outbox_address", table_name="communication")
    op.drop_index("ix_communication_outbox", table_name="communication")
    op.drop_column("communication", "handed_at")
