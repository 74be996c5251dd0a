"""The clock of a demonstration: ahead of the wall by what one row says, and asked no more than twice a second."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from care.errors import Invalid, NotSignedIn
from care.records.sign_ins import Throttle
from care.records.simulated_clock import SimulatedClock
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import heartbeats, signin, simulated_time
from care.services.simulated_time import MovedClock
from care.services.throttles import count_try
from tests.care_api.serving import staff_token
from tests.conftest import NOON, Clinic, Clock
from tests.services.world import make_world

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Row:
    """What the row says, and how often it was asked; away while `away`."""

    def __init__(self) -> None:
        self.ahead, self.asked, self.away = timedelta(0), 0, False

    def __call__(self) -> timedelta:
        self.asked += 1
        if self.away:
            raise OperationalError("SELECT", {}, Exception())
        return self.ahead


@pytest.fixture
def row() -> Row:
    return Row()


@pytest.fixture
def seconds() -> list[float]:
    return [100.0]


@pytest.fixture
def moved(row: Row, seconds: list[float]) -> MovedClock:
    return MovedClock(row, wall=lambda: NOON, elapsed=lambda: seconds[0])


def test_it_is_the_walls_time_and_what_the_row_says(moved: MovedClock, row: Row, seconds: list[float]):
    assert moved() == NOON
    row.ahead = DAY
    seconds[0] += 0.5
    assert moved() == NOON + DAY


def test_the_row_is_asked_twice_a_second_at_most(moved: MovedClock, row: Row, seconds: list[float]):
    for _ in range(100):
        moved()
        seconds[0] += 0.01
    assert row.asked == 2


def test_who_has_moved_it_sees_it_at_once(moved: MovedClock, row: Row):
    moved()
    row.ahead = HOUR
    moved.look()
    assert moved() == NOON + HOUR


def test_while_the_database_is_away_what_was_known_goes_on(moved: MovedClock, row: Row, seconds: list[float]):
    row.ahead = DAY
    moved()
    row.away = True
    seconds[0] += 10
    assert moved() == NOON + DAY


def test_steps_add_up_and_the_real_time_comes_back(session: Session, rt: Runtime):
    assert simulated_time.ahead(session) == timedelta(0)
    simulated_time.move(session, HOUR)
    assert simulated_time.move(session, DAY) == DAY + HOUR
    assert len(session.scalars(select(SimulatedClock)).all()) == 1
    simulated_time.back_to_real(session, rt)
    assert simulated_time.ahead(session) == timedelta(0)


@pytest.mark.parametrize("by", [-HOUR, timedelta(days=800)])
def test_a_step_back_or_into_another_age_is_refused(session: Session, by: timedelta):
    with pytest.raises(Invalid):
        simulated_time.move(session, by)
    assert simulated_time.ahead(session) == timedelta(0)


def test_a_process_of_its_own_reads_the_row(session: Session, database_url: str):
    clock = simulated_time.moved_clock(database_url, wall=lambda: NOON)
    assert clock() == NOON
    simulated_time.move(session, DAY)
    clock.look()
    assert clock() == NOON + DAY


def test_a_nurse_who_is_signed_in_stays_so_when_a_day_is_skipped(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic
):
    token = staff_token(session, rt, clinic.nurse)
    year = timedelta(days=365)
    simulated_time.move(session, year)
    assert signin.staff_by_token(session, clock.now + year, token).id == clinic.nurse.id
    simulated_time.back_to_real(session, rt)
    with pytest.raises(NotSignedIn):
        signin.staff_by_token(session, clock.now + year, token)


def test_tries_of_a_time_that_never_came_count_no_more(session: Session, rt: Runtime, clock: Clock):
    simulated_time.move(session, DAY)
    clock.forward(days=1)
    count_try(session, rt.now(), "test", "who", 5, HOUR)
    simulated_time.back_to_real(session, rt)
    assert session.scalars(select(Throttle)).all() == []


def test_heartbeats_go_by_the_databases_clock(session: Session):
    heartbeats.beat(session, "worker")
    simulated_time.move(session, DAY)
    assert heartbeats.silent(session, {"worker"}) == []


def test_the_next_reminder_is_the_earliest_one_to_come(session: Session, rt: Runtime, clock: Clock, clinic: Clinic):
    patient = make_world(session, rt, clock, clinic).patient()
    first = simulated_time.next_reminder(session, patient.id, clock.now)
    assert first == min(at for at in session.scalars(select(Task.remind_at)) if at is not None and at > clock.now)
    assert simulated_time.next_reminder(session, clinic.nurse.id, clock.now) is None
