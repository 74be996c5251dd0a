"""`python -m scheduler clock|worker`: one lane of jobs in a process of its own, on what wsgi composes."""

from __future__ import annotations

import sys

from sqlalchemy.orm import sessionmaker

from care.runtime import Runtime
from care.settings import Settings
from scheduler.clock import OpenSession, Report, run
from scheduler.jobs import Lane
from wsgi import app

LANES: dict[str, Lane] = {"clock": "clock", "worker": "worker"}


def main(arguments: list[str]) -> int:
    """Run the lane that is named. Returns the exit status; 2 when called wrongly."""
    if len(arguments) != 1 or arguments[0] not in LANES:
        print("usage: python -m scheduler clock|worker", file=sys.stderr)  # noqa: T201  (a usage line)
        return 2
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine
        open_session = sessionmaker(engine, expire_on_commit=False)
        settings, rt = app.extensions["care.settings"], app.extensions["care.runtime"]
        report = app.extensions["care.meter"].worked
        lane = LANES[arguments[0]]
        if settings.care_broker_url.get_secret_value():
            _run_with_broker(lane, open_session, rt, settings, report)
        else:
            run(lane, open_session, rt, report=report)
    return 0


def _run_with_broker(lane: Lane, open_session: OpenSession, rt: Runtime, settings: Settings, report: Report) -> None:
    """The clock publishes and the workers work what they are brought."""
    from scheduler.carrier import Carrier, broker_at, log_quietly  # a Care without a broker never loads one
    from scheduler.publisher import Publisher, clock_jobs
    from scheduler.worker import work

    log_quietly()
    url, prefix = settings.care_broker_url.get_secret_value(), settings.care_broker_prefix
    if lane == "worker":
        work(open_session, rt, url, prefix, settings.worker_threads, report=report)
        return
    carrier = Carrier(broker_at(url, prefix), prefix)
    try:
        run(lane, open_session, rt, report=report, jobs=clock_jobs(Publisher(carrier.send)))
    finally:
        carrier.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
