"""dispatch: due tasks to queued messages, with consent, zone and quiet hours decided and the content encrypted.

A process runs as the clock does: with as many hands (threads with a connection each) as scheduler/jobs.py gives the
job. Against (a) the floor: the same table's rows claimed and marked done by bare SQL in batches of the same size, by as
many processes with as many hands, and by one process with one; (b) one APScheduler date job a reminder, in
SQLAlchemyJobStore on the same PostgreSQL, doing the same work, adding counted. Ours and the floor take turns on one
table, so both find it in the same state.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from threading import Thread
from typing import Any

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench import ward
from bots.sms import TwilioSms
from care.memory import settle
from care.records.seal import install
from care.runtime import Runtime
from care.services import reminders
from scheduler.jobs import job

BATCH = 500
FAILED = -1
_SPAWN = multiprocessing.get_context("spawn")
_CLAIM = (
    "WITH picked AS MATERIALIZED (SELECT id FROM task WHERE remind_at <= %s"
    " AND (lease_until IS NULL OR lease_until < clock_timestamp())"
    " ORDER BY remind_at LIMIT %s FOR UPDATE SKIP LOCKED)"
    " UPDATE task SET lease_until = clock_timestamp() + interval '60 s', attempts = attempts + 1"
    " WHERE id IN (SELECT id FROM picked) RETURNING id"
)
_DONE = "UPDATE task SET remind_at = NULL, lease_until = NULL, attempts = 0 WHERE id = ANY(%s)"


def run(quick: bool) -> dict[str, object]:
    """Rows a second of all three, and the ratios that are asked for."""
    patients, each, due = (30_000, 4, 30_000) if quick else (100_000, 10, 100_000)
    rounds, share = (2, 1_000) if quick else (4, 1_500)
    hands = job("remind").hands
    rates: dict[str, list[float]] = {}
    with ward.server() as running:
        made = ward.build(running, "dispatch", patients=patients, tasks_each=each, due=due)
        for _ in range(rounds):
            for name, work, workers, threads in (
                ("ours_1", _ours, 1, hands),
                ("floor_1", _floor, 1, hands),
                ("ours_2", _ours, 2, hands),
                ("floor_2", _floor, 2, hands),
                ("floor_1_single", _floor, 1, 1),
            ):
                rates.setdefault(name, []).append(_race(work, made, workers, threads, share))
        naive = _naive(made, 1_000 if quick else 5_000)
    median = {name: statistics.median(found) for name, found in rates.items()}
    return {
        "due": due,
        "tasks": patients * each,
        **{f"{name}_rows_per_second": round(rate) for name, rate in median.items()},
        "hands_a_process": hands,
        "of_floor_1_process": round(median["ours_1"] / median["floor_1"], 3),
        "of_floor_2_processes": round(median["ours_2"] / median["floor_2"], 3),
        "of_floor_single_connection": round(max(median["ours_1"], median["ours_2"]) / median["floor_1_single"], 3),
        "apscheduler_rows_per_second": round(naive, 1),
        "times_apscheduler": round(median["ours_2"] / naive, 1),
        "spread": {name: [round(min(found)), round(max(found))] for name, found in rates.items()},
    }


def runtime() -> Runtime:
    """The outside of a hospital with SMS, at the moment the ward's tasks are due; nothing is sent here."""
    sms = TwilioSms(account_sid="AC" + "0" * 32, auth_token="-", sender="+1555", public_url="https://care.invalid")  # noqa: S106
    return Runtime(clock=lambda: ward.NOW, channels={"sms": sms})


def _race(work: Callable[..., int], made: ward.Ward, workers: int, hands: int, share: int) -> float:
    """Rows a second of so many processes, each hand of which does `share` rows, from the gun to the last one's end."""
    gun = _SPAWN.Barrier(workers * hands + 1)
    done = _SPAWN.Queue()
    processes = [_SPAWN.Process(target=_lane, args=(work, made, hands, share, gun, done)) for _ in range(workers)]
    for process in processes:
        process.start()
    gun.wait(120)
    began = time.monotonic()
    counts = [done.get(timeout=120) for _ in range(workers * hands)]
    if FAILED in counts:
        raise RuntimeError("the ward ran out of due tasks, or one failed")
    seconds = time.monotonic() - began
    for process in processes:
        process.join()
    return sum(counts) / seconds


def _lane(work: Callable[..., int], made: ward.Ward, hands: int, share: int, gun: Any, done: Any) -> None:
    install(made.keys)
    threads = [Thread(target=lambda: done.put(work(made, share, gun))) for _ in range(hands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _ours(made: ward.Ward, share: int, gun: Any) -> int:
    rt, engine, count = runtime(), create_engine(made.url), 0
    with Session(engine) as session:
        reminders.send_due(session, rt, ward.NOW, limit=1)  # connected, and every statement compiled
        settle()  # as the clock does
        gun.wait(120)
        while count < share:
            worked = reminders.send_due(session, rt, ward.NOW, limit=BATCH)
            if worked.claimed == 0 or worked.failed:
                return FAILED
            count += worked.done
    engine.dispose()
    return count


def _floor(made: ward.Ward, share: int, gun: Any) -> int:
    count = 0
    with psycopg.connect(made.url.replace("+psycopg", "")) as connection:
        gun.wait(120)
        while count < share:
            rows = connection.execute(_CLAIM, (ward.NOW, BATCH)).fetchall()
            connection.commit()
            connection.execute(_DONE, ([row[0] for row in rows],))
            connection.commit()
            count += len(rows)
    return count


def _naive(made: ward.Ward, sample: int) -> float:
    """Reminders a second with a job each: added, found due, run."""
    done = _SPAWN.Queue()
    process = _SPAWN.Process(target=_jobs, args=(made, sample, done))
    process.start()
    rate: float = done.get(timeout=600)
    process.join()
    return rate


def _jobs(made: ward.Ward, sample: int, done: Any) -> None:
    from bench.naive import rate

    install(made.keys)
    done.put(rate(made.url, sample))
