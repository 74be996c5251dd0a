"""Calls to patients, drafts that staff write for them, and thresholds that end by themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

WHEN = postgresql.TIMESTAMP(timezone=True)
CALL = "id, organization_id, patient_id, author_id, task_id, outcome, call_back_at, at, once"
DECIDED = "id, patient_id, organization_id, rule_set, rule, field, value, author_id, at"


def upgrade() -> None:
    """A table whose rows are never changed, but for being sealed anew; two columns without a value in old rows."""
    op.create_table(
        "phone_call",
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("call_back_at", WHEN, nullable=True),
        sa.Column("note_sealed", postgresql.BYTEA(), nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("once", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('reached', 'no-answer', 'engaged', 'somebody-else', 'wrong-number')",
            name=op.f("ck_phone_call_outcome"),
        ),
        sa.ForeignKeyConstraint(["author_id"], ["practitioner.id"], name=op.f("fk_phone_call_author_id")),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_phone_call_task_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_phone_call_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_call")),
        sa.UniqueConstraint("patient_id", "once", name=op.f("uq_phone_call_patient_id_once")),
    )
    op.create_index("ix_phone_call_patient", "phone_call", ["patient_id", "at"], unique=False)
    promised = sa.text("call_back_at IS NOT NULL")
    op.create_index("ix_phone_call_back", "phone_call", ["call_back_at"], unique=False, postgresql_where=promised)
    _guard("phone_call", CALL)
    op.execute(
        "CREATE TRIGGER phone_call_no_truncate BEFORE TRUNCATE ON phone_call "
        "FOR EACH STATEMENT EXECUTE FUNCTION care_refuse_change()"
    )
    op.add_column("form_draft", sa.Column("author_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_form_draft_author_id"), "form_draft", "practitioner", ["author_id"], ["id"])
    op.add_column("patient_threshold", sa.Column("ends_at", WHEN, nullable=True))
    op.execute("DROP TRIGGER patient_threshold_append_only ON patient_threshold")
    _guard("patient_threshold", f"{DECIDED}, ends_at")


def downgrade() -> None:
    """Without them. A threshold with an end goes on until it is cleared."""
    op.execute("DROP TRIGGER patient_threshold_append_only ON patient_threshold")
    _guard("patient_threshold", DECIDED)
    op.drop_column("patient_threshold", "ends_at")
    op.drop_constraint(op.f("fk_form_draft_author_id"), "form_draft", type_="foreignkey")
    op.drop_column("form_draft", "author_id")
    op.drop_table("phone_call")


def _guard(table: str, columns: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OF {columns} OR DELETE "
        f"ON {table} FOR EACH ROW EXECUTE FUNCTION care_refuse_change()"
    )
