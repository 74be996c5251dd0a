"""The queue: a batch at a time, a bad row alone, nothing twice and nothing dropped."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Thread
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from care.records.care_plans import CarePlan
from care.records.dead_letters import DeadLetter
from care.records.definitions import Definition
from care.records.ids import new_id
from care.records.patients import Patient
from care.records.tasks import Task
from care.services.queue import ATTEMPTS, Queue, Worked, claim, work
from tests.conftest import NOON, Clinic

REMIND = Queue("reminders", Task, "remind_at")


@pytest.fixture
def tasks(session: Session, clinic: Clinic) -> list[UUID]:
    """Twenty tasks that are due."""
    patient = Patient(
        organization_id=clinic.organization.id,
        care_team_id=clinic.team.id,
        identity={"name": "Demo Patient"},
        language="en",
        time_zone="UTC",
        country="US",
        created_at=NOON,
    )
    recipe = Definition(kind="PlanDefinition", url="x", version="1", sha256="0", document={}, published_at=NOON)
    session.add_all([patient, recipe])
    session.flush()
    plan = CarePlan(
        organization_id=clinic.organization.id,
        patient_id=patient.id,
        definition_id=recipe.id,
        status="active",
        starts_on=NOON.date(),
        created_at=NOON,
    )
    session.add(plan)
    session.flush()
    made = [
        Task(
            organization_id=clinic.organization.id,
            patient_id=patient.id,
            care_plan_id=plan.id,
            action_id="ask",
            nominal=datetime(2026, 3, 1, number),
            questionnaire="q|1",
            status="ready",
            due_at=NOON - timedelta(hours=1),
            expires_at=NOON + timedelta(hours=1),
            remind_at=NOON - timedelta(minutes=number),
        )
        for number in range(20)
    ]
    session.add_all(made)
    session.commit()
    return [task.id for task in made]


def finish(session: Session, rows: list[Task]) -> None:
    for row in rows:
        row.remind_at = None


def test_due_rows_are_handled_once_and_freed(session: Session, tasks: list[UUID]):
    assert work(session, REMIND, finish, NOON) == Worked(20, 20)
    assert work(session, REMIND, finish, NOON) == Worked()
    rows = session.scalars(select(Task)).all()
    assert all(row.lease_until is None and row.attempts == 0 for row in rows)


def test_what_is_not_due_is_left_alone(session: Session, tasks: list[UUID]):
    assert work(session, REMIND, finish, NOON - timedelta(minutes=10)).done == 10


def test_a_limit_takes_the_longest_waiting_first(session: Session, tasks: list[UUID]):
    seen: list[UUID] = []

    def handle(session: Session, rows: list[Task]) -> None:
        seen.extend(row.id for row in rows)
        finish(session, rows)

    work(session, REMIND, handle, NOON, limit=5)
    assert seen == list(reversed(tasks))[:5]


def test_a_bad_row_delays_itself_alone(session: Session, tasks: list[UUID]):
    bad = tasks[7]

    def handle(session: Session, rows: list[Task]) -> None:
        if any(row.id == bad for row in rows):
            raise ValueError("cannot")
        finish(session, rows)

    assert work(session, REMIND, handle, NOON) == Worked(20, 19, 1)
    row = session.get_one(Task, bad)
    assert row.remind_at is not None
    assert row.remind_at > NOON


def test_after_its_attempts_a_bad_row_is_buried_where_a_person_sees_it(session: Session, tasks: list[UUID]):
    told: list[tuple[UUID, str]] = []

    def handle(session: Session, rows: list[Task]) -> None:
        raise ValueError("the words of a patient")

    def bury(session: Session, row: Task, error: str, now: datetime) -> None:
        told.append((row.id, error))

    moment = NOON
    for _ in range(ATTEMPTS):
        work(session, REMIND, handle, moment, bury=bury)
        moment += timedelta(hours=2)
    letters = session.scalars(select(DeadLetter)).all()
    assert len(letters) == len(told) == 20
    assert {letter.error for letter in letters} == {"ValueError"}
    assert work(session, REMIND, finish, moment) == Worked()


def test_a_crash_after_the_claim_costs_the_lease_and_nothing_else(session: Session, tasks: list[UUID]):
    assert len(claim(session, REMIND, NOON, 500)) == 20
    assert work(session, REMIND, finish, NOON) == Worked()
    session.execute(update(Task).values(lease_until=text("clock_timestamp() - interval '1 second'")))
    session.commit()
    assert work(session, REMIND, finish, NOON).done == 20


def test_a_worker_that_slept_past_its_lease_changes_nothing(session: Session, tasks: list[UUID], engine: Engine):
    def handle(own: Session, rows: list[Task]) -> None:
        finish(own, rows)

    leases = claim(session, REMIND, NOON, 500)
    session.execute(update(Task).values(lease_until=text("clock_timestamp() + interval '9 minutes'")))
    session.commit()
    from care.services.queue import _handle

    assert _handle(session, REMIND, handle, list(leases), leases) == 0
    assert session.scalar(select(Task.remind_at).where(Task.id == tasks[0])) is not None


def test_a_worker_that_fails_past_its_lease_takes_nothing_from_who_has_done_the_row(
    session: Session, tasks: list[UUID], engine: Engine
):
    def slow_and_broken(own: Session, rows: list[Task]) -> None:
        with Session(engine) as other:
            other.execute(update(Task).values(remind_at=None, lease_until=None, attempts=0))
            other.commit()
        raise ValueError("too late")

    # The other one is there before this one's rows are locked, so the first try of the batch is what it loses.
    def handle(own: Session, rows: list[Task]) -> None:
        own.rollback()
        slow_and_broken(own, rows)

    assert work(session, REMIND, handle, NOON) == Worked(20)
    rows = session.execute(select(Task.remind_at, Task.lease_until)).all()
    assert set(rows) == {(None, None)}


def test_four_workers_racing_handle_each_row_once(session: Session, tasks: list[UUID], engine: Engine):
    handled: list[UUID] = []

    def race() -> None:
        with Session(engine) as own:

            def handle(session: Session, rows: list[Task]) -> None:
                handled.extend(row.id for row in rows)
                finish(session, rows)

            while work(own, REMIND, handle, NOON, limit=3).claimed:
                pass

    threads = [Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(handled) == sorted(tasks)


def test_ids_are_version_seven_and_grow():
    ids = [new_id() for _ in range(50)]
    assert {one.version for one in ids} == {7}
    assert {one.variant for one in ids} == {"specified in RFC 4122"}
    assert ids == sorted(ids)
