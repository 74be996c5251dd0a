"""What was sent and never confirmed is not believed to have arrived."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.message import Receipt
from care.records.communications import Communication
from care.runtime import Runtime
from care.services import outbox, unconfirmed
from tests.conftest import Clinic, Clock
from tests.services.posting import deliver, person, queue


def state(session: Session) -> tuple[str | None, str, str | None]:
    session.expire_all()
    row = session.scalars(select(Communication)).one()
    return row.delivery, row.status, row.status_reason


def test_a_message_without_a_last_word_is_unknown_after_a_day_and_a_late_receipt_still_counts(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock
) -> None:
    message = queue(session, rt, person(session, rt, clinic.nurse, ("sms", "+12025550101")))
    deliver(session, rt)
    assert state(session)[0] == "sent"
    clock.forward(hours=23)
    assert unconfirmed.expire_due(session, rt, rt.now()).done == 0
    clock.forward(hours=2)
    assert unconfirmed.expire_due(session, rt, rt.now()).done == 1
    assert state(session) == ("unknown", "in-progress", "no-receipt")
    receipt = Receipt("sms", f"sms-{message.id}", "delivered", message.id)
    assert outbox.note_receipt(session, rt, receipt, rt.now() + timedelta(minutes=1))
    assert state(session)[:2] == ("delivered", "completed")
