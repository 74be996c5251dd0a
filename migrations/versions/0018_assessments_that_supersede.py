"""An assessment says in which mode it was made, what it supersedes, what changed, and what would change its band."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
ONCE = "uq_risk_assessment_response_id_bundle_sha256_rules_sha256"
LISTS = ("carried", "changes", "heads")


def upgrade() -> None:
    """New columns only: rows that are there keep what they say."""
    for name in LISTS:
        op.add_column("risk_assessment", sa.Column(name, JSON, server_default="[]", nullable=False))
    op.add_column("risk_assessment", sa.Column("counterfactual", JSON, nullable=True))
    op.add_column("risk_assessment", sa.Column("mode", sa.Text(), server_default="active", nullable=False))
    op.add_column("risk_assessment", sa.Column("zone", sa.Text(), server_default="", nullable=False))
    op.add_column("risk_assessment", sa.Column("previous_band", sa.Text(), nullable=True))
    op.add_column("risk_assessment", sa.Column("supersedes_id", sa.Uuid(), nullable=True))
    op.create_check_constraint(
        op.f("ck_risk_assessment_mode"), "risk_assessment", "mode IN ('active', 'canary', 'shadow')"
    )
    op.drop_constraint(op.f(ONCE), "risk_assessment", type_="unique")
    op.create_unique_constraint(
        op.f(f"{ONCE}_mode"), "risk_assessment", ["response_id", "bundle_sha256", "rules_sha256", "mode"]
    )
    op.create_index(op.f("ix_risk_assessment_supersedes_id"), "risk_assessment", ["supersedes_id"], unique=False)


def downgrade() -> None:
    """Without them. What a model said in the shadow goes too: without its mode it would pass for an answer."""
    op.execute("ALTER TABLE risk_assessment DISABLE TRIGGER risk_assessment_append_only")
    op.execute("DELETE FROM risk_assessment WHERE mode = 'shadow'")
    op.execute("ALTER TABLE risk_assessment ENABLE TRIGGER risk_assessment_append_only")
    op.drop_index(op.f("ix_risk_assessment_supersedes_id"), table_name="risk_assessment")
    op.drop_constraint(op.f(f"{ONCE}_mode"), "risk_assessment", type_="unique")
    op.drop_constraint(op.f("ck_risk_assessment_mode"), "risk_assessment", type_="check")
    for name in ("supersedes_id", "previous_band", "zone", "mode", "counterfactual", *LISTS):
        op.drop_column("risk_assessment", name)
    op.create_unique_constraint(op.f(ONCE), "risk_assessment", ["response_id", "bundle_sha256", "rules_sha256"])
