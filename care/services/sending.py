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
from care.services import detours, endings, pacing
from care.services.claiming import Leaving
from care.services.departures import ADDRESS_FAILED, Elsewhere, Later, Stop, departure
from care.services.detours import Way
from care.services.doubts import Again, Ask, Lose, doubt
from care.services.showing import Showing, Shown, words_of

LEASE = timedelta(seconds=60)
"""Longer than two time-outs of a client: a row found as being sent after it has lost its sender."""

SILENT, NO_CHANNEL = "provider-silent", "no-channel"
QUOTA, NOT_HERE, ELSEWHERE = "quota", "not-by-this-channel", "data-location"
_NEXT_LOOK = timedelta(minutes=1)  # what waits for the patient's next text is looked at so often, and woken by it
_LONGEST_OUTAGE = 900.0  # seconds that routine messages wait at most before a provider is tried again for them
_COUNTS = 15.0  # seconds: a wait as long as this is one of the attempts, so that waiting ends where a nurse sees it
_TABLE = CommunicationContent.__tablename__
_CONTACTS = ContactPoint.__tablename__

_MARK = text(
    "UPDATE communication c SET status = 'in-progress', delivery = v.delivery, attempts = c.attempts + 1,"
    " lease_until = clock_timestamp() + CAST(:lease AS interval),"
    " handed_at = CASE WHEN v.delivery = 'sending' THEN CAST(:now AS timestamptz) ELSE c.handed_at END,"
    " left_as = coalesce(v.left_as, c.left_as), consent_id = coalesce(v.consent_id, c.consent_id)"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:deliveries AS text[]), CAST(:left_as AS text[]),"
    " CAST(:consents AS uuid[])) AS v(id, delivery, left_as, consent_id) WHERE c.id = v.id"
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
    """A message as it leaves; with `since` the provider is asked for it instead. `turn` is the number of its claim.

    `left_as` is "words" or "notice", `consent_id` the decision that allows it (None: it needs none).
    """

    row: Leaving
    message: Outgoing
    urgent: bool
    turn: int
    since: datetime | None = None
    left_as: str | None = None
    consent_id: UUID | None = None


class Blocked(NamedTuple):
    """A message that cannot leave by its own channel: for now (no `reason`), or not at all."""

    row: Leaving
    reason: str | None = None


class Put(NamedTuple):
    """A message that is put off."""

    id: UUID
    at: datetime
    reason: str | None
    delivery: Delivery
    attempts: int


@dataclass
class Batch:
    """What is decided about claimed messages.

    `moved` go another way, `why` says for what reason. `left` were left as they are, since their sender may send no
    more now.
    """

    leaving: list[Departing] = field(default_factory=list)
    put_off: list[Put] = field(default_factory=list)
    stopped: list[tuple[UUID, str]] = field(default_factory=list)
    settled: list[UUID] = field(default_factory=list)
    given_up: list[tuple[UUID, str]] = field(default_factory=list)
    lost: list[tuple[UUID, str]] = field(default_factory=list)
    moved: dict[UUID, Way] = field(default_factory=dict)
    why: dict[UUID, str] = field(default_factory=dict)
    left: int = 0


def decide(session: Session, rt: Runtime, rows: Sequence[Leaving], now: datetime) -> Batch:
    """Decide about each message in the transaction that claimed it. One that cannot be read fails alone."""
    batch = Batch()
    showing = Showing(session, rt, now)
    showing.look((row, row.channel, row.address_token) for row in rows)
    blocked: list[Blocked] = []
    for row in rows:
        try:
            _sort(rt, row, now, batch, blocked, showing)
        except (CareError, ValueError, TypeError, KeyError):
            batch.given_up.append((row.id, "unreadable"))
    if blocked:
        failed = [one.row for one in blocked if one.reason == ADDRESS_FAILED]
        others = [one.row for one in blocked if one.reason != ADDRESS_FAILED]
        batch.moved = detours.ways(session, rt, others, showing)
        batch.moved |= detours.ways(session, rt, failed, showing, same_channel=True)
        batch.why = {one.row.id: one.reason or SILENT for one in blocked}
        for one in blocked:
            _divert(rt, one, batch, now, showing)
    _pay(session, rt, batch)
    return batch


