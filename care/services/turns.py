"""Turns: each waiting text of a patient is understood, what it says is kept, and it is answered.

One patient's texts are taken one after another by one worker at a time (a lock for the length of the transaction, no
lease: a crash rolls back and nothing is lost). The texts of many patients share one transaction; when that fails they
are tried patient by patient and then text by text, so that a bad one delays only itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Uuid, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from care.domain.codes import CommunicationStatus, Priority
from care.domain.triage import Alarm
from care.logs import logger
from care.records.communications import Communication
from care.records.dead_letters import DeadLetter
from care.records.patients import Patient
from care.runtime import Runtime
from care.services.alarms import raise_alarms
from care.services.desks import Desks
from care.services.locks import lock_patients
from care.services.queue import ATTEMPTS, Worked
from care.services.speakers import Phone, settle_speakers
from care.services.talking import Row, waiting_texts

QUEUE = "turns"
TEXTS = 500  # at most so many texts in one transaction

_WAITING = (
    select(Communication.patient_id, Communication.channel, Communication.address_token)
    .where(Communication.take_at <= bindparam("now"), Communication.direction == "in")
    .group_by(Communication.patient_id, Communication.channel, Communication.address_token)
    .order_by(func.min(Communication.recorded_at))
    .limit(bindparam("most"))
)
_WAITING_AMONG = _WAITING.where(Communication.id == any_(bindparam("ids", type_=ARRAY(Uuid()))))


def take_turns_due(
    session: Session, rt: Runtime, now: datetime, limit_patients: int = 50, *, ids: Collection[UUID] | None = None
) -> Worked:
    """Take the turns of up to `limit_patients` patients whose texts wait; commits.

    With `ids`, only of those who wrote one of these texts; all that they wrote is then taken, in its order.
    """
    session.expire_all()  # what this session saw before is read as it is now
    patients, phones = _waiting(session, now, limit_patients, ids)
    worked = Worked()
    if phones:
        worked = settle_speakers(session, now, phones)
        patients, _ = _waiting(session, now, limit_patients, ids)
    got = lock_patients(session, patients)
    locked = [one for one in patients if one in got]
    if not locked:
        session.rollback()
        return worked
    try:
        return worked + _take(session, rt, now, waiting_texts(session, now, locked, TEXTS))
    except Exception as error:  # noqa: BLE001  whatever it is, it is not the fault of all of them
        _recover(session, error)
        logger().warning("batch failed, retrying one by one", queue=QUEUE, count=len(locked), exc_info=error)
    for patient_id in locked:
        worked += _patient(session, rt, now, patient_id)
    return worked


def _waiting(
    session: Session, now: datetime, limit: int, ids: Collection[UUID] | None
) -> tuple[list[UUID], list[Phone]]:
    """Patients whose texts wait, the longest waiting first, and shared phones whose texts are nobody's yet."""
    patients: dict[UUID, None] = {}
    phones: list[Phone] = []
    statement, values = _WAITING, {"now": now, "most": limit}
    if ids is not None:
        statement, values = _WAITING_AMONG, values | {"ids": list(ids)}
    for patient_id, channel, token in session.execute(statement, values):
        if patient_id is not None:
            patients[patient_id] = None
        elif token is not None:
            phones.append((channel, bytes(token)))
    return list(patients), phones


def _take(session: Session, rt: Runtime, now: datetime, rows: Sequence[Row]) -> Worked:
    """Take the turns of these texts in one transaction; commits."""
    desks = Desks(session, rt, now, rows)
    with session.no_autoflush:  # everything is written at the end, parents first
        for row in rows:
            desks.turn(row)
    desks.write()
    session.commit()
    return Worked(len(rows), len(rows))


def _patient(session: Session, rt: Runtime, now: datetime, patient_id: UUID) -> Worked:
    """One patient's texts in a transaction of their own, else each of them in one."""

    def texts(only: UUID | None = None) -> Sequence[Row]:
        if not lock_patients(session, [patient_id]):
            return ()
        return waiting_texts(session, now, [patient_id], TEXTS, only)

    rows: Sequence[Row] = ()
    try:
        rows = texts()
        return _take(session, rt, now, rows)
    except Exception as error:  # noqa: BLE001  one bad text must not hold up the others: they are taken singly
        _recover(session, error)
        ids = [row.message.id for row in rows]
    worked = Worked()
    for one in ids:
        worked += _text(session, rt, now, one, texts)
    return worked


def _text(
    session: Session, rt: Runtime, now: datetime, text_id: UUID, texts: Callable[[UUID], Sequence[Row]]
) -> Worked:
    try:
        return _take(session, rt, now, texts(text_id))
    except Exception as error:  # noqa: BLE001  it waits alone, and after its attempts a nurse reads it
        _recover(session, error)
        return _postpone(session, text_id, type(error).__name__, now)


def _recover(session: Session, error: Exception) -> None:
    """Undo the failed transaction; what says that the database is away is not the texts' fault and is raised."""
    session.rollback()
    session.expire_all()
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        raise error


def _postpone(session: Session, text_id: UUID, error: str, now: datetime) -> Worked:
    """A text that fails is tried later; after its last attempt a person reads it. Nothing is dropped."""
    row = session.get(Communication, text_id, with_for_update=True, populate_existing=True)
    if row is None:
        return Worked()
    row.attempts += 1
    if row.attempts < ATTEMPTS:
        row.take_at = now + timedelta(seconds=15 * 2**row.attempts)
        session.commit()
        logger().warning("row postponed", queue=QUEUE, id=str(text_id), attempts=row.attempts, error=error)
        return Worked(1, failed=1)
    row.take_at, row.status = None, CommunicationStatus.COMPLETED.value
    row.waits_since = row.waits_since or now
    session.add(DeadLetter(queue=QUEUE, row_id=row.id, patient_id=row.patient_id, error=error, at=now))
    patient = session.get(Patient, row.patient_id)
    if patient is not None:
        raise_alarms(
            session,
            now,
            patient=patient,
            organization_id=row.organization_id,
            care_team_id=patient.care_team_id,
            alarms=[Alarm("dead-letter", Priority.URGENT, "dead-letter", {}, "doubt")],
            communication_id=row.id,
        )
    session.commit()
    logger().error("row buried", queue=QUEUE, id=str(text_id), error=error)
    return Worked(1, failed=1, dead=1)
