"""Observations from elsewhere: a laboratory's and a device's, by an integrator's key; and a nurse's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.observation import Reading, Sent, read_observation
from care.domain.people import Staff
from care.errors import CareError, Conflict, Invalid, NotFound
from care.records.integrators import Integrator
from care.records.patients import Patient, PatientToken, patient_of
from care.runtime import Runtime
from care.services.locks import wait_for_patient
from care.services.measurements import Intake, Kept, Sender
from care.services.names import record_token

MOST = 500
LONGEST_KEY = 200


def receive(
    session: Session, rt: Runtime, integrator: Integrator, documents: Sequence[Any], key: str | None = None
) -> list[Kept | CareError]:
    """One result an entry, in order; commits once. A bad entry is refused alone, whatever the others are.

    An entry is one value however often it is sent: by its identifier, or, without one, by the request's `key` and its
    place. Raises Invalid for a key that is none, and for too many entries.
    """
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise Invalid("idempotency-key", f"a key has 1 to {LONGEST_KEY} printable characters", place="Idempotency-Key")
    if not 0 < len(documents) <= MOST:
        raise Invalid("entry-count", f"1 to {MOST} entries are taken at once", place="entry")
    now = rt.now()
    found: list[tuple[Sent, UUID] | CareError] = []
    for document in documents:
        try:
            sent = read_observation(document, now)
            found.append((sent, _patient_id(session, integrator.organization_id, sent.record_number)))
        except CareError as error:
            found.append(error)
    patient_ids = {one[1] for one in found if isinstance(one, tuple)}
    for patient_id in sorted(patient_ids):  # always in one order, so that two requests never wait for each other
        wait_for_patient(session, patient_id)
    patients = {row.id: row for row in session.scalars(select(Patient).where(Patient.id.in_(patient_ids)))}
    intake = Intake(session, now, Sender("integrator", integrator.id, integrator.organization_id))
    told = [_keep(session, intake, patients, one, place, key) for place, one in enumerate(found)]
    intake.close()
    session.commit()
    return told


def enter(session: Session, rt: Runtime, staff: Staff, patient_id: UUID, reading: Reading) -> Kept:
    """A value that a nurse or a clinician writes down; commits. `reading.identifier` names the form, once.

    Raises NotFound, NotAllowed, Conflict (the same form was sent with another value).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    wait_for_patient(session, patient.id)
    intake = Intake(session, rt.now(), Sender("staff", staff.id, staff.organization_id, staff))
    kept = intake.keep(patient, (reading,), f"{staff.id}|{reading.identifier}")
    intake.close()
    session.commit()
    return kept


def _patient_id(session: Session, organization_id: UUID, record_number: str) -> UUID:
    kind, value = record_token(record_number)
    found = select(PatientToken.patient_id).where(
        PatientToken.organization_id == organization_id, PatientToken.kind == kind, PatientToken.token == value
    )
    ids = list(session.scalars(found.limit(2)))
    if len(ids) != 1:
        raise NotFound("unknown-patient", "no patient, or more than one, has this record number", place="subject")
    return ids[0]


def _keep(
    session: Session,
    intake: Intake,
    patients: Mapping[UUID, Patient],
    one: tuple[Sent, UUID] | CareError,
    place: int,
    key: str | None,
) -> Kept | CareError:
    if isinstance(one, CareError):
        return one
    sent, patient_id = one
    identifier = sent.readings[0].identifier
    name = identifier or (f"{intake.sender.id}|{key}|{place}" if key else "")
    if not name:
        return Invalid(
            "no-identifier", "a value has an identifier, or the request an Idempotency-Key", place="identifier"
        )
    try:
        with session.begin_nested():
            return intake.keep(patients[patient_id], sent.readings, name)
    except CareError as error:
        return error
    except IntegrityError:
        return Conflict("busy", "another request is writing this value; send it again", place="identifier")
