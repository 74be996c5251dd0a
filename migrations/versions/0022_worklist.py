"""The worklist's order by severity, risk and waiting; when somebody looked first; what undoing an act needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

WHEN = postgresql.TIMESTAMP(timezone=True)
JSON = postgresql.JSONB(astext_type=sa.Text())
PLACE = [sa.text(one) for one in ("(- rank)", "(- COALESCE(risk, '-1'::double precision))", "requested_at", "id")]


def upgrade() -> None:
    """What is open gets the risk of its reports; who accepted has looked."""
    op.add_column("escalation", sa.Column("risk", sa.Double(), nullable=True))
    op.add_column("escalation", sa.Column("priority_since", WHEN, nullable=True))
    op.add_column("escalation", sa.Column("looked_at", WHEN, nullable=True))
    op.add_column("escalation", sa.Column("last_act", JSON, nullable=True))
    op.execute("UPDATE escalation SET looked_at = accepted_at WHERE accepted_at IS NOT NULL")
    op.execute(
        "UPDATE escalation e SET risk = found.risk FROM ("
        " SELECT l.escalation_id, max(r.risk) AS risk FROM escalation_link l"
        " JOIN escalation o ON o.id = l.escalation_id AND o.status <> 'completed'"
        " JOIN risk_assessment r ON r.id = l.assessment_id GROUP BY l.escalation_id"
        ") found WHERE found.escalation_id = e.id AND found.risk IS NOT NULL"
    )
    op.drop_index("ix_escalation_open_list", table_name="escalation")
    _index("ix_escalation_open_list", ["care_team_id", *PLACE], "status <> 'completed'")
    _index("ix_escalation_unclaimed", ["care_team_id", *PLACE], "status = 'requested'")
    _index("ix_escalation_owner", ["owner_id"], "status = 'accepted'")


def downgrade() -> None:
    """Severity and waiting alone make the order again."""
    for name in ("ix_escalation_owner", "ix_escalation_unclaimed", "ix_escalation_open_list"):
        op.drop_index(name, table_name="escalation")
    _index("ix_escalation_open_list", ["care_team_id", "rank", "requested_at"], "status <> 'completed'")
    for name in ("last_act", "looked_at", "priority_since", "risk"):
        op.drop_column("escalation", name)


def _index(name: str, columns: list[object], where: str) -> None:
    op.create_index(name, "escalation", columns, unique=False, postgresql_where=sa.text(where))
