"""Pauses: a plan rests and goes on, by itself or by hand, and asks nothing meanwhile."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.errors import Conflict, Invalid, NotFound
from care.records.audit_events import AuditEvent
from care.records.care_plans import CarePlan
from care.records.definitions import Definition
from care.records.patients import Patient
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import patients, pauses, plans, reminders
from tests.conftest import Clinic, Clock
from tests.services.world import World, make_world


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def plan_of(world: World, patient: Patient) -> CarePlan:
    return next(one for one in world.all(CarePlan) if one.patient_id == patient.id)


def open_tasks(world: World) -> list[Task]:
    return [one for one in world.all(Task) if one.status in ("ready", "in-progress")]


def remind(world: World) -> int:
    """What is due now is asked."""
    before = len(world.out(Purpose.REMINDER))
    while reminders.send_due(world.session, world.rt, world.now).claimed:
        pass
    return len(world.out(Purpose.REMINDER)) - before


def test_a_paused_plan_asks_nothing_until_its_day_and_then_goes_on(world: World):
    patient = world.patient()
    nurse, until = world.clinic.nurse, world.now.date() + timedelta(days=12)
    row = pauses.pause_plan(world.session, world.rt, nurse, plan_of(world, patient).id, until, "in  hospital")
    assert (row.status, row.pause_reason, open_tasks(world)) == ("on-hold", "in hospital", [])
    for _ in range(11):
        world.clock.forward(days=1)
        plans.expand_due(world.session, world.rt, world.now)
        assert remind(world) == 0
    world.clock.forward(days=1)
    assert plans.expand_due(world.session, world.rt, world.now).done == 1
    row = plan_of(world, patient)
    assert (row.status, row.paused_until, row.pause_reason_sealed) == ("active", None, None)
    written = open_tasks(world)
    assert written and min(task.due_at for task in written) >= world.now - timedelta(days=1)
    world.clock.forward(days=1)
    assert remind(world) > 0


def test_resuming_early_brings_back_what_is_to_come(world: World):
    patient = world.patient()
    before = {task.id for task in open_tasks(world) if task.due_at > world.now}
    plan = plan_of(world, patient)
    pauses.pause_plan(world.session, world.rt, world.clinic.nurse, plan.id, None, "on a journey")
    assert plan_of(world, patient).expand_at is None
    pauses.resume_plan(world.session, world.rt, world.clinic.nurse, plan.id)
    assert before <= {task.id for task in open_tasks(world)}
    assert len({(t.action_id, t.nominal) for t in world.all(Task)}) == len(world.all(Task))


def test_a_change_of_zone_wakes_no_plan_that_rests(world: World):
    patient = world.patient()
    plan = plan_of(world, patient)
    pauses.pause_plan(world.session, world.rt, world.clinic.nurse, plan.id, None, "on a journey")
    patients.set_time_zone(world.session, world.rt, world.clinic.nurse, patient.id, "Asia/Shanghai")
    assert open_tasks(world) == []


def test_what_was_asked_is_taken_back_and_texts_are_still_read(world: World):
    patient = world.patient()
    world.clock.forward(days=1)
    remind(world)
    pauses.pause_plan(world.session, world.rt, world.clinic.nurse, plan_of(world, patient).id, None, "admitted")
    world.say("I have chest pain")
    assert any(one.priority == "stat" for one in world.escalations(patient))


@pytest.mark.parametrize("days", [0, -1, 400])
def test_a_pause_ends_on_a_day_to_come(world: World, days: int):
    plan = plan_of(world, world.patient())
    with pytest.raises(Invalid):
        pauses.pause_plan(
            world.session, world.rt, world.clinic.nurse, plan.id, world.now.date() + timedelta(days=days), "away"
        )


def test_a_pause_has_a_reason(world: World):
    plan = plan_of(world, world.patient())
    with pytest.raises(Invalid):
        pauses.pause_plan(world.session, world.rt, world.clinic.nurse, plan.id, date(2026, 3, 20), "  \n ")


def test_a_plan_is_paused_once_and_resumed_once(world: World):
    plan = plan_of(world, world.patient())
    with pytest.raises(Conflict):
        pauses.resume_plan(world.session, world.rt, world.clinic.nurse, plan.id)
    pauses.pause_plan(world.session, world.rt, world.clinic.nurse, plan.id, None, "away")
    with pytest.raises(Conflict):
        pauses.pause_plan(world.session, world.rt, world.clinic.nurse, plan.id, None, "away")
    plans.stop_plan(world.session, world.rt, world.clinic.nurse, plan.id)
    with pytest.raises(Conflict):
        pauses.resume_plan(world.session, world.rt, world.clinic.nurse, plan.id)


def test_another_team_pauses_nothing(world: World):
    plan = plan_of(world, world.patient())
    with pytest.raises(NotFound):
        pauses.pause_plan(world.session, world.rt, world.clinic.other_nurse, plan.id, None, "away")
    with pytest.raises(NotFound):
        pauses.resume_plan(world.session, world.rt, world.clinic.other_nurse, plan.id)


def test_both_are_audited_and_the_reason_is_not_in_it(world: World):
    plan = plan_of(world, world.patient())
    pauses.pause_plan(world.session, world.rt, world.clinic.nurse, plan.id, None, "a private matter")
    pauses.resume_plan(world.session, world.rt, world.clinic.nurse, plan.id)
    found = [event for event in world.all(AuditEvent) if event.action.startswith("care-plan.")]
    assert [event.action for event in found] == ["care-plan.start", "care-plan.pause", "care-plan.resume"]
    assert "private" not in str([event.detail for event in found])


def test_another_version_of_its_protocol_does_not_wake_a_plan(world: World):
    patient = world.patient()
    plan = plan_of(world, patient)
    canonical = world.session.get_one(Definition, plan.definition_id).canonical
    pauses.pause_plan(world.session, world.rt, world.clinic.nurse, plan.id, None, "in hospital")
    with pytest.raises(Conflict, match="pauses"):
        plans.migrate_plan(world.session, world.rt, world.clinic.nurse, plan.id, canonical)
    world.session.rollback()
    assert (plan_of(world, patient).status, open_tasks(world)) == ("on-hold", [])
