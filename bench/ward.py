"""A ward of any size, written straight into the tables of a throw-away database: what benchmarks work on."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from care.records.definitions import Definition
from care.records.ids import new_id
from care.records.patients import address_token
from care.records.seal import Keyring, install, seal
from care.services.content import publish_seeds
from launch.postgres import Embedded
from scheduler.scratch import migrate

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PROTOCOL = "https://care.invalid/fhir/PlanDefinition/heart-failure-daily"
ACTION = "daily-check"
# At 15:00 UTC it is day in the first three and night in the fourth: a twentieth of the patients sleep.
ZONES = ("America/New_York", "Europe/London", "America/Chicago")
ASLEEP = "Asia/Shanghai"


@dataclass(frozen=True)
class Ward:
    """Where the database is, and the keys that every process needs."""

    url: str
    keys: Keyring
    due: int


@contextmanager
def server() -> Iterator[Embedded]:
    """An embedded PostgreSQL in a temporary folder, as durable as a hospital's: commits wait for the disk."""
    var = ROOT / "var"
    var.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=var) as folder, Embedded(Path(folder)) as running:
        yield running


def build(running: Embedded, name: str, *, patients: int, tasks_each: int, due: int) -> Ward:
    """A migrated database with `patients` on one protocol, `tasks_each` tasks a patient, `due` of them due now."""
    keys = Keyring({"bench": secrets.token_bytes(32)}, secrets.token_bytes(32))
    install(keys)
    url = running.ensure_database(name)
    migrate(url)
    engine = create_engine(url)
    with Session(engine) as session:
        publish_seeds(session, NOW)
        found = select(Definition.id).where(Definition.url == PROTOCOL).order_by(Definition.version.desc())
        definition = session.scalars(found).first()
    engine.dispose()
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        _fill(connection, definition, patients, tasks_each, due)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT") if _may_checkpoint(connection) else None
    return Ward(url, keys, due)


def _may_checkpoint(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("SELECT pg_has_role(current_user, 'pg_checkpoint', 'MEMBER')").fetchone()
    return bool(row and row[0])


def copy(
    connection: psycopg.Connection[Any], table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write many rows of one table. `columns` and `rows` are in the same order."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(",").join(sql.Identifier(column) for column in columns)
    )
    with connection.cursor() as cursor, cursor.copy(statement) as writing:
        for row in rows:
            writing.write_row(row)


def plain(url: str) -> str:
    """The address as psycopg reads it."""
    return url.replace("+psycopg", "")


def _fill(
    connection: psycopg.Connection[Any], definition: UUID | None, patients: int, tasks_each: int, due: int
) -> None:
    hospital, team = new_id(), new_id()
    copy(connection, "organization", ("id", "name", "country", "time_zone"), [(hospital, "Bench", "US", ZONES[0])])
    copy(connection, "care_team", ("id", "organization_id", "name", "default"), [(team, hospital, "Bench", True)])
    people = [(new_id(), new_id(), number) for number in range(patients)]
    identity = seal("patient", "identity_sealed", people[0][0], "{}")  # nobody opens it here
    copy(
        connection,
        "patient",
        ("id", "organization_id", "care_team_id", "identity_sealed", "language", "time_zone", "country", "created_at"),
        ((one, hospital, team, identity, "en", _zone(number), "US", NOW) for one, _, number in people),
    )
    copy(
        connection,
        "contact_point",
        ("id", "organization_id", "patient_id", "channel", "address_sealed", "address_token", "created_at"),
        (_contact(hospital, one, number) for one, _, number in people),
    )
    copy(
        connection,
        "consent",
        ("id", "organization_id", "patient_id", "purpose", "channel", "granted", "version", "language", "source", "at"),
        (
            (new_id(), hospital, one, "follow-up", "*", number % 50 != 7, "1", "en", "bench", NOW - timedelta(days=9))
            for one, _, number in people
        ),
    )
    copy(
        connection,
        "care_plan",
        ("id", "organization_id", "patient_id", "definition_id", "status", "starts_on", "created_at"),
        ((plan, hospital, one, definition, "active", date(2026, 2, 1), NOW) for one, plan, _ in people),
    )
    copy(
        connection,
        "task",
        (
            "id",
            "organization_id",
            "patient_id",
            "care_plan_id",
            "action_id",
            "nominal",
            "questionnaire",
            "status",
            "due_at",
            "expires_at",
            "remind_at",
        ),
        _tasks(hospital, people, tasks_each, due),
    )


def _zone(number: int) -> str:
    return ASLEEP if number % 20 == 11 else ZONES[number % 3]


def _contact(hospital: UUID, patient: UUID, number: int) -> tuple[Any, ...]:
    row, address = new_id(), f"+1202{number:08d}"
    sealed = seal("contact_point", "address_sealed", row, address)
    return row, hospital, patient, "sms", sealed, address_token("sms", address), NOW


def _tasks(
    hospital: UUID, people: Sequence[tuple[UUID, UUID, int]], tasks_each: int, due: int
) -> Iterator[tuple[Any, ...]]:
    questionnaire = "https://care.invalid/fhir/Questionnaire/heart-failure-daily|1.0.0"
    left = due
    for day in range(tasks_each):
        for patient, plan, _ in people:
            first = left > 0
            left -= first
            at = NOW - timedelta(minutes=5) if first else NOW + timedelta(days=day + 1)
            nominal = (at - timedelta(hours=5)).replace(tzinfo=None)
            yield (
                new_id(),
                hospital,
                patient,
                plan,
                ACTION,
                nominal,
                questionnaire,
                "ready",
                at,
                at + timedelta(hours=12),
                at,
            )
