"""The one list of all jobs. A job is the machine's; what it finds to do stands in columns that end in `_at`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from care.runtime import Runtime
from care.services import (
    attachments,
    audits,
    capacity,
    cohort_files,
    escalations,
    form_drafts,
    heartbeats,
    inbox,
    ladders,
    monitor,
    outbox,
    plans,
    reminders,
    reports,
    takeovers,
    unconfirmed,
)
from care.services.queue import Worked

Lane = Literal["clock", "worker"]
Carry = Callable[[Session, Runtime, Collection[UUID]], Worked]


@dataclass(frozen=True)
class Job:
    """Run `run(session, rt)` every `every` seconds in the process of its lane. Returns what it did, in rows.

    With a broker a job that has `carry` is done by any worker machine instead: `carry(session, rt, ids)` does what it
    does for these rows only, as far as they are still due and nobody else has them. `hands` run it side by side, each
    with a connection of its own, so that one reckons while the database writes for the other.
    """

    name: str
    lane: Lane
    every: float
    run: Callable[[Session, Runtime], Worked]
    carry: Carry | None = None
    hands: int = 1


def _beat(lane: str) -> Callable[[Session, Runtime], Worked]:
    def beat(session: Session, rt: Runtime) -> Worked:
        heartbeats.beat(session, lane)
        return Worked()

    return beat


def _seal(session: Session, rt: Runtime) -> Worked:
    sealed = audits.seal_due(session, rt.now())
    return Worked(claimed=sealed, done=sealed)


JOBS: tuple[Job, ...] = (
    Job("heartbeat-clock", "clock", 5, _beat("clock")),
    Job("expand", "clock", 60, lambda session, rt: plans.expand_due(session, rt, rt.now())),
    Job("remind", "clock", 2, lambda session, rt: reminders.send_due(session, rt, rt.now()), hands=2),
    Job("page", "clock", 2, lambda session, rt: escalations.page_due(session, rt, rt.now())),
    Job("rota", "clock", 300, lambda session, rt: ladders.watch_gaps(session, rt, rt.now())),
    Job("seal", "clock", 5, _seal),
    Job("unconfirmed", "clock", 600, lambda session, rt: unconfirmed.expire_due(session, rt, rt.now())),
    Job("take-overs", "clock", 10, lambda session, rt: takeovers.run_out_due(session, rt, rt.now())),
    Job("forms", "clock", 60, lambda session, rt: form_drafts.settle_due(session, rt, rt.now())),
    Job("monitor", "clock", 600, lambda session, rt: monitor.review_due(session, rt.now())),
    Job("capacity", "clock", 600, lambda session, rt: capacity.settle_due(session, rt.now())),
    Job("cohort-files", "clock", 600, lambda session, rt: cohort_files.drop_due(session, rt.now())),
    Job("heartbeat-worker", "worker", 5, _beat("worker")),
    Job(
        "turns",
        "worker",
        0.5,
        lambda session, rt: inbox.take_turns_due(session, rt, rt.now()),
        carry=lambda session, rt, ids: inbox.take_turns_due(session, rt, rt.now(), len(ids), ids=ids),
    ),
    Job(
        "score",
        "worker",
        0.5,
        lambda session, rt: reports.score_due(session, rt, rt.now()),
        carry=lambda session, rt, ids: reports.score_due(session, rt, rt.now(), limit=len(ids), ids=ids),
    ),
    Job(
        "deliver",
        "worker",
        0.5,
        lambda session, rt: outbox.deliver_due(session, rt, rt.now()),
        carry=lambda session, rt, ids: outbox.deliver_due(session, rt, rt.now(), limit=len(ids), ids=ids),
    ),
    Job("fetch", "worker", 2, lambda session, rt: attachments.fetch_due(session, rt, rt.now()), hands=2),
)

CARRIED: dict[str, Carry] = {one.name: one.carry for one in JOBS if one.carry is not None}


def job(name: str) -> Job:
    """The job of this name. Raises KeyError."""
    return {one.name: one for one in JOBS}[name]


def drain(one: Job, session: Session, rt: Runtime, rounds: int = 100, most: int = 1) -> Worked:
    """Run a job until it finds fewer than `most` rows (at most `rounds` times). Returns all that it did, in rows."""
    total = Worked()
    for _ in range(rounds):
        found = one.run(session, rt)
        total += found
        if found.claimed < most:
            break
    return total
