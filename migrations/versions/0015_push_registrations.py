"""Where a patient's app can be reached."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table."""
    op.create_table(
        "push_registration",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token_sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("token_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("last_seen_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('token', 'fid')", name=op.f("ck_push_registration_kind")),
        sa.CheckConstraint("platform IN ('android', 'ios', 'web')", name=op.f("ck_push_registration_platform")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_push_registration_patient_id")),
        sa.ForeignKeyConstraint(["session_id"], ["patient_session.id"], name=op.f("fk_push_registration_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_registration")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_push_registration_token_hash")),
    )
    op.create_index("ix_push_registration_patient", "push_registration", ["patient_id", "last_seen_at"])
    op.create_index("ix_push_registration_session", "push_registration", ["session_id"])


def downgrade() -> None:
    """Without it."""
    op.drop_table("push_registration")
