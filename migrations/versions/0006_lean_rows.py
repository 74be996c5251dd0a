"""What is written most is checked and indexed no more than it is asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OF_PATIENT = (
    "care_plan",
    "consent",
    "contact_point",
    "conversation",
    "idempotency_key",
    "observation",
    "one_time_code",
    "patient_session",
    "questionnaire_response",
    "risk_assessment",
    "task",
    "communication",
)
OTHERS = ("care_team", "escalation", "flag", "patient", "practitioner")
OF_COMMUNICATION = (
    ("care_team_id", "care_team"),
    ("practitioner_id", "practitioner"),
    ("contact_point_id", "contact_point"),
)
# Room on each page, so that a lease can be noted without a new entry in every index.
ROOMY = (("task", 80), ("communication", 75), ("conversation", 80))


def upgrade() -> None:
    """Drop indexes that tell nothing apart and keys that made all writers lock one row; leave room on the pages."""
    for table in (*OF_PATIENT, *OTHERS):
        op.drop_index(f"ix_{table}_organization_id", table_name=table)
    for table in OF_PATIENT:
        op.drop_constraint(f"fk_{table}_organization_id", table, type_="foreignkey")
    for column, _ in OF_COMMUNICATION:
        op.drop_constraint(f"fk_communication_{column}", "communication", type_="foreignkey")
    op.drop_index("ix_communication_send_at", table_name="communication")
    op.drop_index("ix_communication_external", table_name="communication")
    op.create_index(
        "ix_communication_external",
        "communication",
        ["channel", "external_id"],
        postgresql_where=sa.text("direction = 'out' AND external_id IS NOT NULL"),
    )
    for table, percent in ROOMY:
        op.execute(f"ALTER TABLE {table} SET (fillfactor = {percent})")


def downgrade() -> None:
    """As before."""
    for table, _ in ROOMY:
        op.execute(f"ALTER TABLE {table} RESET (fillfactor)")
    op.drop_index("ix_communication_external", table_name="communication")
    op.create_index(
        "ix_communication_external",
        "communication",
        ["channel", "external_id"],
        postgresql_where=sa.text("direction = 'out'"),
    )
    op.create_index(
        "ix_communication_send_at", "communication", ["send_at"], postgresql_where=sa.text("send_at IS NOT NULL")
    )
    for column, table in OF_COMMUNICATION:
        op.create_foreign_key(f"fk_communication_{column}", "communication", table, [column], ["id"])
    for table in OF_PATIENT:
        op.create_foreign_key(f"fk_{table}_organization_id", table, "organization", ["organization_id"], ["id"])
    for table in (*OF_PATIENT, *OTHERS):
        op.create_index(f"ix_{table}_organization_id", table, ["organization_id"])
