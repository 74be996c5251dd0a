"""Versions of models with their lives, what the monitor found, thresholds by capacity."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
WHEN = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Four tables, and how many alerts of models a team can look at in a day."""
    op.add_column("care_team", sa.Column("alerts_per_day", sa.Double(), nullable=True))
    op.create_table(
        "model_version",
        sa.Column("bundle_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ended", sa.Text(), server_default="", nullable=False),
        sa.Column("shipped", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("routine_from", sa.Double(), nullable=True),
        sa.Column("teams", JSON, nullable=False),
        sa.Column("approvals", JSON, nullable=False),
        sa.Column("blocked", JSON, nullable=False),
        sa.Column("card", JSON, nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("registered_at", WHEN, nullable=False),
        sa.Column("changed_at", WHEN, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state IN ('registered', 'shadow', 'canary', 'active', 'retired')", name=op.f("ck_model_version_state")
        ),
        sa.ForeignKeyConstraint(["replaces_id"], ["model_version.id"], name=op.f("fk_model_version_replaces_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_version")),
        sa.UniqueConstraint("bundle_id", "version", name=op.f("uq_model_version_bundle_id_version")),
        sa.UniqueConstraint("sha256", name=op.f("uq_model_version_sha256")),
    )
    active = sa.text("state = 'active'")
    op.create_index("uq_model_version_active", "model_version", ["bundle_id"], unique=True, postgresql_where=active)
    op.create_table(
        "model_event",
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["practitioner.id"], name=op.f("fk_model_event_by_id")),
        sa.ForeignKeyConstraint(["model_id"], ["model_version.id"], name=op.f("fk_model_event_model_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_event")),
    )
    op.create_index("ix_model_event_model", "model_event", ["model_id", "at"], unique=False)
    op.create_table(
        "model_review",
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("figures", JSON, nullable=False),
        sa.Column("alarms", JSON, nullable=False),
        sa.Column("recorded_at", WHEN, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model_version.id"], name=op.f("fk_model_review_model_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_review")),
        sa.UniqueConstraint("model_id", "week", "group", name=op.f("uq_model_review_model_id_week_group")),
    )
    op.create_table(
        "alert_threshold",
        sa.Column("care_team_id", sa.Uuid(), nullable=False),
        sa.Column("bundle_sha256", sa.Text(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("floor", sa.Double(), nullable=True),
        sa.Column("per_day", sa.Double(), nullable=False),
        sa.Column("scores", sa.Integer(), nullable=False),
        sa.Column("evaluated", sa.Double(), nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["care_team_id"], ["care_team.id"], name=op.f("fk_alert_threshold_care_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_threshold")),
    )
    latest = ["care_team_id", "bundle_sha256", "at"]
    op.create_index("ix_alert_threshold_latest", "alert_threshold", latest, unique=False)
    for table in ("model_event", "alert_threshold"):
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION care_refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION care_refuse_change()"
        )


def downgrade() -> None:
    """Without them."""
    for table in ("alert_threshold", "model_review", "model_event", "model_version"):
        op.drop_table(table)
    op.drop_column("care_team", "alerts_per_day")
