"""Signing in: a patient with a one-time code, staff with a password. Only hashes of codes and tokens are kept.

Nothing here tells whether an address or a user name is known. On a shared phone everybody gets a code of their own,
told apart by the label that was chosen at enrolment.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose, Role
from care.domain.people import Staff
from care.errors import Invalid, NotSignedIn
from care.library import texts
from care.records.patients import ContactPoint, Patient, contacts_at, patient_of
from care.records.seal import token as token_of
from care.records.sign_ins import OneTimeCode, PatientSession, live_codes, replace_code
from care.runtime import Runtime
from care.services import audits, outbox
from care.services.addresses import normal_address
from care.services.push_registrations import forget_of_session
from care.services.sign_in_steps import staff_sign_in
from care.services.staff_sessions import hash_of, staff_by_token, staff_sign_out
from care.services.throttles import count_try

__all__ = [
    "PatientToken",
    "exchange_code",
    "issue_code",
    "patient_by_token",
    "request_code",
    "sign_out",
    "staff_by_token",
    "staff_sign_in",
    "staff_sign_out",
]

CODE_LASTS = timedelta(minutes=10)
SESSION_LASTS = timedelta(days=30)
TRIES = 5  # of one code
REQUESTS, EXCHANGES, WINDOW = 5, 20, timedelta(hours=1)  # of one address


@dataclass(frozen=True, slots=True)
class PatientToken:
    """What a patient's app signs in with. Shown once."""

    token: str
    expires_at: datetime


def request_code(session: Session, rt: Runtime, channel: str, address: str, country: str | None = None) -> None:
    """Send a code to everybody who uses this address; silent about whether anybody does; commits.

    A new code replaces the one that was sent there before. A number without its country code is one of `country`'s.
    Raises TooMany, for known and unknown addresses alike.
    """
    now = rt.now()
    where = _spelt(channel, address, country)
    count_try(session, now, "request-code", f"{channel}:{where}", REQUESTS, WINDOW)
    contacts = contacts_at(session, channel, where) if where else []
    patients = _active(session, contacts)
    people = [(contact, patients[contact.patient_id]) for contact in contacts if contact.patient_id in patients]
    taken: set[str] = set()
    for contact, patient in people:
        code = _new_code(taken)
        replace_code(session, patient.id, contact.id, now)
        row = _keep_code(session, patient, code, now, contact.id)
        label = contact.label if len(people) > 1 else None
        outbox.enqueue(
            session,
            now,
            purpose=Purpose.SIGN_IN,
            text=_code_text(patient.language, code, label),
            dedupe=f"code:{row.id}",
            patient=patient,
            contact=contact,
            priority=Priority.ASAP,
            check=False,
        )
    session.commit()


def issue_code(session: Session, rt: Runtime, staff: Staff, patient_id: UUID) -> str:
    """A code for a nurse to read out to a patient whose identity she has checked; audited; commits. Raises NotFound."""
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    now = rt.now()
    patient = patient_of(session, staff, patient_id)
    code = _new_code(set())
    _keep_code(session, patient, code, now, None)
    audits.record(session, now, "patient.issue-code", "patient", patient.id, staff=staff, patient_id=patient.id)
    session.commit()
    return code


def exchange_code(
    session: Session, rt: Runtime, channel: str, address: str, code: str, country: str | None = None
) -> PatientToken:
    """A token for a code that was sent to this address, or read out to somebody who uses it; commits.

    A wrong code counts against every live code of the address; a code works once. Raises NotSignedIn with the same
    answer for a wrong, used or expired code and for an unknown address; TooMany.
    """
    now = rt.now()
    where = _spelt(channel, address, country)
    count_try(session, now, "exchange-code", f"{channel}:{where}", EXCHANGES, WINDOW)
    patients = _active(session, contacts_at(session, channel, where) if where else [])
    live = [row for row in live_codes(session, list(patients), now) if row.tries < TRIES]
    given = "".join(char for char in code if char.isdigit())
    match = [row for row in live if hmac.compare_digest(bytes(row.code_hash), _code_hash(row.patient_id, given))]
    if len({row.patient_id for row in match}) != 1:  # nobody's, or by a rare chance that of two on a shared phone
        for row in live:
            row.tries += 1
        session.commit()
        raise NotSignedIn("wrong-code", "the code is wrong or has expired; ask for a new one")
    patient = patients[match[0].patient_id]
    for row in live:
        if row.patient_id == patient.id:
            row.used_at = now
    signed_in = _open_session(session, patient, now)
    session.commit()
    return signed_in


