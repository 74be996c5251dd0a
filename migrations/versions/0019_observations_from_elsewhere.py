"""Values from laboratories, devices and nurses: who sent them, by what name, and what superseded them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The systems that may hand values in, and columns that a report's values leave empty."""
    op.create_table(
        "integrator",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_integrator_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integrator")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_integrator_key_hash")),
    )
    op.add_column("observation", sa.Column("source", sa.Text(), server_default="report", nullable=False))
    op.add_column("observation", sa.Column("source_id", sa.Uuid(), nullable=True))
    op.add_column("observation", sa.Column("status", sa.Text(), server_default="final", nullable=False))
    op.add_column("observation", sa.Column("identifier", postgresql.BYTEA(), nullable=True))
    op.add_column("observation", sa.Column("supersedes_id", sa.Uuid(), nullable=True))
    named = sa.text("identifier IS NOT NULL")
    op.create_index("ix_observation_identifier", "observation", ["identifier"], unique=False, postgresql_where=named)
    counts = sa.text("identifier IS NOT NULL AND NOT superseded")
    op.create_index("uq_observation_identifier", "observation", ["identifier"], unique=True, postgresql_where=counts)


def downgrade() -> None:
    """Without them. The values stay."""
    op.drop_index("uq_observation_identifier", table_name="observation")
    op.drop_index("ix_observation_identifier", table_name="observation")
    for name in ("supersedes_id", "identifier", "status", "source_id", "source"):
        op.drop_column("observation", name)
    op.drop_table("integrator")