def write(session: Session, batch: Batch, now: datetime) -> None:
    """Write down what was decided (no commit)."""
    if batch.leaving:
        deliveries = [(Delivery.UNKNOWN if one.since else Delivery.SENDING).value for one in batch.leaving]
        if batch.moved:  # first: the consent of a message is that of the channel it leaves by
            rows = [one.row for one in batch.leaving]
            for reason in sorted(set(batch.why.values())):
                detours.move(
                    session, now, [one for one in rows if batch.why.get(one.id) == reason], batch.moved, reason
                )
        values = {"ids": [one.row.id for one in batch.leaving], "deliveries": deliveries, "now": now, "lease": LEASE}
        values |= {"left_as": [one.left_as for one in batch.leaving]}
        session.execute(_MARK, values | {"consents": [one.consent_id for one in batch.leaving]})
    if batch.put_off:
        ids, at, reasons, known, attempts = (list(column) for column in zip(*batch.put_off, strict=True))
        values = {"ids": ids, "at": at, "reasons": reasons, "attempts": attempts}
        session.execute(_POSTPONE, values | {"deliveries": [one.value for one in known]})
    if batch.stopped:
        ids, reasons = (list(column) for column in zip(*batch.stopped, strict=True))
        session.execute(_STOP, {"ids": ids, "reasons": reasons})
    if batch.settled:
        session.execute(_SETTLE, {"ids": batch.settled})
    endings.end(session, batch.given_up, batch.lost, now)


def _address(row: Leaving) -> str:
    """The address that the message was given, else the one that its contact point has now."""
    if row.address_sealed is None:
        return unseal(_CONTACTS, "address_sealed", row.contact_point_id, bytes(row.contact_address))
    return unseal(_TABLE, "address_sealed", row.id, bytes(row.address_sealed))


def _sort(rt: Runtime, row: Leaving, now: datetime, batch: Batch, blocked: list[Blocked], showing: Showing) -> None:
    known = Delivery(row.delivery or Delivery.QUEUED)
    if settled(known):
        batch.settled.append(row.id)
        return
    if known is not Delivery.QUEUED:
        match doubt(rt, row, now):
            case Ask(since):
                urgent = never_waits(Purpose(row.purpose), row.priority)
                batch.leaving.append(Departing(row, _asked_for(row, showing), urgent, row.attempts + 1, since))
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
        case Elsewhere(reason):
            blocked.append(Blocked(row, reason))
        case _ if not showing.may_keep(row, row.channel):
            blocked.append(Blocked(row, ELSEWHERE))
        case _ if _reachable(rt, row.channel):
            _let_leave(row, now, batch, blocked, showing)
        case _:
            blocked.append(Blocked(row))


def _let_leave(row: Leaving, now: datetime, batch: Batch, blocked: list[Blocked], showing: Showing) -> None:
    """It may leave by its own channel: as what, or whether it has to wait for the patient, or to go another way."""
    words = words_of(row) if showing.looks_for_links(row) else None
    shown = showing.of(row, row.channel, row.address_token, words)
    if shown.leaves == "never":
        blocked.append(Blocked(row, NOT_HERE))
    elif shown.leaves == "later":
        at = min(now + _NEXT_LOOK, max(showing.window_ends(row) or now + _NEXT_LOOK, now + timedelta(seconds=1)))
        batch.put_off.append(Put(row.id, at, QUOTA, Delivery.QUEUED, row.attempts))
    else:
        message = showing.outgoing(row, row.channel, _address(row), shown, words)
        _leave(row, message, shown, row.consent_id, batch)
        if shown.leaves == "words":
            showing.let_go(row, row.channel, row.address_token)


def _leave(row: Leaving, message: Outgoing, shown: Shown, consent_id: UUID | None, batch: Batch) -> None:
    purpose = Purpose(row.purpose)
    needed = consent_id if purpose.needs_consent and row.patient_id is not None else None
    urgent = never_waits(purpose, row.priority)
    batch.leaving.append(Departing(row, message, urgent, row.attempts + 1, None, shown.leaves, needed))


def _asked_for(row: Leaving, showing: Showing) -> Outgoing:
    """The message as it left, by which its provider is asked for it."""
    left = Shown("notice" if row.left_as == "notice" else "words")
    return showing.outgoing(row, row.channel, _address(row), left)


def _reachable(rt: Runtime, name: str) -> bool:
    channel = rt.channels.get(name)
    return channel is not None and channel.enabled and rt.lines.line(name).state() != "open"


def _divert(rt: Runtime, one: Blocked, batch: Batch, now: datetime, showing: Showing) -> None:
    """Another way if there is one, else later: the longer the outage lasts, the more rarely it is tried.

    What its own channel will never carry is given up, where a nurse sees it.
    """
    row, purpose = one.row, Purpose(one.row.purpose)
    way = batch.moved.get(row.id)
    try:
        if way is not None:
            message = showing.outgoing(row, way.channel, way.address, way.shown)
            _leave(row, message, way.shown, way.consent_id, batch)
            return
    except (CareError, TypeError):
        batch.given_up.append((row.id, "unreadable"))
        return
    if one.reason is not None:
        batch.given_up.append((row.id, one.reason))
        return
    attempts = row.attempts + 1
    channel = rt.channels.get(row.channel)
    if channel is None or not channel.enabled:
        reason, pause = NO_CHANNEL, pause_after(attempts, None, purpose)
    else:
        line = rt.lines.line(row.channel)
        urgent = never_waits(purpose, row.priority)
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
