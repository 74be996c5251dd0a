"""Sheets of patients between a look and the import, drafts of protocols, and who asked for a consent and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0029"
branch_labels = None
depends_on = None

_AT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Two tables, and two columns that older consents leave empty: nothing is rewritten."""
    op.add_column("consent", sa.Column("asked_by", sa.Uuid(), nullable=True))
    op.add_column("consent", sa.Column("asked_on", sa.Date(), nullable=True))
    op.create_table(
        "cohort_file",
        sa.Column("care_team_id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("separator", sa.Text(), nullable=False),
        sa.Column("rows_sealed", postgresql.BYTEA(), nullable=True),
        sa.Column("uploaded_at", _AT, nullable=False),
        sa.Column("expires_at", _AT, nullable=False),
        sa.Column("imported_at", _AT, nullable=True),
        sa.Column("patients", sa.Integer(), server_default="0", nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(imported_at IS NULL) = (rows_sealed IS NOT NULL)", name=op.f("ck_cohort_file_imported")),
        sa.ForeignKeyConstraint(["care_team_id"], ["care_team.id"], name=op.f("fk_cohort_file_care_team_id")),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name=op.f("fk_cohort_file_practitioner_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_cohort_file_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohort_file")),
    )
    op.create_index(
        "ix_cohort_file_expires_at",
        "cohort_file",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("imported_at IS NULL"),
    )
    op.create_table(
        "protocol_draft",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("base_id", sa.Uuid(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("saved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), server_default="draft", nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("begun_at", _AT, nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=False),
        sa.Column("saved_at", _AT, nullable=False),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("settled_at", _AT, nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("definition_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("status IN ('draft', 'published', 'discarded')", name=op.f("ck_protocol_draft_status")),
        sa.CheckConstraint("(status = 'draft') = (settled_at IS NULL)", name=op.f("ck_protocol_draft_settled")),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_protocol_draft_{column}"))
            for column, table in (
                ("base_id", "definition"),
                ("author_id", "practitioner"),
                ("saved_by", "practitioner"),
                ("settled_by", "practitioner"),
                ("definition_id", "definition"),
                ("organization_id", "organization"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protocol_draft")),
    )
    op.create_index(
        "uq_protocol_draft_open",
        "protocol_draft",
        ["organization_id", "url"],
        unique=True,
        postgresql_where=sa.text("status = 'draft'"),
    )


def downgrade() -> None:
    """Without them."""
    op.drop_table("protocol_draft")
    op.drop_table("cohort_file")
    op.drop_column("consent", "asked_on")
    op.drop_column("consent", "asked_by")
