"""dispatch: due tasks to queued messages, with consent, zone and quiet hours decided and the content encrypted.

Against (a) the floor: the same table's rows claimed and marked done by bare SQL in batches of the same size, by as many
processes; (b) one APScheduler date job a reminder, in SQLAlchemyJobStore on the same PostgreSQL, doing the same work,
adding counted. Ours and the floor take turns on the same table, so both find it in the same state.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench import ward
from bots.sms import TwilioSms
from care.records.seal import install
from care.runtime import Runtime
from care.services import reminders

BATCH = 500
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
    patients, each, due = (20_000, 5, 20_000) if quick else (100_000, 10, 100_000)
    rounds, share = (2, 1_500) if quick else (5, 3_000)
    rates: dict[str, list[float]] = {}
    with ward.server() as running:
        made = ward.build(running, "dispatch", patients=patients, tasks_each=each, due=due)
        for _ in range(rounds):
            for workers in (1, 2):
                for name, work in (("ours", _ours), ("floor", _floor)):
                    rate = _race(work, made, workers, share)
                    rates.setdefault(f"{name}_{workers}", []).append(rate)
        naive = _naive(made, 1_000 if quick else 5_000)
    median = {name: statistics.median(found) for name, found in rates.items()}
    return {
        "due": due,
        "tasks": patients * each,
        **{f"{name}_rows_per_second": round(rate) for name, rate in median.items()},
        "of_floor_1_process": round(median["ours_1"] / median["floor_1"], 3),
        "of_floor_2_processes": round(median["ours_2"] / median["floor_2"], 3),
        "apscheduler_rows_per_second": round(naive, 1),
        "times_apscheduler": round(median["ours_2"] / naive, 1),
        "spread": {name: [round(min(found)), round(max(found))] for name, found in rates.items()},
    }


def runtime() -> Runtime:
    """The outside of a hospital with SMS, at the moment the ward's tasks are due; nothing is sent here."""
    sms = TwilioSms(account_sid="AC" + "0" * 32, auth_token="-", sender="+1555", public_url="https://care.invalid")  # noqa: S106
    return Runtime(clock=lambda: ward.NOW, channels={"sms": sms})


def _race(work: Callable[..., int], made: ward.Ward, workers: int, share: int) -> float:
    """Rows a second of so many processes, each of which does `share` rows, from the gun to the last one's end."""
    gun = _SPAWN.Barrier(workers + 1)
    done = _SPAWN.Queue()
    processes = [_SPAWN.Process(target=_lane, args=(work, made, share, gun, done)) for _ in range(workers)]
    for process in processes:
        process.start()
    gun.wait(120)
    began = time.monotonic()
    total = sum(done.get(timeout=300) for _ in processes)
    seconds = time.monotonic() - began
    for process in processes:
        process.join()
    return total / seconds


def _lane(work: Callable[..., int], made: ward.Ward, share: int, gun: Any, done: Any) -> None:
    install(made.keys)
    done.put(work(made, share, gun))


def _ours(made: ward.Ward, share: int, gun: Any) -> int:
    rt, engine, count = runtime(), create_engine(made.url), 0
    with Session(engine) as session:
        reminders.send_due(session, rt, ward.NOW, limit=1)  # connected, and every statement compiled
        gun.wait(120)
        while count < share:
            worked = reminders.send_due(session, rt, ward.NOW, limit=BATCH)
            if worked.claimed == 0 or worked.failed:
                sys.exit("the ward ran out of due tasks, or one failed")
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