def patient_by_token(session: Session, now: datetime, token: str) -> Patient:
    """Whose session this is. Raises NotSignedIn when it is unknown, ended or expired."""
    found = (
        select(Patient)
        .join(PatientSession, PatientSession.patient_id == Patient.id)
        .where(PatientSession.token_hash == hash_of(token), PatientSession.revoked_at.is_(None))
        .where(PatientSession.expires_at > now, Patient.status == "active")
    )
    patient = session.scalars(found).first()
    if patient is None:
        raise NotSignedIn("token", "sign in again")
    return patient


def sign_out(session: Session, rt: Runtime, token: str) -> None:
    """End the session of this token, if there is one, and forget its app; commits."""
    forget_of_session(session, rt.now(), token)
    session.execute(
        update(PatientSession)
        .where(PatientSession.token_hash == hash_of(token), PatientSession.revoked_at.is_(None))
        .values(revoked_at=rt.now())
    )
    session.commit()


def _spelt(channel: str, address: str, country: str | None) -> str:
    """The address as it was enrolled, or "" for one that nobody can have."""
    try:
        return normal_address(channel, address, country)
    except Invalid:
        return ""


def _active(session: Session, contacts: Sequence[ContactPoint]) -> dict[UUID, Patient]:
    ids = {contact.patient_id for contact in contacts}
    if not ids:
        return {}
    found = session.scalars(select(Patient).where(Patient.id.in_(ids), Patient.status == "active"))
    return {patient.id: patient for patient in found}


def _new_code(taken: set[str]) -> str:
    """Six digits that nobody else on this phone gets."""
    while (code := f"{secrets.randbelow(10**6):06d}") in taken:
        pass
    taken.add(code)
    return code


def _code_hash(patient_id: UUID, code: str) -> bytes:
    """Keyed: six digits alone could be tried out by whoever reads the table."""
    return token_of("one-time-code", f"{patient_id}:{code}")


def _keep_code(
    session: Session, patient: Patient, code: str, now: datetime, contact_point_id: UUID | None
) -> OneTimeCode:
    row = OneTimeCode(
        organization_id=patient.organization_id,
        patient_id=patient.id,
        contact_point_id=contact_point_id,
        code_hash=_code_hash(patient.id, code),
        created_at=now,
        expires_at=now + CODE_LASTS,
        tries=0,
    )
    session.add(row)
    return row


def _code_text(language: str, code: str, label: str | None) -> str:
    minutes = int(CODE_LASTS.total_seconds() // 60)
    if label:
        return texts().say(language, "sign-in-code-for", label=label, code=code, minutes=minutes)
    return texts().say(language, "sign-in-code", code=code, minutes=minutes)


def _open_session(session: Session, patient: Patient, now: datetime) -> PatientToken:
    token = secrets.token_urlsafe(32)
    expires_at = now + SESSION_LASTS
    session.add(
        PatientSession(
            organization_id=patient.organization_id,
            patient_id=patient.id,
            token_hash=hash_of(token),
            created_at=now,
            expires_at=expires_at,
        )
    )
    audits.record(
        session,
        now,
        "patient.sign-in",
        "patient",
        patient.id,
        agent_kind="patient",
        agent_id=patient.id,
        patient_id=patient.id,
        organization_id=patient.organization_id,
    )
    return PatientToken(token, expires_at)
