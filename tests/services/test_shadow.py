"""A model in the shadow, whatever it says, sends no message, raises no alarm and moves nobody on the worklist."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from care.domain.assessment import Assessment
from care.domain.measure import Measure
from care.errors import AssessmentError
from care.records.communications import Communication
from care.records.escalations import EscalationLink
from care.records.risk_assessments import RiskAssessment
from care.runtime import Runtime
from care.services import models
from tests.conftest import Clinic, Clock
from tests.services.test_models import MODEL, let_in, shipment
from tests.services.world import World, make_world

ACTIVE, SHADOW = "1" * 64, "2" * 64
Says = Callable[[str], Assessment]


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def says(risk: float, band: str, priority: str | None, sha256: str) -> Assessment:
    return Assessment(MODEL, sha256, risk, band, priority, (), (), (), ())


def asked(shadow: Says) -> Callable[..., Assessment]:
    """An active version that asks for nothing, and one in the shadow."""

    def assess(name: str, measures: Sequence[Measure], at: datetime, zone: str, before: Any = None) -> Assessment:
        return shadow(name) if name == SHADOW else says(0.1, "low", None, name)

    return assess


def in_shadow(world: World) -> None:
    models.register_shipped(world.session, world.now, [shipment()])
    row = models.register(world.session, world.rt, world.clinic.admin, shipment("2.0.0"))
    let_in(world.session, world.rt, world.clinic, row, "shadow")


def told(world: World) -> tuple[Any, ...]:
    """All that anybody could notice."""
    return (
        [(row.cause, row.priority, row.status) for row in world.escalations()],
        len(world.all(EscalationLink)),
        [(row.purpose, row.direction) for row in world.all(Communication)],
    )


def test_whatever_the_shadow_says_nobody_hears_it(world: World):
    """Random answers of the shadow, among them the worst and no answer at all: all else is as without it."""
    chance = random.Random(6)

    def loud(name: str) -> Assessment:
        kind = chance.randrange(4)
        if kind == 0:
            raise AssessmentError("graph-output", "no")
        if kind == 1:
            raise ZeroDivisionError
        return says(chance.choice([0.0, 0.5, 1.0, float("nan")]), "high", chance.choice(["stat", "urgent", None]), name)

    in_shadow(world)
    world.with_model(asked(loud))
    world.patient()
    for value in [110, 120, 60, 130, 105, 52, 115, 140, 118, 122] * 2:
        before = told(world)
        world.clock.forward(hours=3)
        world.say(f"glucose {value}")
        said = world.all(Communication)
        world.score()
        escalations, links, _ = told(world)
        if value >= 70:
            assert (escalations, links) == before[:2]
            assert len(world.all(Communication)) == len(said)
    rows = world.all(RiskAssessment)
    shadows = [row for row in rows if row.mode == "shadow"]
    assert len(shadows) == len(rows) / 2 == 20
    assert {link.assessment_id for link in world.all(EscalationLink)}.isdisjoint({row.id for row in shadows})
    assert not any(row.cause in (MODEL, "unscorable") for row in world.escalations())


def test_the_same_words_from_a_version_that_was_let_in_are_heard(world: World):
    in_shadow(world)
    world.with_model(asked(lambda name: says(0.9, "high", "routine", name)))
    patient = world.patient()
    world.tell("glucose 120")
    assert world.escalations(patient) == []
    row = next(one for one in models.versions(world.session) if one.version == "2.0.0")
    for staff in (world.clinic.clinician, world.clinic.admin):
        models.approve(world.session, world.rt, staff, row.id, "canary", [world.clinic.team.id])
    world.clock.forward(hours=2)
    world.tell("glucose 121")
    assert [one.cause for one in world.escalations(patient)] == [MODEL]


def test_after_a_model_is_ended_its_reports_are_a_nurses_task(world: World):
    in_shadow(world)
    world.with_model(asked(lambda name: says(0.9, "high", "routine", name)))
    patient = world.patient()
    (active, _) = models.versions(world.session)
    models.kill(world.session, world.rt, world.clinic.admin, active.id, "wrong")
    world.tell("glucose 120")
    assert [one.cause for one in world.escalations(patient)] == ["unscorable"]
