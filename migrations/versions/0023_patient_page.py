"""Notes, who has a conversation, who may answer for a patient, and plans that pause."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

WHEN = postgresql.TIMESTAMP(timezone=True)
SEALED = postgresql.BYTEA()
KEPT = "id, organization_id, patient_id, author_id, at, once"
RELATIONS = "'spouse', 'child', 'parent', 'sibling', 'relative', 'friend', 'carer', 'guardian'"


def upgrade() -> None:
    """A table whose rows are never changed, two whose rows end, two columns that nobody has filled yet, an index."""
    _notes()
    _take_overs()
    _related_persons()
    op.create_index(
        "ix_observation_alone",
        "observation",
        ["patient_id", "at"],
        unique=False,
        postgresql_where=sa.text("response_id IS NULL"),
    )
    op.add_column("care_plan", sa.Column("paused_until", WHEN, nullable=True))
    op.add_column("care_plan", sa.Column("pause_reason_sealed", SEALED, nullable=True))


def downgrade() -> None:
    """Without them. A plan that pauses is stopped: nothing would ever wake it."""
    op.execute("UPDATE care_plan SET status = 'revoked', expand_at = NULL WHERE status = 'on-hold'")
    op.drop_index("ix_observation_alone", "observation")
    op.drop_column("care_plan", "pause_reason_sealed")
    op.drop_column("care_plan", "paused_until")
    for table in ("related_person", "take_over", "note"):
        op.drop_table(table)


def _of_patient(table: str, **keys: str) -> list[sa.schema.SchemaItem]:
    """What every row about a patient has, and its keys to staff."""
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f(f"fk_{table}_patient_id")),
        *(
            sa.ForeignKeyConstraint([column], [f"{of}.id"], name=op.f(f"fk_{table}_{column}"))
            for column, of in keys.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]


def _notes() -> None:
    op.create_table(
        "note",
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("text_sealed", SEALED, nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("once", sa.Uuid(), nullable=False),
        *_of_patient("note", author_id="practitioner"),
        sa.UniqueConstraint("patient_id", "once", name=op.f("uq_note_patient_id_once")),
    )
    op.create_index("ix_note_patient", "note", ["patient_id", "at"], unique=False)
    op.execute(
        f"CREATE TRIGGER note_append_only BEFORE UPDATE OF {KEPT} OR DELETE "
        "ON note FOR EACH ROW EXECUTE FUNCTION care_refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER note_no_truncate BEFORE TRUNCATE ON note "
        "FOR EACH STATEMENT EXECUTE FUNCTION care_refuse_change()"
    )


def _take_overs() -> None:
    op.create_table(
        "take_over",
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("ends_at", WHEN, nullable=True),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.Column("ended_as", sa.Text(), nullable=True),
        sa.Column("lease_until", WHEN, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        *_of_patient("take_over", practitioner_id="practitioner"),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_as IS NULL)", name=op.f("ck_take_over_ended")),
        sa.CheckConstraint("ended_as IN ('handed-back', 'ran-out', 'taken-on')", name=op.f("ck_take_over_ended_as")),
    )
    op.create_index(
        "uq_take_over_open",
        "take_over",
        ["patient_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_take_over_ends_at",
        "take_over",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("ends_at IS NOT NULL"),
    )
    op.create_index("ix_take_over_patient", "take_over", ["patient_id", "at"], unique=False)


def _related_persons() -> None:
    op.create_table(
        "related_person",
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("name_sealed", SEALED, nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("address_sealed", SEALED, nullable=True),
        sa.Column("contact_point_id", sa.Uuid(), nullable=True),
        sa.Column("consent_source", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.Column("ended_by_id", sa.Uuid(), nullable=True),
        *_of_patient("related_person", author_id="practitioner", ended_by_id="practitioner"),
        sa.CheckConstraint(f"relation IN ({RELATIONS})", name=op.f("ck_related_person_relation")),
        sa.CheckConstraint("(channel IS NULL) = (address_sealed IS NULL)", name=op.f("ck_related_person_address")),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by_id IS NULL)", name=op.f("ck_related_person_ended")),
    )
    op.create_index("ix_related_person_patient", "related_person", ["patient_id"], unique=False)
