"""The audit: what was done stays as it was, and any change of the past shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from care.records.audit_events import AuditEvent
from care.records.ids import new_id
from care.services import audits
from tests.conftest import NOON, Clinic


def events(session: Session, clinic: Clinic, count: int) -> None:
    for number in range(count):
        audits.record(session, NOON, "view", "Patient", new_id(), staff=clinic.nurse, patient_id=new_id(), n=number)
    session.commit()


@contextmanager
def without_guards(session: Session) -> Iterator[None]:
    """What somebody with the owner's rights could do."""
    for table in ("audit_event", "audit_seal"):
        session.execute(text("ALTER TABLE " + table + " DISABLE TRIGGER USER"))
    yield
    for table in ("audit_event", "audit_seal"):
        session.execute(text("ALTER TABLE " + table + " ENABLE TRIGGER USER"))
    session.commit()


def test_sealed_events_verify(session: Session, clinic: Clinic):
    events(session, clinic, 12)
    assert audits.seal_due(session, NOON, limit=5) == 5
    assert audits.seal_due(session, NOON) == 7
    assert audits.seal_due(session, NOON) == 0
    assert audits.verify(session) == audits.Verified(12, True, None, 0)


def test_an_event_that_is_not_sealed_yet_is_counted_as_such(session: Session, clinic: Clinic):
    events(session, clinic, 3)
    assert audits.verify(session) == audits.Verified(3, True, None, 3)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit_event SET action = 'nothing' WHERE id = (SELECT id FROM audit_seal WHERE seq = 4)",
        "UPDATE audit_event SET detail = '{}' WHERE id = (SELECT id FROM audit_seal WHERE seq = 4)",
        "UPDATE audit_event SET agent_id = NULL WHERE id = (SELECT id FROM audit_seal WHERE seq = 4)",
        "DELETE FROM audit_event WHERE id = (SELECT id FROM audit_seal WHERE seq = 4)",
        "DELETE FROM audit_seal WHERE seq = 4",
        "UPDATE audit_seal SET hash = decode(repeat('00', 32), 'hex') WHERE seq = 4",
    ],
)
def test_any_change_of_the_past_breaks_the_chain(session: Session, clinic: Clinic, tampering: str):
    events(session, clinic, 8)
    audits.seal_due(session, NOON)
    with without_guards(session):
        session.execute(text(tampering))
    result = audits.verify(session)
    assert not result.ok
    assert result.first_broken is not None


def test_an_event_put_among_the_past_shows(session: Session, clinic: Clinic):
    events(session, clinic, 3)
    audits.seal_due(session, NOON)
    long_ago = UUID(int=new_id().int - (86_400_000 << 80))  # an identifier of yesterday
    session.add(AuditEvent(id=long_ago, at=NOON, agent_kind="staff", action="view", entity="Patient", detail={}))
    session.commit()
    audits.seal_due(session, NOON)
    assert audits.verify(session) == audits.Verified(4, False, str(long_ago), 1)
