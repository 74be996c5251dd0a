"""The metronome: APScheduler ticks, and nothing more. It keeps no job store; the database is the schedule.

Each process runs one lane. A tick that comes late or on top of another is folded into one, since what is due is read
anew every time; so several schedulers, a restart or a missed beat change when things happen, never whether.
"""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from care.logs import logger
from care.runtime import Runtime
from scheduler.jobs import JOBS, Job, Lane, drain

OpenSession = Callable[[], Session]


def tick(job: Job, open_session: OpenSession, rt: Runtime) -> None:
    """Run one job until nothing is due. A fault is logged by type and the next tick tries again."""
    try:
        with open_session() as session:
            drain(job, session, rt)
    except DBAPIError as error:
        logger().error("database away, waiting", job=job.name, error=type(error.orig).__name__)
    except Exception as error:  # noqa: BLE001  (a job that dies would be silence; the next tick must come)
        logger().error("job failed", job=job.name, exc_info=error)


def metronome(lane: Lane, open_session: OpenSession, rt: Runtime) -> BackgroundScheduler:
    """A scheduler with the jobs of one lane, not started."""
    jobs = [job for job in JOBS if job.lane == lane]
    made = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(len(jobs))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for job in jobs:
        made.add_job(tick, "interval", seconds=job.every, args=(job, open_session, rt), id=job.name, name=job.name)
    return made


def run(lane: Lane, open_session: OpenSession, rt: Runtime, stop: threading.Event | None = None) -> None:
    """Run a lane until SIGTERM, Ctrl-C or `stop`; then let the jobs in hand finish."""
    stopping = stop or threading.Event()
    if stop is None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
    scheduler = metronome(lane, open_session, rt)
    stopping.wait(random.random() * 0.2)  # several schedulers need not tick in step
    scheduler.start()
    for job in (one for one in JOBS if one.lane == lane):
        tick(job, open_session, rt)
    logger().info("lane started", kind=lane)
    stopping.wait()
    scheduler.shutdown(wait=True)
    logger().info("lane stopped", kind=lane)
