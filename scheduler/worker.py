"""The worker with a broker: crews that do what messages name, as far as it is to do, on any number of machines."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from care.logs import logger
from care.runtime import Runtime
from scheduler.carrier import Act, broker_at, crew
from scheduler.clock import OpenSession, Report, run, stopped_by_signal, unreported
from scheduler.jobs import CARRIED, JOBS, Job
from scheduler.publisher import ROADS, Road

SECONDS_BETWEEN_TRIES = 1.0
TRIES = 60  # at a database that is away; then the message is let go, and the row is published again

OWN = [
    *(job for job in JOBS if job.lane == "worker" and job.carry is None),
    # What a slow provider says after its message was done with is written down, whether or not another one comes.
    Job("settle", "worker", 0.5, lambda session, rt: CARRIED["deliver"](session, rt, ())),
]


def threads_of(road: Road, threads: int) -> int:
    """How many of a worker's threads are a road's own: a quarter for each of the pressing ones, the rest for routine.

    At least one each, so `threads` below three count as three.
    """
    quarter = max(1, threads // 4)
    return max(1, threads - 2 * quarter) if road == "routine" else quarter


def act_on(open_session: OpenSession, rt: Runtime, stopping: threading.Event, report: Report = unreported) -> Act:
    """What is done with a message. It never raises: what has failed is logged by type, and its rows come back.

    They do by the end of their lease and by the publisher's sweep. While the database is away the message is kept.
    """

    def act(name: str, ids: list[str]) -> None:
        carry = CARRIED.get(name)
        if carry is None:
            logger().error("no such job is carried", reason="unknown-job", count=len(ids))
            return
        rows = [UUID(one) for one in ids]
        for _ in range(TRIES):
            began, worked = time.monotonic(), None
            try:
                with open_session() as session:
                    worked = carry(session, rt, rows)
                return
            except (OperationalError, InterfaceError) as error:
                logger().error("database away, waiting", job=name, error=type(error.orig).__name__)
            finally:
                report(name, worked, time.monotonic() - began)
            if stopping.wait(SECONDS_BETWEEN_TRIES):
                return

    def act_safely(name: str, ids: list[str]) -> None:
        try:
            act(name, ids)
        except DBAPIError as error:
            logger().error("job failed", job=name, count=len(ids), error=type(error.orig).__name__)
        except Exception as error:  # noqa: BLE001  (a message is no more than a hint: the row is what must not be lost)
            logger().error("job failed", job=name, count=len(ids), exc_info=error)

    return act_safely


def work(
    open_session: OpenSession,
    rt: Runtime,
    url: str,
    prefix: str,
    threads: int,
    stop: threading.Event | None = None,
    report: Report = unreported,
) -> None:
    """Work what the broker at `url` brings, until SIGTERM, Ctrl-C or `stop`; then finish what is in hand.

    A broker that is away is tried again every few seconds. What is never carried of the worker's lane runs here too.
    """
    stopping = stop or stopped_by_signal()
    act = act_on(open_session, rt, stopping, report)
    brokers = [broker_at(url, prefix) for _ in ROADS]
    crews = [
        crew(broker, prefix, road, act, threads_of(road, threads)) for broker, road in zip(brokers, ROADS, strict=True)
    ]

    def dismiss() -> None:
        with ThreadPoolExecutor(len(crews)) as together:
            list(together.map(lambda one: one.stop(), crews))
        for broker in brokers:
            broker.close()

    for one in crews:
        one.start()
    run("worker", open_session, rt, stopping, report, OWN, dismiss)
