"""Pictures and recordings that came with texts, sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TIME = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """A table. Sealed bytes cannot be packed smaller, so the database is told not to try."""
    op.create_table(
        "attachment",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("communication_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("reference_sealed", postgresql.BYTEA(), nullable=True),
        sa.Column("note_sealed", postgresql.BYTEA(), nullable=True),
        sa.Column("content_sealed", postgresql.BYTEA(), nullable=True),
        sa.Column("sha256", postgresql.BYTEA(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", _TIME, nullable=False),
        sa.Column("fetch_at", _TIME, nullable=True),
        sa.Column("fetched_at", _TIME, nullable=True),
        sa.Column("lease_until", _TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'kept', 'refused', 'gone')", name=op.f("ck_attachment_state")),
        sa.CheckConstraint("state = 'waiting' OR fetch_at IS NULL", name=op.f("ck_attachment_fetched")),
        sa.ForeignKeyConstraint(
            ["communication_id"], ["communication.id"], name=op.f("fk_attachment_communication_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("communication_id", "number", name=op.f("uq_attachment_communication_id_number")),
    )
    op.create_index(
        "ix_attachment_fetch_at",
        "attachment",
        ["fetch_at"],
        unique=False,
        postgresql_where=sa.text("fetch_at IS NOT NULL"),
    )
    op.execute("ALTER TABLE attachment ALTER COLUMN content_sealed SET STORAGE EXTERNAL")


def downgrade() -> None:
    """Without it."""
    op.drop_table("attachment")
