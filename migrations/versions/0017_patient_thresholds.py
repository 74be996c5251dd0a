"""Numbers of rules that a clinician set for one patient."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table whose rows are never changed, but for being sealed anew when a key changes."""
    op.create_table(
        "patient_threshold",
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("reason_sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["practitioner.id"], name=op.f("fk_patient_threshold_author_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_threshold_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_threshold")),
    )
    op.create_index(
        "ix_patient_threshold_latest",
        "patient_threshold",
        ["patient_id", "rule_set", "rule", "field", "at"],
        unique=False,
    )
    op.execute(
        "CREATE TRIGGER patient_threshold_append_only "
        "BEFORE UPDATE OF id, patient_id, organization_id, rule_set, rule, field, value, author_id, at OR DELETE "
        "ON patient_threshold FOR EACH ROW EXECUTE FUNCTION care_refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER patient_threshold_no_truncate BEFORE TRUNCATE ON patient_threshold "
        "FOR EACH STATEMENT EXECUTE FUNCTION care_refuse_change()"
    )


def downgrade() -> None:
    """Without it."""
    op.drop_table("patient_threshold")
