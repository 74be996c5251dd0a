"""What waits in a queue is listed as it could be claimed, and nothing is claimed by looking."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose
from care.services import outbox
from care.services.due import Waiting, waiting
from tests.conftest import Clinic, Clock


def test_messages_are_listed_most_pressing_first_and_none_that_somebody_has_or_that_waits_for_later(
    session: Session, clinic: Clinic, clock: Clock
):
    ids = {}
    for name, purpose, priority, wait in (
        ("routine", Purpose.CONFIRMATION, Priority.ROUTINE, timedelta()),
        ("page", Purpose.PAGE, Priority.STAT, timedelta()),
        ("older", Purpose.CONFIRMATION, Priority.ROUTINE, timedelta(hours=-1)),
        ("taken", Purpose.CONFIRMATION, Priority.ROUTINE, timedelta()),
        ("later", Purpose.CONFIRMATION, Priority.ROUTINE, timedelta(seconds=1)),
    ):
        message = outbox.enqueue(
            session,
            clock.now,
            purpose=purpose,
            text="words",
            dedupe=name,
            channel="sms",
            address="+12025550101",
            organization_id=clinic.organization.id,
            priority=priority,
            send_at=clock.now + wait,
        )
        assert message is not None
        ids[name] = message.id
    session.flush()
    session.execute(
        text("UPDATE communication SET lease_until = clock_timestamp() + interval '1 hour' WHERE id = :id"),
        {"id": ids["taken"]},
    )
    session.commit()
    expected = [Waiting(ids["page"], True), Waiting(ids["older"], False), Waiting(ids["routine"], False)]
    assert waiting(session, "deliver", clock.now, 10) == expected
    assert waiting(session, "deliver", clock.now, 10) == expected
    assert waiting(session, "deliver", clock.now, 1) == expected[:2], "one for each priority"
    assert waiting(session, "turns", clock.now, 10) == waiting(session, "score", clock.now, 10) == []


def test_there_are_three_such_queues(session: Session, clock: Clock):
    with pytest.raises(KeyError):
        waiting(session, "remind", clock.now, 10)
