"""Deliveries: what is due is claimed, decided, marked as leaving, handed over, and what became of it noted.

A pump and not a batch: no more is claimed than the lines to the providers can begin soon, what comes back is written
down in bulk as it comes, and who is slow is left behind for the next call. States of a row (`delivery`):

    queued  -> sending    handed over
            -> stopped    consent withdrawn, task closed
    sending -> sent | sent-unconfirmed | failed
            -> queued     certainly not taken: later, or another way
            -> unknown    no answer, or the sender died
    sent    -> delivered | failed     by receipt
    unknown -> sent | delivered | failed     by receipt or look-up
            -> queued     pages and emergency replies, after the look-up
            stays         anything else; a dead letter tells a nurse
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from care.errands import Errand, Post, run
from care.errors import ChannelError
from care.logs import logger
from care.records.communications import Communication
from care.runtime import Runtime
from care.services import claiming
from care.services.endings import OUTBOX
from care.services.outcomes import Arrived, note_outcomes
from care.services.queue import Queue, Worked
from care.services.sending import LEASE, Batch, decide, write

QUEUE = Queue(
    OUTBOX,
    Communication,
    "send_at",
    order=(Communication.priority.desc(), Communication.send_at.asc(), Communication.recorded_at.asc()),
    lease=LEASE,
)
INSTANT = frozenset({"console"})  # nothing to wait for, so threads would only cost
PASS = 0.1  # seconds for which outcomes are gathered before they are written together
PATIENCE = 1.5  # seconds after the last hand-over for which a call waits for what is out
HURRY = 0.3  # the same when there is more to do: then the next call sees to the slow ones
DETOUR_ROOM = 200  # messages that are looked at at once for another way
LOOK_AROUND = 5.0  # seconds between two looks for channels that we do not have
AWAY = (OperationalError, InterfaceError)  # the database's troubles, not a row's: all is written later


def deliver_due(
    session: Session, rt: Runtime, now: datetime, *, limit: int = 500, ids: Collection[UUID] | None = None
) -> Worked:
    """Send what is due (of `ids`, if given), most pressing first; commits, holds nothing while providers are called.

    Returns when everything is in, or after PATIENCE while slow ones are still out: their outcomes are written by the
    next call of this process or, if it dies, found out by whoever claims the rows after their lease.
    """
    rt.lines.prepare(rt.channels.values())
    settle(session, rt, now)
    post, tally = Post(), _Tally()
    began, more = time.monotonic(), True
    try:
        while True:
            taken = 0
            if more and tally.claimed < limit:
                taken, more = _depart(session, rt, now, post, limit - tally.claimed, ids)
                tally.claimed += taken
                began = time.monotonic() if taken else began
            _bring_in(session, rt, now, post, PASS, tally)
            rt.lines.tend()
            unfinished = more and tally.claimed < limit
            if post.out <= 0 and not (taken and unfinished):
                break
            if time.monotonic() - began > (HURRY if more and not unfinished else PATIENCE):
                break
    finally:
        rt.lines.withdraw(post)
        rt.lines.leave(post)
    settle(session, rt, now, tally=tally, only=post)
    return tally.worked()


def settle(
    session: Session,
    rt: Runtime,
    now: datetime,
    seconds: float = 0.0,
    tally: _Tally | None = None,
    only: Post | None = None,
) -> int:
    """Write down what came in since the last call, waiting up to `seconds` for what is out; commits.

    Returns how many messages are still out. For a process that ends, and for one that is called only now and then.
    """
    deadline = time.monotonic() + seconds
    out, posts = 0, rt.lines.left(only)
    try:
        while posts:
            _bring_in(session, rt, now, posts[0], max(0.0, deadline - time.monotonic()), tally or _Tally())
            out += posts[0].out
            rt.lines.leave(posts.pop(0))
    finally:
        for post in posts:
            rt.lines.leave(post)
    return out


def _depart(
    session: Session, rt: Runtime, now: datetime, post: Post, most: int, ids: Collection[UUID] | None
) -> tuple[int, bool]:
    """Claim, decide, mark and hand over. Returns how many rows were claimed, and whether there may be more."""
    if ids is not None:
        picked = claiming.pick_of(session, now, ids, most)
    else:
        picked = claiming.pick(session, now, _rooms(session, rt, most), most)
    if not picked.ids:
        session.commit()  # nothing is written, but a rollback would have every row of the session read anew
        return 0, picked.more
    batch = decide(session, rt, claiming.leaving(session, picked.ids, now), now)
    write(session, batch, now)
    session.commit()
    _hand_over(rt, batch, post, now)
    return len(picked.ids) - batch.left, picked.more


def _hand_over(rt: Runtime, batch: Batch, post: Post, now: datetime) -> None:
    errands = [
        Errand(one.message, rt.channels.get(one.message.channel), post, one.urgent, one.since, one.turn, now)
        for one in batch.leaving
    ]
    post.expect(len(errands))
    instant = []
    for errand in errands:
        if errand.message.channel in INSTANT or errand.channel is None:
            instant.append(errand)
        else:
            rt.lines.line(errand.message.channel).put(errand)
    waiting: set[str] = set()
    for errand in instant:
        outcome = run(errand) if errand.message.to not in waiting else None
        if isinstance(outcome, ChannelError) and outcome.kind == "retryable":
            waiting.add(errand.message.to)  # those behind it wait with it, to keep their order
        post.bring(errand, outcome)


def _rooms(session: Session, rt: Runtime, most: int) -> dict[str, int]:
    """How many routine messages of each channel are worth claiming now."""
    rooms = {}
    for name, channel in rt.channels.items():
        line = rt.lines.line(name)
        if name in INSTANT:
            rooms[name] = most
        elif not channel.enabled or line.state() == "open":
            rooms[name] = DETOUR_ROOM
        else:
            rooms[name] = min(line.room(), line.affordable(channel.capabilities.rate))
    if time.monotonic() - rt.lines.looked_around > LOOK_AROUND:
        rt.lines.looked_around = time.monotonic()
        rooms |= {name: DETOUR_ROOM for name in claiming.waited_for(session) if name not in rt.channels}
    return rooms


def _bring_in(session: Session, rt: Runtime, now: datetime, post: Post, seconds: float, tally: _Tally) -> None:
    """Write down what has come in. It stays in the post until that is committed: nothing is lost."""
    arrived = post.take(seconds)
    if arrived:
        try:
            tally.failed += note_outcomes(session, rt, arrived, now)
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001  (one outcome that can't be written must not hold up the others)
            session.rollback()
            logger().error("outcomes not written, trying one by one", count=len(arrived), exc_info=error)
            tally.failed += _note_one_by_one(session, rt, arrived, now)
        tally.back += sum(1 for _, outcome in arrived if outcome is None)
        post.written(len(arrived))


def _note_one_by_one(session: Session, rt: Runtime, arrived: Sequence[Arrived], now: datetime) -> int:
    """One that cannot be written keeps no other back: it is let go, and its row is found after its lease."""
    failed = 0
    for one in arrived:
        try:
            failed += note_outcomes(session, rt, [one], now)
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001  (its row is found when its lease ends)
            session.rollback()
            failed += 1
            communication_id = str(one[0].message.id)
            logger().error("outcome not written", communication_id=communication_id, exc_info=error)
    return failed


@dataclass
class _Tally:
    """Rows of one call: `back` are those whose turn did not come."""

    claimed: int = 0
    back: int = 0
    failed: int = 0

    def worked(self) -> Worked:
        claimed = self.claimed - self.back
        return Worked(claimed, claimed - self.failed, self.failed)
