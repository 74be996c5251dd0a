"""The one way in for a text: kept first, screened inline, answered by a worker afterwards.

What is committed when `receive` returns: the text itself and, when it holds a red-flag word, the escalation and the
emergency reply, whatever state the sender is in and whoever it is.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CursorResult, any_, bindparam, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, insert
from sqlalchemy.orm import Session

from care.domain.codes import CommunicationStatus, Priority, Purpose
from care.domain.message import Incoming
from care.domain.screen import Lexicon, Verdict, screen
from care.errors import NotReady
from care.library import emergency_number, lexicon, texts
from care.records.alone import NotAlone, execute_alone
from care.records.among import among
from care.records.attachments import Attachment
from care.records.base import Base
from care.records.communications import Communication, CommunicationContent
from care.records.ids import new_id
from care.records.organizations import Organization, team_for_address
from care.records.patients import ContactPoint, Patient, address_token
from care.records.seal import seal
from care.runtime import Runtime
from care.services import attachments, bindings, outbox
from care.services.desks import ATTACHMENT, ODD
from care.services.emergencies import alarm_of, emergency_words, is_alarming
from care.services.escalations import Case, raise_many
from care.services.pages import staff_language
from care.services.turns import take_turns_due

__all__ = ["Received", "receive", "receive_many", "take_turns_due"]

TEXT = "text"
MENU = "menu"  # a menu's entry, said in the patient's place: it opens no channel's window for free words

_TEXTS, _CONTENTS = (Base.metadata.tables[one.__tablename__] for one in (Communication, CommunicationContent))
_INSERT = (
    insert(_TEXTS)
    .on_conflict_do_nothing(index_elements=["channel", "external_id"], index_where=text("direction = 'in'"))
    .execution_options(preserve_rowcount=True)
)
_CONTENT = insert(_CONTENTS)
_ATTACHMENTS = insert(Base.metadata.tables[Attachment.__tablename__])
_PEOPLE = (
    select(ContactPoint, Patient)
    .join(Patient, Patient.id == ContactPoint.patient_id)
    .where(ContactPoint.address_token == any_(bindparam("tokens", type_=ARRAY(BYTEA()))))
    .order_by(ContactPoint.created_at, ContactPoint.id)
)

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

Person = tuple[ContactPoint, Patient]


@dataclass(frozen=True, slots=True)
class Received:
    """The text's id, whether it was new (the same provider id twice is one text), and what the screen says of it."""

    communication_id: UUID
    new: bool
    verdict: Verdict


class _Team(NamedTuple):
    """Who looks after a text."""

    id: UUID
    organization_id: UUID


@dataclass(frozen=True, slots=True)
class _Text:
    """One incoming text on its way into the tables, with everybody who uses its address."""

    id: UUID
    incoming: Incoming
    external_id: str
    token: bytes
    people: tuple[Person, ...]
    team: _Team
    verdict: Verdict

    @property
    def alarming(self) -> bool:
        return is_alarming(self.verdict)


def receive(session: Session, rt: Runtime, incoming: Incoming, speaker: UUID | None = None) -> Received:
    """Keep one text and screen it; commits. See receive_many."""
    odd = incoming.media or incoming.event or incoming.raw_note
    if (
        speaker is None
        and not odd
        and not bindings.code_in(incoming.channel, incoming.text)
        and not session.in_transaction()
    ):
        plain = _receive_plain(session, rt, incoming)
        if plain is not None:
            return plain
    return receive_many(session, rt, [incoming], speaker)[0]


def _receive_plain(session: Session, rt: Runtime, incoming: Incoming) -> Received | None:
    """Keep a calm text of a known patient in one round trip, a transaction of its own. None: nothing was kept.

    That is when it is alarming, known already, a stranger's or from a shared address, which receive_many sees to.
    """
    verdict = screen(incoming.text, lexicon())
    external_id = _plain(incoming.external_id)
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
    kept = _prepared(session, incoming, speaker)
    known = _insert(session, kept, now)
    new = [one for one in kept if known[one.incoming.channel, one.external_id] == one.id]
    if new:
        session.execute(_CONTENT, [_content(one) for one in new])
    if media := [row for one in new for row in _media(one, now)]:
        session.execute(_ATTACHMENTS, media)
    _alarm(session, [one for one in new if one.alarming], now)
    for one in new:
        if not one.alarming and one.verdict.kind != "stop" and not _bind(session, one, now) and not one.people:
            _answer_stranger(session, one, now)
    session.commit()
    ids = {one.id for one in new}
    return [Received(known[one.incoming.channel, one.external_id], one.id in ids, one.verdict) for one in kept]


def _prepared(session: Session, incoming: Sequence[Incoming], speaker: UUID | None) -> list[_Text]:
    tokens = [address_token(one.channel, one.sender) for one in incoming]
    people = _people(session, set(tokens))
    teams: dict[str, _Team] = {}
    words = lexicon()
    kept: list[_Text] = []
    for one, token in zip(incoming, tokens, strict=True):
        known = people.get((one.channel, token), ())
        if speaker is not None:
            known = tuple(person for person in known if person[1].id == speaker)
        if known:
            team = _Team(known[0][1].care_team_id, known[0][1].organization_id)
        else:
            team = _team(session, one.recipient, teams)
        text_id = new_id()
        external_id = _plain(one.external_id) or str(text_id)
        kept.append(_Text(text_id, one, external_id, token, known, team, _screened(one, words)))
    return kept


