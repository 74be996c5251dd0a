"""Escalations: raised by reports, texts and doubts, paged until somebody answers, accepted and completed by staff."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, or_, select, true, update
from sqlalchemy.orm import Session

from care.domain.codes import Delivery, EscalationStatus, Outcome, Priority, Purpose, Role
from care.domain.escalation import Accept, Complete, State, step
from care.domain.lock_screen import Reveals, reveals
from care.domain.people import Staff
from care.domain.undo import Act, document
from care.errors import Conflict, Invalid
from care.library.notices import MESSAGE
from care.records import practitioners
from care.records.communications import Communication
from care.records.escalations import Escalation, EscalationLink, escalation_of, links_of
from care.records.flags import Flag
from care.records.ids import new_id
from care.records.patients import Patient, contact_points, patient_of
from care.runtime import Runtime
from care.services import audits, outbox
from care.services.alarms import Case, raise_alarms, raise_many
from care.services.ladders import Ladders
from care.services.locks import wait_for_patient
from care.services.pages import page_due

__all__ = ["Case", "accept", "complete", "look", "message", "page_due", "raise_alarms", "raise_many"]

LONGEST_MESSAGE = 1_000  # characters; what a phone shows without scrolling far
LONGEST_NOTE = 10_000
_NAMES: dict[Reveals, str] = {
    "name": "leave out the patient's name",
    "record_number": "leave out the record number",
    "birth_date": "leave out the birth date",
}

_END_FLAG = (
    update(Flag)
    .where(Flag.id == bindparam("flag"))
    .values(status="inactive", ended_at=bindparam("now"))
    .execution_options(synchronize_session=False)
)
_ITS_TEXTS = (
    Communication.id.in_(
        select(EscalationLink.communication_id).where(EscalationLink.escalation_id == bindparam("escalation"))
    ),
    Communication.waits_since.is_not(None),
)
_WAITING = select(Communication.id, Communication.waits_since).where(*_ITS_TEXTS)
_SETTLE = update(Communication).where(*_ITS_TEXTS).values(waits_since=None).execution_options(synchronize_session=False)
_LOOK = (
    update(Escalation)
    .where(
        Escalation.id == bindparam("escalation"),
        or_(
            Escalation.looked_at.is_(None),
            Escalation.looked_at < func.coalesce(Escalation.priority_since, Escalation.requested_at),
        ),
    )
    .values(looked_at=bindparam("now"))
    .returning(Escalation.id)
    .execution_options(synchronize_session=False)
)
_STOP_PAGES = (
    update(Communication)
    .where(
        Communication.escalation_id == bindparam("escalation"),
        Communication.purpose == Purpose.PAGE.value,
        Communication.send_at.is_not(None),
        Communication.delivery == Delivery.QUEUED.value,
    )
    .values(status="not-done", delivery=Delivery.STOPPED.value, status_reason="accepted", send_at=None)
    .returning(Communication.id)
    .execution_options(synchronize_session=False)
)


def accept(session: Session, rt: Runtime, staff: Staff, escalation_id: UUID) -> Escalation:
    """`staff` takes it on; pages that have not left yet stay here. Raises NotFound, NotAllowed, Conflict."""
    now = rt.now()
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    row = locked(session, staff, escalation_id)
    before = row.state
    with saying_who(session):
        row.state = step(before, Accept(str(staff.id)), now, Ladders(session).of(row)).state
    stopped = stop_pages(session, row.id)
    remember(row, staff, now, before, stopped=stopped)
    row.accepted_at = now
    seen(row, now)
    noted(session, now, staff, row, "escalation.accept")
    session.commit()
    return row


def look(session: Session, rt: Runtime, staff: Staff, escalation_id: UUID) -> Escalation:
    """`staff` has opened it: the clock of the first look stops. Commits, and audits the first look. Raises NotFound."""
    now = rt.now()
    row = escalation_of(session, staff, escalation_id)
    if row.status == EscalationStatus.COMPLETED.value:
        return row
    first = session.execute(_LOOK, {"escalation": row.id, "now": now})
    if first.first() is not None:
        noted(session, now, staff, row, "escalation.look")
        session.commit()
        session.refresh(row)
    return row


def seen(row: Escalation, now: datetime) -> None:
    """Somebody has looked at it as it is now (no commit); a look at something milder, before, is none."""
    if row.looked_at is None or row.looked_at < row.since:
        row.looked_at = now


def complete(
    session: Session,
    rt: Runtime,
    staff: Staff,
    escalation_id: UUID,
    outcome: str,
    note: str = "",
    joined: int | None = None,
) -> Escalation:
    """`staff` closes it with an outcome; its Flag ends, and the texts it was about no longer wait.

    `joined` is how many reports and texts it held when they read it: what came after that is not closed unread.
    Raises NotFound, NotAllowed, Conflict (somebody else has it, it is closed, or it grew), Invalid (outcome, note).
    """
    now = rt.now()
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    ended = _outcome(outcome)
    if len(note) > LONGEST_NOTE:
        raise Invalid("too-long", f"a note has at most {LONGEST_NOTE} characters", place="note")
    row = locked(session, staff, escalation_id)
    before = row.state
    if joined is not None and row.status != EscalationStatus.COMPLETED.value and links_of(session, row.id) > joined:
        raise Conflict("grew", "more has come in since this page was drawn: read it, then close")
    with saying_who(session):
        row.state = step(before, Complete(str(staff.id), ended), now, Ladders(session).of(row)).state
    # Else they were stopped when it was accepted.
    stopped = before.status is EscalationStatus.REQUESTED and stop_pages(session, row.id)
    remember(row, staff, now, before, stopped=stopped, texts=_waiting_texts(session, row.id))
    row.completed_at, row.outcome, row.note = now, ended.value, note or None
    seen(row, now)
    session.execute(_END_FLAG, {"flag": row.flag_id, "now": now})
    session.execute(_SETTLE, {"escalation": row.id})
    noted(session, now, staff, row, "escalation.complete", outcome=ended.value)
    session.commit()
    return row


def message(
    session: Session,
    rt: Runtime,
    staff: Staff,
    patient_id: UUID,
    text: str,
    seen: datetime | None = None,
    once: UUID | None = None,
) -> Communication:
    """`staff` writes to a patient; the patient's waiting texts count as answered, but for those that came after `seen`.

    The same form (`once`) sent twice is one message. Where it may be shown on a lock screen a notice may leave instead
    (see `domain.departure`), and words that say who the patient is are refused. Raises NotFound, NotAllowed, Invalid
    (empty, too long, or such words), Conflict (the patient has no address to write to).
    """
    now = rt.now()
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    words = text.strip()
    if not words or len(words) > LONGEST_MESSAGE:
        raise Invalid("message-length", f"a message has 1 to {LONGEST_MESSAGE} characters", place="text")
    keep_secret(session, rt, patient, words)
    wait_for_patient(session, patient.id)
    dedupe = f"nurse:{patient.id}:{once or new_id()}"
    known = session.scalars(select(Communication).where(Communication.dedupe == dedupe)).first()
    if known is not None:
        return known
    contact = outbox.best_contact(session, patient.id, Purpose.NURSE, rt, patient.country)
    sent = contact and outbox.enqueue(
        session,
        now,
        purpose=Purpose.NURSE,
        text=words,
        dedupe=dedupe,
        patient=patient,
        contact=contact,
        priority=Priority.URGENT,
        check=False,
        notice=MESSAGE,
    )
    if not sent:
        raise Conflict("no-contact", "there is no address that this patient can be written to")
    sent.practitioner_id = staff.id
    session.flush()
    session.execute(
        update(Communication)
        .where(Communication.patient_id == patient.id, Communication.waits_since.is_not(None))
        .where(true() if seen is None else Communication.recorded_at <= seen)
        .values(waits_since=None)
        .execution_options(synchronize_session=False)
    )
    audits.record(
        session, now, "patient.message", "communication", sent.id, staff=staff, patient_id=patient.id, count=len(words)
    )
    session.commit()
    return sent


def keep_secret(session: Session, rt: Runtime, patient: Patient, words: str) -> None:
    """Raise Invalid for words that name the patient, where one of their channels may show them to anybody.

    Any of their channels: a message that one cannot carry goes by another.
    """
    known = [rt.channels.get(contact.channel) for contact in contact_points(session, patient.id)]
    if known and all(one is not None and one.capabilities.in_country(patient.country).private for one in known):
        return
    who = patient.identity
    found = reveals(words, str(who["name"]), str(who.get("record_number") or ""), who.get("birth_date"))
    if found is not None:
        raise Invalid("names-the-patient", f"{_NAMES[found]}: a phone may show this to anybody", place="text")


def locked(session: Session, staff: Staff, escalation_id: UUID) -> Escalation:
    """The escalation as it is now, not as this session may have seen it before. Raises NotFound."""
    session.expire_all()
    return escalation_of(session, staff, escalation_id, lock=True)


@contextmanager
def saying_who(session: Session) -> Iterator[None]:
    """Let a Conflict about somebody's case say who that is: `owner_name`, for whoever was slower."""
    try:
        yield
    except Conflict as conflict:
        owner = conflict.detail.get("owner")
        if owner is None:
            raise
        name = practitioners.names(session, {UUID(str(owner))}).get(UUID(str(owner)), "")
        raise Conflict(conflict.code, conflict.message, owner=owner, owner_name=name) from None


