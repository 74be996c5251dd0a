"""The one list of all jobs. A job is the machine's; what it finds to do stands in columns that end in `_at`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from care.runtime import Runtime
from care.services import audits, escalations, heartbeats, inbox, outbox, plans, reminders, reports
from care.services.queue import Worked

Lane = Literal["clock", "worker"]


@dataclass(frozen=True)
class Job:
    """Run `run(session, rt)` every `every` seconds in the process of its lane. Returns how many rows it found."""

    name: str
    lane: Lane
    every: float
    run: Callable[[Session, Runtime], int]


def _claimed(work: Callable[[Session, Runtime], Worked]) -> Callable[[Session, Runtime], int]:
    return lambda session, rt: work(session, rt).claimed


def _beat(lane: str) -> Callable[[Session, Runtime], int]:
    def beat(session: Session, rt: Runtime) -> int:
        heartbeats.beat(session, lane)
        return 0

    return beat


JOBS: tuple[Job, ...] = (
    Job("heartbeat-clock", "clock", 5, _beat("clock")),
    Job("expand", "clock", 60, _claimed(lambda session, rt: plans.expand_due(session, rt, rt.now()))),
    Job("remind", "clock", 2, _claimed(lambda session, rt: reminders.send_due(session, rt, rt.now()))),
    Job("page", "clock", 2, _claimed(lambda session, rt: escalations.page_due(session, rt, rt.now()))),
    Job("seal", "clock", 5, lambda session, rt: audits.seal_due(session, rt.now())),
    Job("heartbeat-worker", "worker", 5, _beat("worker")),
    Job("turns", "worker", 0.5, _claimed(lambda session, rt: inbox.take_turns_due(session, rt, rt.now()))),
    Job("score", "worker", 0.5, _claimed(lambda session, rt: reports.score_due(session, rt, rt.now()))),
    Job("deliver", "worker", 0.5, _claimed(lambda session, rt: outbox.deliver_due(session, rt, rt.now()))),
)


def job(name: str) -> Job:
    """The job of this name. Raises KeyError."""
    return {one.name: one for one in JOBS}[name]


def drain(one: Job, session: Session, rt: Runtime, rounds: int = 100, most: int = 1) -> int:
    """Run a job until it finds fewer than `most` rows (at most `rounds` times). Returns how many rows it found."""
    total = 0
    for _ in range(rounds):
        found = one.run(session, rt)
        total += found
        if found < most:
            break
    return total
