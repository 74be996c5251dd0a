"""Speakers: whose text it is, when several patients share a phone.

Such a text belongs to nobody until its writer has said who they are, by the number in our question; a reading in the
wrong record is worse than one question more. What was written before the answer is then theirs too, and so is what
follows within a quarter of an hour. Without an answer a person sorts it out. STOP, START and HELP are for the phone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import CommunicationStatus, Priority, Purpose
from care.domain.diary import Entry, read_entry
from care.domain.triage import Alarm
from care.library import texts
from care.records.communications import Communication, CommunicationContent
from care.records.patients import ContactPoint, Patient
from care.services import outbox
from care.services.alarms import raise_alarms
from care.services.locks import lock_patients
from care.services.queue import Worked

WAITS_FOR_ANSWER = timedelta(hours=2)
STILL_THE_SAME = timedelta(minutes=15)
FOR_THE_PHONE = frozenset(("stop", "start", "help"))
ASKED = "who-is-speaking:"

Person = tuple[ContactPoint, Patient]
Phone = tuple[str, bytes]  # a channel, and the token of an address on it


def settle_speakers(session: Session, now: datetime, phones: Sequence[Phone]) -> Worked:
    """Find out whose the waiting texts of shared phones are; commits. What is settled then waits for its turn."""
    worked = Worked()
    for channel, token in phones:
        if lock_patients(session, [UUID(bytes=token)]):
            worked += _phone(session, now, channel, token)
        session.commit()
    return worked


def _phone(session: Session, now: datetime, channel: str, token: bytes) -> Worked:
    people = _people(session, channel, token)
    rows = _waiting(session, now, channel, token)
    if not people:  # the address was taken off its patients meanwhile
        for message, _ in rows:
            _to_person(session, message, now)
        return Worked(len(rows), len(rows))
    speaker = people[0] if len(people) == 1 else _spoke_lately(session, now, channel, token, people)
    held: list[Communication] = []
    for message, content in rows:
        words = str(content.text)
        if message.screened in FOR_THE_PHONE:
            _for_all(session, message, content, people, now)
            continue
        named = _named(words, people) if held or _was_asked(session, now, channel, token) else None
        if named is not None and len(people) > 1:
            speaker = named
            for earlier in held:
                _give(earlier, speaker, now)
            held = []
            _close(message, speaker)
        elif speaker is not None:
            _give(message, speaker, now)
        else:
            held.append(message)
    for message in held:
        _hold(session, message, people, now)
    return Worked(len(rows), len(rows))


def _people(session: Session, channel: str, token: bytes) -> list[Person]:
    found = (
        select(ContactPoint, Patient)
        .join(Patient, Patient.id == ContactPoint.patient_id)
        .where(ContactPoint.channel == channel, ContactPoint.address_token == token)
        .order_by(ContactPoint.created_at, ContactPoint.id)
    )
    return [(contact, patient) for contact, patient in session.execute(found)]


def _waiting(
    session: Session, now: datetime, channel: str, token: bytes
) -> Sequence[tuple[Communication, CommunicationContent]]:
    """The phone's texts that are nobody's yet, also those that were asked about, in their order; locked."""
    found = (
        select(Communication, CommunicationContent)
        .join(CommunicationContent, CommunicationContent.id == Communication.id)
        .where(
            Communication.channel == channel,
            Communication.address_token == token,
            Communication.direction == "in",
            Communication.patient_id.is_(None),
            Communication.take_at.is_not(None),
        )
        .order_by(Communication.recorded_at, Communication.id)
        .with_for_update(of=Communication)
        .execution_options(populate_existing=True)
    )
    return [(message, content) for message, content in session.execute(found)]


def _spoke_lately(
    session: Session, now: datetime, channel: str, token: bytes, people: Sequence[Person]
) -> Person | None:
    """Who said a moment ago that it is them."""
    found = (
        select(Communication.patient_id)
        .where(
            Communication.channel == channel,
            Communication.address_token == token,
            Communication.direction == "in",
            Communication.status_reason == "speaker",
            Communication.recorded_at > now - STILL_THE_SAME,
        )
        .order_by(Communication.recorded_at.desc(), Communication.id.desc())
    )
    last = session.scalars(found).first()
    return next((one for one in people if one[1].id == last), None)


def _was_asked(session: Session, now: datetime, channel: str, token: bytes) -> bool:
    found = select(Communication.id).where(
        Communication.direction == "out",
        Communication.channel == channel,
        Communication.address_token == token,
        Communication.dedupe.startswith(ASKED),
        Communication.recorded_at > now - WAITS_FOR_ANSWER,
    )
    return session.scalars(found).first() is not None


def _named(words: str, people: Sequence[Person]) -> Person | None:
    """Whom a text names: the number in our question, or the label that stands beside it, and nothing else."""
    said = unicodedata.normalize("NFKC", words).strip(" .。!！").casefold()
    for number, person in enumerate(people, start=1):
        if said == str(number) or (person[0].label and said == str(person[0].label).casefold()):
            return person
    return None


def _give(message: Communication, speaker: Person, now: datetime) -> None:
    """The text is this patient's from now on and waits for its turn."""
    contact, patient = speaker
    message.patient_id, message.care_team_id = patient.id, patient.care_team_id
    message.contact_point_id, message.take_at = contact.id, now


