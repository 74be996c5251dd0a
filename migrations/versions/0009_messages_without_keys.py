"""A message and its words are written in one transaction, and its task was locked by it: keys checked again cost most.

Nothing deletes tasks or messages one by one; a patient's removal goes through `patient_id`, which keeps its key.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Without the two keys."""
    op.drop_constraint("fk_communication_task_id", "communication", type_="foreignkey")
    op.drop_constraint("fk_communication_content_id", "communication_content", type_="foreignkey")


def downgrade() -> None:
    """With them."""
    op.create_foreign_key("fk_communication_task_id", "communication", "task", ["task_id"], ["id"])
    op.create_foreign_key("fk_communication_content_id", "communication_content", "communication", ["id"], ["id"])
