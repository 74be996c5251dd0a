"""Detours: another way to a patient, while the provider of the first one does not answer.

Only what was certainly not taken goes another way. The way is the patient's next active contact point, by rank, on a
channel that answers, that can carry the message and that the patient wants to be written to on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.message import Capabilities
from care.errors import CareError
from care.records.among import among
from care.records.communications import CommunicationContent
from care.records.patients import ContactPoint
from care.records.seal import seal, unseal
from care.runtime import Runtime
from care.services import audits
from care.services.claiming import Leaving
from care.services.consents import Ledger, ledger_of

MOVABLE = frozenset({Purpose.REMINDER, Purpose.QUESTION, Purpose.REPLY, Purpose.NURSE, Purpose.EMERGENCY})
_ASKING = frozenset({Purpose.REMINDER, Purpose.QUESTION, Purpose.REPLY})
_TABLE = CommunicationContent.__tablename__

_MOVE = text(
    "UPDATE communication c SET channel = v.channel, address_token = v.token, contact_point_id = v.contact"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:channels AS text[]), CAST(:tokens AS bytea[]),"
    " CAST(:contacts AS uuid[])) AS v(id, channel, token, contact) WHERE c.id = v.id"
)
_MOVE_CONTENT = text(
    "UPDATE communication_content w SET address_sealed = v.sealed"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:sealed AS bytea[])) AS v(id, sealed) WHERE w.id = v.id"
)


@dataclass(frozen=True, slots=True)
class Way:
    """Where a message goes instead."""

    contact_id: UUID
    channel: str
    address: str
    token: bytes


def carries(capabilities: Capabilities, purpose: Purpose, country: str, words: str) -> bool:
    """Whether a channel can carry such a message to a patient there. What wants an answer needs a way back."""
    able = capabilities.in_country(country)
    return (
        (able.two_way or purpose not in _ASKING)
        and len(words) <= able.max_length
        and (able.links or "://" not in words)
    )


def answering(rt: Runtime, channel: str) -> bool:
    """Whether a channel is there, configured, and its provider answers."""
    known = rt.channels.get(channel)
    return known is not None and known.enabled and rt.lines.line(channel).state() == "closed"


def ways(session: Session, rt: Runtime, messages: Sequence[Leaving], further: bool = False) -> dict[UUID, Way]:
    """The other way of each message that has one. `further`: only along the ranks, as for one that failed just now."""
    open_channels = [name for name in rt.channels if answering(rt, name)]
    asking = [one for one in messages if one.patient_id and Purpose(one.purpose) in MOVABLE]
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
    chosen = {one.id: _way(rt, one, contacts.get(one.patient_id, []), ledger, further) for one in asking}
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


def _way(rt: Runtime, message: Leaving, contacts: Sequence[ContactPoint], ledger: Ledger, further: bool) -> Way | None:
    purpose = Purpose(message.purpose)
    try:
        words = unseal(_TABLE, "text_sealed", message.id, bytes(message.text_sealed))
        for contact in contacts:
            if contact.channel == message.channel or contact.id == message.contact_point_id:
                continue
            if further and (contact.rank, contact.id) < (message.contact_rank or 0, message.contact_point_id):
                continue
            if purpose.needs_consent and not ledger.allows(contact.patient_id, contact.channel):
                continue
            if carries(rt.channels[contact.channel].capabilities, purpose, message.country or "", words):
                return Way(contact.id, contact.channel, contact.address, bytes(contact.address_token))
    except (CareError, TypeError):
        return None  # what does not open is told where the message is opened to be sent
    return None
