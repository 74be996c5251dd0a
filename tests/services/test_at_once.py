"""What an answer says at once: a thought of self-harm in a form that is not finished wakes somebody already."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.questionnaire import Answers, Questionnaire
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import content, takeovers
from care.services.at_once import alarms_at_once
from tests.conftest import Clinic, Clock
from tests.services.world import HEART, World, make_world

PHQ9 = "https://care.invalid/fhir/Questionnaire/phq-9|1.0.0"
ZEROS = ("1",) * 8  # "not at all" is the first choice


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def asked_the_phq_9(world: World) -> None:
    """A patient with one open task, the PHQ-9, who has begun it."""
    world.patient(protocol=HEART)
    first = world.session.scalars(select(Task.id).order_by(Task.due_at)).first()
    world.session.execute(update(Task).where(Task.id != first).values(status="cancelled", remind_at=None))
    open_now = {"questionnaire": PHQ9, "due_at": world.now, "opens_at": None, "closes_at": None, "remind_at": None}
    open_now["expires_at"] = world.now + timedelta(hours=12)
    world.session.execute(update(Task).where(Task.id == first).values(**open_now))
    world.session.commit()
    world.session.expire_all()
    world.say("start")


def causes(world: World) -> list[tuple[str, str, str]]:
    return [(one.cause, one.priority, one.reason) for one in world.escalations()]


def test_the_answer_wakes_somebody_before_the_form_is_handed_in(world: World) -> None:
    asked_the_phq_9(world)
    world.say(*ZEROS)
    assert causes(world) == []
    world.say("2")
    assert causes(world) == [("crisis", "stat", "self-harm-answer")]
    assert [one.communication_id for one in world.links()] == [world.texts_in()[-1].id]
    (row,) = world.escalations()
    assert row.page_at is not None
    assert row.page_at <= world.now


def test_handing_it_in_raises_no_second_one(world: World) -> None:
    asked_the_phq_9(world)
    world.say(*ZEROS, "2")
    assert world.out(Purpose.EMERGENCY) == []
    world.say("1")  # how hard it has made things: the last question
    world.score()
    assert causes(world) == [("crisis", "stat", "self-harm-answer")]
    assert [one.response_id is not None for one in world.links()] == [False, True]
    assert len(world.out(Purpose.EMERGENCY)) == 1


def test_it_is_raised_once_whatever_is_said_after_it(world: World) -> None:
    asked_the_phq_9(world)
    world.say(*ZEROS, "2", "hello?", "HELP")
    assert [one.reason for one in world.links() if one.priority == "stat"] == ["self-harm-answer"]


def test_what_is_taken_back_stays_with_whoever_was_woken(world: World) -> None:
    asked_the_phq_9(world)
    world.say(*ZEROS, "2", "back", "1")
    assert causes(world) == [("crisis", "stat", "self-harm-answer")]
    assert [one.status for one in world.escalations()] == ["requested"]


def test_while_a_person_has_the_conversation_it_is_a_persons_at_once(world: World) -> None:
    asked_the_phq_9(world)
    world.say(*ZEROS)
    (patient_id,) = {text.patient_id for text in world.texts_in()}
    assert patient_id is not None
    takeovers.take_over(world.session, world.rt, world.clinic.nurse, patient_id, 8)
    world.say("1")  # not at all: it waits for whoever writes with them
    assert causes(world) == []
    world.say("3")
    assert causes(world) == [("needs-person", "urgent", "asked-for-person")]
    takeovers.hand_back(world.session, world.rt, world.clinic.nurse, patient_id)
    world.say("1")  # the bot's question is still open, and what was said meanwhile is no answer to it
    assert {cause for cause, _, _ in causes(world)} == {"needs-person"}


def test_not_at_all_wakes_nobody(world: World) -> None:
    asked_the_phq_9(world)
    world.say(*ZEROS, "1")
    assert causes(world) == []


def answers(form: Questionnaire, *ordinals: int) -> Answers:
    items = [item for item in form.questions if item.options][: len(ordinals)]
    return {
        item.link_id: (next(one for one in item.options if one.ordinal == wanted).answer(),)
        for item, wanted in zip(items, ordinals, strict=True)
    }


def test_only_what_is_new_and_stat_is_told(world: World) -> None:
    form = content.questionnaire(world.session, PHQ9)
    before, after = answers(form, *[3] * 8), answers(form, *[3] * 8, 1)
    (alarm,) = alarms_at_once(world.session, form, before, after, world.now)
    assert (alarm.cause, alarm.priority.value, alarm.source) == ("crisis", "stat", "rule")
    assert alarms_at_once(world.session, form, {}, before, world.now) == ()
    assert alarms_at_once(world.session, form, after, after, world.now) == ()
