"""Questionnaires that were imported and are not published yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table."""
    op.create_table(
        "questionnaire_draft",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("notes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), server_default="draft", nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("imported_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("settled_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("definition_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("status IN ('draft', 'published', 'discarded')", name=op.f("ck_questionnaire_draft_status")),
        sa.CheckConstraint("(status = 'draft') = (settled_at IS NULL)", name=op.f("ck_questionnaire_draft_settled")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_questionnaire_draft_organization_id")
        ),
        sa.ForeignKeyConstraint(["author_id"], ["practitioner.id"], name=op.f("fk_questionnaire_draft_author_id")),
        sa.ForeignKeyConstraint(["settled_by"], ["practitioner.id"], name=op.f("fk_questionnaire_draft_settled_by")),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["definition.id"], name=op.f("fk_questionnaire_draft_definition_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questionnaire_draft")),
    )
    op.create_index(
        "uq_questionnaire_draft_open",
        "questionnaire_draft",
        ["organization_id", "sha256"],
        unique=True,
        postgresql_where=sa.text("status = 'draft'"),
    )


def downgrade() -> None:
    """Without it."""
    op.drop_table("questionnaire_draft")
