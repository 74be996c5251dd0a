"""Tokens of channels, events heard on them, and codes that bind an account to a patient."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three tables."""
    moment = postgresql.TIMESTAMP(timezone=True)
    op.create_table(
        "channel_token",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("token_sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("forced_at", moment, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_token")),
        sa.UniqueConstraint("account", name=op.f("uq_channel_token_account")),
    )
    op.create_table(
        "channel_event",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("address_token", postgresql.BYTEA(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("recorded_at", moment, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_event")),
        sa.UniqueConstraint("channel", "external_id", name=op.f("uq_channel_event_channel_external_id")),
    )
    op.create_index("ix_channel_event_address", "channel_event", ["address_token", "at"], unique=False)
    op.create_table(
        "binding_code",
        sa.Column("code_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("label_sealed", postgresql.BYTEA(), nullable=True),
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("used_at", moment, nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_binding_code_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_binding_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_binding_code_code_hash")),
    )
    op.create_index("ix_binding_code_patient", "binding_code", ["patient_id"], unique=False)


def downgrade() -> None:
    """Without them."""
    op.drop_table("binding_code")
    op.drop_table("channel_event")
    op.drop_table("channel_token")
