"""growth: one tick with 1,000 reminders due among 10,000 tasks, and among 1,000,000."""

from __future__ import annotations

import statistics
import time
from datetime import timedelta
from typing import Any

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench import ward
from bench.dispatch import runtime
from care.records.seal import install
from care.services import reminders

DUE = 1_000
# So many tasks of patients picked at random become due; everything else stays in the future.
_MAKE_DUE = (
    "WITH picked AS (SELECT DISTINCT ON (patient_id) id FROM task WHERE status = 'ready' AND reminders_sent = 0"
    " AND remind_at > %(now)s AND patient_id IN (SELECT id FROM patient WHERE time_zone <> 'Asia/Shanghai'"
    " ORDER BY random() LIMIT %(due)s) ORDER BY patient_id, due_at)"
    " UPDATE task SET due_at = %(at)s, remind_at = %(at)s, expires_at = %(until)s WHERE id IN (SELECT id FROM picked)"
)


def run(quick: bool) -> dict[str, object]:
    """Seconds of a tick in both, alternately, and how many times longer it is among many."""
    large, repeats = (100_000, 3) if quick else (1_000_000, 5)
    seconds: dict[int, list[float]] = {}
    with ward.server() as running:
        wards = {
            size: ward.build(running, f"growth_{size}", patients=size // 8, tasks_each=8, due=0)
            for size in (10_000, large)
        }
        for number in range(repeats + 1):
            for size, made in wards.items():
                install(made.keys)
                took = _tick(made)
                if number:  # the first one compiles statements and warms what a running hospital has warm
                    seconds.setdefault(size, []).append(took)
    small, big = (statistics.median(seconds[size]) for size in wards)
    return {
        "due": DUE,
        "small_tasks": 10_000,
        "large_tasks": large,
        "small_seconds": round(small, 4),
        "large_seconds": round(big, 4),
        "times": round(big / small, 2),
    }


def _tick(made: ward.Ward) -> float:
    with psycopg.connect(made.url.replace("+psycopg", "")) as connection:
        at = ward.NOW - timedelta(minutes=1)
        values: dict[str, Any] = {"now": ward.NOW, "at": at, "until": at + timedelta(hours=9), "due": DUE}
        marked = connection.execute(_MAKE_DUE, values).rowcount
    engine, count = create_engine(made.url), 0
    with Session(engine) as session:
        session.connection()
        session.commit()
        began = time.monotonic()
        while (worked := reminders.send_due(session, runtime(), ward.NOW)).claimed:
            count += worked.done
        took = time.monotonic() - began
    engine.dispose()
    if count < marked or marked < DUE // 2:
        raise RuntimeError(f"{marked} were due and {count} were done")
    return took * DUE / count
