"""worklist: the nurses' pages in a hospital with a million reports and a hundred thousand alerts, and in a small one.

Each page is asked of the whole application (guard, queries, template, audit and its commit) in this process, signed in,
with no network; PostgreSQL waits for the disk. Small and large take turns, so that a slow moment of the machine is
both's.
"""

from __future__ import annotations

import json
import math
import secrets
import statistics
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle

import psycopg
from flask.testing import FlaskClient
from sqlalchemy import create_engine, event, select
from sqlalchemy.orm import Session

from bench.hospital import REPORTS, Hospital, furnish
from bench.ward import NOW, PROTOCOL, plain, server
from care.records.definitions import Definition
from care.records.ids import new_id
from care.records.seal import Keyring, install
from care.runtime import Runtime
from care.services.content import publish_seeds
from care.services.staff_sessions import hash_of
from care.settings import Settings
from care_api.app import create_app
from care_api.database import db
from launch.postgres import Embedded
from scheduler.scratch import migrate

LIMIT_MS, LIMIT_TIMES = 50.0, 2.0
JUDGED = ("worklist", "patient")
KEY = b"bench" * 6 + b"!!"


@dataclass
class Seen:
    """What one page took: seconds of each answer, those of them this process worked, statements of the last one."""

    times: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    queries: int = 0

    def ms(self, percent: int) -> float:
        """A percentile in milliseconds."""
        ranked = sorted(self.times)
        return round(1_000 * ranked[min(len(ranked) - 1, math.ceil(len(ranked) * percent / 100) - 1)], 1)


@dataclass
class Pages:
    """One hospital's application with its nurse signed in, and what its pages took so far."""

    client: FlaskClient
    ask: dict[str, Callable[[], str]]
    seen: dict[str, Seen]
    statements: list[int]

    def once(self, counted: bool) -> None:
        """Every page, one time."""
        for name, address in self.ask.items():
            where, before = address(), self.statements[0]
            began, idle = time.perf_counter(), time.process_time()
            answer = self.client.get(where)
            took, worked = time.perf_counter() - began, time.process_time() - idle
            if answer.status_code != 200:
                raise RuntimeError(f"{name} answered {answer.status}")
            if counted:
                self.seen.setdefault(name, Seen()).times.append(took)
                self.seen[name].worked.append(worked)
                self.seen[name].queries = self.statements[0] - before


def run(quick: bool) -> dict[str, object]:
    """p50 and p95 in ms and statements of each page in both; whether worklist and patient's page keep their limits."""
    large, rounds = (250, 40) if quick else (5_000, 200)
    install(Keyring({"bench": KEY}, KEY))
    with server() as running:
        began = time.monotonic()
        with hospital(running, "small", 50, 1) as small, hospital(running, "large", large, 4) as big:
            built = round(time.monotonic() - began, 1)
            for number in range(rounds + 10):
                for one in (small, big):
                    one.once(counted=number >= 10)
    found: dict[str, object] = {"reports": large * REPORTS, "build_seconds": built}
    holds = True
    for name in big.ask:
        times = round(big.seen[name].ms(95) / small.seen[name].ms(95), 2)
        found |= {f"{name}_p50_ms": big.seen[name].ms(50), f"{name}_p95_ms": big.seen[name].ms(95)}
        found |= {f"{name}_small_p95_ms": small.seen[name].ms(95), f"{name}_times": times}
        worked = 1_000 * statistics.median(big.seen[name].worked)
        found |= {f"{name}_cpu_ms": round(worked, 1), f"{name}_queries": big.seen[name].queries}
        holds &= name not in JUDGED or (big.seen[name].ms(95) <= LIMIT_MS and times <= LIMIT_TIMES)
    return found | {"holds": holds}


@contextmanager
def hospital(running: Embedded, name: str, patients: int, teams: int) -> Iterator[Pages]:
    """A database of its own with so many patients, and the application on it."""
    url = running.ensure_database(name)
    migrate(url)
    engine = create_engine(url)
    with Session(engine) as session:
        publish_seeds(session, NOW)
        newest = select(Definition.id).where(Definition.url == PROTOCOL).order_by(Definition.version.desc())
        definition = session.scalars(newest).first()
    engine.dispose()
    assert definition is not None
    with psycopg.connect(plain(url)) as connection:
        made = furnish(connection, definition, patients=patients, teams=teams, opened=50)
        token = _signed_in(connection, made)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")
        alerts = [row[0] for row in connection.execute(_MINE, (list(made.opened),))]
    app = create_app(_settings(url), Runtime(clock=lambda: NOW))
    client, statements = app.test_client(), [0]
    client.set_cookie("care_staff", token)
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *_: statements.__setitem__(0, statements[0] + 1))
    patient, case = cycle(made.opened), cycle(alerts)
    ask: dict[str, Callable[[], str]] = {
        "worklist": lambda: "/worklist",
        "rows": lambda: "/worklist/rows",
        "patient": lambda: f"/patients/{next(patient)}",
        "case": lambda: f"/core/cases/{next(case)}",
    }
    yield Pages(client, ask, {}, statements)
    with app.app_context():
        db.engine.dispose()


_MINE = "SELECT id FROM escalation WHERE status <> 'completed' AND patient_id = ANY(%s) ORDER BY id"


def _signed_in(connection: psycopg.Connection[object], made: Hospital) -> str:
    token = secrets.token_urlsafe(32)
    connection.execute(
        "INSERT INTO staff_session (id, practitioner_id, token_hash, created_at, expires_at)"
        " VALUES (%s, %s, %s, %s, %s)",
        (new_id(), made.nurse, hash_of(token), NOW, NOW + timedelta(hours=12)),
    )
    return token


def _settings(url: str) -> Settings:
    key = b64encode(KEY).decode()
    values = {
        "database_url": url,
        "secret_key": secrets.token_urlsafe(48),
        "care_keys": f"bench:{key}",
        "care_token_key": key,
        "public_url": "http://127.0.0.1:8000",
        "care_environment": "development",
    }
    return Settings(**values)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.stdout.write(f"{json.dumps(run('--full' not in sys.argv), indent=1)}\n")
