"""The outbox: the one way out for a message. Recorded first, sent after.

`enqueue` writes in the transaction of the act that decided to send; `deliver_due` sends; `note_receipt` hears what the
provider says afterwards.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from care.domain.codes import CommunicationStatus, Delivery, Priority, Purpose
from care.domain.delivery import read_word
from care.domain.message import Receipt
from care.domain.reach import best
from care.errors import Invalid
from care.logs import logger
from care.records.communications import Communication, CommunicationContent
from care.records.ids import new_id
from care.records.patients import ContactPoint, Patient, address_token, contact_points
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services import deliveries, undelivered
from care.services.consents import ledger_of
from care.services.deliveries import settle
from care.services.departures import IN_LINE
from care.services.endings import OPTED_OUT, close_address, learn, mourn, stop_queued
from care.services.outcomes import disown
from care.services.pile import Pile
from care.services.queue import Worked
from care.services.sending import QUOTA

__all__ = ["Pile", "best_contact", "deliver_due", "enqueue", "note_receipt", "settle", "stop_queued", "wake"]

_TICK = timedelta(microseconds=1)


def enqueue(
    session: Session,
    now: datetime,
    *,
    purpose: Purpose,
    text: str,
    dedupe: str,
    patient: Patient | None = None,
    contact: ContactPoint | None = None,
    practitioner: Practitioner | None = None,
    channel: str | None = None,
    address: str | None = None,
    priority: Priority = Priority.ROUTINE,
    task_id: UUID | None = None,
    escalation_id: UUID | None = None,
    response_id: UUID | None = None,
    send_at: datetime | None = None,
    care_team_id: UUID | None = None,
    organization_id: UUID | None = None,
    check: bool = True,
    pile: Pile | None = None,
    notice: str | None = None,
    rt: Runtime | None = None,
) -> Communication | None:
    """Queue one message in the caller's transaction.

    It goes to `address` on `channel` if both are given, else to `contact`, else to the patient's best contact point,
    else to `practitioner`. None when `dedupe` has been queued before, or when the patient has no address that may be
    written to. `check=False` saves the look-up of `dedupe` where the caller knows that it is new (it derives from a row
    inserted in this same transaction); the database refuses a second one all the same. With a `pile` it is written
    when the pile is, and None is returned. `notice` names the library's text that may leave instead of the words; with
    `rt` the best contact point is chosen by what its channel can do.
    """
    if check and _exists(session, dedupe):
        return None
    if patient is not None and contact is None and address is None:
        contact = best_contact(session, patient.id, purpose, rt, patient.country)
        if contact is None:
            logger().warning("no address to write to", kind=purpose.value)
            return None
    if address is None and contact is not None:
        channel, address = contact.channel, contact.address
    elif address is None and practitioner is not None:
        channel, address = practitioner.page_channel, practitioner.page_address or practitioner.username
    owner = patient or practitioner
    organization = organization_id or (owner.organization_id if owner else None)
    if organization is None or not channel or not address:
        raise Invalid("no-recipient", "a message needs an organization and a recipient")
    moment = _moment(session, now)
    message_id = new_id()
    row: dict[str, Any] = {
        "id": message_id,
        "organization_id": organization,
        "patient_id": patient.id if patient else None,
        "care_team_id": care_team_id or (owner.care_team_id if owner else None),
        "practitioner_id": practitioner.id if practitioner else None,
        "contact_point_id": contact.id if contact else None,
        "direction": "out",
        "channel": channel,
        "purpose": purpose.value,
        "priority": priority.rank,
        "status": CommunicationStatus.PREPARATION.value,
        "delivery": Delivery.QUEUED.value,
        "dedupe": dedupe,
        "address_token": address_token(channel, address),
        "at": now,
        "recorded_at": moment,
        "send_at": send_at or now,
        "attempts": 0,
        "task_id": task_id,
        "escalation_id": escalation_id,
        "response_id": response_id,
        "notice": notice,
    }
    if pile is not None:
        pile.add(row, text, address)
        return None
    message = Communication(**row)
    session.add(message)
    session.add(CommunicationContent(id=message_id, text=text, address=address))
    return message


def best_contact(
    session: Session, patient_id: UUID, purpose: Purpose, rt: Runtime | None = None, country: str = ""
) -> ContactPoint | None:
    """The active contact point that such a message goes to, by the patient's preference and what its channel can do.

    Without `rt` what channels can do is not known, and the preferred one is taken; `country` is the patient's. A
    message that needs no consent may fall back on one that is not active.
    """
    known = contact_points(session, patient_id)
    active = [contact for contact in known if contact.status == "active"]
    if not active and not purpose.needs_consent:
        active = known
    if rt is None or not active:
        return next(iter(active), None)
    able = {name: channel.capabilities.in_country(country) for name, channel in rt.channels.items()}
    if purpose.needs_consent:
        ledger = ledger_of(session, [patient_id])
        active = [contact for contact in active if ledger.allows(patient_id, contact.channel)] or active
    spots = [(contact, able[contact.channel]) for contact in active if contact.channel in able]
    return best(purpose, spots, rt.data_locations) or active[0]


def wake(session: Session, now: datetime, places: Collection[tuple[str, bytes]]) -> None:
    """The patient has written: what waited there for that may leave (no commit). `places` are (channel, token)."""
    for channel, token in places:
        waiting = update(Communication).where(
            Communication.address_token == token,
            Communication.channel == channel,
            Communication.send_at > now,
            Communication.status_reason.in_((QUOTA, IN_LINE)),
            Communication.delivery == Delivery.QUEUED.value,
        )
        session.execute(waiting.values(send_at=now).execution_options(synchronize_session=False))


def deliver_due(
    session: Session, rt: Runtime, now: datetime, *, limit: int = 500, ids: Collection[UUID] | None = None
) -> Worked:
    """Send what is due (of `ids`, if given), then tell nurses of what did not arrive, by late receipts too; commits."""
    worked = deliveries.deliver_due(session, rt, now, limit=limit, ids=ids)
    undelivered.raise_due(session, rt, now)
    return worked


def note_receipt(session: Session, rt: Runtime, receipt: Receipt, now: datetime) -> bool:
    """Hear what a provider says of a message; commits. Any order of the same receipts gives one final state.

    Joined by our id when it came back, else by the provider's; a receipt of nothing we know is False. Of a message that
    has gone another way since, or has been sent again, the first try can only say that it arrived after all.
    """
    theirs = and_(Communication.channel == receipt.channel, Communication.external_id == receipt.external_id)
    message = None
    for mine in (Communication.id == receipt.id, theirs):
        found = select(Communication).where(Communication.direction == "out", mine)
        locked = found.with_for_update().execution_options(populate_existing=True)
        message = message or session.scalars(locked).first()
    if message is None:
        session.rollback()
        logger().warning("receipt of an unknown message", channel=receipt.channel, status=receipt.status)
        return False
    news = read_word(receipt.status)
    another = bool(receipt.external_id) and message.external_id not in (None, receipt.external_id)
    if message.channel != receipt.channel or another:
        news = news if news is Delivery.DELIVERED else None  # of another way, or of an earlier try
    else:
        message.external_id = message.external_id or receipt.external_id or None
        if message.id == receipt.id:
            disown(session, message, receipt.external_id, now)
    # An opt-out holds, whatever else is known of this message by now.
    left = receipt.kind == "opted_out" and close_address(session, message, OPTED_OUT, now)
    if news is not None and learn(message, news, now):
        message.send_at = None
        if news is Delivery.FAILED:
            _fail(session, message, receipt, left, now)
    session.commit()
    return True


def _fail(session: Session, message: Communication, receipt: Receipt, left: bool, now: datetime) -> None:
    """What follows from a receipt of failure. `left`: the patient has opted out, of which a nurse is told already."""
    if receipt.kind == "permanent":
        close_address(session, message, "failed", now)
    if left:
        message.status_reason = OPTED_OUT
    else:
        mourn(session, message, receipt.error_code or receipt.status, now)


def _exists(session: Session, dedupe: str) -> bool:
    return session.scalars(select(Communication.id).where(Communication.dedupe == dedupe)).first() is not None


def _moment(session: Session, now: datetime) -> datetime:
    """`now`, or a microsecond after the last message of this session: what is said in one breath keeps its order."""
    last = session.info.get("outbox")
    moment: datetime = last + _TICK if last is not None and now <= last < now + timedelta(seconds=1) else now
    session.info["outbox"] = moment
    return moment
