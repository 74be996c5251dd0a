"""Enrolment: a patient joins a care team, with contact points, tokens to be found by, and a recorded consent.

One patient or a whole file of them are written by the same statements: `write` is given entries that were judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, insert, select, tuple_
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.errors import Conflict, Invalid
from care.records.among import among
from care.records.consents import EVERY_CHANNEL, FOLLOW_UP, Consent
from care.records.ids import new_id
from care.records.patients import ContactPoint, Patient, PatientToken, address_token
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services import audits
from care.services.entries import Contact, Enrolment, Entry, entry_of, zone
from care.services.locks import key_of
from care.services.names import Token, patient_tokens
from care.services.plans import expand_due, migrate_plan, start_plan, stop_plan
from care.services.starting import begin, protocol_of

__all__ = ["Enrolment", "enrol", "expand_due", "migrate_plan", "start_plan", "stop_plan", "zone"]

_ENROLLING = 0x454E_524F_4C  # its own space of keys


def enrol(session: Session, rt: Runtime, staff: Staff, form: Enrolment) -> Patient:
    """Write the patient into the staff member's team, and start their plan where one is named; commits.

    Raises Invalid(place=the field), Conflict for a record number that the organization has already or, unless they may
    share, for an address at which somebody else is reached, NotAllowed.
    """
    must_enrol(staff)
    now = rt.now()
    entry = entry_of(form, now)
    if entry.protocol is not None:
        protocol_of(session, entry.protocol)
    _known_asker(session, staff, entry)
    alone(session, staff, whole_file=False)
    _be_the_only_one(session, staff, entry.record)
    if not form.may_share:
        _share_with_nobody(session, staff, entry.contacts)
    patient = write(session, now, staff, [entry])[0]
    session.commit()
    return patient


def must_enrol(staff: Staff) -> None:
    """Raise NotAllowed for a role that enrols nobody, and Invalid for whoever belongs to no team."""
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    if staff.care_team_id is None:
        raise Invalid("no-team", "you belong to no care team")


def alone(session: Session, staff: Staff, *, whole_file: bool) -> None:
    """Wait until no file is imported into this organization; with `whole_file`, until nobody else enrols at all."""
    lock = func.pg_advisory_xact_lock if whole_file else func.pg_advisory_xact_lock_shared
    session.execute(select(lock(key_of(staff.organization_id, _ENROLLING))))


def write(session: Session, now: datetime, staff: Staff, entries: Sequence[Entry]) -> list[Patient]:
    """Write judged entries as patients of the staff member's team, with their plans (no commit)."""
    patients = [_patient(staff, entry, now) for entry in entries]
    session.add_all(patients)
    session.flush()
    pairs = list(zip(patients, entries, strict=True))
    session.execute(insert(PatientToken), [row for one in pairs for row in _token_rows(*one)])
    for patient, entry in pairs:
        session.add_all(_contact_row(patient, rank, one, now) for rank, one in enumerate(entry.contacts, start=1))
        session.add(_consent(patient, entry, now))
        audits.record(session, now, "patient.enrol", "patient", patient.id, staff=staff, patient_id=patient.id)
    starts = [(patient, entry.protocol, entry.starts_on) for patient, entry in pairs]
    begin(session, now, staff, [(p, name, day) for p, name, day in starts if name is not None and day is not None])
    return patients


def known_records(session: Session, staff: Staff, records: Iterable[Token]) -> set[bytes]:
    """Those of these record numbers' tokens that the organization has already."""
    found = select(PatientToken.token).where(
        PatientToken.organization_id == staff.organization_id,
        PatientToken.kind == "record",
        among(PatientToken.token, {value for _, value in records}),
    )
    return {bytes(value) for value in session.scalars(found)}


def known_addresses(session: Session, staff: Staff, contacts: Iterable[Contact]) -> set[tuple[str, bytes]]:
    """Those of these (channel, address's token) at which a patient of the organization is reached already."""
    wanted = {(channel, address_token(channel, address)) for channel, address, _ in contacts}
    if not wanted:
        return set()
    found = select(ContactPoint.channel, ContactPoint.address_token).where(
        ContactPoint.organization_id == staff.organization_id,
        tuple_(ContactPoint.channel, ContactPoint.address_token).in_(sorted(wanted)),
    )
    return {(channel, bytes(value)) for channel, value in session.execute(found)}


def _known_asker(session: Session, staff: Staff, entry: Entry) -> None:
    asker = session.get(Practitioner, entry.asked_by) if entry.asked_by else None
    if entry.asked_by and (asker is None or asker.organization_id != staff.organization_id):
        raise Invalid("unknown-value", "choose who asked the patient", place="asked_by")


def _be_the_only_one(session: Session, staff: Staff, record: Token) -> None:
    """Raises Conflict when the organization has this record number; two nurses at once wait for each other."""
    session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(record[1][:8], "big", signed=True))))
    if known_records(session, staff, [record]):
        raise Conflict("record-number", "a patient with this record number is enrolled already", place="record_number")


def _share_with_nobody(session: Session, staff: Staff, contacts: Sequence[Contact]) -> None:
    shared = known_addresses(session, staff, contacts)
    for number, (channel, address, _) in enumerate(contacts, start=1):
        if (channel, address_token(channel, address)) in shared:
            told = "another patient is reached here already; if they share the phone, say so and give a word for it"
            raise Conflict("address-shared", told, place=f"address{number}")


def _patient(staff: Staff, entry: Entry, now: datetime) -> Patient:
    return Patient(
        organization_id=staff.organization_id,
        care_team_id=staff.care_team_id,
        identity=dict(entry.identity),
        language=entry.language,
        time_zone=entry.time_zone,
        country=entry.country,
        glucose_unit=entry.glucose_unit,
        status="active",
        created_at=now,
    )


def _token_rows(patient: Patient, entry: Entry) -> list[dict[str, object]]:
    addresses = (address for _, address, _ in entry.contacts)
    tokens = patient_tokens(entry.identity["name"], entry.identity["record_number"], addresses)
    same = {"organization_id": patient.organization_id, "patient_id": patient.id}
    return [{"id": new_id(), **same, "kind": kind, "token": value} for kind, value in sorted(tokens)]


def _consent(patient: Patient, entry: Entry, now: datetime) -> Consent:
    """The first decision of somebody who has made none yet."""
    return Consent(
        organization_id=patient.organization_id,
        patient_id=patient.id,
        purpose=FOLLOW_UP,
        channel=EVERY_CHANNEL,
        granted=True,
        version=entry.version,
        language=patient.language,
        source=entry.source,
        at=now,
        asked_by=entry.asked_by,
        asked_on=entry.asked_on,
    )


def _contact_row(patient: Patient, rank: int, contact: Contact, now: datetime) -> ContactPoint:
    channel, address, label = contact
    return ContactPoint(
        organization_id=patient.organization_id,
        patient_id=patient.id,
        channel=channel,
        address=address,
        address_token=address_token(channel, address),
        label=label,
        rank=rank,
        status="active",
        created_at=now,
    )