def _screened(incoming: Incoming, words: Lexicon) -> Verdict:
    """The verdict on a text and on what came with it: what a provider heard in a voice may be a cry for help.

    So may be what a text says that perhaps came encoded. It is screened decoded too, and kept as it came.
    """
    said = [incoming.text, *(medium.note for medium in incoming.media if medium.note)]
    if incoming.raw_note == "maybe-base64":
        with suppress(ValueError):
            said.append(b64decode(incoming.text, validate=True).decode("utf-8"))
    verdicts = [screen(each, words) for each in said]
    return next((verdict for verdict in verdicts if is_alarming(verdict)), verdicts[0])


def _people(session: Session, tokens: set[bytes]) -> dict[tuple[str, bytes], tuple[Person, ...]]:
    """Everybody who uses these addresses, the longest-known first, by channel and token."""
    people: dict[tuple[str, bytes], tuple[Person, ...]] = {}
    for contact, patient in session.execute(_PEOPLE, {"tokens": list(tokens)}):
        key = (contact.channel, bytes(contact.address_token))
        people[key] = (*people.get(key, ()), (contact, patient))
    return people


def _team(session: Session, recipient: str, teams: dict[str, _Team]) -> _Team:
    """The default team of the hospital that a stranger wrote to."""
    team = teams.get(recipient)
    if team is None:
        found = team_for_address(session, recipient)
        if found is None:
            raise NotReady("no-team", "there is nobody yet who could look after a text")
        team = teams[recipient] = _Team(found.id, found.organization_id)
    return team


def _insert(session: Session, kept: Sequence[_Text], now: datetime) -> dict[tuple[str, str], UUID]:
    """Insert what is new; the ids of all by (channel, external id). Two at once: the index decides who was first."""
    if not kept:
        return {}
    first = {(one.incoming.channel, one.external_id): one for one in reversed(kept)}
    rows = [_row(one, now) for one in kept if first[one.incoming.channel, one.external_id] is one]
    done = session.execute(_INSERT, rows)  # without RETURNING: many rows then go as one short statement many times
    if isinstance(done, CursorResult) and done.rowcount == len(rows):
        return {key: one.id for key, one in first.items()}
    mine = select(Communication.id).where(among(Communication.id, [row["id"] for row in rows]))
    inserted = set(session.scalars(mine))
    known = {key: one.id for key, one in first.items() if one.id in inserted}
    missing = first.keys() - known.keys()
    if missing:
        before = select(Communication.channel, Communication.external_id, Communication.id).where(
            Communication.direction == "in", tuple_(Communication.channel, Communication.external_id).in_(missing)
        )
        known |= {(row.channel, row.external_id): row.id for row in session.execute(before)}
    return known


def _row(one: _Text, now: datetime) -> dict[str, object]:
    """The columns of a new text. Somebody's is queued for its turn; a stranger's waits for a person."""
    single = one.people[0] if len(one.people) == 1 else None
    waits = one.alarming or not (one.people or one.verdict.kind == "stop")
    return {
        "id": one.id,
        "organization_id": one.team.organization_id,
        "patient_id": single[1].id if single else None,
        "care_team_id": one.team.id,
        "practitioner_id": None,
        "contact_point_id": single[0].id if single else None,
        "direction": "in",
        "channel": one.incoming.channel,
        "purpose": MENU if one.incoming.event else TEXT,
        "priority": Priority.STAT.rank if one.alarming else Priority.ROUTINE.rank,
        "status": (CommunicationStatus.IN_PROGRESS if one.people else CommunicationStatus.COMPLETED).value,
        "status_reason": ATTACHMENT if one.incoming.media else ODD if one.incoming.raw_note else None,
        "external_id": one.external_id,
        "address_token": one.token,
        "at": one.incoming.received_at,
        "recorded_at": now,
        "take_at": now if one.people else None,
        "waits_since": now if waits else None,
        "screened": one.verdict.kind,
        "attempts": 0,
    }


def _content(one: _Text) -> dict[str, object]:
    """The words as they came, sealed."""
    table = CommunicationContent.__tablename__
    return {
        "id": one.id,
        "text_sealed": seal(table, "text_sealed", one.id, one.incoming.text),
        "address_sealed": seal(table, "address_sealed", one.id, one.incoming.sender),
    }


def _media(one: _Text, now: datetime) -> list[dict[str, object]]:
    """What came with the text; a worker fetches it."""
    return attachments.rows(one.id, one.team.organization_id, one.incoming.media, now)


def _alarm(session: Session, alarming: Sequence[_Text], now: datetime) -> None:
    """An escalation and the emergency reply, in the transaction of the text, without any model and any consent."""
    if not alarming:
        return
    raise_many(session, now, [case for one in alarming for case in _cases(one, now)])
    countries = _countries(session, {one.team.organization_id for one in alarming})
    for one in alarming:
        language, country = _speaks(one, countries)
        words = emergency_words(one.verdict, language, country)
        _reply(session, one, Purpose.EMERGENCY, words, f"emergency:{one.id}", now)


def _cases(one: _Text, now: datetime) -> list[Case]:
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


def _bind(session: Session, one: _Text, now: datetime) -> bool:
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


def _answer_stranger(session: Session, one: _Text, now: datetime) -> None:
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
    session: Session, one: _Text, purpose: Purpose, words: str, dedupe: str, now: datetime, check: bool = False
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


def _speaks(one: _Text, countries: Mapping[UUID, str]) -> tuple[str, str]:
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


def _plain(value: str) -> str:
    """An identifier as a column can hold it: no NUL, no half of a character."""
    return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
