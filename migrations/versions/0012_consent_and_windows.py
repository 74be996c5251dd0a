"""Consent that the database insists on, and what windows need.

A message that needs consent is "being sent" only with the id of the decision that allows it, and the database looks
that decision up: a patient's own, for follow-up, given, on that channel or on all. Whether it is still the newest is
decided where the message is claimed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

NEEDS_CONSENT = (
    "direction = 'out' AND patient_id IS NOT NULL AND purpose NOT IN ('confirmation', 'emergency', 'sign-in', 'page')"
)


def upgrade() -> None:
    """Three columns, their constraints, and the trigger that looks the consent up."""
    op.add_column("communication", sa.Column("notice", sa.Text(), nullable=True))
    op.add_column("communication", sa.Column("left_as", sa.Text(), nullable=True))
    op.add_column("communication", sa.Column("consent_id", sa.Uuid(), nullable=True))
    # Whoever was sending has ended with the old release: nobody knows what became of it, which is what "unknown" says.
    op.execute(
        "UPDATE communication SET delivery = 'unknown' WHERE delivery = 'sending' AND direction = 'out'"
        " AND patient_id IS NOT NULL AND purpose NOT IN ('confirmation', 'emergency', 'sign-in', 'page')"
    )
    op.create_check_constraint(op.f("ck_communication_left_as"), "communication", "left_as IN ('words', 'notice')")
    op.create_check_constraint(
        op.f("ck_communication_consent"),
        "communication",
        f"delivery <> 'sending' OR consent_id IS NOT NULL OR NOT ({NEEDS_CONSENT})",
    )
    op.execute(
        """
        CREATE FUNCTION care_require_consent() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 FROM consent s WHERE s.id = NEW.consent_id AND s.patient_id = NEW.patient_id AND s.granted
                AND s.purpose = 'follow-up' AND s.channel IN (NEW.channel, '*');
            IF NOT FOUND THEN
                RAISE EXCEPTION 'message % is not covered by the consent it names', NEW.id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    needs = NEEDS_CONSENT
    for column in ("direction", "patient_id", "purpose"):
        needs = needs.replace(column, f"NEW.{column}")
    op.execute(
        "CREATE TRIGGER communication_consent BEFORE INSERT OR UPDATE OF delivery, consent_id, channel, patient_id,"
        f" purpose, direction ON communication FOR EACH ROW WHEN (NEW.delivery = 'sending' AND {needs})"
        " EXECUTE FUNCTION care_require_consent()"
    )


def downgrade() -> None:
    """Without them."""
    op.execute("DROP TRIGGER communication_consent ON communication")
    op.execute("DROP FUNCTION care_require_consent()")
    op.drop_constraint(op.f("ck_communication_consent"), "communication", type_="check")
    op.drop_constraint(op.f("ck_communication_left_as"), "communication", type_="check")
    op.drop_column("communication", "consent_id")
    op.drop_column("communication", "left_as")
    op.drop_column("communication", "notice")
