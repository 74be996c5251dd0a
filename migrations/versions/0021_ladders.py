"""Ladders and rotas of teams; what an escalation was opened with, is offered to, and is set aside until."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
WHEN = postgresql.TIMESTAMP(timezone=True)
KEPT = {
    "ladder": "id, organization_id, care_team_id, document, author_id, at",
    "rota": "id, organization_id, care_team_id, shifts, fall_back_channel, author_id, at",
}


def upgrade() -> None:
    """Two tables whose rows are never changed, but for being sealed anew; a moment for what is routine, too."""
    _versions("ladder", sa.Column("document", JSON, nullable=False))
    _versions(
        "rota",
        sa.Column("shifts", JSON, nullable=False),
        sa.Column("fall_back_channel", sa.Text(), nullable=True),
        sa.Column("fall_back_sealed", postgresql.BYTEA(), nullable=True),
        sa.CheckConstraint("(fall_back_channel IS NULL) = (fall_back_sealed IS NULL)", name=op.f("ck_rota_fall_back")),
    )
    op.add_column("escalation", sa.Column("ladder_id", sa.Uuid(), nullable=True))
    op.add_column("escalation", sa.Column("offered_to_id", sa.Uuid(), nullable=True))
    op.add_column("escalation", sa.Column("snoozed_until", WHEN, nullable=True))
    op.add_column("escalation", sa.Column("snoozes", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("escalation", sa.Column("snooze_reason_sealed", postgresql.BYTEA(), nullable=True))
    op.create_foreign_key(op.f("fk_escalation_ladder_id"), "escalation", "ladder", ["ladder_id"], ["id"])
    op.create_foreign_key(op.f("fk_escalation_offered_to_id"), "escalation", "practitioner", ["offered_to_id"], ["id"])
    op.execute(
        "UPDATE escalation SET page_at = now() + interval '7 days' "
        "WHERE status <> 'completed' AND priority = 'routine' AND page_at IS NULL"
    )


def downgrade() -> None:
    """Without them. What is routine pages nobody again, and what is offered or set aside is its owner's."""
    op.execute("UPDATE escalation SET page_at = NULL WHERE priority = 'routine'")
    op.drop_constraint(op.f("fk_escalation_offered_to_id"), "escalation", type_="foreignkey")
    op.drop_constraint(op.f("fk_escalation_ladder_id"), "escalation", type_="foreignkey")
    for name in ("snooze_reason_sealed", "snoozes", "snoozed_until", "offered_to_id", "ladder_id"):
        op.drop_column("escalation", name)
    for table in reversed(KEPT):
        op.drop_table(table)


def _versions(table: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column("care_team_id", sa.Uuid(), nullable=False),
        *columns,
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["care_team_id"], ["care_team.id"], name=op.f(f"fk_{table}_care_team_id")),
        sa.ForeignKeyConstraint(["author_id"], ["practitioner.id"], name=op.f(f"fk_{table}_author_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f(f"fk_{table}_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(f"ix_{table}_newest", table, ["care_team_id", "at"], unique=False)
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OF {KEPT[table]} OR DELETE "
        f"ON {table} FOR EACH ROW EXECUTE FUNCTION care_refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION care_refuse_change()"
    )
