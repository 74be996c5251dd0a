"""The metronome: APScheduler ticks, and nothing more. It keeps no job store; the database is the schedule.

Each process runs one lane. A tick that comes late or on top of another is folded into one, since what is due is read
anew every time; so several schedulers, a restart or a missed beat change when things happen, never whether.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Sequence

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from care.logs import logger
from care.memory import settle
from care.runtime import Runtime
from care.services import deliveries
from care.services.queue import Worked
from scheduler.jobs import JOBS, Job, Lane, drain

OpenSession = Callable[[], Session]
LAST_SECONDS = 8.0  # for providers to answer when a process ends: less than what starts us gives before it kills
Report = Callable[[str, Worked | None, float], None]
"""Told after each tick: the job's name, what it did (None when it failed), and the seconds it took."""


def unreported(job: str, worked: Worked | None, seconds: float) -> None:
    """The report of a lane that nobody measures."""


def tick(job: Job, open_session: OpenSession, rt: Runtime, report: Report = unreported) -> None:
    """Run one job until nothing is due. A fault is logged by type and the next tick tries again."""
    began, worked = time.monotonic(), None
    try:
        with open_session() as session:
            worked = drain(job, session, rt)
    except DBAPIError as error:
        logger().error("database away, waiting", job=job.name, error=type(error.orig).__name__)
    except Exception as error:  # noqa: BLE001  (a job that dies would be silence; the next tick must come)
        logger().error("job failed", job=job.name, exc_info=error)
    report(job.name, worked, time.monotonic() - began)


def stopped_by_signal() -> threading.Event:
    """An event that SIGTERM and Ctrl-C set from now on."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def jobs_of(lane: Lane) -> list[Job]:
    """The jobs of a lane where there is no broker."""
    return [job for job in JOBS if job.lane == lane]


def metronome(
    jobs: Sequence[Job], open_session: OpenSession, rt: Runtime, report: Report = unreported
) -> BackgroundScheduler:
    """A scheduler with these jobs, not started."""
    made = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(sum(job.hands for job in jobs))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for job in jobs:
        arguments = (job, open_session, rt, report)
        for hand in range(job.hands):
            name = job.name if hand == 0 else f"{job.name}-{hand + 1}"
            made.add_job(tick, "interval", seconds=job.every, args=arguments, id=name, name=name)
    return made


def run(
    lane: Lane,
    open_session: OpenSession,
    rt: Runtime,
    stop: threading.Event | None = None,
    report: Report = unreported,
    jobs: Sequence[Job] | None = None,
    closing: Callable[[], None] | None = None,
) -> None:
    """Run a lane (with `jobs`, these in place of its own) until SIGTERM, Ctrl-C or `stop`; then let them finish.

    `closing` ends what runs beside it. What slow providers say in the seconds after that is still written down.
    """
    stopping = stop or stopped_by_signal()
    todo = jobs_of(lane) if jobs is None else jobs
    scheduler = metronome(todo, open_session, rt, report)
    settle()
    stopping.wait(random.random() * 0.2)  # several schedulers need not tick in step
    scheduler.start()
    for job in todo:
        tick(job, open_session, rt, report)
    logger().info("lane started", kind=lane)
    stopping.wait()
    scheduler.shutdown(wait=True)
    if closing is not None:
        closing()
    _hear_out(open_session, rt)
    logger().info("lane stopped", kind=lane)


def _hear_out(open_session: OpenSession, rt: Runtime) -> None:
    try:
        with open_session() as session:
            out = deliveries.settle(session, rt, rt.now(), LAST_SECONDS)
    except Exception as error:  # noqa: BLE001  (the rows are found by their leases)
        logger().error("outcomes not written", exc_info=error)
        return
    if out:
        logger().warning("stopped before a provider answered", count=out)
