"""Detours: another way to a patient, while the provider of the first one does not answer.

Only what was certainly not taken goes another way. The way is the patient's next active contact point, by rank, on a
channel that answers, that can carry the message and that the patient wants to be written to on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.message import Capabilities
from care.errors import CareError
from care.records.among import among
from care.records.patients import ContactPoint
from care.records.seal import seal
from care.runtime import Runtime
from care.services import audits
from care.services.claiming import Leaving
from care.services.consents import Ledger, ledger_of
from care.services.showing import Showing, Shown, words_of

MOVABLE = frozenset({Purpose.REMINDER, Purpose.QUESTION, Purpose.REPLY, Purpose.NURSE, Purpose.EMERGENCY})
_NOTICED = frozenset({Purpose.REMINDER, Purpose.NURSE})
_TABLE = "communication_content"

_MOVE = text(
    "UPDATE communication c SET channel = v.channel, address_token = v.token, contact_point_id = v.contact,"
    " external_id = NULL"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:channels AS text[]), CAST(:tokens AS bytea[]),"
    " CAST(:contacts AS uuid[])) AS v(id, channel, token, contact) WHERE c.id = v.id"
)
_MOVE_CONTENT = text(
    "UPDATE communication_content w SET address_sealed = v.sealed"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:sealed AS bytea[])) AS v(id, sealed) WHERE w.id = v.id"
)


@dataclass(frozen=True, slots=True)
class Way:
    """Where a message goes instead, as what, and by which decision of the patient (None: it needs none)."""

    contact_id: UUID
    channel: str
    address: str
    token: bytes
    shown: Shown
    consent_id: UUID | None = None


def fits(able: Capabilities, words: str) -> bool:
    """Whether a channel that can do this takes words of that length."""
    if able.max_bytes and len(words.encode()) > able.max_bytes:
        return False
    return len(words) <= able.max_length


def answering(rt: Runtime, channel: str) -> bool:
    """Whether a channel is there, configured, and its provider answers."""
    known = rt.channels.get(channel)
    return known is not None and known.enabled and rt.lines.line(channel).state() == "closed"


def ways(
    session: Session,
    rt: Runtime,
    messages: Sequence[Leaving],
    showing: Showing,
    further: bool = False,
    movable: Collection[Purpose] = MOVABLE,
    same_channel: bool = False,
) -> dict[UUID, Way]:
    """The other way of each message that has one. `further`: only along the ranks, as for one that failed just now.

    `same_channel`: another address on its own channel is one too, since it was the address that failed.
    """
    open_channels = [name for name in rt.channels if answering(rt, name)]
    asking = [one for one in messages if one.patient_id and Purpose(one.purpose) in movable]
    if not open_channels or not asking:
        return {}
    patients = {one.patient_id for one in asking}
    found = select(ContactPoint).where(
        among(ContactPoint.patient_id, patients),
        ContactPoint.status == "active",
        among(ContactPoint.channel, open_channels),
    )
    contacts: dict[UUID, list[ContactPoint]] = {}
    fresh = found.order_by(ContactPoint.rank, ContactPoint.id).execution_options(populate_existing=True)
    for contact in session.scalars(fresh):
        contacts.setdefault(contact.patient_id, []).append(contact)
    ledger = ledger_of(session, contacts)
    showing.look((one, spot.channel, spot.address_token) for one in asking for spot in contacts.get(one.patient_id, []))
    chosen = {}
    for one in asking:
        spots = [
            spot
            for spot in contacts.get(one.patient_id, [])
            if spot.id != one.contact_point_id
            and (same_channel or spot.channel != one.channel)
            and (not further or (spot.rank, spot.id) > (one.contact_rank or 0, one.contact_point_id))
        ]
        chosen[one.id] = _way(showing, one, spots, ledger)
    return {message_id: way for message_id, way in chosen.items() if way is not None}


def move(session: Session, now: datetime, messages: Sequence[Leaving], chosen: Mapping[UUID, Way], reason: str) -> None:
    """Write the new addresses, and that they were changed, in the caller's transaction. `reason` is a code."""
    moved = [(one, chosen[one.id]) for one in messages if one.id in chosen]
    if not moved:
        return
    ids = [one.id for one, _ in moved]
    values = {
        "ids": ids,
        "channels": [way.channel for _, way in moved],
        "tokens": [way.token for _, way in moved],
        "contacts": [way.contact_id for _, way in moved],
    }
    session.execute(_MOVE, values)
    sealed = [seal(_TABLE, "address_sealed", one.id, way.address) for one, way in moved]
    session.execute(_MOVE_CONTENT, {"ids": ids, "sealed": sealed})
    for one, way in moved:
        audits.record(
            session,
            now,
            "communication.readdressed",
            "communication",
            one.id,
            patient_id=one.patient_id,
            organization_id=one.organization_id,
            channel=way.channel,
            instead_of=one.channel,
            reason=reason,
        )


def _way(showing: Showing, message: Leaving, contacts: Sequence[ContactPoint], ledger: Ledger) -> Way | None:
    purpose = Purpose(message.purpose)
    try:
        words = words_of(message)
        for contact in contacts:
            consent = ledger.granting(contact.patient_id, contact.channel) if purpose.needs_consent else None
            if (purpose.needs_consent and consent is None) or not showing.may_keep(message, contact.channel):
                continue
            shown = showing.of(message, contact.channel, contact.address_token, words)
            able = showing.able(contact.channel, message.country or "")
            if able is not None and _goes(shown, purpose, able, words):
                token = bytes(contact.address_token)
                return Way(contact.id, contact.channel, contact.address, token, shown, consent)
    except (CareError, TypeError):
        return None  # what does not open is told where the message is opened to be sent
    return None


def _goes(shown: Shown, purpose: Purpose, able: Capabilities, words: str) -> bool:
    """Whether it may go that way: a reply only with its words, since its question is being answered elsewhere."""
    if shown.leaves == "notice":
        return purpose in _NOTICED
    return shown.leaves == "words" and fits(able, words)
