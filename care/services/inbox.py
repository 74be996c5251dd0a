"""The one way in for a text: kept first, screened inline, answered by a worker afterwards.

What is committed when `receive` returns: the text itself and, when it holds a red-flag word, the escalation and the
emergency reply, whatever state the sender is in and whoever it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import CommunicationStatus, Priority, Purpose
from care.domain.message import Incoming
from care.domain.screen import Verdict, screen
from care.library import emergency_number, lexicon, texts
from care.records.alone import NotAlone, execute_alone
from care.records.among import among
from care.records.communications import Communication, CommunicationContent
from care.records.ids import new_id
from care.records.organizations import Organization
from care.records.patients import Patient, address_token
from care.records.seal import seal
from care.runtime import Runtime
from care.services import bindings, outbox
from care.services.arrivals import Arrival, arrivals_of, keep, plain_id
from care.services.emergencies import alarm_of, emergency_words, is_alarming
from care.services.escalations import Case, raise_many
from care.services.pages import staff_language
from care.services.turns import take_turns_due

__all__ = ["Received", "receive", "receive_many", "take_turns_due"]

# A calm text of the one patient who uses its address, in one statement: this is what nearly every text is.
_PLAIN = (
    "WITH who AS (SELECT k.id AS contact, p.id AS patient, p.care_team_id AS team, p.organization_id AS organization"
    " FROM contact_point k JOIN patient p ON p.id = k.patient_id WHERE k.channel = $2 AND k.address_token = $3),"
    " kept AS (INSERT INTO communication (id, organization_id, patient_id, care_team_id, contact_point_id, direction,"
    " channel, purpose, priority, status, external_id, address_token, at, recorded_at, take_at, screened, attempts)"
    " SELECT CAST($1 AS uuid), organization, patient, team, contact, 'in', $2, 'text', 0, 'in-progress', $4, $3,"
    " CAST($5 AS timestamptz), CAST($6 AS timestamptz), CAST($6 AS timestamptz), $7, 0"
    " FROM who WHERE (SELECT count(*) FROM who) = 1 RETURNING id),"
    " words AS (INSERT INTO communication_content (id, text_sealed, address_sealed)"
    " SELECT id, CAST($8 AS bytea), CAST($9 AS bytea) FROM kept) SELECT id FROM kept"
)


@dataclass(frozen=True, slots=True)
class Received:
    """The text's id, whether it was new (the same provider id twice is one text), and what the screen says of it."""

    communication_id: UUID
    new: bool
    verdict: Verdict


def receive(session: Session, rt: Runtime, incoming: Incoming, speaker: UUID | None = None) -> Received:
    """Keep one text and screen it; commits. See receive_many."""
    odd = incoming.media or incoming.event or incoming.raw_note or speaker is not None
    if not (odd or bindings.code_in(incoming.channel, incoming.text) or session.in_transaction()):
        plain = _receive_plain(session, rt, incoming)
        if plain is not None:
            return plain
    return receive_many(session, rt, [incoming], speaker)[0]


def _receive_plain(session: Session, rt: Runtime, incoming: Incoming) -> Received | None:
    """Keep a calm text of a known patient in one round trip, a transaction of its own. None: nothing was kept.

    That is when it is alarming, known already, a stranger's or from a shared address, which receive_many sees to.
    """
    verdict = screen(incoming.text, lexicon())
    external_id = plain_id(incoming.external_id)
    if is_alarming(verdict) or not external_id:
        return None
    text_id, now, table = new_id(), rt.now(), CommunicationContent.__tablename__
    values = (
        str(text_id),
        incoming.channel,
        address_token(incoming.channel, incoming.sender),
        external_id,
        incoming.received_at.isoformat(),
        now.isoformat(),
        verdict.kind,
        seal(table, "text_sealed", text_id, incoming.text),
        seal(table, "address_sealed", text_id, incoming.sender),
    )
    try:
        kept = execute_alone(session, _PLAIN, values)
    except NotAlone:
        return None  # the other way says why, or finds the text that was kept
    return Received(text_id, True, verdict) if kept else None


def receive_many(
    session: Session, rt: Runtime, incoming: Sequence[Incoming], speaker: UUID | None = None
) -> list[Received]:
    """Keep texts in their order and screen each of them, in one commit. One result a text, in order.

    `speaker` is the patient who wrote, where that is known (they are signed in) although several share the address.
    Raises NotReady("no-team") when there is no organization yet that could look after a text: it should come again.
    """
    now = rt.now()
    kept = arrivals_of(session, incoming, speaker)
    known = keep(session, kept, now)
    new = [one for one in kept if known[one.incoming.channel, one.external_id] == one.id]
    _alarm(session, [one for one in new if one.alarming], now)
    for one in new:
        if not one.alarming and one.verdict.kind != "stop" and not _bind(session, one, now) and not one.people:
            _answer_stranger(session, one, now)
    session.commit()
    ids = {one.id for one in new}
    return [Received(known[one.incoming.channel, one.external_id], one.id in ids, one.verdict) for one in kept]