def _close(message: Communication, speaker: Person | None) -> None:
    """A text that has done its work: nothing more is taken from it."""
    if speaker is not None:
        message.patient_id, message.contact_point_id = speaker[1].id, speaker[0].id
        message.status_reason = "speaker"
    message.take_at, message.status = None, CommunicationStatus.COMPLETED.value


def _hold(session: Session, message: Communication, people: Sequence[Person], now: datetime) -> None:
    """Ask who it is, once for a text; after two hours without an answer a person finds out."""
    if message.recorded_at <= now - WAITS_FOR_ANSWER:
        _to_person(session, message, now)
        return
    message.take_at = message.recorded_at + WAITS_FOR_ANSWER
    asked = _was_asked(session, now, message.channel, bytes(message.address_token or b""))
    contact, patient = people[0]
    if asked:
        return
    choices = "\n".join(f"{number} {one[0].label or number}" for number, one in enumerate(people, start=1))
    outbox.enqueue(
        session,
        now,
        purpose=Purpose.CONFIRMATION,
        text=texts().say(patient.language, "who-is-speaking", choices=choices),
        dedupe=f"{ASKED}{message.id}",
        channel=contact.channel,
        address=contact.address,
        care_team_id=message.care_team_id,
        organization_id=message.organization_id,
        check=False,
    )
    session.flush()


def _for_all(
    session: Session, message: Communication, content: CommunicationContent, people: Sequence[Person], now: datetime
) -> None:
    """STOP, START and HELP from a shared phone: one copy of the text a patient, so that each record holds it."""
    for number, (contact, patient) in enumerate(people[1:], start=2):
        copy = Communication(
            organization_id=patient.organization_id,
            patient_id=patient.id,
            care_team_id=patient.care_team_id,
            contact_point_id=contact.id,
            direction="in",
            channel=message.channel,
            purpose=message.purpose,
            priority=message.priority,
            status=message.status,
            external_id=f"{message.external_id}#{number}",
            address_token=message.address_token,
            at=message.at,
            recorded_at=message.recorded_at,
            take_at=now,
            screened=message.screened,
            attempts=0,
        )
        session.add(copy)
        session.add(CommunicationContent(id=copy.id, text=content.text, address=content.address))
    _give(message, people[0], now)
    session.flush()


def _to_person(session: Session, message: Communication, now: datetime) -> None:
    _close(message, None)
    message.waits_since = message.waits_since or now
    if message.care_team_id is None:
        return
    raise_alarms(
        session,
        now,
        patient=None,
        organization_id=message.organization_id,
        care_team_id=message.care_team_id,
        alarms=[Alarm("needs-person", _priority(session, message), "unknown-sender", {}, "doubt")],
        communication_id=message.id,
    )


def _priority(session: Session, message: Communication) -> Priority:
    """A reading that is in nobody's record is judged by nobody: it may be a low, so it does not wait for the day."""
    words = str(session.get_one(CommunicationContent, message.id).text)
    return Priority.URGENT if isinstance(read_entry(words, message.at, "UTC"), Entry) else Priority.ROUTINE
