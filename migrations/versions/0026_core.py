"""Visits that are asked for, and the signature of a clinician under a closed case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0024"
branch_labels = None
depends_on = None

WHEN = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """A table; three columns. What was closed before anybody was asked to sign waits for nobody's signature."""
    _visits()
    op.add_column("escalation", sa.Column("signed_off_at", WHEN, nullable=True))
    op.add_column("escalation", sa.Column("signed_off_by_id", sa.Uuid(), nullable=True))
    op.add_column("escalation", sa.Column("sign_off_note_sealed", postgresql.BYTEA(), nullable=True))
    op.create_foreign_key(
        op.f("fk_escalation_signed_off_by_id"), "escalation", "practitioner", ["signed_off_by_id"], ["id"]
    )
    op.execute("UPDATE escalation SET signed_off_at = completed_at WHERE status = 'completed'")
    op.create_index(
        "ix_escalation_unsigned",
        "escalation",
        ["care_team_id", "completed_at"],
        unique=False,
        postgresql_where=sa.text("status = 'completed' AND signed_off_at IS NULL"),
    )
    op.create_index(
        "ix_communication_escalation",
        "communication",
        ["escalation_id"],
        unique=False,
        postgresql_where=sa.text("escalation_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Without them."""
    op.drop_index("ix_communication_escalation", "communication")
    op.drop_index("ix_escalation_unsigned", "escalation")
    op.drop_constraint(op.f("fk_escalation_signed_off_by_id"), "escalation", type_="foreignkey")
    for name in ("sign_off_note_sealed", "signed_off_by_id", "signed_off_at"):
        op.drop_column("escalation", name)
    op.drop_table("visit_request")


def _visits() -> None:
    op.create_table(
        "visit_request",
        sa.Column("escalation_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("note_sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("requester_id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", WHEN, nullable=False),
        sa.Column("ended_by_id", sa.Uuid(), nullable=True),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'completed', 'revoked')", name=op.f("ck_visit_request_status")),
        sa.CheckConstraint("(status = 'active') = (ended_at IS NULL)", name=op.f("ck_visit_request_ended")),
        sa.ForeignKeyConstraint(["escalation_id"], ["escalation.id"], name=op.f("fk_visit_request_escalation_id")),
        sa.ForeignKeyConstraint(["requester_id"], ["practitioner.id"], name=op.f("fk_visit_request_requester_id")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["practitioner.id"], name=op.f("fk_visit_request_ended_by_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_visit_request_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_request")),
    )
    active = sa.text("status = 'active'")
    op.create_index("uq_visit_request_active", "visit_request", ["escalation_id"], unique=True, postgresql_where=active)
    op.create_index("ix_visit_request_patient", "visit_request", ["patient_id", "requested_at"], unique=False)
    op.create_index("ix_visit_request_escalation", "visit_request", ["escalation_id"], unique=False)
    op.create_index("ix_visit_request_open", "visit_request", ["rank", "requested_at"], postgresql_where=active)
