"""`python -m scheduler clock|worker`: one lane of jobs in a process of its own, on what wsgi composes."""

from __future__ import annotations

import sys

from sqlalchemy.orm import sessionmaker

from scheduler.clock import run
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
        run(LANES[arguments[0]], sessionmaker(engine, expire_on_commit=False), app.extensions["care.runtime"])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
