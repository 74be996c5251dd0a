"""The phones of a demonstration: what each would show, read from the outbox, and what is written on one.

A text goes in and a receipt comes back by the same two functions that a provider's webhook calls. Only the invented
people of the demo clinic have such a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from care.domain.codes import Delivery, Purpose
from care.domain.departure import notice_for
from care.domain.message import Capabilities, Incoming, Medium, Receipt
from care.errors import ChannelErrorKind, Invalid, NotFound
from care.library.notices import notice
from care.records.attachments import attachments_of
from care.records.communications import Communication, contents
from care.records.ids import new_id
from care.records.organizations import Organization
from care.records.patients import ContactPoint, Patient, address_token, contact_points
from care.runtime import Runtime
from care.services import inbox, outbox
from care.services.demo_clinic import HOSPITAL
from care.services.speaking import page

Heard = Literal["delivered", "failed", "opted-out"]

STRANGER = ("sms", "demo-stranger")
PHOTO = "simulated:photo"
LATEST = 60  # messages that a phone shows
CONSOLE_RANK = 9
_CHINA, _HONG_KONG, _ELSEWHERE = (
    ("wechat", "sms", "push"),
    ("whatsapp", "wechat", "sms", "push"),
    ("sms", "whatsapp", "push"),
)
_BY_COUNTRY = {"CN": _CHINA, "HK": _HONG_KONG}
# What a provider says of it: its status word, and its error code by channel.
_SAID: dict[Heard, tuple[str, dict[str, str]]] = {
    "delivered": ("delivered", {}),
    "failed": ("undelivered", {"sms": "30003", "whatsapp": "63024"}),
    "opted-out": ("undelivered", {"sms": "21610", "whatsapp": "63033"}),
}


@dataclass(frozen=True)
class Line:
    """One message on a phone. `mine` is written by the phone's owner; `state` is the outbox's, '' for those."""

    id: UUID
    mine: bool
    text: str
    at: datetime
    state: str = ""
    pictures: int = 0


@dataclass(frozen=True)
class Phone:
    """One address, and what stands on its screen, oldest first. `patient_id` is None for somebody unknown."""

    channel: str
    address: str
    capabilities: Capabilities
    lines: Sequence[Line]
    patient_id: UUID | None = None
    status: str = "active"

    @property
    def key(self) -> str:
        """What the page calls it."""
        return self.channel if self.patient_id else "stranger"

    @property
    def received(self) -> list[Line]:
        """What came from us, newest first."""
        return [line for line in reversed(self.lines) if not line.mine]

    @property
    def unconfirmed(self) -> Line | None:
        """The newest message of which nothing was heard since it left, where anything ever is."""
        waiting = (line for line in self.received if line.state == Delivery.SENT.value)
        return next(waiting, None) if self.capabilities.receipts else None


def people(session: Session) -> list[Patient]:
    """The invented patients of the demo clinic, in the order in which they were made."""
    found = select(Patient).join(Organization, Organization.id == Patient.organization_id)
    return list(session.scalars(found.where(Organization.name == HOSPITAL).order_by(Patient.created_at, Patient.id)))


def person(session: Session, patient_id: UUID) -> Patient:
    """One of them. Raises NotFound for anybody else."""
    found = next((one for one in people(session) if one.id == patient_id), None)
    if found is None:
        raise NotFound("patient", "no such patient in the demo clinic")
    return found


def furnish(session: Session, rt: Runtime) -> int:
    """Give everybody of the demo clinic a phone on each channel of their country; commits. How many are new.

    The addresses are no numbers: should the channel be configured one day, nobody can be reached by them.
    """
    new = 0
    for number, patient in enumerate(people(session), start=1):
        known = contact_points(session, patient.id)
        have = {one.channel for one in known}
        wanted = [name for name in _BY_COUNTRY.get(patient.country, _ELSEWHERE) if name in rt.channels]
        mine = next((one.address for one in known if one.channel == "console"), f"demo-phone-{number}")
        for rank, channel in enumerate(wanted, start=1):
            if channel not in have:
                address = str(patient.id) if channel == "push" else mine  # where an app is, its registrations say
                session.add(_contact(patient, channel, address, rank, rt.now()))
                new += 1
        if wanted:
            console = (ContactPoint.patient_id == patient.id, ContactPoint.channel == "console")
            session.execute(update(ContactPoint).where(*console).values(rank=CONSOLE_RANK))
    session.commit()
    return new


def phones(session: Session, rt: Runtime, patient: Patient) -> list[Phone]:
    """The patient's phones in the order in which they are preferred, and a stranger's."""
    found = []
    for contact in contact_points(session, patient.id):
        channel = rt.channels.get(contact.channel)
        if channel is not None and channel.name != "console":
            mine = (Communication.patient_id == patient.id, Communication.channel == contact.channel)
            able = channel.capabilities.in_country(patient.country)
            lines = _lines(session, _Screen(able, patient.language, page(rt.public_url)), *mine)
            found.append(Phone(contact.channel, contact.address, able, lines, patient.id, contact.status))
    return [*found, *_strangers(session, rt)]


def write(
    session: Session, rt: Runtime, phone: Phone, text: str, *, photo: bool = False, twice: bool = False
) -> inbox.Received:
    """Write on a phone, as if its provider had called: with an id of its own, or with the same id `twice`; commits.

    Whoever writes has their phone on: what was sent to it before counts as delivered. Raises Invalid for nothing at
    all, and for a phone that cannot answer.
    """
    if not phone.capabilities.two_way:
        raise Invalid("one-way", "this channel takes no answers", place="text")
    if not text.strip() and not photo:
        raise Invalid("empty", "write something first", place="text")
    for line in reversed(phone.received):
        if phone.capabilities.receipts and line.state == Delivery.SENT.value:
            hear(session, rt, phone, line.id, "delivered")
    text_id = f"simulated-{new_id()}"
    media = (Medium("image", f"{PHOTO}:{text_id}", "image/jpeg"),) if photo else ()
    incoming = Incoming(phone.channel, phone.address, text, text_id, rt.now(), media=media)
    received = inbox.receive(session, rt, incoming)
    if twice:
        inbox.receive(session, rt, incoming)
    return received


def hear(session: Session, rt: Runtime, phone: Phone, message_id: UUID, heard: Heard) -> bool:
    """What the provider says of a message on this phone; commits. Whether it was one of ours. Raises NotFound."""
    if message_id not in {line.id for line in phone.received}:
        raise NotFound("message", "no such message on this phone")
    status, codes = _SAID[heard]
    kind: ChannelErrorKind | Literal[""] = "opted_out" if heard == "opted-out" else ""
    said = Receipt(phone.channel, f"simulated-{message_id}", status, message_id, codes.get(phone.channel, ""), kind)
    return outbox.note_receipt(session, rt, said, rt.now())


def _strangers(session: Session, rt: Runtime) -> list[Phone]:
    name, address = STRANGER
    channel = rt.channels.get(name)
    if channel is None:
        return []
    of = (Communication.address_token == address_token(name, address), Communication.channel == name)
    lines = _lines(session, _Screen(channel.capabilities), Communication.patient_id.is_(None), *of)
    return [Phone(name, address, channel.capabilities, lines)]


def _contact(patient: Patient, channel: str, address: str, rank: int, now: datetime) -> ContactPoint:
    return ContactPoint(
        organization_id=patient.organization_id,
        patient_id=patient.id,
        channel=channel,
        address=address,
        address_token=address_token(channel, address),
        label=None,
        rank=rank,
        status="active",
        created_at=now,
    )


_ARRIVED = tuple(one.value for one in (Delivery.SENT, Delivery.DELIVERED, Delivery.SENT_UNCONFIRMED))


class _Screen(NamedTuple):
    """What has to be known of a phone to say what stands on it."""

    able: Capabilities
    language: str = "en"
    link: str = ""

    def shows(self, row: Communication, words: str) -> str:
        """What was handed to the provider of a message: its words, or the notice that left in their place."""
        key = notice_for(Purpose(row.purpose), row.notice) if row.left_as == "notice" else None
        if key is None:
            return words
        return notice(self.language, key, two_way=self.able.two_way, url=self.link if self.able.links else "")


def _lines(session: Session, screen: _Screen, *of: ColumnElement[bool]) -> list[Line]:
    """What has arrived on a phone and what was written on it, oldest first."""
    there = (Communication.direction == "in") | Communication.delivery.in_(_ARRIVED)
    newest = Communication.recorded_at.desc(), Communication.id.desc()
    found = session.scalars(select(Communication).where(*of, there).order_by(*newest).limit(LATEST))
    rows = list(reversed(list(found)))
    words = contents(session, [row.id for row in rows])
    pictures = attachments_of(session, [row.id for row in rows if row.direction == "in"])
    return [
        _line(screen, row, str(words[row.id].text), len(pictures.get(row.id, ()))) for row in rows if row.id in words
    ]


def _line(screen: _Screen, row: Communication, words: str, pictures: int) -> Line:
    if row.direction == "out":
        return Line(row.id, False, screen.shows(row, words), row.sent_at or row.at, row.delivery or "")
    return Line(row.id, True, words, row.at, "", pictures)
