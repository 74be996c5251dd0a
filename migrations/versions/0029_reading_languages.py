"""The language that a member of staff chose to read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0026"
branch_labels = None
depends_on = None

NAME = "ck_practitioner_language"
SPOKEN = "language IN ('en', 'zh-Hans', 'zh-Hant')"


def upgrade() -> None:
    """Nobody has chosen yet: until they do, it is what their browser asks for."""
    op.add_column("practitioner", sa.Column("language", sa.Text(), nullable=True))
    op.create_check_constraint(op.f(NAME), "practitioner", SPOKEN)


def downgrade() -> None:
    """Without a choice."""
    op.drop_constraint(op.f(NAME), "practitioner", type_="check")
    op.drop_column("practitioner", "language")
