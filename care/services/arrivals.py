"""Arrivals: texts on their way into the tables, with everybody who uses their address and what the screen says."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CursorResult, any_, bindparam, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, insert
from sqlalchemy.orm import Session

from care.domain.codes import CommunicationStatus, Priority
from care.domain.message import Incoming
from care.domain.screen import Lexicon, Verdict, screen
from care.errors import NotReady
from care.library import lexicon
from care.records.among import among
from care.records.attachments import Attachment
from care.records.base import Base
from care.records.communications import Communication, CommunicationContent
from care.records.ids import new_id
from care.records.organizations import team_for_address
from care.records.patients import ContactPoint, Patient, address_token
from care.records.seal import seal
from care.services import attachments
from care.services.desks import ATTACHMENT, ODD
from care.services.emergencies import is_alarming

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

Person = tuple[ContactPoint, Patient]


class Team(NamedTuple):
    """Who looks after a text."""

    id: UUID
    organization_id: UUID


@dataclass(frozen=True, slots=True)
class Arrival:
    """One incoming text on its way into the tables, with everybody who uses its address."""

    id: UUID
    incoming: Incoming
    external_id: str
    token: bytes
    people: tuple[Person, ...]
    team: Team
    verdict: Verdict

    @property
    def alarming(self) -> bool:
        """Whether somebody has to be told at once."""
        return is_alarming(self.verdict)


def arrivals_of(session: Session, incoming: Sequence[Incoming], speaker: UUID | None) -> list[Arrival]:
    """The texts in their order, each with its id, its people, its team and its verdict; nothing is written.

    Raises NotReady("no-team") for a stranger's while there is no organization.
    """
    tokens = [address_token(one.channel, one.sender) for one in incoming]
    people = _people(session, set(tokens))
    teams: dict[str, Team] = {}
    words = lexicon()
    kept: list[Arrival] = []
    for one, token in zip(incoming, tokens, strict=True):
        known = people.get((one.channel, token), ())
        if speaker is not None:
            known = tuple(person for person in known if person[1].id == speaker)
        if known:
            team = Team(known[0][1].care_team_id, known[0][1].organization_id)
        else:
            team = _team(session, one.recipient, teams)
        text_id = new_id()
        external_id = plain_id(one.external_id) or str(text_id)
        kept.append(Arrival(text_id, one, external_id, token, known, team, screened(one, words)))
    return kept


def screened(incoming: Incoming, words: Lexicon) -> Verdict:
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


def _team(session: Session, recipient: str, teams: dict[str, Team]) -> Team:
    """The default team of the hospital that a stranger wrote to."""
    team = teams.get(recipient)
    if team is None:
        found = team_for_address(session, recipient)
        if found is None:
            raise NotReady("no-team", "there is nobody yet who could look after a text")
        team = teams[recipient] = Team(found.id, found.organization_id)
    return team


def keep(session: Session, kept: Sequence[Arrival], now: datetime) -> dict[tuple[str, str], UUID]:
    """Write what is new, with its words and what came with it; the ids of all by (channel, external id). No commit."""
    known = _insert(session, kept, now)
    new = [one for one in kept if known[one.incoming.channel, one.external_id] == one.id]
    if new:
        session.execute(_CONTENT, [_content(one) for one in new])
    if media := [row for one in new for row in _media(one, now)]:
        session.execute(_ATTACHMENTS, media)
    return known


def _insert(session: Session, kept: Sequence[Arrival], now: datetime) -> dict[tuple[str, str], UUID]:
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


def _row(one: Arrival, now: datetime) -> dict[str, object]:
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


def _content(one: Arrival) -> dict[str, object]:
    """The words as they came, sealed."""
    table = CommunicationContent.__tablename__
    return {
        "id": one.id,
        "text_sealed": seal(table, "text_sealed", one.id, one.incoming.text),
        "address_sealed": seal(table, "address_sealed", one.id, one.incoming.sender),
    }


def _media(one: Arrival, now: datetime) -> list[dict[str, object]]:
    """What came with the text; a worker fetches it."""
    return attachments.rows(one.id, one.team.organization_id, one.incoming.media, now)


def plain_id(value: str) -> str:
    """An identifier as a column can hold it: no NUL, no half of a character."""
    return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
