"""Linking an unknown sender to a patient: a member of staff says whose address it is, and the texts become theirs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.errors import Conflict
from care.records import communications, lists
from care.records.communications import Communication
from care.records.patients import ContactPoint, Patient, PatientToken, contact_points, contacts_at, patient_of
from care.runtime import Runtime
from care.services import audits
from care.services.locks import wait_for_patient
from care.services.names import patient_tokens


def link(session: Session, rt: Runtime, staff: Staff, communication_id: UUID, patient_id: UUID) -> int:
    """The sender of this text is this patient, who is reached there too from now on, after all other addresses.

    Every text of the thread becomes the patient's and waits as before; an alert that one of them raised stays as it is.
    Commits; returns how many texts were moved. Raises NotFound, NotAllowed, Conflict (the sender is known by now, or
    the address is not kept).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    wait_for_patient(session, patient.id)
    message = lists.communication_of(session, staff, communication_id, lock=True)
    content = communications.contents(session, [message.id]).get(message.id)
    if content is None or not content.address:
        raise Conflict("no-address", "it is not known where this text came from")
    if message.patient_id is not None or contacts_at(session, message.channel, content.address):
        raise Conflict("known-sender", "this address is a patient's by now")
    now = rt.now()
    contact = _contact(session, patient, message, content.address, now)
    moved = _move(session, message, contact, patient)
    audits.record(
        session,
        now,
        "sender.link",
        "contact_point",
        contact.id,
        staff=staff,
        patient_id=patient.id,
        channel=message.channel,
        count=moved,
    )
    session.commit()
    return moved


def _contact(session: Session, patient: Patient, message: Communication, address: str, now: datetime) -> ContactPoint:
    ranks = [one.rank for one in contact_points(session, patient.id)]
    contact = ContactPoint(
        organization_id=patient.organization_id,
        patient_id=patient.id,
        channel=message.channel,
        address=address,
        address_token=bytes(message.address_token or b""),
        rank=max(ranks, default=0) + 1,
        created_at=now,
    )
    session.add(contact)
    found = select(PatientToken.kind, PatientToken.token).where(PatientToken.patient_id == patient.id)
    known = {(row.kind, bytes(row.token)) for row in session.execute(found)}
    wanted = patient_tokens(patient.name, str(patient.identity.get("record_number") or ""), [address])
    own = {"organization_id": patient.organization_id, "patient_id": patient.id}
    session.add_all(PatientToken(**own, kind=kind, token=value) for kind, value in wanted - known)
    session.flush()
    return contact


def _move(session: Session, message: Communication, contact: ContactPoint, patient: Patient) -> int:
    """The texts of this address that are nobody's yet, whether or not they still wait."""
    theirs = (
        update(Communication)
        .where(
            Communication.organization_id == patient.organization_id,
            Communication.patient_id.is_(None),
            Communication.direction == "in",
            Communication.channel == message.channel,
            Communication.address_token == message.address_token,
        )
        .values(patient_id=patient.id, care_team_id=patient.care_team_id, contact_point_id=contact.id)
        .returning(Communication.id)
        .execution_options(synchronize_session=False)
    )
    return len(session.execute(theirs).all())
