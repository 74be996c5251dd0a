"""Previews: what a patient will see of a message that a member of staff is about to send, and where."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from care.domain.codes import Purpose, Role
from care.domain.departure import LATELY, Leaves, leaves_as
from care.domain.people import Staff
from care.errors import Invalid
from care.library.notices import MESSAGE, notice
from care.records.patients import ContactPoint, Patient
from care.runtime import Runtime
from care.services import escalations, outbox
from care.services.claiming import Place, Spoken, spoken
from care.services.consents import ledger_of
from care.services.patients import open_patient
from care.services.speaking import page


@dataclass(frozen=True)
class Preview:
    """What will stand on the phone: the words, or a notice in their place. `fault` says why neither may.

    `leaves` is "later" where the patient has to write first, "never" where it goes another way or a nurse is told.
    """

    patient: Patient
    contact: ContactPoint | None
    words: str
    shown: str
    leaves: Leaves = "words"
    consented: bool = True
    fault: Invalid | None = None


def preview(session: Session, rt: Runtime, staff: Staff, patient_id: UUID, text: str) -> Preview:
    """Nothing is sent. Opening the patient is audited; commits. Raises NotFound, NotAllowed, Invalid (empty, too long).

    What leaves is decided when it leaves: a text of the patient in between can turn a notice into the words.
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    words = text.strip()
    if not words or len(words) > escalations.LONGEST_MESSAGE:
        most = escalations.LONGEST_MESSAGE
        raise Invalid("message-length", f"a message has 1 to {most} characters", place="text")
    patient = open_patient(session, rt, staff, patient_id)
    contact = outbox.best_contact(session, patient.id, Purpose.NURSE, rt, patient.country)
    if contact is None:
        return Preview(patient, None, words, words)
    consented = ledger_of(session, [patient.id]).allows(patient.id, contact.channel)
    try:
        escalations.keep_secret(session, rt, patient, words)
    except Invalid as fault:
        return Preview(patient, contact, words, words, consented=consented, fault=fault)
    leaves, shown = _leaving(session, rt, patient, contact, words)
    return Preview(patient, contact, words, shown, leaves, consented)


def _leaving(session: Session, rt: Runtime, patient: Patient, contact: ContactPoint, words: str) -> tuple[Leaves, str]:
    """What leaves by this address as things are, and how it reads."""
    channel, now = rt.channels.get(contact.channel), rt.now()
    if channel is None:
        return "words", words
    able = channel.capabilities.in_country(patient.country)
    place = Place(patient.id, contact.channel, bytes(contact.address_token), able.quota > 0)
    said = spoken(session, [place], now - max(LATELY, able.window or LATELY)).get(place, Spoken())
    leaves = leaves_as(able, Purpose.NURSE, MESSAGE, said.own_at, said.answered, now, links="://" in words)
    if leaves != "notice":
        return leaves, words
    url = page(rt.public_url) if able.links else ""
    return leaves, notice(patient.language, MESSAGE, two_way=able.two_way, url=url)
