"""The journey: a form by text is put off, taken up again, corrected, answered in another language, and judged."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.records.observations import Observation
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import outbox, reminders, reports
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.test_scoring import quiet
from tests.services.world import HEART, World, make_world


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    made = make_world(session, rt, clock, clinic)
    made.with_model(quiet)
    return made


def tick(world: World) -> None:
    """What the scheduler does, once."""
    for job in (reminders.send_due, reports.score_due, outbox.deliver_due):
        job(world.session, world.rt, world.now)


def next_due(world: World, patient: Patient) -> None:
    due = select(Task.due_at).where(Task.patient_id == patient.id, Task.due_at > world.now).order_by(Task.due_at)
    world.clock.set(world.session.scalars(due).first())


def test_a_form_that_is_put_off_and_corrected_is_one_report_and_escalates(world: World, sms: FakeChannel) -> None:
    patient = world.patient(protocol=HEART)
    next_due(world, patient)
    tick(world)
    assert sms.sent[-1].text == "Care: you have questions to answer. Reply OK to begin."
    world.say("OK")
    tick(world)
    assert "1/3 What is your weight" in sms.sent[-1].text
    world.say("75.1 kg", "later")
    world.clock.set(world.now + timedelta(hours=5))
    tick(world)
    assert sms.sent[-1].text == "Care: your answers are still missing. Reply OK to go on."
    world.say("OK")
    tick(world)
    assert "2/3 How is your breathing" in sms.sent[-1].text
    world.say("change 1", "71.5 kg", "繁體")
    tick(world)
    assert "2/3 您今天呼吸如何" in sms.sent[-1].text
    world.say("4", "冇")
    tick(world)
    assert sms.sent[-1].text.startswith("謝謝")
    (report,) = world.all(QuestionnaireResponse)
    assert report.status == "completed"
    assert [row.value for row in world.all(Observation) if row.code == "29463-7"] == [71.5]
    (raised,) = world.escalations(patient)
    assert raised.status == "requested"
