"""Texts that wait for a person: answered by one, or settled without an answer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose, Role
from care.domain.people import Staff
from care.errors import Conflict, Invalid
from care.library.notices import MESSAGE
from care.records import communications, lists
from care.records.communications import Communication
from care.records.ids import new_id
from care.runtime import Runtime
from care.services import audits, escalations, outbox

LONGEST_MESSAGE = escalations.LONGEST_MESSAGE


def read(session: Session, rt: Runtime, staff: Staff) -> list[Communication]:
    """The texts that wait for a person, the longest waiting first; whose words were shown is audited; commits."""
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    found = lists.waiting(session, staff)
    now = rt.now()
    for patient_id in sorted({text.patient_id for text in found if text.patient_id}):
        audits.record(session, now, "inbox.view", "patient", patient_id, staff=staff, patient_id=patient_id)
    session.commit()
    return found


def answer(
    session: Session,
    rt: Runtime,
    staff: Staff,
    communication_id: UUID,
    text: str,
    seen: datetime | None = None,
    once: UUID | None = None,
) -> Communication:
    """`staff` answers the thread of a waiting text, of a patient or of an unknown sender. Commits.

    What came after `seen` waits on; the same form (`once`) sent twice is one answer.

    Raises NotFound, NotAllowed, Invalid (empty or too long), Conflict (no address to write to).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    message = lists.communication_of(session, staff, communication_id)
    if message.patient_id is not None:
        return escalations.message(session, rt, staff, message.patient_id, text, seen, once)
    words = text.strip()
    if not words or len(words) > LONGEST_MESSAGE:
        raise Invalid("message-length", f"a message has 1 to {LONGEST_MESSAGE} characters", place="text")
    content = communications.contents(session, [message.id]).get(message.id)
    if content is None or not content.address:
        raise Conflict("no-address", "it is not known where this text came from")
    now = rt.now()
    sent = outbox.enqueue(
        session,
        now,
        purpose=Purpose.NURSE,
        text=words,
        dedupe=f"nurse:{message.id}:{once or new_id()}",
        channel=message.channel,
        address=content.address,
        priority=Priority.URGENT,
        care_team_id=message.care_team_id,
        organization_id=message.organization_id,
        notice=MESSAGE,
    )
    if sent is None:
        raise Conflict("sent-before", "this answer was sent before")
    sent.practitioner_id = staff.id
    _settle(session, staff, message, seen)
    audits.record(session, now, "sender.message", "Communication", sent.id, staff=staff, count=len(words))
    session.commit()
    return sent


def settle(session: Session, rt: Runtime, staff: Staff, communication_id: UUID, seen: datetime | None = None) -> int:
    """The thread of this text, as far as it was `seen`, needs no answer. Commits; how many texts no longer wait.

    Raises NotFound.
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    message = lists.communication_of(session, staff, communication_id)
    settled = _settle(session, staff, message, seen)
    audits.record(
        session,
        rt.now(),
        "inbox.settle",
        "Communication",
        message.id,
        staff=staff,
        patient_id=message.patient_id,
        count=settled,
    )
    session.commit()
    return settled


def _settle(session: Session, staff: Staff, message: Communication, seen: datetime | None) -> int:
    thread = lists.same_thread(session, staff, message, lock=True)
    waiting = [text for text in thread if seen is None or text.recorded_at <= seen]
    for text in waiting:
        text.waits_since = None
    return len(waiting)
