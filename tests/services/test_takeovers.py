"""Take-overs: the bot is silent while a person writes, danger and STOP act as ever, and nobody is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from care.domain.codes import Purpose, Role
from care.domain.people import Staff
from care.errors import Conflict, Invalid, NotFound
from care.records.audit_events import AuditEvent
from care.records.ids import new_id
from care.records.practitioners import Practitioner
from care.records.takeovers import TakeOver, take_over_of
from care.runtime import Runtime
from care.services import escalations, takeovers
from care.services.locks import wait_for_patient
from tests.conftest import Clinic, Clock
from tests.services.world import World, make_world


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def replies(world: World) -> list[str]:
    return world.words(*world.out(Purpose.REPLY), *world.out(Purpose.QUESTION))


def colleague(world: World) -> Staff:
    """Another nurse of the same team."""
    nurse = world.clinic.nurse
    row = Practitioner(
        organization_id=nurse.organization_id,
        care_team_id=nurse.care_team_id,
        username="nurse-second",
        name="Second Nurse",
        role=Role.NURSE.value,
        active=True,
        password_hash="-",
        page_channel="console",
        created_at=world.now,
    )
    world.session.add(row)
    world.session.commit()
    return replace(nurse, id=row.id, name=row.name)


def test_a_free_text_waits_and_the_bot_says_nothing(world: World):
    patient = world.patient()
    takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 2)
    world.say("I am not sure about my new tablets")
    assert replies(world) == []
    assert [text.waits_since for text in world.texts_in()] == [world.now]
    assert world.escalations(patient) == []


def test_without_it_the_bot_answers(world: World):
    world.patient()
    world.say("I am not sure about my new tablets")
    assert replies(world) != []


@pytest.mark.parametrize("words, cause", [("I have chest pain", "red-flag"), ("STOP", "opted-out")])
def test_danger_and_stop_act_as_ever(world: World, words: str, cause: str):
    patient = world.patient()
    takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 2)
    world.say(words)
    found = world.escalations(patient)
    assert found and any(cause in one.cause for one in found), [one.cause for one in found]
    assert world.out(Purpose.EMERGENCY) or world.out(Purpose.CONFIRMATION)


def test_a_reading_that_nobody_judges_does_not_wait_for_the_end(world: World):
    patient = world.patient()
    takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 2)
    world.say("glucose 48 before breakfast")
    assert [(one.cause, one.priority) for one in world.escalations(patient)] == [("needs-person", "urgent")]
    assert replies(world) == []


def test_what_waits_when_the_time_is_over_stands_on_the_worklist_and_the_bot_answers_again(world: World):
    patient = world.patient()
    takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 1)
    world.say("I am not sure about my new tablets")
    world.clock.forward(minutes=59)
    assert takeovers.run_out_due(world.session, world.rt, world.now).done == 0
    world.clock.forward(minutes=2)
    assert takeovers.run_out_due(world.session, world.rt, world.now).done == 1
    assert take_over_of(world.session, patient.id) is None
    assert [one.cause for one in world.escalations(patient)] == ["needs-person"]
    world.say("Hello?")
    assert replies(world) != []
    assert takeovers.run_out_due(world.session, world.rt, world.now).claimed == 0


def test_handing_back_leaves_no_answered_text_behind(world: World):
    patient = world.patient()
    nurse = world.clinic.nurse
    takeovers.take_over(world.session, world.rt, nurse, patient.id, 1)
    world.say("I am not sure about my new tablets")
    escalations.message(world.session, world.rt, nurse, patient.id, "Take one a day, please.")
    assert takeovers.hand_back(world.session, world.rt, nurse, patient.id) == 0
    assert world.escalations(patient) == []
    with pytest.raises(Conflict):
        takeovers.hand_back(world.session, world.rt, nurse, patient.id)


def test_a_text_that_nobody_answered_is_raised_when_it_is_handed_back(world: World):
    patient = world.patient()
    takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 1)
    world.say("I am not sure about my new tablets")
    assert takeovers.hand_back(world.session, world.rt, world.clinic.nurse, patient.id) == 1
    assert [one.cause for one in world.escalations(patient)] == ["needs-person"]


def test_the_slower_of_two_is_told_who_has_it_and_may_take_it_on(world: World):
    patient = world.patient()
    first = takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 1)
    second = colleague(world)
    with pytest.raises(Conflict) as told:
        takeovers.take_over(world.session, world.rt, second, patient.id, 1)
    assert told.value.detail["owner_name"]
    taken = takeovers.take_over(world.session, world.rt, second, patient.id, 1, instead_of=first.id)
    world.session.refresh(first)
    assert (first.ended_as, taken.practitioner_id) == ("taken-on", second.id)
    assert len(world.all(TakeOver)) == 2


def test_who_has_it_has_it_for_longer(world: World):
    patient = world.patient()
    takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 1)
    world.clock.forward(minutes=30)
    row = takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 4)
    assert row.ends_at == world.now + timedelta(hours=4)
    assert len(world.all(TakeOver)) == 1


def test_only_the_times_that_are_offered_and_only_the_own_team(world: World):
    patient = world.patient()
    with pytest.raises(Invalid):
        takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 100)
    with pytest.raises(NotFound):
        takeovers.take_over(world.session, world.rt, world.clinic.other_nurse, patient.id, 1)
    with pytest.raises(NotFound):
        takeovers.hand_back(world.session, world.rt, world.clinic.other_nurse, patient.id)


def test_every_step_is_audited(world: World):
    patient = world.patient()
    takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 1)
    takeovers.hand_back(world.session, world.rt, world.clinic.nurse, patient.id)
    takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 1)
    world.clock.forward(hours=2)
    takeovers.run_out_due(world.session, world.rt, world.now)
    found = [event.action for event in world.all(AuditEvent) if event.entity == "take_over"]
    assert sorted(found) == [
        "conversation.hand-back",
        "conversation.run-out",
        "conversation.take-over",
        "conversation.take-over",
    ]


def test_a_text_that_a_colleague_left_is_raised_at_the_end_of_whoever_took_it_on(world: World):
    patient = world.patient()
    first = takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 1)
    world.say("I am not sure about my new tablets")
    world.clock.forward(minutes=5)
    second = colleague(world)
    takeovers.take_over(world.session, world.rt, second, patient.id, 1, instead_of=first.id)
    world.clock.forward(minutes=5)
    assert takeovers.hand_back(world.session, world.rt, second, patient.id) == 1
    assert [one.cause for one in world.escalations(patient)] == ["needs-person"]


def test_a_text_that_came_before_it_was_taken_over_and_was_read_after_is_raised(world: World):
    patient = world.patient()
    world.receive("I am not sure about my new tablets")
    world.clock.forward(seconds=1)
    takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 1)
    world.take()
    assert [text.waits_since for text in world.texts_in()] == [world.now]
    assert takeovers.hand_back(world.session, world.rt, world.clinic.nurse, patient.id) == 1
    assert [one.cause for one in world.escalations(patient)] == ["needs-person"]


def test_a_text_that_stands_on_the_worklist_already_is_not_raised_again(world: World):
    patient = world.patient()
    takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 1)
    world.say("I have chest pain")
    before = [one.cause for one in world.escalations(patient)]
    takeovers.hand_back(world.session, world.rt, world.clinic.nurse, patient.id)
    assert [one.cause for one in world.escalations(patient)] == before


def test_it_does_not_run_out_while_a_text_is_being_read(world: World, engine: Engine):
    patient = world.patient()
    takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient.id, 1)
    world.clock.forward(hours=1)
    with Session(engine) as reader:
        wait_for_patient(reader, patient.id)
        takeovers.run_out_due(world.session, world.rt, world.now)
        assert take_over_of(world.session, patient.id) is not None
    world.clock.forward(minutes=1)
    takeovers.run_out_due(world.session, world.rt, world.now)
    assert take_over_of(world.session, patient.id) is None


def test_a_text_that_came_while_the_answer_was_written_is_not_answered_by_it(world: World):
    patient = world.patient()
    nurse = world.clinic.nurse
    takeovers.take_over(world.session, world.rt, nurse, patient.id, 1)
    world.say("I am not sure about my new tablets")
    seen = world.now
    world.clock.forward(seconds=30)
    world.say("And one leg is thicker than the other")
    escalations.message(world.session, world.rt, nurse, patient.id, "Take one a day, please.", seen)
    assert [text.waits_since is None for text in world.texts_in()] == [True, False]
    assert takeovers.hand_back(world.session, world.rt, nurse, patient.id) == 1


def test_a_form_that_is_sent_twice_is_one_message(world: World):
    patient, once = world.patient(), new_id()
    for _ in range(2):
        escalations.message(world.session, world.rt, world.clinic.nurse, patient.id, "How are you?", None, once)
    assert len(world.out(Purpose.NURSE)) == 1
    assert [event.action for event in world.all(AuditEvent)].count("patient.message") == 1