def _alarm(session: Session, alarming: Sequence[Arrival], now: datetime) -> None:
    """An escalation and the emergency reply, in the transaction of the text, without any model and any consent."""
    if not alarming:
        return
    raise_many(session, now, [case for one in alarming for case in _cases(one, now)])
    countries = _countries(session, {one.team.organization_id for one in alarming})
    for one in alarming:
        language, country = _speaks(one, countries)
        words = emergency_words(one.verdict, language, country)
        _reply(session, one, Purpose.EMERGENCY, words, f"emergency:{one.id}", now)


def _cases(one: Arrival, now: datetime) -> list[Case]:
    """One case for everybody whom the text may be about; the team's, when nobody is known."""
    alarm = alarm_of(one.verdict)
    owners: Sequence[Patient | None] = [patient for _, patient in one.people] or [None]
    return [
        Case(
            one.team.organization_id,
            owner.care_team_id if owner else one.team.id,
            owner.id if owner else None,
            now,
            (alarm,),
            communication_id=one.id,
        )
        for owner in owners
    ]


def _bind(session: Session, one: Arrival, now: datetime) -> bool:
    """Whether the text was a code that has bound its sender to a patient. It is theirs then, and nobody's to answer."""
    code = bindings.code_in(one.incoming.channel, one.incoming.text)
    bound = bindings.bind(session, now, one.incoming.channel, one.incoming.sender, code) if code else None
    if bound is None:
        return False
    row = session.get_one(Communication, one.id)
    row.patient_id, row.contact_point_id = bound.patient.id, bound.contact.id
    row.organization_id, row.care_team_id = bound.patient.organization_id, bound.patient.care_team_id
    row.take_at, row.waits_since, row.status = None, None, CommunicationStatus.COMPLETED.value
    outbox.enqueue(
        session,
        now,
        purpose=Purpose.CONFIRMATION,
        text=bindings.bound_words(bound.patient),
        dedupe=f"bound:{one.id}",
        patient=bound.patient,
        contact=bound.contact,
        check=False,
    )
    return True


def _answer_stranger(session: Session, one: Arrival, now: datetime) -> None:
    """Once a day: who reads this and what to do in an emergency; nothing about whether anybody is known here.

    Whoever sends a code that is none of ours is told the same, so that they look at it again; once a minute.
    """
    language, country = _speaks(one, _countries(session, {one.team.organization_id}))
    words = texts().say(language, "unknown-sender", number=emergency_number(country))
    when = str(now.date())
    if one.incoming.channel in bindings.CHANNELS:
        words = bindings.stranger_words(country)
        when = f"{now:%Y-%m-%dT%H:%M}" if bindings.code_in(one.incoming.channel, one.incoming.text) else when
    dedupe = f"stranger:{one.incoming.channel}:{one.token.hex()}:{when}"
    _reply(session, one, Purpose.CONFIRMATION, words, dedupe, now, check=True)


def _reply(
    session: Session, one: Arrival, purpose: Purpose, words: str, dedupe: str, now: datetime, check: bool = False
) -> None:
    """Back to where the text came from. On a shared phone nobody's name and nobody's record stands on it."""
    single = one.people[0] if len(one.people) == 1 else None
    outbox.enqueue(
        session,
        now,
        purpose=purpose,
        text=words,
        dedupe=dedupe,
        patient=single[1] if single else None,
        contact=single[0] if single else None,
        channel=one.incoming.channel,
        address=one.incoming.sender,
        priority=Priority.STAT if purpose is Purpose.EMERGENCY else Priority.ROUTINE,
        care_team_id=one.team.id,
        organization_id=one.team.organization_id,
        check=check,
    )


def _speaks(one: Arrival, countries: Mapping[UUID, str]) -> tuple[str, str]:
    """(language, country) of the sender; of a stranger the hospital's, unless the words are plainly Chinese."""
    if one.people:
        return one.people[0][1].language, one.people[0][1].country
    country = countries[one.team.organization_id]
    language = staff_language(country)
    if language == "en" and any("\u4e00" <= char <= "\u9fff" for char in one.incoming.text[:1_000]):
        language = "zh-Hans"
    return language, country


def _countries(session: Session, organizations: set[UUID]) -> dict[UUID, str]:
    rows = session.execute(select(Organization.id, Organization.country).where(among(Organization.id, organizations)))
    return {row.id: row.country for row in rows}
