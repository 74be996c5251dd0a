"""Second factors of staff, their recovery codes, half sign-ins, and who must have one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

WHEN = postgresql.TIMESTAMP(timezone=True)
SEALED = postgresql.BYTEA()


def upgrade() -> None:
    """Three tables, and two switches that are off."""
    _of_person(
        "second_factor",
        sa.Column("secret_sealed", SEALED, nullable=True),
        sa.Column("pending_sealed", SEALED, nullable=True),
        sa.Column("last_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("confirmed_at", WHEN, nullable=True),
        sa.UniqueConstraint("practitioner_id", name=op.f("uq_second_factor_practitioner_id")),
    )
    _of_person(
        "recovery_code",
        sa.Column("code_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("used_at", WHEN, nullable=True),
    )
    _of_person(
        "sign_in_step",
        sa.Column("token_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("expires_at", WHEN, nullable=False),
        sa.Column("used_at", WHEN, nullable=True),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_step_token_hash")),
    )
    for table in ("recovery_code", "sign_in_step"):
        op.create_index(op.f(f"ix_{table}_practitioner_id"), table, ["practitioner_id"], unique=False)
    for table in ("care_team", "organization"):
        op.add_column(table, sa.Column("second_factor", sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    """The password alone."""
    for table in ("organization", "care_team"):
        op.drop_column(table, "second_factor")
    for table in ("sign_in_step", "recovery_code", "second_factor"):
        op.drop_table(table)


def _of_person(table: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        *columns,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name=op.f(f"fk_{table}_practitioner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
