"""What is looked at in the database: a few small questions, each on its own, each with a limit in time.

A question that cannot be answered is an alarm like any other: a broken check must not look like good health. All times
are the database's, so that a watchdog whose own clock is wrong still sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, LiteralString

import psycopg

from watchdog.alarms import Alarm
from watchdog.settings import WatchdogSettings

CONNECT = 5  # seconds
SESSION = (
    "-c statement_timeout=5000 -c lock_timeout=2000 -c default_transaction_read_only=on"
    " -c idle_in_transaction_session_timeout=15000"
)
EXPECTED = ("clock", "worker")
FAILED_PAGES_FOR = 3600  # seconds for which a page that failed for good is told of

Connection = psycopg.Connection[tuple[Any, ...]]
Check = Callable[[Connection, WatchdogSettings], Iterator[Alarm]]

_BEATS = "SELECT name, extract(epoch FROM clock_timestamp() - at)::float8 FROM heartbeat"
_UNWATCHED = """
    SELECT count(*), count(*) FILTER (WHERE page_at IS NULL) FROM escalation
    WHERE status <> 'completed' AND priority IN ('stat', 'asap')
    AND (page_at IS NULL OR page_at < clock_timestamp() - make_interval(secs => %s))
"""
_PAGES = """
    SELECT count(*), extract(epoch FROM clock_timestamp() - min(send_at))::float8 FROM communication
    WHERE send_at < clock_timestamp() - make_interval(secs => %s) AND purpose = 'page'
"""
_PAGES_FAILED = """
    SELECT count(*) FROM dead_letter WHERE resolved_at IS NULL
    AND (queue = 'pages' OR (queue = 'outbox'
        AND EXISTS (SELECT 1 FROM communication WHERE communication.id = row_id AND purpose = 'page')))
    AND at > clock_timestamp() - make_interval(secs => %s)
"""
_HOLES = "SELECT count(*) FROM dead_letter WHERE resolved_at IS NULL AND queue = 'rota'"
# The oldest of each queue, by the index of its column. What is leased is in somebody's hands and counts all the same.
_OLDEST: dict[str, LiteralString] = {
    "reminders": "SELECT extract(epoch FROM clock_timestamp() - min(remind_at))::float8 FROM task",
    "turns": "SELECT extract(epoch FROM clock_timestamp() - min(take_at))::float8 FROM communication",
    "reports": "SELECT extract(epoch FROM clock_timestamp() - min(score_at))::float8 FROM questionnaire_response",
    "outbox": "SELECT extract(epoch FROM clock_timestamp() - min(send_at))::float8 FROM communication",
    "pages": "SELECT extract(epoch FROM clock_timestamp() - min(page_at))::float8 FROM escalation",
    "expand": "SELECT extract(epoch FROM clock_timestamp() - min(expand_at))::float8 FROM care_plan",
}


def heartbeats(connection: Connection, settings: WatchdogSettings) -> Iterator[Alarm]:
    """Whether the clock, the workers and whoever else has ever beaten still do."""
    ages: dict[str, float] = dict(connection.execute(_BEATS).fetchall())
    for name in sorted({*EXPECTED, *ages}):
        age = ages.get(name)
        if age is None:
            yield Alarm("heartbeat", name, f"the {name} has never given a sign of life")
        elif age < -settings.silent:  # the database's clock was put back; who lives would have beaten since
            yield Alarm("heartbeat", name, f"the last sign of life from the {name} lies {_long(-age)} in the future")
        elif age > settings.silent:
            yield Alarm("heartbeat", name, f"no sign of life from the {name} for {_long(age)}")


def escalations(connection: Connection, settings: WatchdogSettings) -> Iterator[Alarm]:
    """Whether every open stat or asap escalation still has a moment to come at which somebody is paged."""
    count, never = connection.execute(_UNWATCHED, (settings.page,)).fetchone() or (0, 0)
    if count:
        yield Alarm(
            "escalation-without-deadline",
            "",
            f"{count} open stat or asap escalations that nobody will be paged for ({never} without any next moment)."
            " Look at the worklist now",
        )


def pages(connection: Connection, settings: WatchdogSettings) -> Iterator[Alarm]:
    """Whether pages to staff leave, and whether any was given up."""
    count, age = connection.execute(_PAGES, (settings.page,)).fetchone() or (0, None)
    if count:
        yield Alarm("pages-unsent", "", f"{count} pages to staff have not left, the oldest for {_long(age or 0)}")
    (failed,) = connection.execute(_PAGES_FAILED, (FAILED_PAGES_FOR,)).fetchone() or (0,)
    if failed:
        yield Alarm("pages-failed", "", f"{failed} pages to staff failed or had nobody to go to in the last hour")


def rotas(connection: Connection, settings: WatchdogSettings) -> Iterator[Alarm]:
    """Whether somebody is on call at every hour that a team's ladder pages in."""
    (holes,) = connection.execute(_HOLES).fetchone() or (0,)
    if holes:
        yield Alarm("rota-gap", "", f"{holes} teams have hours in which nobody is on call. Look at their rota")


def queues(connection: Connection, settings: WatchdogSettings) -> Iterator[Alarm]:
    """Whether what is due is done."""
    for name, oldest in _OLDEST.items():
        (age,) = connection.execute(oldest).fetchone() or (None,)
        if age is not None and age > settings.overdue:
            yield Alarm("overdue", name, f"the oldest of {name} has been due for {_long(age)}")


CHECKS: tuple[Check, ...] = (heartbeats, escalations, pages, rotas, queues)


def look(settings: WatchdogSettings, checks: tuple[Check, ...] = CHECKS) -> list[Alarm]:
    """Ask everything once, over a new connection. Raises psycopg.OperationalError when there is no database."""
    with psycopg.connect(
        settings.database_url.get_secret_value(),
        connect_timeout=CONNECT,
        options=SESSION,
        application_name="care-watchdog",
        autocommit=True,
        tcp_user_timeout=10_000,
    ) as connection:
        return [alarm for check in checks for alarm in _asked(check, connection, settings)]


def _asked(check: Check, connection: Connection, settings: WatchdogSettings) -> list[Alarm]:
    try:
        return list(check(connection, settings))
    except Exception as error:
        if connection.broken:
            raise
        name = getattr(check, "__name__", "unknown")
        return [Alarm("check-failed", name, f"the check of {name} does not work: {type(error).__name__}")]


def _long(seconds: float) -> str:
    """A duration as a person says it."""
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.0f} h"
    )
