"""Outcomes: what became of messages that were handed over: noted in bulk, and what follows for each that failed.

What its provider certainly did not take goes another way: at once when it refused the address or the message, and the
message is one that must not wait for a person to notice. What is not known is never sent again silently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from care.domain.codes import CommunicationStatus, Delivery, Purpose
from care.domain.delivery import (
    ATTEMPTS,
    LOOK_AFTER,
    SURE_AFTER,
    attempts_for,
    pause_after,
    read_word,
    sent_again,
    settled,
    status_of,
)
from care.domain.message import Sent
from care.errands import Errand, Found, Outcome
from care.errors import ChannelError
from care.records.among import among
from care.records.communications import Communication
from care.runtime import Runtime
from care.services import claiming, detours
from care.services.departures import Later
from care.services.detours import Way
from care.services.doubts import Again, Lose, Verdict, not_taken, not_told
from care.services.endings import OPTED_OUT, close_address, give_up, learn, lose_sight, mourn, stop
from care.services.showing import Showing

FALLS_BACK = frozenset({Purpose.REMINDER, Purpose.NURSE, Purpose.EMERGENCY})
"""What goes to the patient's next contact point at once when the first one refuses it."""

Arrived = tuple[Errand, Outcome]
Refused = tuple[Communication, claiming.Leaving, ChannelError]
_REFUSALS = ("permanent", "opted_out", "refused")

# What was sent and has not been heard of since, in one statement: this is what happens to nearly all messages.
_SENT = text(
    "UPDATE communication c SET status = 'completed', delivery = :known, status_reason = NULL, send_at = NULL,"
    " attempts = 0, lease_until = NULL, external_id = coalesce(c.external_id, v.external_id),"
    " sent_at = coalesce(c.sent_at, :now), delivered_at = coalesce(c.delivered_at, :delivered_at)"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:external AS text[])) AS v(id, external_id)"
    " WHERE c.id = v.id AND c.delivery = 'sending' RETURNING c.id"
)
# What was not begun is as it was before the claim. When the database fell over as it was told so, it may be told twice:
# then the same turn may be another claim's, which was made at another time.
_BACK = text(
    "UPDATE communication c SET lease_until = NULL, attempts = c.attempts - 1,"
    " delivery = CASE WHEN c.delivery = 'sending' THEN 'queued' ELSE c.delivery END,"
    " status = CASE WHEN c.delivery = 'sending' THEN 'preparation' ELSE c.status END"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:turns AS integer[]), CAST(:handed AS timestamptz[]))"
    " AS v(id, turn, handed_at) WHERE c.id = v.id AND c.attempts = v.turn"
    " AND (c.delivery = 'unknown' OR c.delivery = 'sending' AND c.handed_at = v.handed_at)"
)
_LEAVING_TOO = text(
    "SELECT 1 FROM communication c JOIN communication o ON o.address_token = c.address_token AND o.id <> c.id"
    " AND o.channel = c.channel AND o.send_at IS NOT NULL AND o.delivery = 'sending' AND o.external_id IS NULL"
    " AND o.lease_until >= clock_timestamp() WHERE c.id = :id LIMIT 1"
)
_LOCK_ADDRESS = text("SELECT pg_advisory_xact_lock(CAST(:key AS bigint))")
_UNFIT = re.compile(r"[^!-~]")  # what an identifier of a provider has no business to hold, and a column may refuse


def note_outcomes(session: Session, rt: Runtime, arrived: Sequence[Arrived], now: datetime) -> int:
    """Write down what became of each, in one transaction; commits. Returns how many did not leave."""
    noted = _note_all_sent(session, rt, arrived, now)
    back = [errand for errand, outcome in arrived if outcome is None]
    if back:
        ids, turns, handed = zip(*((one.message.id, one.turn, one.handed_at) for one in back), strict=True)
        session.execute(_BACK, {"ids": list(ids), "turns": list(turns), "handed": list(handed)})
    rest = {
        errand.message.id: (errand, outcome)
        for errand, outcome in arrived
        if outcome is not None and errand.message.id not in noted
    }
    failed = _note_rest(session, rt, rest, now) if rest else 0
    session.commit()
    return failed


