"""Take-overs: a person of the team writes with a patient instead of the bot, for a while.

Meanwhile the bot says nothing to the patient's texts; they wait for a person. The safety screen, STOP, START, HELP and
"a person, please" act as ever, reminders leave as ever, and forms of the app are taken as ever. When the time is over,
or somebody hands back, the bot answers again, and what nobody has answered by then stands on the worklist.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from care.domain.codes import EscalationStatus, Priority, Role
from care.domain.people import Staff
from care.domain.triage import Alarm
from care.errors import Conflict, Invalid
from care.records import practitioners
from care.records.communications import Communication
from care.records.escalations import Escalation, EscalationLink
from care.records.patients import Patient, patient_of
from care.records.takeovers import TakeOver, take_over_of
from care.runtime import Runtime
from care.services import audits
from care.services.alarms import Case, raise_many
from care.services.locks import lock_patients, wait_for_patient
from care.services.queue import Queue, Worked, work

QUEUE = Queue("take-overs", TakeOver, "ends_at")
HOURS = (1, 2, 4, 8)
"""For how long a conversation may be taken over; then it is taken over again, or it is the bot's."""
AGAIN = timedelta(minutes=1)


def take_over(
    session: Session, rt: Runtime, staff: Staff, patient_id: UUID, hours: int, instead_of: UUID | None = None
) -> TakeOver:
    """`staff` writes with the patient from now on, for `hours` of HOURS; who has it already has it for longer. Commits.

    `instead_of` names the take-over of a colleague that this one ends. Raises NotFound, NotAllowed, Invalid (hours),
    Conflict (a colleague has it: `owner_name`).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    if hours not in HOURS:
        raise Invalid("hours", "choose one of the times", place="hours")
    patient = patient_of(session, staff, patient_id)
    wait_for_patient(session, patient.id)
    now = rt.now()
    row = take_over_of(session, patient.id, lock=True)
    if row is not None and row.practitioner_id != staff.id:
        if row.id != instead_of:
            name = practitioners.names(session, {row.practitioner_id}).get(row.practitioner_id, "")
            raise Conflict("taken-over", "a colleague writes with this patient", owner_name=name)
        _end(row, now, "taken-on")
        session.flush()
        row = None
    if row is None:
        row = TakeOver(
            organization_id=patient.organization_id,
            patient_id=patient.id,
            practitioner_id=staff.id,
            at=now,
            attempts=0,
        )
        session.add(row)
    row.ends_at = now + timedelta(hours=hours)
    _audit(session, now, "conversation.take-over", row, staff, hours=hours)
    session.commit()
    return row


def hand_back(session: Session, rt: Runtime, staff: Staff, patient_id: UUID) -> int:
    """The bot answers the patient again; anybody of the team may say so. Commits.

    Returns how many texts still wait for a person: they stay in the inbox and stand on the worklist. Raises NotFound,
    NotAllowed, Conflict (the bot has it already).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    wait_for_patient(session, patient.id)
    now = rt.now()
    row = take_over_of(session, patient.id, lock=True)
    if row is None:
        raise Conflict("not-taken-over", "the bot answers this patient already")
    _end(row, now, "handed-back")
    _audit(session, now, "conversation.hand-back", row, staff)
    waiting = _raise_waiting(session, now, row, patient)
    session.commit()
    return waiting


def run_out_due(session: Session, rt: Runtime, now: datetime, *, limit: int = 200) -> Worked:
    """End the take-overs whose time is over; what waits is brought to the team. Commits."""

    def handle(inner: Session, rows: list[TakeOver]) -> None:
        ours = lock_patients(inner, {row.patient_id for row in rows})
        for row in rows:
            if row.ended_at is not None:
                row.ends_at = None
                continue
            if row.patient_id not in ours:
                row.ends_at = now + AGAIN  # a text of theirs is read at this moment: it may wait for a person, unseen
                continue
            _end(row, now, "ran-out")
            _audit(inner, now, "conversation.run-out", row, None)
            _raise_waiting(inner, now, row, inner.get_one(Patient, row.patient_id))

    return work(session, QUEUE, handle, now, limit=limit)


def _end(row: TakeOver, now: datetime, how: str) -> None:
    row.ended_at, row.ended_as, row.ends_at = now, how, None


def _raise_waiting(session: Session, now: datetime, row: TakeOver, patient: Patient) -> int:
    """Texts that nobody has answered become somebody's task, unless they are; how many wait.

    Whenever they came: under a colleague who had the conversation before, or before it was taken over and read after.
    """
    stands = exists().where(
        EscalationLink.communication_id == Communication.id,
        EscalationLink.escalation_id == Escalation.id,
        Escalation.status != EscalationStatus.COMPLETED.value,
    )
    waiting = select(Communication.id, Communication.at, stands.label("stands")).where(
        Communication.patient_id == row.patient_id,
        Communication.direction == "in",
        Communication.waits_since.is_not(None),
    )
    alarm = Alarm("needs-person", Priority.ROUTINE, "asked-for-person", {}, "doubt")
    own = (patient.organization_id, patient.care_team_id, patient.id)
    found = session.execute(waiting.order_by(Communication.recorded_at, Communication.id)).all()
    cases = [Case(*own, one.at, (alarm,), communication_id=one.id) for one in found if not one.stands]
    session.flush()
    raise_many(session, now, cases)
    return len(found)


def _audit(session: Session, now: datetime, action: str, row: TakeOver, staff: Staff | None, **detail: Any) -> None:
    audits.record(
        session,
        now,
        action,
        "take_over",
        row.id,
        staff=staff,
        patient_id=row.patient_id,
        organization_id=row.organization_id,
        **detail,
    )
