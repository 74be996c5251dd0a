"""Silent patients from rows: each cause as the glossary has it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from care.domain.silence import Cause
from care.errors import Invalid, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.care_plans import active_plans
from care.records.communications import Communication
from care.records.flags import Flag
from care.records.patients import ContactPoint, Patient
from care.records.silent import silent
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import reminders
from care.services.pauses import pause_plan
from care.services.silences import mark, unmark
from tests.conftest import Clinic, Clock
from tests.services.world import HEART, World, make_world

PHONE = "+12025550101"


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


@pytest.fixture
def patient(world: World) -> Patient:
    return world.patient(PHONE, HEART)


def days_pass(world: World, days: int = 4) -> None:
    """Reminders leave, nobody answers."""
    for _ in range(days * 8):
        world.clock.forward(hours=3)
        reminders.send_due(world.session, world.rt, world.now)


def causes(world: World) -> list[Cause]:
    world.session.expire_all()
    return [one.cause for one in silent(world.session, world.clinic.nurse, world.now)]


def deliver(world: World, delivery: str) -> None:
    world.session.execute(update(Communication).where(Communication.purpose == "reminder").values(delivery=delivery))
    world.session.commit()


def test_who_was_only_just_asked_is_not_silent(world: World, patient: Patient) -> None:
    days_pass(world, 1)
    assert causes(world) == []


@pytest.mark.parametrize(
    ("delivery", "cause"),
    [
        ("delivered", Cause.UNREAD),
        ("sent", Cause.UNREAD),
        ("sent-unconfirmed", Cause.UNDELIVERED),
        ("failed", Cause.UNDELIVERED),
        ("unknown", Cause.UNDELIVERED),
    ],
)
def test_what_arrived_is_unread_and_what_is_not_known_to_have_is_undelivered(
    world: World, patient: Patient, delivery: str, cause: Cause
) -> None:
    days_pass(world)
    deliver(world, delivery)
    (one,) = silent(world.session, world.clinic.nurse, world.now)
    assert (one.cause, one.patient_id, one.last_report) == (cause, patient.id, None)
    assert one.missed >= 2


def test_a_text_without_a_report_is_partial_and_a_report_ends_it(world: World, patient: Patient) -> None:
    days_pass(world)
    deliver(world, "delivered")
    world.say("I am fine, thank you for asking")
    assert causes(world) == [Cause.PARTIAL]


def test_opted_out_stands_before_all_and_a_dead_address_is_undelivered(world: World, patient: Patient) -> None:
    days_pass(world)
    world.session.execute(update(ContactPoint).values(status="failed"))
    world.session.commit()
    deliver(world, "failed")
    assert causes(world) == [Cause.UNDELIVERED]
    mark(world.session, world.rt, world.clinic.nurse, patient.id, "admitted")
    world.session.execute(update(ContactPoint).values(status="active"))
    world.session.commit()
    world.say("STOP")
    assert causes(world) == [Cause.OPTED_OUT]


def test_who_rests_is_paused_even_without_a_question_missed(world: World, patient: Patient) -> None:
    (plan,) = active_plans(world.session, patient.id)
    pause_plan(world.session, world.rt, world.clinic.nurse, plan.id, None, "on a journey")
    assert causes(world) == [Cause.PAUSED]


def test_what_staff_write_down_holds_until_they_say_that_it_is_over(world: World, patient: Patient) -> None:
    nurse = world.clinic.nurse
    for cause in (Cause.REFUSED, Cause.ADMITTED):
        mark(world.session, world.rt, nurse, patient.id, cause.value)
        mark(world.session, world.rt, nurse, patient.id, cause.value)
        assert causes(world) == [cause]
        unmark(world.session, world.rt, nurse, patient.id, cause.value)
        unmark(world.session, world.rt, nurse, patient.id, cause.value)
        assert causes(world) == []
    assert [flag.status for flag in world.all(Flag)] == ["inactive", "inactive"]
    acts = [event.action for event in world.all(AuditEvent) if event.action.startswith("silence.")]
    assert acts == ["silence.mark", "silence.unmark"] * 2


def test_only_what_a_person_can_know_is_marked_and_only_by_the_team(world: World, patient: Patient) -> None:
    with pytest.raises(Invalid):
        mark(world.session, world.rt, world.clinic.nurse, patient.id, "unread")
    with pytest.raises(NotFound):
        mark(world.session, world.rt, world.clinic.other_nurse, patient.id, "admitted")
    with pytest.raises(NotAllowed):
        unmark(world.session, world.rt, world.clinic.admin, patient.id, "admitted")
    assert silent(world.session, world.clinic.other_nurse, world.now) == []


def test_who_is_quiet_longest_comes_first_and_an_answer_ends_it(world: World, patient: Patient) -> None:
    other = world.patient("+12025550102", HEART)
    days_pass(world)
    assert [one.patient_id for one in silent(world.session, world.clinic.nurse, world.now)] == sorted(
        [patient.id, other.id]
    )
    world.session.execute(
        update(Task)
        .where(Task.patient_id == other.id, Task.status == "failed")
        .values(due_at=world.now - timedelta(90))
    )
    world.session.commit()
    assert [one.patient_id for one in silent(world.session, world.clinic.nurse, world.now)] == [patient.id]
