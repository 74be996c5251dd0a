"""Upgrades with work in flight: what an earlier release left half done blocks no step and gets stuck in none."""

from __future__ import annotations

from alembic import command
from sqlalchemy import create_engine, text

from care.records.ids import new_id
from launch.postgres import Embedded
from tests.conftest import NOON
from tests.migrated import configured

_SENDING = text(
    "INSERT INTO communication (id, organization_id, patient_id, direction, channel, purpose, status, delivery, at,"
    " recorded_at, send_at, attempts) VALUES (:id, :org, :patient, 'out', 'sms', :purpose, 'in-progress', 'sending',"
    " :now, :now, :now, 1)"
)

# The rows around it do not matter here.
_ALONE = "ALTER TABLE communication DROP CONSTRAINT fk_communication_patient_id"


def test_what_was_being_sent_before_consent_was_named_is_in_doubt_and_still_due(cluster: Embedded):
    url = cluster.ensure_database("care_upgrades")
    engine = create_engine(url)
    reminder, page = new_id(), new_id()
    with configured(url) as config:
        command.upgrade(config, "0011")
    with engine.begin() as connection:
        connection.execute(text(_ALONE))
        known = {"org": new_id(), "now": NOON}
        connection.execute(_SENDING, known | {"id": reminder, "patient": new_id(), "purpose": "reminder"})
        connection.execute(_SENDING, known | {"id": page, "patient": None, "purpose": "page"})
    with configured(url) as config:
        command.upgrade(config, "0012")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT id, delivery, send_at IS NOT NULL AS due FROM communication")).all()
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM communication"))
    with configured(url) as config:
        command.downgrade(config, "base")
    engine.dispose()
    assert {(row.id, row.delivery, row.due) for row in rows} == {(reminder, "unknown", True), (page, "sending", True)}
