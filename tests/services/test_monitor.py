"""The monitor: a model that is wrong is out of use in the same tick, and thresholds follow what nurses can carry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from care.domain.assessment import Assessment
from care.domain.measure import Measure
from care.domain.monitoring import LIMIT
from care.errors import Invalid, NotAllowed, NotFound
from care.records.ids import new_id
from care.records.model_versions import AlertThreshold, ModelReview, reviews, versions
from care.records.observations import Observation
from care.records.patients import Patient
from care.records.risk_assessments import RiskAssessment
from care.runtime import Runtime
from care.services import capacity, escalations, models, monitor
from scheduler.jobs import job
from tests.conftest import NOON, Clinic, Clock
from tests.services.test_models import MODEL, let_in, shipment
from tests.services.world import World, make_world

MONDAY = datetime(2026, 2, 16, 8, tzinfo=UTC)
"""The Monday of a week that is ripe at NOON, the second of March."""
RIPE = datetime(2026, 2, 26, 12, tzinfo=UTC)


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    """Two versions, of which the newer one is active and the older one was replaced."""
    made = make_world(session, rt, clock, clinic)
    made.with_model(quiet)
    models.register_shipped(session, clock.now, [shipment(routine_from=0.6)])
    row = models.register(session, rt, clinic.admin, shipment("2.0.0", routine_from=0.6))
    let_in(session, rt, clinic, row, "active")
    return made


def quiet(name: str, measures: Sequence[Measure], at: datetime, zone: str, before: Any = None) -> Assessment:
    return Assessment(MODEL, name, 0.7, "high", "routine", (), (), (), ())


def said(
    world: World, patient: Patient, at: datetime, risk: float, low_next_day: bool | None, sha: str = "2" * 64
) -> None:
    """A score of the past, with what was measured on the day after it."""
    world.clock.set(at)
    world.with_model(lambda *_: Assessment(MODEL, sha, risk, "low", None, (), (), (), ()))
    world.tell("glucose 120", sender=phone(patient))
    if low_next_day is not None:
        world.session.add(
            Observation(
                id=new_id(),
                organization_id=patient.organization_id,
                patient_id=patient.id,
                code="2339-0",
                value=60.0 if low_next_day else 110.0,
                unit="mg/dL",
                comparator="",
                context="",
                at=at + timedelta(days=1),
                recorded_at=at + timedelta(days=1),
                superseded=False,
            )
        )
        world.session.commit()


PHONES: dict[Any, str] = {}


def phone(patient: Patient) -> str:
    return PHONES[patient.id]


def patients(world: World, count: int) -> list[Patient]:
    """Patients who enrolled before the weeks of these tests."""
    world.clock.set(MONDAY - timedelta(days=10))
    made = []
    for number in range(count):
        address = f"+1202555{1000 + number}"
        one = world.patient(address)
        PHONES[one.id] = address
        made.append(one)
    return made


def state(world: World) -> list[tuple[str, str]]:
    world.session.expire_all()
    return [(row.state, row.ended) for row in versions(world.session)]


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        (datetime(2026, 2, 25, tzinfo=UTC), date(2026, 2, 16)),
        (datetime(2026, 2, 24, 23, tzinfo=UTC), date(2026, 2, 9)),
        (datetime(2026, 3, 3, 23, tzinfo=UTC), date(2026, 2, 16)),
        (datetime(2026, 3, 4, 0, tzinfo=UTC), date(2026, 2, 23)),
    ],
)
def test_a_week_is_ripe_two_days_after_its_end(now: datetime, monday: date):
    assert monitor.ripe(now) == monday


def test_a_model_that_is_wrong_is_out_of_use_in_the_same_tick_and_the_one_before_answers(world: World):
    """24 lows in a week of which 2.4 were expected."""
    for patient in patients(world, 4):
        for day in range(6):
            said(world, patient, MONDAY + timedelta(days=day), 0.1, True)
    world.clock.set(RIPE)
    assert state(world) == [("retired", "replaced"), ("active", "")]
    found = job("monitor").run(world.session, world.rt)
    assert (found.claimed, found.done) == (1, 1)
    assert state(world) == [("active", ""), ("retired", "alarm")]
    (_, newer) = versions(world.session)
    (week,) = reviews(world.session, newer.id, "all")
    assert (week.week, week.alarms) == (date(2026, 2, 16), ["observed-expected"])
    figures = week.figures
    assert (figures["n"], figures["observed"]) == (24, 24)
    assert figures["expected"] == pytest.approx(2.4)
    assert figures["up"] >= LIMIT
    groups = {one.group for one in world.all(ModelReview)}
    assert groups == {"all", f"site:{world.clinic.team.id}", "age:65-and-over", "language:en"}
    again = job("monitor").run(world.session, world.rt)
    assert len(reviews(world.session, newer.id, "all")) == 1
    assert again.done == 1  # the version that is back
    assert job("monitor").run(world.session, world.rt).done == 0


def test_a_model_that_is_right_stays_and_what_is_not_known_counts_for_nothing(world: World):
    for number, patient in enumerate(patients(world, 4)):
        for day in range(5):
            said(world, patient, MONDAY + timedelta(days=day), 0.25, None if day == 4 else number == day)
    world.clock.set(RIPE)
    job("monitor").run(world.session, world.rt)
    assert state(world) == [("retired", "replaced"), ("active", "")]
    (week,) = reviews(world.session, versions(world.session)[1].id, "all")
    assert week.alarms == []
    assert (week.figures["n"], week.figures["observed"]) == (16, 4)
    assert week.figures["ratio"] == 1.0


def test_a_model_in_the_shadow_is_watched_and_nothing_is_ended(world: World):
    third = models.register(world.session, world.rt, world.clinic.admin, shipment("3.0.0"))
    let_in(world.session, world.rt, world.clinic, third, "shadow")
    people = patients(world, 4)
    world.with_model(lambda name, *_: Assessment(MODEL, name, 0.02, "low", None, (), (), (), ()))
    for day in range(6):
        world.clock.set(MONDAY + timedelta(days=day))
        for patient in people:
            world.tell("glucose 65", sender=phone(patient))
    world.clock.set(RIPE)
    monitor.review_due(world.session, RIPE)
    (week,) = reviews(world.session, third.id, "all")
    assert week.alarms == ["observed-expected"]
    assert state(world)[-1] == ("shadow", "")


def test_precision_is_what_nurses_made_of_the_alerts(world: World):
    outcomes = ["acted", "false-alarm", "could-not-reach", "no-action-needed", "phoned", None]
    people = patients(world, len(outcomes))
    world.clock.set(MONDAY)
    world.with_model(quiet_of("2" * 64))
    for patient, outcome in zip(people, outcomes, strict=True):
        world.tell("glucose 120", sender=phone(patient))
        (alert,) = world.escalations(patient)
        if outcome:
            escalations.accept(world.session, world.rt, world.clinic.nurse, alert.id)
            escalations.complete(world.session, world.rt, world.clinic.nurse, alert.id, outcome)
    monitor.review_due(world.session, RIPE)
    (week,) = reviews(world.session, versions(world.session)[1].id, "all")
    found = week.figures
    assert (found["alerts"], found["judged"], found["right"], found["precision"]) == (6, 4, 2, 0.5)


def quiet_of(sha: str) -> Any:
    return lambda *_: Assessment(MODEL, sha, 0.7, "high", "routine", (), (), (), ())


def test_capacity_moves_routine_alerts_and_what_is_ended_with_it(world: World):
    people = patients(world, 4)
    start = NOON - timedelta(days=20)
    for number, patient in enumerate(people):
        for day in range(7):
            said(world, patient, start + timedelta(days=day), 0.60 + number / 10 + day / 100, None)
    world.clock.set(NOON)
    team = world.clinic.team.id
    capacity.set_capacity(world.session, world.rt, world.clinic.admin, team, 0.25)  # 7 of 28 scores in 28 days
    (row,) = world.all(AlertThreshold)
    assert (row.threshold, row.floor, row.scores, row.evaluated) == (pytest.approx(0.90), None, 28, None)
    for risk, raised in ((0.89, 0), (0.90, 1)):
        world.clock.forward(hours=1)
        world.with_model(lambda *_, risk=risk: Assessment(MODEL, "2" * 64, risk, "high", "routine", (), (), (), ()))
        world.tell("glucose 120", sender=phone(people[0]))
        assert len(world.escalations(people[0])) == raised
    assert capacity.settle_due(world.session, world.clock.now).done == 0
    assert capacity.settle_due(world.session, world.clock.forward(days=7)).done == 1
    capacity.set_capacity(world.session, world.rt, world.clinic.admin, team, None)
    assert world.all(AlertThreshold)[-1].threshold == 0.6


def test_the_floor_brings_the_threshold_below_the_bands(world: World):
    for number, patient in enumerate(patients(world, 9)):
        said(world, patient, NOON - timedelta(days=10), 0.2 + number / 100, True)
    world.clock.set(NOON)
    capacity.set_capacity(world.session, world.rt, world.clinic.admin, world.clinic.team.id, 0.1)
    (row,) = world.all(AlertThreshold)
    assert (row.threshold, row.floor) == (pytest.approx(0.21), pytest.approx(0.21))


def test_only_an_administrator_says_what_a_team_can_carry(world: World):
    team = world.clinic.team.id
    with pytest.raises(NotAllowed):
        capacity.set_capacity(world.session, world.rt, world.clinic.nurse, team, 5)
    with pytest.raises(NotFound):
        capacity.set_capacity(world.session, world.rt, world.clinic.admin, world.clinic.admin.id, 5)
    for wrong in (0, -1, float("nan"), 1e6):
        with pytest.raises(Invalid):
            capacity.set_capacity(world.session, world.rt, world.clinic.admin, team, wrong)


def test_no_version_that_was_not_let_in_has_a_threshold(session: Session, rt: Runtime, clinic: Clinic):
    models.register_shipped(session, rt.now(), [shipment(blocked=("slope",), routine_from=0.6)])
    capacity.set_capacity(session, rt, clinic.admin, clinic.team.id, 5)
    assert session.query(AlertThreshold).all() == []
    assert session.query(RiskAssessment).all() == []
