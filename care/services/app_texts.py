"""What a patient writes to the team in the app: it goes the one way in for texts, as if it came from their own address.

The answer comes back the same way, and stands in the app's list of messages too.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.message import Incoming
from care.errors import Conflict
from care.records.communications import CommunicationContent
from care.records.ids import new_id
from care.records.patients import Patient, contact_points
from care.runtime import Runtime
from care.services import inbox, outbox
from care.services.emergencies import emergency_words, is_alarming

LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Written:
    """The message, whether it is new, and what the patient must be told at once ("" for nothing)."""

    id: UUID
    new: bool
    advice: str


def write(session: Session, rt: Runtime, patient: Patient, text: str, key: str | None = None) -> Written:
    """Keep and screen a text of a signed-in patient; commits. The same key twice is one text.

    Raises Conflict for a patient without any address, who cannot be answered, and for a key of another text.
    """
    contacts = contact_points(session, patient.id)
    able = outbox.best_contact(session, patient.id, Purpose.REPLY, rt, patient.country)
    own = able or (contacts[0] if contacts else None)
    if own is None:
        raise Conflict("no-address", "there is no address that the team could answer to")
    external_id = f"app:{patient.id}:{key or new_id()}"
    incoming = Incoming(own.channel, own.address, text, external_id, rt.now())
    received = inbox.receive(session, rt, incoming, patient.id)
    if not received.new and session.get_one(CommunicationContent, received.communication_id).text != text:
        raise Conflict("idempotency-key-reused", "this key was used for another message")
    alarming = is_alarming(received.verdict)
    advice = emergency_words(received.verdict, patient.language, patient.country) if alarming else ""
    return Written(received.communication_id, received.new, advice)
