"""Follows: what a person does on a channel without a text. They follow its account, stop following, use its menu.

To follow is to agree to be written to there, for whoever is known; to stop following is to withdraw it at once. What is
said to a follower stands in the very answer to the provider's call, which needs no window and counts against no quota:
it is recorded as a message that left with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from care.domain.codes import CommunicationStatus, Delivery, Priority, Purpose
from care.domain.message import Incoming
from care.domain.triage import Alarm
from care.errors import NotReady
from care.library import texts
from care.records.channel_tokens import ChannelEvent
from care.records.communications import Communication, CommunicationContent
from care.records.ids import new_id
from care.records.organizations import Organization, team_for_address
from care.records.patients import ContactPoint, Patient, address_token
from care.runtime import Runtime
from care.services import audits, bindings, consents, inbox, outbox
from care.services.alarms import raise_alarms
from care.services.locks import wait_for_patient

FOLLOWED, UNFOLLOWED, SCANNED, MENU = "followed", "unfollowed", "scanned", "menu"
WORDS = {"begin": "OK", "help": "HELP", "nurse": "NURSE"}
"""What an entry of the menu says in the patient's place, by its key. Any other asks for help."""

Person = tuple[ContactPoint, Patient]


def hear(session: Session, rt: Runtime, incoming: Incoming) -> str:
    """Take in what a person did; commits. Returns what to say in the answer itself, "" for nothing.

    The same event again changes nothing and is answered the same; one that is older than what is known changes nothing.
    Raises NotReady when there is no hospital yet.
    """
    what, _, key = incoming.event.partition(":")
    people = _people(session, incoming)
    if what == MENU and people:
        inbox.receive(session, rt, replace(incoming, text=WORDS.get(key, WORDS["help"])))
        return ""
    for _, patient in people:
        wait_for_patient(session, patient.id)
    people = _people(session, incoming)  # as they are now that nobody else changes them
    now = rt.now()
    if not _is_new(session, incoming, now):
        session.rollback()
        return _said(session, incoming)
    words = ""
    if what == UNFOLLOWED:
        _withdraw(session, now, people)
    elif what in (FOLLOWED, SCANNED, MENU):  # an entry of the menu has words only for who is known
        words = _welcome(session, now, incoming, people, key)
    session.commit()
    return words


def _is_new(session: Session, incoming: Incoming, now: datetime) -> bool:
    """Keep the event. False when it is known, or something that happened after it is (two calls may overtake)."""
    address = address_token(incoming.channel, incoming.sender)
    row = insert(ChannelEvent).values(
        id=new_id(),
        channel=incoming.channel,
        external_id=incoming.external_id,
        address_token=address,
        event=incoming.event.partition(":")[0],
        at=incoming.received_at,
        recorded_at=now,
    )
    kept = session.execute(
        row.on_conflict_do_nothing(index_elements=["channel", "external_id"]).returning(ChannelEvent.id)
    )
    if kept.first() is None:
        return False
    later = select(ChannelEvent.id).where(
        ChannelEvent.address_token == address,
        ChannelEvent.channel == incoming.channel,
        ChannelEvent.at > incoming.received_at,
    )
    return session.scalars(later).first() is None


def _people(session: Session, incoming: Incoming) -> list[Person]:
    found = (
        select(ContactPoint, Patient)
        .join(Patient, Patient.id == ContactPoint.patient_id)
        .where(
            ContactPoint.channel == incoming.channel,
            ContactPoint.address_token == address_token(incoming.channel, incoming.sender),
        )
        .order_by(ContactPoint.patient_id)
    )
    rows = session.execute(found.execution_options(populate_existing=True))
    return [(contact, patient) for contact, patient in rows]


def _withdraw(session: Session, now: datetime, people: Sequence[Person]) -> None:
    """Nothing more leaves, and a nurse hears of it as of a STOP."""
    for contact, patient in people:
        if contact.status == "opted-out":
            continue
        contact.status = "opted-out"
        _decided(session, now, contact, patient, granted=False)
        session.flush()
        outbox.stop_queued(session, patient.id, contact.channel, "opted-out")
        raise_alarms(
            session,
            now,
            patient=patient,
            organization_id=patient.organization_id,
            care_team_id=patient.care_team_id,
            alarms=[Alarm("opted-out", Priority.ROUTINE, "opted-out", {}, "doubt")],
        )


def _welcome(session: Session, now: datetime, incoming: Incoming, people: Sequence[Person], scene: str) -> str:
    """What a follower is told: that they are bound, that they are back, or how to say who they are."""
    code = bindings.code_in(incoming.channel, scene)
    bound = bindings.bind(session, now, incoming.channel, incoming.sender, code) if code else None
    if bound is not None:
        return _record(session, now, incoming, (bound.contact, bound.patient), bindings.bound_words(bound.patient))
    if people and incoming.event.startswith(SCANNED):
        return ""  # some picture of the account's: whoever scans it follows already
    for contact, patient in people:
        contact.status = "active"
        _decided(session, now, contact, patient, granted=True)
    if people:
        single = people[0] if len(people) == 1 else None
        return _record(session, now, incoming, single, texts().say(people[0][1].language, "start-confirmed"))
    return _record(session, now, incoming, None, "")


def _decided(session: Session, now: datetime, contact: ContactPoint, patient: Patient, granted: bool) -> None:
    source = "follow" if granted else "unfollow"
    consents.decide(session, now, patient, granted=granted, source=source, channel=contact.channel)
    audits.record(
        session,
        now,
        "consent.give" if granted else "consent.withdraw",
        "contact_point",
        contact.id,
        agent_kind="patient",
        agent_id=patient.id,
        patient_id=patient.id,
        organization_id=patient.organization_id,
        channel=contact.channel,
    )


def _record(session: Session, now: datetime, incoming: Incoming, person: Person | None, words: str) -> str:
    """Write down what is said in the answer; WeChat never tells whether it arrived."""
    team = team_for_address(session, incoming.recipient)
    if team is None:
        raise NotReady("no-team", "there is nobody yet who could look after this person")
    if not words:
        words = bindings.stranger_words(session.get_one(Organization, team.organization_id).country)
    contact, patient = person or (None, None)
    row = Communication(
        organization_id=patient.organization_id if patient else team.organization_id,
        patient_id=patient.id if patient else None,
        care_team_id=patient.care_team_id if patient else team.id,
        contact_point_id=contact.id if contact else None,
        direction="out",
        channel=incoming.channel,
        purpose=Purpose.CONFIRMATION.value,
        priority=Priority.ROUTINE.rank,
        status=CommunicationStatus.COMPLETED.value,
        delivery=Delivery.SENT_UNCONFIRMED.value,
        dedupe=_dedupe(incoming),
        address_token=address_token(incoming.channel, incoming.sender),
        at=now,
        recorded_at=now,
        handed_at=now,
        sent_at=now,
        attempts=0,
    )
    session.add(row)
    session.add(CommunicationContent(id=row.id, text=words, address=incoming.sender))
    return words


def _said(session: Session, incoming: Incoming) -> str:
    """What was said when this event came for the first time."""
    found = (
        select(CommunicationContent)
        .join(Communication, Communication.id == CommunicationContent.id)
        .where(Communication.dedupe == _dedupe(incoming))
    )
    content = session.scalars(found).first()
    words = str(content.text) if content is not None else ""
    session.rollback()
    return words


def _dedupe(incoming: Incoming) -> str:
    return f"answer:{incoming.channel}:{incoming.external_id}"
