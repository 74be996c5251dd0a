"""Bindings: a patient joins an account of theirs (WeChat) to their record, with a code from a nurse who knows them.

What WeChat calls a person says nothing of who it is, so the first word must come from somebody who does. The code is
told, shown or printed as a picture to scan; it works once, for a week. Whoever sends a wrong one is answered like any
stranger: nothing tells whether a code, or a patient, exists.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.library import emergency_number, texts
from care.records.bindings import BindingCode, live_code
from care.records.patients import ContactPoint, Patient, address_token, contact_points, patient_of
from care.records.seal import token as token_of
from care.runtime import Runtime
from care.services import audits, consents
from care.services.addresses import normal_address
from care.services.labels import known_label
from care.services.locks import wait_for_patient
from care.services.throttles import forget_tries, tries_of

CHANNELS = frozenset(("wechat",))
"""Where an address is no name that anybody could have given at enrolment."""

LASTS = timedelta(days=7)
TRIES, WINDOW = 5, timedelta(hours=1)  # of one account
_SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is taken for another
_LENGTH = 8
_CODE = re.compile(f"[{_SIGNS}]{{{_LENGTH}}}")
_BETWEEN = re.compile(r"[\s\-.·]+")
SOURCE = "binding-code"


@dataclass(frozen=True, slots=True)
class Bound:
    """An account that has just been joined to a patient."""

    contact: ContactPoint
    patient: Patient


def issue(session: Session, rt: Runtime, staff: Staff, patient_id: UUID, label: str = "") -> str:
    """A code for one patient, shown once; what was made for them before no longer works; audited; commits.

    `label` ("mother") tells the people of a shared account apart without a name. Raises NotFound, Invalid.
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    now = rt.now()
    patient = patient_of(session, staff, patient_id)
    before = update(BindingCode).where(BindingCode.patient_id == patient.id, BindingCode.used_at.is_(None))
    session.execute(before.values(used_at=now).execution_options(synchronize_session=False))
    code = _new_code()
    made = BindingCode(
        organization_id=patient.organization_id,
        patient_id=patient.id,
        code_hash=_hash(code),
        label=known_label(label, "label", patient.identity) if label.strip() else None,
        practitioner_id=staff.id,
        created_at=now,
        expires_at=now + LASTS,
    )
    session.add(made)
    audits.record(session, now, "patient.issue-binding-code", "patient", patient.id, staff=staff, patient_id=patient.id)
    session.commit()
    return code


def code_in(channel: str, text: str) -> str:
    """The code that a text is, as a whole: in any case, full-width or in groups. "" where it is none."""
    if channel not in CHANNELS or len(text) > 4 * _LENGTH:
        return ""
    plain_text = _BETWEEN.sub("", unicodedata.normalize("NFKC", text)).upper()
    return plain_text if _CODE.fullmatch(plain_text) and _mixed(plain_text) else ""


def bind(session: Session, now: datetime, channel: str, address: str, code: str) -> Bound | None:
    """Join the account at this address to the patient whose code it is, in the caller's transaction.

    None for a code that is wrong, used, expired or replaced, and after too many tries. What is decided with it is
    recorded: the address (best of all for who lives in mainland China, whom an SMS cannot ask), consent and audit.
    """
    who = f"{channel}:{address}"
    if tries_of(session, now, "bind", who, WINDOW) > TRIES:
        return None
    found = live_code(session, _hash(code), now)
    patient = session.get(Patient, found.patient_id) if found is not None else None
    if found is None or patient is None or patient.status != "active":
        return None
    found.used_at = now
    wait_for_patient(session, patient.id)
    contact = _contact(session, now, patient, channel, address, found.label)
    consents.decide(session, now, patient, granted=True, source=SOURCE, channel=channel)
    audits.record(
        session,
        now,
        "contact.bound",
        "contact_point",
        contact.id,
        agent_kind="patient",
        agent_id=patient.id,
        patient_id=patient.id,
        organization_id=patient.organization_id,
        channel=channel,
    )
    forget_tries(session, "bind", who)
    session.flush()
    return Bound(contact, patient)


def bound_words(patient: Patient) -> str:
    """What somebody is told whose account was bound; nothing in it says to whom."""
    return texts().say(patient.language, "account-bound", number=emergency_number(patient.country))


def stranger_words(country: str) -> str:
    """What an account is told that is bound to nobody: the same to everybody, in the two languages most likely read."""
    number = emergency_number(country)
    first = "zh-Hant" if country in ("HK", "MO", "TW") else "zh-Hans"
    return "\n\n".join(texts().say(language, "unknown-account", number=number) for language in (first, "en"))


def _contact(
    session: Session, now: datetime, patient: Patient, channel: str, address: str, label: str | None
) -> ContactPoint:
    """The patient's contact point with this address, active; a new one if it is not known yet."""
    known = contact_points(session, patient.id)
    token = address_token(channel, address)
    contact = next((one for one in known if one.channel == channel and bytes(one.address_token) == token), None)
    if contact is None:
        contact = ContactPoint(
            organization_id=patient.organization_id,
            patient_id=patient.id,
            channel=channel,
            address=normal_address(channel, address, None),
            address_token=token,
            created_at=now,
        )
        session.add(contact)
    contact.rank, contact.status = _rank(patient, [one for one in known if one is not contact]), "active"
    if label:
        contact.label = label
    return contact


def _rank(patient: Patient, others: Sequence[ContactPoint]) -> int:
    ranks = [one.rank for one in others]
    return min(ranks, default=1) - 1 if patient.country == "CN" else max(ranks, default=0) + 1


def _new_code() -> str:
    """Eight signs, letters and digits among them, so that no word is taken for a code: a third of 10^12."""
    while True:
        code = "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
        if _mixed(code):
            return code


def _mixed(code: str) -> bool:
    return any(sign.isdigit() for sign in code) and any(sign.isalpha() for sign in code)


def _hash(code: str) -> bytes:
    """Keyed: codes could be tried out by whoever reads the table."""
    return token_of("binding-code", code)