def _note_all_sent(session: Session, rt: Runtime, arrived: Sequence[Arrived], now: datetime) -> set[UUID]:
    """Write down those that were sent and of which nothing else has become known meanwhile; returns their ids."""
    groups: dict[Delivery, dict[UUID, str]] = {}
    for errand, outcome in arrived:
        if isinstance(outcome, Sent):
            known = _known(rt, errand.message.channel, outcome)
            groups.setdefault(known, {})[errand.message.id] = _fit(outcome.external_id)
    noted: set[UUID] = set()
    for known, sent in groups.items():
        values = {"ids": list(sent), "external": list(sent.values()), "known": known.value, "now": now}
        values |= {"delivered_at": now if known is Delivery.DELIVERED else None}
        noted.update(session.execute(_SENT, values).scalars())
    return noted


def _note_rest(session: Session, rt: Runtime, rest: Mapping[UUID, Arrived], now: datetime) -> int:
    """One by one: failures, what was in doubt, and what has been heard of before we wrote."""
    found = select(Communication).where(among(Communication.id, rest)).order_by(Communication.id)
    rows = session.scalars(found.with_for_update().execution_options(populate_existing=True)).all()
    facts = {row.id: row for row in claiming.leaving(session, list(rest), now)}
    failed = 0
    elsewhere: list[claiming.Leaving] = []
    refused: list[Refused] = []
    for message in rows:
        errand, outcome = rest[message.id]
        current = message.attempts == errand.turn
        if current:
            message.lease_until = None
        if isinstance(outcome, Sent):
            _note_sent(rt, message, outcome, now)
            disown(session, message, _fit(outcome.external_id), now)
        elif settled(Delivery(message.delivery or Delivery.QUEUED)):
            message.send_at = None  # its receipt was quicker than we are
        elif not current:
            continue  # somebody else has claimed it since and sees to it
        elif isinstance(outcome, Found):
            _note_found(session, rt, message, outcome, facts[message.id], now)
        elif isinstance(outcome, ChannelError) and errand.since is not None:
            _pronounce(session, message, not_told(facts[message.id], now), now)
        elif isinstance(outcome, ChannelError):
            failed += 1
            if outcome.kind in _REFUSALS:
                refused.append((message, facts[message.id], outcome))
            elif _note_failure(session, rt, message, outcome, now):
                elsewhere.append(facts[message.id])
    session.flush()
    _detour(session, rt, elsewhere, now)
    _note_refusals(session, rt, refused, now)
    return failed


def _note_sent(rt: Runtime, message: Communication, sent: Sent, now: datetime) -> None:
    message.external_id = message.external_id or _fit(sent.external_id)
    message.send_at, message.attempts = None, 0
    learn(message, _known(rt, message.channel, sent), now)


def _note_found(
    session: Session, rt: Runtime, message: Communication, found: Found, fact: claiming.Leaving, now: datetime
) -> None:
    """The first of what the provider has that is not known to be another message of ours; else as if it had none.

    While another message to the same address is just leaving it may be that one's, so it is asked for again later.
    """
    if message.address_token and found.sent:
        key = int.from_bytes(bytes(message.address_token[:8]), "big", signed=True)
        session.execute(_LOCK_ADDRESS, {"key": key})  # two messages that look alike must not be taken for one
    session.flush()
    taken = select(Communication.external_id).where(
        Communication.channel == message.channel,
        Communication.direction == "out",
        Communication.id != message.id,
        among(Communication.external_id, [_fit(one.external_id) for one in found.sent]),
    )
    known = set(session.scalars(taken)) if found.sent else set()
    mine = next((one for one in found.sent if _fit(one.external_id) not in known), None)
    if mine is None:
        _pronounce(session, message, not_taken(fact, now), now)
        return
    later = not_told(fact, now)
    if isinstance(later, Later) and session.execute(_LEAVING_TOO, {"id": message.id}).first() is not None:
        _pronounce(session, message, later, now)
        return
    _note_sent(rt, message, mine, now)
    if read_word(mine.word) is Delivery.FAILED and learn(message, Delivery.FAILED, now):
        mourn(session, message, mine.word.lower(), now)


def disown(session: Session, message: Communication, external_id: str, now: datetime) -> None:
    """Now that the provider's id is surely this message's: one that looks alike and was taken for it is in doubt again.

    A look-up goes by address and words, so of two such messages it may find the other's (no commit).
    """
    session.flush()
    taken_for_it = select(Communication).where(
        Communication.channel == message.channel,
        Communication.direction == "out",
        Communication.external_id == external_id,
        Communication.id != message.id,
        Communication.delivery.in_((Delivery.SENT.value, Delivery.SENT_UNCONFIRMED.value)),
    )
    for other in session.scalars(taken_for_it.with_for_update().execution_options(populate_existing=True)):
        other.external_id, other.sent_at, other.send_at = None, None, now
        other.delivery, other.status = Delivery.UNKNOWN.value, status_of(Delivery.UNKNOWN).value


