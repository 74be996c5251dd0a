"""Undelivered: a message that did not arrive, or may not have, becomes a nurse's to know. Never silence."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from care.domain.codes import Delivery, Priority, Purpose
from care.domain.triage import Alarm
from care.library import explains
from care.logs import logger
from care.records.communications import Communication
from care.records.dead_letters import DeadLetter
from care.records.patients import Patient
from care.runtime import Runtime
from care.services.alarms import Case, raise_many
from care.services.endings import OPTED_OUT, OUTBOX
from care.services.queue import Worked

_ANY = text("SELECT 1 FROM dead_letter WHERE queue = :queue AND resolved_at IS NULL AND patient_id IS NOT NULL LIMIT 1")
CAUSE, WHY = "undelivered", "undelivered-why"
# A patient in danger who does not get the emergency reply has to be phoned; the rest is for today's worklist.
_PRIORITY = {Purpose.EMERGENCY.value: Priority.STAT, Purpose.NURSE.value: Priority.URGENT}


def raise_due(session: Session, rt: Runtime, now: datetime, *, limit: int = 500) -> Worked:
    """Raise an escalation for the patients whose messages were given up, one a patient and cause; commits.

    Dead letters of pages stay open for whoever keeps the system: the ladder climbs on by itself.
    """
    if session.execute(_ANY, {"queue": OUTBOX}).first() is None:
        session.commit()  # nothing is written, but a rollback would have every row of the session read anew
        return Worked()
    found = (
        select(DeadLetter)
        .where(DeadLetter.queue == OUTBOX, DeadLetter.resolved_at.is_(None), DeadLetter.patient_id.is_not(None))
        .order_by(DeadLetter.at, DeadLetter.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    letters = list(session.scalars(found))
    if not letters:
        session.rollback()
        return Worked()
    messages = session.scalars(select(Communication).where(Communication.id.in_([one.row_id for one in letters])))
    by_id = {message.id: message for message in messages}
    patients = session.scalars(select(Patient).where(Patient.id.in_({one.patient_id for one in letters})))
    people = {patient.id: patient for patient in patients}
    raise_many(
        session,
        now,
        [
            _case(people[one.patient_id], by_id[one.row_id], one.error, now)
            for one in letters
            if one.patient_id is not None and by_id[one.row_id].purpose != Purpose.SIGN_IN
        ],
    )
    for one in letters:
        one.resolved_at = now
    session.commit()
    logger().warning("messages did not arrive", count=len(letters))
    return Worked(len(letters), len(letters))


def _case(patient: Patient, message: Communication, error: str, now: datetime) -> Case:
    priority = _PRIORITY.get(message.purpose, Priority.ROUTINE)
    elsewhere = message.delivery not in (Delivery.STOPPED.value, Delivery.FAILED.value, Delivery.UNKNOWN.value)
    cause = CAUSE
    if error == OPTED_OUT and (elsewhere or priority is Priority.ROUTINE):
        cause, priority = OPTED_OUT, Priority.ROUTINE
    reason, params = (WHY, {"why": error}) if cause == CAUSE and explains(error) else (cause, {})
    alarm = Alarm(cause, priority, reason, params, "doubt", origin=error)
    return Case(patient.organization_id, patient.care_team_id, patient.id, now, (alarm,), communication_id=message.id)
