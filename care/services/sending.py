"""Sending: what is decided about a claimed batch, and its traces in the database before anything is handed over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from care.domain.codes import Delivery, Purpose
from care.domain.delivery import attempts_for, never_waits, pause_after, settled
from care.domain.message import Outgoing
from care.errors import CareError
from care.records.communications import CommunicationContent
from care.records.patients import ContactPoint
from care.records.seal import unseal
from care.runtime import Runtime
from care.services import detours, outcomes, pacing
from care.services.claiming import Leaving
from care.services.departures import Later, Stop, departure
from care.services.detours import Way
from care.services.doubts import Again, Ask, Lose, doubt

LEASE = timedelta(seconds=60)
"""Longer than two time-outs of a client: a row found as being sent after it has lost its sender."""

SILENT, NO_CHANNEL = "provider-silent", "no-channel"
_LONGEST_OUTAGE = 900.0  # seconds that routine messages wait at most before a provider is tried again for them
_COUNTS = 15.0  # seconds: a wait as long as this is one of the attempts, so that waiting ends where a nurse sees it
_TABLE = CommunicationContent.__tablename__
_CONTACTS = ContactPoint.__tablename__

_MARK = text(
    "UPDATE communication c SET status = 'in-progress', delivery = v.delivery, attempts = c.attempts + 1,"
    " lease_until = clock_timestamp() + CAST(:lease AS interval),"
    " handed_at = CASE WHEN v.delivery = 'sending' THEN CAST(:now AS timestamptz) ELSE c.handed_at END"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:deliveries AS text[])) AS v(id, delivery) WHERE c.id = v.id"
)
_POSTPONE = text(
    "UPDATE communication c SET send_at = v.at, status_reason = v.reason, delivery = v.delivery, attempts = v.attempts,"
    " lease_until = NULL, status = CASE WHEN v.delivery = 'queued' THEN 'preparation' ELSE 'in-progress' END"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:at AS timestamptz[]), CAST(:reasons AS text[]),"
    " CAST(:deliveries AS text[]), CAST(:attempts AS integer[])) AS v(id, at, reason, delivery, attempts)"
    " WHERE c.id = v.id"
)
_STOP = text(
    "UPDATE communication c SET send_at = NULL, status_reason = v.reason, delivery = 'stopped', status = 'not-done',"
    " attempts = 0, lease_until = NULL"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:reasons AS text[])) AS v(id, reason) WHERE c.id = v.id"
)
_SETTLE = text("UPDATE communication SET send_at = NULL, lease_until = NULL WHERE id = ANY(CAST(:ids AS uuid[]))")


class Departing(NamedTuple):
    """A message as it leaves; with `since` the provider is asked for it instead. `turn` is the number of its claim."""

    row: Leaving
    message: Outgoing
    urgent: bool
    turn: int
    since: datetime | None = None


class Put(NamedTuple):
    """A message that is put off."""

    id: UUID
    at: datetime
    reason: str | None
    delivery: Delivery
    attempts: int


@dataclass
class Batch:
    """What is decided about claimed messages. `left` were left as they are, since their sender may send no more now."""

    leaving: list[Departing] = field(default_factory=list)
    put_off: list[Put] = field(default_factory=list)
    stopped: list[tuple[UUID, str]] = field(default_factory=list)
    settled: list[UUID] = field(default_factory=list)
    given_up: list[tuple[UUID, str]] = field(default_factory=list)
    lost: list[tuple[UUID, str]] = field(default_factory=list)
    moved: dict[UUID, Way] = field(default_factory=dict)
    left: int = 0


def decide(session: Session, rt: Runtime, rows: Sequence[Leaving], now: datetime) -> Batch:
    """Decide about each message in the transaction that claimed it. One that cannot be read fails alone."""
    batch = Batch()
    blocked: list[Leaving] = []
    for row in rows:
        try:
            _sort(rt, row, now, batch, blocked)
        except (CareError, ValueError, TypeError, KeyError):
            batch.given_up.append((row.id, "unreadable"))
    if blocked:
        batch.moved = detours.ways(session, rt, blocked)
        for row in blocked:
            _divert(rt, row, batch, now)
    _pay(session, rt, batch)
    return batch


def write(session: Session, batch: Batch, now: datetime) -> None:
    """Write down what was decided (no commit)."""
    if batch.leaving:
        deliveries = [(Delivery.UNKNOWN if one.since else Delivery.SENDING).value for one in batch.leaving]
        values = {"ids": [one.row.id for one in batch.leaving], "deliveries": deliveries, "now": now, "lease": LEASE}
        session.execute(_MARK, values)
        rows = [one.row for one in batch.leaving]
        detours.move(session, now, rows, batch.moved, SILENT)
    if batch.put_off:
        ids, at, reasons, known, attempts = (list(column) for column in zip(*batch.put_off, strict=True))
        values = {"ids": ids, "at": at, "reasons": reasons, "attempts": attempts}
        session.execute(_POSTPONE, values | {"deliveries": [one.value for one in known]})
    if batch.stopped:
        ids, reasons = (list(column) for column in zip(*batch.stopped, strict=True))
        session.execute(_STOP, {"ids": ids, "reasons": reasons})
    if batch.settled:
        session.execute(_SETTLE, {"ids": batch.settled})
    outcomes.end(session, batch.given_up, batch.lost, now)


def outgoing(row: Leaving, way: Way | None = None) -> Outgoing:
    """The message as it leaves. Raises CareError or TypeError when its words or its address do not open."""
    words = unseal(_TABLE, "text_sealed", row.id, bytes(row.text_sealed))
    if way is not None:
        return Outgoing(row.id, way.channel, way.address, words)
    return Outgoing(row.id, row.channel, _address(row), words)


def _address(row: Leaving) -> str:
    """The address that the message was given, else the one that its contact point has now."""
    if row.address_sealed is None:
        return unseal(_CONTACTS, "address_sealed", row.contact_point_id, bytes(row.contact_address))
    return unseal(_TABLE, "address_sealed", row.id, bytes(row.address_sealed))


def _sort(rt: Runtime, row: Leaving, now: datetime, batch: Batch, blocked: list[Leaving]) -> None:
    known = Delivery(row.delivery or Delivery.QUEUED)
    urgent = never_waits(Purpose(row.purpose), row.priority)
    if settled(known):
        batch.settled.append(row.id)
        return
    if known is not Delivery.QUEUED:
        match doubt(rt, row, now):
            case Ask(since):
                batch.leaving.append(Departing(row, outgoing(row), urgent, row.attempts + 1, since))
                return
            case Later(at):
                batch.put_off.append(Put(row.id, at, None, Delivery.UNKNOWN, row.attempts))
                return
            case Lose(reason):
                batch.lost.append((row.id, reason))
                return
            case Again():
                pass
    match departure(row, now):
        case Stop(reason):
            batch.stopped.append((row.id, reason))
        case Later(at, why):
            batch.put_off.append(Put(row.id, at, why, Delivery.QUEUED, row.attempts))
        case _ if _reachable(rt, row.channel):
            batch.leaving.append(Departing(row, outgoing(row), urgent, row.attempts + 1))
        case _:
            blocked.append(row)


def _reachable(rt: Runtime, name: str) -> bool:
    channel = rt.channels.get(name)
    return channel is not None and channel.enabled and rt.lines.line(name).state() != "open"


def _divert(rt: Runtime, row: Leaving, batch: Batch, now: datetime) -> None:
    """Another way if there is one, else later: the longer the outage lasts, the more rarely it is tried."""
    purpose = Purpose(row.purpose)
    urgent = never_waits(purpose, row.priority)
    way = batch.moved.get(row.id)
    try:
        if way is not None:
            batch.leaving.append(Departing(row, outgoing(row, way), urgent, row.attempts + 1))
            return
    except (CareError, TypeError):
        batch.given_up.append((row.id, "unreadable"))
        return
    attempts = row.attempts + 1
    channel = rt.channels.get(row.channel)
    if channel is None or not channel.enabled:
        reason, pause = NO_CHANNEL, pause_after(attempts, None, purpose)
    else:
        line = rt.lines.line(row.channel)
        seconds = line.wait() if urgent else max(line.wait(), min(line.outage(), _LONGEST_OUTAGE))
        reason, pause = SILENT, timedelta(seconds=seconds)
        attempts = attempts if seconds >= _COUNTS else row.attempts
    if attempts >= attempts_for(purpose):
        batch.given_up.append((row.id, reason))
    else:
        batch.put_off.append(Put(row.id, now + pause, reason, Delivery.QUEUED, attempts))


def _pay(session: Session, rt: Runtime, batch: Batch) -> None:
    """Take a token of its sender for each message that leaves; urgent ones leave without, and the rest pays later."""
    take = rt.pacer or pacing.take
    rates = {name: channel.capabilities.rate for name, channel in rt.channels.items() if channel.capabilities.rate > 0}
    for name, rate in rates.items():
        mine = [one for one in batch.leaving if one.message.channel == name and one.since is None]
        pressing = sum(1 for one in mine if one.urgent)
        routine = [one for one in mine if not one.urgent]
        line = rt.lines.line(name)
        if pressing:
            line.paid(rate, pressing, take(session, name, rate, pressing, True))
        if routine:
            granted = take(session, name, rate, len(routine), False)
            line.paid(rate, len(routine), granted)
            unpaid = {one.row.id for one in routine[granted:]}
            batch.left += len(unpaid)
            batch.leaving = [one for one in batch.leaving if one.row.id not in unpaid]