def _pronounce(session: Session, message: Communication, verdict: Verdict, now: datetime) -> None:
    match verdict:
        case Later(at):
            message.send_at = at
        case Again():
            message.status, message.delivery = CommunicationStatus.PREPARATION.value, Delivery.QUEUED.value
            message.send_at = now
        case Lose(reason):
            lose_sight(session, message, reason, now)


def _detour(session: Session, rt: Runtime, failed: Sequence[claiming.Leaving], now: datetime) -> None:
    """Send what its provider certainly did not take another way, at once, where there is one."""
    if not failed:
        return
    chosen = detours.ways(session, rt, failed, Showing(session, rt, now), further=True)
    _redirect(session, failed, chosen, "not-taken", now)


def _note_refusals(session: Session, rt: Runtime, refused: Sequence[Refused], now: datetime) -> None:
    """What will never leave by its address: the address is closed if it is its fault, the next one tried at once."""
    if not refused:
        return
    told: set[UUID] = set()
    for message, _, error in refused:
        status = OPTED_OUT if error.kind == "opted_out" else "failed"
        if error.kind != "refused" and close_address(session, message, status, now) and status == OPTED_OUT:
            told.add(message.id)
    session.flush()
    showing = Showing(session, rt, now)
    all_facts = [fact for _, fact, _ in refused]
    chosen = detours.ways(session, rt, all_facts, showing, further=True, movable=FALLS_BACK, same_channel=True)
    moving: dict[str, list[claiming.Leaving]] = {}
    for message, fact, error in refused:
        code = _fit(error.code)
        if message.id in chosen:
            message.status, message.delivery = CommunicationStatus.PREPARATION.value, Delivery.QUEUED.value
            message.status_reason = code
            moving.setdefault(code, []).append(fact)
        elif error.kind == "opted_out":
            stop(message, OPTED_OUT)  # the provider knew of it before us: a nurse hears of it as of a STOP
            if message.id not in told:
                mourn(session, message, OPTED_OUT, now)
        else:
            give_up(session, message, code, now)
    session.flush()
    for code, facts in moving.items():
        _redirect(session, facts, chosen, code, now)


def _redirect(
    session: Session, failed: Sequence[claiming.Leaving], chosen: Mapping[UUID, Way], reason: str, now: datetime
) -> None:
    if any(one.id in chosen for one in failed):
        detours.move(session, now, failed, chosen, reason)
        ids = [one.id for one in failed if one.id in chosen]
        moved = update(Communication).where(among(Communication.id, ids)).values(send_at=now)
        session.execute(moved.execution_options(synchronize_session=False))


def _fit(external_id: str) -> str:
    """A provider's id as a column can hold it, whatever the provider made up."""
    return _UNFIT.sub("?", external_id)[:64]


def _known(rt: Runtime, channel: str, sent: Sent) -> Delivery:
    """What is known of a message that its channel took."""
    if sent.delivered or read_word(sent.word) is Delivery.DELIVERED:
        return Delivery.DELIVERED
    known = rt.channels.get(channel)
    return Delivery.SENT if known is None or known.capabilities.receipts else Delivery.SENT_UNCONFIRMED


def _note_failure(session: Session, rt: Runtime, message: Communication, error: ChannelError, now: datetime) -> bool:
    """What follows from a failure. True when it was certainly not taken and may go another way."""
    again = sent_again(Purpose(message.purpose)) and message.attempts < ATTEMPTS
    code = _fit(error.code)
    purpose = Purpose(message.purpose)
    if error.kind == "retryable" and message.attempts < attempts_for(purpose):
        message.status, message.delivery = CommunicationStatus.PREPARATION.value, Delivery.QUEUED.value
        pause = pause_after(message.attempts, error.retry_after, purpose)
        message.send_at, message.status_reason = now + pause, code
        return True
    if error.kind == "unknown":
        asked_of = rt.channels.get(message.channel)
        askable = asked_of is not None and asked_of.capabilities.can_look_up
        if askable or again:
            learn(message, Delivery.UNKNOWN, now)
            message.send_at = now + (LOOK_AFTER if askable else SURE_AFTER)
        else:
            lose_sight(session, message, code, now)
    else:
        give_up(session, message, code, now)
    return False
