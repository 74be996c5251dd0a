"""Enrolment: a patient joins a care team, with contact points, tokens to be found by, and a recorded consent."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from care.domain.civil import zone_of
from care.domain.codes import LANGUAGES, Role
from care.domain.people import Staff
from care.errors import Conflict, Invalid
from care.records.patients import ContactPoint, Patient, PatientToken, address_token
from care.runtime import Runtime
from care.services import audits, consents
from care.services.addresses import known_country, normal_address, plain
from care.services.labels import known_label
from care.services.names import Token, patient_tokens, record_token
from care.services.plans import expand_due, migrate_plan, start_plan, stop_plan

__all__ = ["Enrolment", "enrol", "expand_due", "migrate_plan", "start_plan", "stop_plan"]

GLUCOSE_UNITS = ("mg/dL", "mmol/L")
OLDEST = 130  # years
Contact = tuple[str, str, str | None]


@dataclass(frozen=True)
class Enrolment:
    """What is asked when a patient is enrolled. `contacts` are (channel, address, label); the first is preferred.

    The label tells the people of a shared phone apart without a name ("mother"). `birth_date` may be unknown.
    """

    name: str
    birth_date: date | str | None
    record_number: str
    language: str
    time_zone: str
    country: str
    contacts: tuple[Contact, ...]
    consent_source: str
    consent_version: str
    glucose_unit: str = "mg/dL"


def enrol(session: Session, rt: Runtime, staff: Staff, form: Enrolment) -> Patient:
    """Write the patient into the staff member's team; commits.

    Raises Invalid(place=the field), Conflict for a record number that the organization has already, NotAllowed.
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    if staff.care_team_id is None:
        raise Invalid("no-team", "you belong to no care team")
    now = rt.now()
    country = known_country(form.country)
    identity = {
        "name": plain(form.name, "name"),
        "birth_date": _birth_date(form.birth_date, now),
        "record_number": plain(form.record_number, "record_number", 60),
    }
    contacts = _contacts(form.contacts, country, identity)
    patient = Patient(
        organization_id=staff.organization_id,
        care_team_id=staff.care_team_id,
        identity=identity,
        language=_one_of(form.language, LANGUAGES, "language"),
        time_zone=zone(form.time_zone),
        country=country,
        glucose_unit=_one_of(form.glucose_unit, GLUCOSE_UNITS, "glucose_unit"),
        status="active",
        created_at=now,
    )
    _be_the_only_one(session, staff, _record(identity["record_number"] or ""))
    session.add(patient)
    session.flush()
    tokens = patient_tokens(form.name, form.record_number, (address for _, address, _ in contacts))
    session.add_all(_token_row(patient, one) for one in sorted(tokens))
    session.add_all(_contact_row(patient, rank, one, now) for rank, one in enumerate(contacts, start=1))
    source, version = plain(form.consent_source, "consent_source"), plain(form.consent_version, "consent_version")
    consents.decide(session, now, patient, granted=True, source=source, version=version)
    audits.record(session, now, "patient.enrol", "patient", patient.id, staff=staff, patient_id=patient.id)
    session.commit()
    return patient


def zone(name: str) -> str:
    """An IANA time zone's name. Raises Invalid with its place."""
    try:
        zone_of(name)
    except Invalid as wrong:
        raise Invalid(wrong.code, wrong.message, place="time_zone") from None
    return name


def _contacts(contacts: tuple[Contact, ...], country: str, identity: Mapping[str, Any]) -> list[Contact]:
    if not contacts:
        raise Invalid("no-contact", "a patient needs a way to be reached", place="address1")
    found: list[Contact] = []
    for number, (channel, address, label) in enumerate(contacts, start=1):
        name = plain(channel, f"channel{number}", 20)
        spelt = normal_address(name, address, country, f"address{number}")
        if any(one[:2] == (name, spelt) for one in found):
            raise Invalid("twice", "the same address is named twice", place=f"address{number}")
        found.append((name, spelt, known_label(label, f"label{number}", identity) if label else None))
    return found


def _birth_date(value: date | str | None, now: datetime) -> str | None:
    if value is None or value == "":
        return None
    try:
        born = value if isinstance(value, date) else date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Invalid("bad-date", "write the date as year-month-day", place="birth_date") from None
    if not now.year - OLDEST <= born.year or born > now.date():
        raise Invalid("impossible-date", "nobody living was born on this day", place="birth_date")
    return born.isoformat()


def _one_of(value: str, allowed: tuple[str, ...], place: str) -> str:
    if value not in allowed:
        raise Invalid("unknown-value", f"this must be one of {', '.join(allowed)}", place=place)
    return value


def _be_the_only_one(session: Session, staff: Staff, record: Token) -> None:
    """Raises Conflict when the organization has this record number; two nurses at once wait for each other."""
    if not _is_free(session, staff, record):
        raise Conflict("record-number", "a patient with this record number is enrolled already", place="record_number")


def _record(number: str) -> Token:
    """The token of a record number. Raises Invalid for one without letter or digit: those would all be the same."""
    if not any(char.isascii() and char.isalnum() for char in unicodedata.normalize("NFKC", number)):
        raise Invalid("record-number", "a record number has letters or digits", place="record_number")
    return record_token(number)


def _is_free(session: Session, staff: Staff, record: Token) -> bool:
    session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(record[1][:8], "big", signed=True))))
    found = select(PatientToken.id).where(
        PatientToken.organization_id == staff.organization_id,
        PatientToken.kind == record[0],
        PatientToken.token == record[1],
    )
    return session.scalars(found).first() is None


def _token_row(patient: Patient, one: Token) -> PatientToken:
    return PatientToken(organization_id=patient.organization_id, patient_id=patient.id, kind=one[0], token=one[1])


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
