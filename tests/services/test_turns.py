"""Turns: texts are taken in order, each kept or answered, and a bad one delays only itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.records.communications import Communication, contents
from care.records.consents import Consent
from care.records.conversations import Conversation
from care.records.dead_letters import DeadLetter
from care.records.observations import Observation
from care.records.patients import ContactPoint
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import inbox
from care.services.locks import lock_patients
from care.services.queue import ATTEMPTS
from tests.conftest import Clinic, Clock
from tests.services.world import DIARY, World, make_world


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def readings(world: World) -> list[tuple[str, float | None]]:
    found = select(Observation).order_by(Observation.at, Observation.recorded_at, Observation.id)
    return [(one.code, one.value) for one in world.session.scalars(found)]


def test_a_diary_entry_becomes_a_report_with_its_reading(world: World) -> None:
    patient = world.patient()
    world.say("glucose 100 before breakfast")
    (report,) = world.all(QuestionnaireResponse)
    (kept,) = world.texts_in()
    assert (report.patient_id, report.questionnaire, report.source) == (patient.id, DIARY, "text")
    assert (report.communication_id, report.score_at) == (kept.id, world.now)
    assert report.care_plan_id is not None
    (reading,) = world.all(Observation)
    assert (reading.code, reading.value, reading.unit, reading.context) == ("2339-0", 100, "mg/dL", "before-breakfast")
    assert [one.purpose for one in world.out()] == ["reply"]
    assert "100" in world.words(*world.out())[0]


def test_an_entry_is_true_when_it_says_and_known_when_it_came(world: World) -> None:
    world.patient()
    world.say("03-01-2026 9:09 glucose 100")
    (reading,) = world.all(Observation)
    assert reading.at.isoformat() == "2026-03-01T09:09:00+00:00"
    assert reading.recorded_at == world.now


def test_equal_lines_are_separate_entries(world: World) -> None:
    world.patient()
    texts = [world.incoming("03-01-2026 9:09 glucose 58") for _ in range(2)]
    inbox.receive_many(world.session, world.rt, texts)
    world.take()
    assert readings(world) == [("2339-0", 58), ("2339-0", 58)]


def test_full_width_digits_are_read(world: World) -> None:
    world.patient(language="zh-Hans", glucose_unit="mmol/L")
    world.say("血糖３．２ 早餐前")
    (reading,) = world.all(Observation)
    assert reading.value == pytest.approx(57.66, abs=0.01)


def test_an_unreadable_entry_is_refused_with_a_reply_and_its_reason_is_kept(world: World) -> None:
    world.patient()
    world.say("04-21-1991 9:09 code 56 116")
    (kept,) = world.texts_in()
    assert kept.status_reason is not None
    assert kept.status_reason.startswith("refused:")
    assert world.all(QuestionnaireResponse) == []
    assert [one.purpose for one in world.out()] == ["reply"]


def test_one_patients_texts_are_taken_in_the_order_in_which_they_came(world: World) -> None:
    world.patient()
    texts = [world.incoming(f"glucose {100 + n}") for n in range(20)]
    inbox.receive_many(world.session, world.rt, texts)
    world.take()
    replies = world.words(*world.out())
    assert [next(n for n in range(20) if f" {100 + n} " in f"{reply} ") for reply in replies] == list(range(20))


def test_the_texts_of_many_patients_are_taken_in_one_go(world: World) -> None:
    phones = [f"+1202555{n:04}" for n in range(110, 122)]
    for phone in phones:
        world.patient(phone)
    inbox.receive_many(world.session, world.rt, [world.incoming("glucose 100", phone) for phone in phones * 3])
    worked = world.take()
    assert (worked.claimed, worked.done, worked.failed) == (36, 36, 0)
    assert len(world.all(QuestionnaireResponse)) == 36


def test_statements_do_not_grow_with_the_number_of_texts(world: World, empty_database: Engine) -> None:
    phones = [f"+1202555{n:04}" for n in range(110, 120)]
    for phone in phones:
        world.patient(phone)

    def statements(texts: int) -> int:
        inbox.receive_many(
            world.session, world.rt, [world.incoming("glucose 100", phones[n % 10]) for n in range(texts)]
        )
        world.session.expunge_all()
        seen: list[str] = []

        def note(*given: object) -> None:
            seen.append(str(given[2]))

        event.listen(empty_database, "before_cursor_execute", note)
        world.take()
        event.remove(empty_database, "before_cursor_execute", note)
        return len(seen)

    statements(10)  # what is read once a session is read
    assert statements(100) <= statements(10)


def test_a_question_is_answered_step_by_step_and_becomes_one_report(world: World) -> None:
    world.patient()
    task = world.session.scalars(select(Task).order_by(Task.due_at)).first()
    assert task is not None
    world.clock.set(task.due_at + timedelta(minutes=1))
    world.say("ok")
    assert world.session.get_one(Task, task.id).status == "in-progress"
    world.say("95", "no")
    world.session.refresh(task)
    assert (task.status, task.completed_at, task.remind_at) == ("completed", world.now, None)
    (report,) = world.all(QuestionnaireResponse)
    assert (report.task_id, report.care_plan_id, report.status) == (task.id, task.care_plan_id, "completed")
    assert ("2339-0", 95) in readings(world)


def test_a_conversation_goes_on_where_it_stopped(world: World) -> None:
    world.patient()
    task = world.session.scalars(select(Task).order_by(Task.due_at)).first()
    assert task is not None
    world.clock.set(task.due_at + timedelta(minutes=1))
    world.say("ok")
    (talk,) = world.all(Conversation)
    assert b"glucose" not in talk.state_sealed
    world.session.expunge_all()
    world.clock.forward(hours=1)
    world.say("95", "no")
    assert len(world.all(QuestionnaireResponse)) == 1


def test_free_text_reaches_a_person_and_says_so(world: World) -> None:
    patient = world.patient()
    world.say("Could you tell me if I may travel next week?")
    (kept,) = world.texts_in()
    assert kept.waits_since == world.now
    assert [(row.cause, row.priority, row.page_at) for row in world.escalations(patient)] == [
        ("needs-person", "routine", world.now + timedelta(days=7))
    ]
    assert [link.communication_id for link in world.links()] == [kept.id]
    assert len(world.out()) == 1


def test_stop_stops_what_is_queued_and_is_confirmed(world: World) -> None:
    patient = world.patient()
    world.say("glucose 100")
    world.say("STOP")
    messages = {(one.purpose, one.delivery) for one in world.out()}
    assert messages == {("reply", "stopped"), ("confirmation", "queued")}
    (contact,) = world.all(ContactPoint)
    assert contact.status == "opted-out"
    ledger = world.session.scalars(select(Consent).where(Consent.patient_id == patient.id, ~Consent.granted)).all()
    assert [(one.channel, one.source) for one in ledger] == [("sms", "text")]
    assert [row.reason for row in world.escalations()] == ["opted-out"]


def test_start_after_stop_brings_the_messages_back(world: World) -> None:
    world.patient()
    texts = [world.incoming(words) for words in ("STOP", "START", "glucose 100")]
    inbox.receive_many(world.session, world.rt, texts)
    world.clock.forward(seconds=5)
    world.take()
    (contact,) = world.all(ContactPoint)
    assert contact.status == "active"
    assert [one.delivery for one in world.out(Purpose.REPLY)][-1:] == ["queued"]


def test_what_an_opted_out_patient_reports_is_still_kept(world: World) -> None:
    world.patient()
    world.say("STOP", "glucose 58")
    world.score()
    assert readings(world) == [("2339-0", 58)]
    assert {row.cause for row in world.escalations()} >= {"opted-out", "glucose-low"}


def test_a_red_flag_in_a_diary_entry_is_answered_once_and_the_reading_kept(world: World) -> None:
    patient = world.patient()
    world.say("glucose 58 and chest pain")
    assert [one.purpose for one in world.out()][:1] == ["emergency"]
    assert len([row for row in world.escalations(patient) if row.cause == "red-flag"]) == 1
    (kept,) = world.texts_in()
    assert kept.waits_since is not None


def test_a_bad_text_delays_only_itself(world: World) -> None:
    world.patient()
    other = "+12025550102"
    world.patient(other)
    texts = [world.incoming("glucose 100"), world.incoming("glucose 101"), world.incoming("glucose 102", other)]
    first = inbox.receive_many(world.session, world.rt, texts)[0].communication_id
    broken = text("UPDATE communication_content SET text_sealed = :bytes WHERE id = :id")
    world.session.execute(broken, {"bytes": b"\x04test" + bytes(40), "id": first})
    world.session.commit()
    world.session.expunge_all()
    worked = world.take()
    assert (worked.done, worked.failed) == (2, 1)
    assert sorted(value or 0 for _, value in readings(world)) == [101, 102]
    kept = world.texts_in()[0]
    assert (kept.attempts, kept.take_at) == (1, world.now + timedelta(seconds=30))


def test_a_text_that_never_works_ends_with_a_person(world: World) -> None:
    patient = world.patient()
    received = world.receive("glucose 100")
    broken = text("UPDATE communication_content SET text_sealed = :bytes WHERE id = :id")
    world.session.execute(broken, {"bytes": b"\x04test" + bytes(40), "id": received.communication_id})
    world.session.commit()
    world.session.expunge_all()
    for _ in range(ATTEMPTS):
        world.take()
        world.clock.forward(minutes=20)
    (kept,) = world.texts_in()
    assert (kept.take_at, kept.waits_since is None) == (None, False)
    (letter,) = world.all(DeadLetter)
    assert (letter.queue, letter.error, letter.patient_id) == ("turns", "SealBroken", patient.id)
    assert [(row.cause, row.priority) for row in world.escalations(patient)] == [("dead-letter", "urgent")]


def test_a_patient_whom_another_worker_has_is_left_to_it(world: World, empty_database: Engine) -> None:
    patient = world.patient()
    world.receive("glucose 100")
    with Session(empty_database) as another:
        assert lock_patients(another, [patient.id]) == {patient.id}
        assert world.take().claimed == 0
    assert world.take().done == 1


def test_on_a_shared_phone_the_reading_waits_until_it_is_known_whose_it_is(world: World) -> None:
    world.patient(label="mother")
    father = world.patient(label="father")
    world.say("glucose 58")
    assert world.all(QuestionnaireResponse) == []
    (question,) = world.out()
    assert "1 mother" in world.words(question)[0]
    assert "2 father" in world.words(question)[0]
    world.say("2")
    (report,) = world.all(QuestionnaireResponse)
    assert report.patient_id == father.id
    world.say("glucose 120")
    assert [one.patient_id for one in world.all(QuestionnaireResponse)] == [father.id, father.id]


def test_on_a_shared_phone_a_while_later_it_is_asked_again(world: World) -> None:
    world.patient(label="mother")
    world.patient(label="father")
    world.say("glucose 58", "1")
    world.clock.forward(hours=3)
    world.say("glucose 120")
    assert len(world.all(QuestionnaireResponse)) == 1
    assert len(world.out(Purpose.CONFIRMATION)) == 2


def test_when_nobody_says_who_it_is_a_person_finds_out(world: World) -> None:
    world.patient(label="mother")
    world.patient(label="father")
    world.say("glucose 58")
    world.clock.forward(hours=2, minutes=1)
    world.take()
    (kept,) = world.texts_in()
    assert (kept.patient_id, kept.take_at, kept.waits_since) == (None, None, world.now)
    (row,) = world.escalations()
    assert (row.patient_id, row.cause, row.reason, row.priority) == (None, "needs-person", "unknown-sender", "urgent")


def test_what_is_no_reading_and_nobodys_waits_without_a_page(world: World) -> None:
    world.patient(label="mother")
    world.patient(label="father")
    world.say("is the clinic open on Friday")
    world.clock.forward(hours=2, minutes=1)
    world.take()
    assert [(row.cause, row.priority) for row in world.escalations()] == [("needs-person", "routine")]


def test_stop_from_a_shared_phone_is_for_the_phone(world: World) -> None:
    world.patient(label="mother")
    world.patient(label="father")
    world.say("STOP")
    world.take()
    assert [one.status for one in world.all(ContactPoint)] == ["opted-out", "opted-out"]


def test_what_a_text_says_is_sealed_wherever_it_goes(world: World) -> None:
    world.patient()
    world.say("my secret is 4711")
    found = contents(world.session, [one.id for one in world.texts_in()])
    assert all(b"secret" not in one.text_sealed for one in found.values())
    assert world.session.scalar(select(func.count()).select_from(Communication)) == 2
