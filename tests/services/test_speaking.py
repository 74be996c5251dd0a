"""Speaking: another language by text, a pause over night, messages that fit the channel, the patient's own page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.message import Capabilities
from care.domain.segments import size
from care.domain.turn import Talk
from care.records.audit_events import AuditEvent
from care.records.conversations import conversation_of
from care.records.observations import Observation
from care.records.patients import Patient
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import reminders
from care.services.patients import chose_language
from care.services.speaking import page
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.world import HEART, World, make_world


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic, sms: FakeChannel) -> World:
    sms.capabilities = Capabilities(receipts=True, segments=3)
    return make_world(session, rt, clock, clinic)


def at_the_first_reminder(world: World, patient: Patient) -> str:
    """The clock at the next due task, its reminder queued; its words."""
    due = select(Task.due_at).where(Task.patient_id == patient.id, Task.due_at > world.now).order_by(Task.due_at)
    world.clock.set(world.session.scalars(due).first())
    reminders.send_due(world.session, world.rt, world.now)
    return world.words(*world.out())[-1]


def talk(world: World, patient: Patient) -> Talk:
    world.session.expire_all()
    row = conversation_of(world.session, patient.id)
    return Talk.from_json(row.state if row else None)


def test_a_language_chosen_by_text_is_the_patients_from_then_on_and_audited(world: World) -> None:
    patient = world.patient(protocol=HEART)
    at_the_first_reminder(world, patient)
    world.say("71.5 kg", "中文")
    assert "您" in world.words(*world.out())[-1]
    assert set(talk(world, patient).answers) == {"weight"}
    world.session.expire_all()
    assert world.session.get_one(Patient, patient.id).language == "zh-Hans"
    event = world.session.scalars(select(AuditEvent).where(AuditEvent.action == "patient.language")).one()
    assert (event.agent_kind, event.agent_id, event.entity_id) == ("patient", patient.id, patient.id)
    assert event.detail == {"language": "zh-Hans"}
    assert "Care：" in at_the_first_reminder(world, patient)


def test_an_unknown_language_is_refused(world: World) -> None:
    patient = world.patient()
    with pytest.raises(Exception, match="one of"):
        chose_language(world.session, world.now, patient, "tlh")


def test_a_form_that_was_put_off_is_asked_again_by_the_next_reminder_where_it_stopped(world: World) -> None:
    patient = world.patient(protocol=HEART)
    at_the_first_reminder(world, patient)
    world.say("71.5 kg", "later")
    assert talk(world, patient).status == "paused"
    world.clock.forward(hours=5)
    reminders.send_due(world.session, world.rt, world.now)
    assert "2/3" not in world.words(*world.out())[-1], "a lock screen shows it"
    world.say("OK")
    assert "2/3" in world.words(*world.out())[-1]
    world.say("at rest", "no")
    assert talk(world, patient) == Talk.idle()
    weights = [row.value for row in world.all(Observation) if row.code == "29463-7"]
    assert weights == [71.5]


def test_a_corrected_value_is_reported_once_and_as_it_was_corrected(world: World) -> None:
    patient = world.patient(protocol=HEART)
    at_the_first_reminder(world, patient)
    world.say("75.1 kg", "change", "71.5 kg", "at rest", "no")
    assert [row.value for row in world.all(Observation) if row.code == "29463-7"] == [71.5]


def test_no_message_of_a_conversation_is_longer_than_three_parts_on_sms(world: World) -> None:
    patient = world.patient(protocol=HEART, language="zh-Hant")
    at_the_first_reminder(world, patient)
    world.say("?", "150", "71.5 公斤", "幫助", "改", "跳過", "1", "冇")
    assert all(size(words).segments <= 3 for words in world.words(*world.out()))


def test_a_pause_names_the_patients_page_where_there_is_one(world: World) -> None:
    patient = world.patient(protocol=HEART)
    at_the_first_reminder(world, patient)
    world.say("later")
    assert "http" not in world.words(*world.out())[-1]
    world.rt = replace(world.rt, public_url="https://care.example.org/")
    world.say("continue", "later")
    assert world.words(*world.out())[-1].endswith("https://care.example.org/me")


@pytest.mark.parametrize(
    ("public", "expected"),
    [
        ("https://care.example.org", "https://care.example.org/me"),
        ("https://care.example.org:8443/", "https://care.example.org:8443/me"),
        ("http://127.0.0.1:8000", ""),
        ("http://localhost:8000", ""),
        ("http://[::1]:8000", ""),
        ("", ""),
    ],
)
def test_a_page_that_no_phone_can_reach_is_not_offered(public: str, expected: str) -> None:
    assert page(public) == expected