def stop_pages(session: Session, escalation_id: UUID) -> bool:
    """Pages that nobody has taken to send yet are no longer needed (no commit); whether there were any."""
    return session.execute(_STOP_PAGES, {"escalation": escalation_id}).first() is not None


def remember(
    row: Escalation,
    staff: Staff,
    now: datetime,
    before: State,
    *,
    stopped: bool,
    texts: Mapping[str, str] | None = None,
) -> None:
    """Keep what undoing this act needs (no commit): the state before it, and the `texts` that no longer wait."""
    accepted = row.accepted_at and row.accepted_at.isoformat()
    act = document(Act(str(staff.id), now, before, row.state, stopped))
    row.last_act = {**act, "accepted_at": accepted, "texts": dict(texts or {})}


def _waiting_texts(session: Session, escalation_id: UUID) -> dict[str, str]:
    """The texts that this alert is about and that wait for a person: since when, by id."""
    rows = session.execute(_WAITING, {"escalation": escalation_id})
    return {str(row.id): row.waits_since.isoformat() for row in rows}


def noted(session: Session, now: datetime, staff: Staff, row: Escalation, action: str, **detail: Any) -> None:
    """Write the act to the audit (no commit). `detail` takes codes, ids and counts only."""
    audits.record(
        session,
        now,
        action,
        "escalation",
        row.id,
        staff=staff,
        patient_id=row.patient_id,
        cause=row.cause,
        priority=row.priority,
        **detail,
    )


def _outcome(outcome: str) -> Outcome:
    try:
        return Outcome(outcome)
    except ValueError:
        raise Invalid("unknown-outcome", "this is not one of the outcomes", place="outcome") from None
