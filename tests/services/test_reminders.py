"""Reminders: sent when due, once, in the patient's hours and language; the reminder itself asks."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.message import Incoming
from care.domain.turn import Talk
from care.records.base import Base
from care.records.care_plans import CarePlan
from care.records.communications import Communication, contents
from care.records.conversations import Conversation, conversation_of
from care.records.dead_letters import DeadLetter
from care.records.definitions import definition
from care.records.escalations import Escalation
from care.records.ids import new_id
from care.records.patients import ContactPoint, Patient, address_token
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task, read_due
from care.runtime import Runtime
from care.services import consents, content, enrolment, inbox, outbox, reminders
from care.services.queue import held
from tests.conftest import KEYS, NOON, Clinic, Clock, FakeChannel
from tests.services.racing import race
from tests.services.test_enrolment import DIABETES, FORM, HEART

ENGLISH = replace(FORM, time_zone="UTC")


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    """A patient whose clock is UTC, on the heart failure protocol from tomorrow on."""
    content.publish_seeds(session, rt.now())
    return enrol(session, rt, clinic)


def enrol(session: Session, rt: Runtime, clinic: Clinic, protocol: str = HEART, **changes: object) -> Patient:
    patient = enrolment.enrol(session, rt, clinic.nurse, replace(ENGLISH, **changes))  # type: ignore[arg-type]
    enrolment.start_plan(session, rt, clinic.nurse, patient.id, protocol, date(2026, 3, 3))
    return patient


def first_task(session: Session, patient: Patient) -> Task:
    session.expire_all()
    found = select(Task).where(Task.patient_id == patient.id).order_by(Task.due_at)
    return session.scalars(found).all()[0]


def remind(session: Session, rt: Runtime) -> None:
    reminders.send_due(session, rt, rt.now())


def sent(session: Session) -> list[str]:
    """The words of every reminder queued, oldest first."""
    rows = session.scalars(
        select(Communication).where(Communication.purpose == Purpose.REMINDER.value).order_by(Communication.recorded_at)
    ).all()
    words = contents(session, [row.id for row in rows])
    return [words[row.id].text for row in rows]


def of(patient: Patient) -> dict[str, UUID]:
    return {"organization_id": patient.organization_id, "patient_id": patient.id}


def talk(session: Session, patient: Patient) -> Talk:
    session.expire_all()
    row = conversation_of(session, patient.id)
    return Talk.from_json(row.state if row else None)


def say(session: Session, rt: Runtime, text: str) -> None:
    session.expire_all()
    inbox.receive(session, rt, Incoming("sms", "+12025550101", text, new_id().hex, rt.now()))
    inbox.take_turns_due(session, rt, rt.now())


def behind_a_sign_in(channel: FakeChannel) -> None:
    """A channel that no lock screen shows, so that a reminder may hold its question."""
    channel.capabilities = replace(channel.capabilities, private=True)


def test_a_reminder_comes_when_it_is_due_and_asks_the_first_question(
    session: Session, rt: Runtime, patient: Patient, clock: Clock, sms: FakeChannel
) -> None:
    behind_a_sign_in(sms)
    task = first_task(session, patient)
    clock.set(task.due_at - timedelta(seconds=1))
    remind(session, rt)
    assert sent(session) == []
    clock.set(task.due_at)
    remind(session, rt)
    remind(session, rt)
    (words,) = sent(session)
    assert "1/" in words, "the question with its place among the others"
    assert first_task(session, patient).asked_at == rt.now()
    assert session.scalars(select(Conversation)).all() == [], "it opens with the answer"


def test_the_answer_to_a_reminder_is_an_answer(
    session: Session, rt: Runtime, patient: Patient, clock: Clock, sms: FakeChannel
) -> None:
    task = first_task(session, patient)
    clock.set(task.due_at)
    remind(session, rt)
    outbox.deliver_due(session, rt, rt.now())
    say(session, rt, "71.5")
    after = talk(session, patient)
    assert (after.task_id, list(after.answers)) == (str(task.id), ["weight"])


def test_a_reminder_that_a_lock_screen_shows_says_nothing_of_what_is_asked(
    session: Session, rt: Runtime, patient: Patient, clock: Clock, sms: FakeChannel
) -> None:
    clock.set(first_task(session, patient).due_at)
    remind(session, rt)
    clock.set(first_task(session, patient).remind_at)
    remind(session, rt)
    assert sent(session) == [
        "Care: you have questions to answer. Reply OK to begin.",
        "Care: your answers are still missing. Reply OK to go on.",
    ]
    rows = session.scalars(select(Communication).where(Communication.direction == "out")).all()
    assert sorted(str(row.notice) for row in rows) == ["notice-reminder", "notice-reminder-again"]


@pytest.mark.parametrize("agreed", ["OK", "ok.", "yes", "好", "1", "thanks"])
def test_an_ok_to_a_notice_asks_the_first_question_and_answers_nothing(
    session: Session, rt: Runtime, patient: Patient, clock: Clock, agreed: str
) -> None:
    clock.set(first_task(session, patient).due_at)
    remind(session, rt)
    say(session, rt, agreed)
    assert "1/3" in last_words(session)
    assert (talk(session, patient).status, talk(session, patient).answers) == ("asking", {})


def test_a_number_in_answer_to_a_notice_is_taken_and_told_back(
    session: Session, rt: Runtime, patient: Patient, clock: Clock
) -> None:
    clock.set(first_task(session, patient).due_at)
    remind(session, rt)
    say(session, rt, "71.5 kg")
    assert list(talk(session, patient).answers) == ["weight"]
    assert "71.5" in last_words(session) and "2/3" in last_words(session)


def test_a_choice_in_answer_to_a_notice_is_none_and_the_question_is_asked(
    session: Session, rt: Runtime, patient: Patient, clock: Clock
) -> None:
    clock.set(first_task(session, patient).due_at)
    remind(session, rt)
    say(session, rt, "71.5 kg")
    clock.set(first_task(session, patient).remind_at)
    remind(session, rt)
    say(session, rt, "OK")
    assert list(talk(session, patient).answers) == ["weight"], "an OK is no answer to the open question"
    assert "2/3" in last_words(session)


def test_words_in_answer_to_a_notice_reach_a_person_and_the_question_is_asked(
    session: Session, rt: Runtime, patient: Patient, clock: Clock
) -> None:
    clock.set(first_task(session, patient).due_at)
    remind(session, rt)
    say(session, rt, "my foot is sore since yesterday")
    assert "1/3" in last_words(session)
    assert session.scalars(select(Escalation.cause)).all() == ["needs-person"]


def test_a_country_where_nobody_can_reply_by_sms_is_not_asked_for_a_reply(
    session: Session, rt: Runtime, patient: Patient, clock: Clock, sms: FakeChannel
) -> None:
    sms.capabilities = replace(sms.capabilities, by_country={"US": {"two_way": False, "links": False}})
    clock.set(first_task(session, patient).due_at)
    remind(session, rt)
    (words,) = sent(session)
    assert "Reply" not in words and "open our app" in words


def last_words(session: Session) -> str:
    """What the patient was told last."""
    row = session.scalars(
        select(Communication).where(Communication.direction == "out").order_by(Communication.id.desc())
    ).first()
    assert row is not None
    return str(contents(session, [row.id])[row.id].text)


def test_the_answer_to_a_second_reminder_is_an_answer(
    session: Session, rt: Runtime, patient: Patient, clock: Clock, sms: FakeChannel
) -> None:
    behind_a_sign_in(sms)
    task = first_task(session, patient)
    clock.set(task.due_at)
    remind(session, rt)
    clock.set(first_task(session, patient).remind_at)
    remind(session, rt)
    first, second = sent(session)
    assert first != second
    assert "1/" in second, "it asks as well"
    say(session, rt, "71.5")
    assert list(talk(session, patient).answers) == ["weight"]


def test_an_answer_is_an_answer_also_when_the_clock_was_put_back_before_the_question(
    session: Session, rt: Runtime, patient: Patient, clock: Clock
) -> None:
    task = first_task(session, patient)
    later = task.due_at + timedelta(hours=1)
    session.add(Conversation(**of(patient), state=Talk.idle().to_json(), updated_at=later))
    session.commit()
    clock.set(task.due_at)
    remind(session, rt)
    say(session, rt, "71.5")
    assert list(talk(session, patient).answers) == ["weight"]


def test_who_said_stop_is_not_taken_to_answer_the_question_from_before_whatever_the_clocks_say(
    session: Session, rt: Runtime, patient: Patient, clock: Clock
) -> None:
    clock.set(first_task(session, patient).due_at + timedelta(minutes=1))
    remind(session, rt)
    clock.forward(seconds=-5)
    say(session, rt, "STOP")
    clock.forward(minutes=1)
    say(session, rt, "71.5")
    assert talk(session, patient).status == "idle"


def test_two_schedulers_with_one_task_each_ask_a_patient_one_question(
    session: Session, rt: Runtime, patient: Patient, clock: Clock, engine: Engine
) -> None:
    first, second = session.scalars(select(Task).where(Task.patient_id == patient.id).order_by(Task.due_at)).all()[:2]
    second.due_at, second.remind_at, second.expires_at = first.due_at, first.due_at, first.expires_at
    session.commit()
    clock.set(first.due_at)
    with Session(engine) as other:
        claimed = held(other, reminders.QUEUE, rt.now(), 500, [second.id])
        reminders.send_due(session, rt, rt.now(), ids=[first.id])
        reminders._remind(other, rt, [read_due(row) for row in claimed], rt.now())
        other.commit()
    session.expire_all()
    assert (first.reminders_sent, second.reminders_sent) == (1, 1)
    assert [one.asked_at is None for one in (first, second)] == [False, True]


@pytest.mark.parametrize(("status", "reminded"), [("ready", 0), ("cancelled", 1)])
def test_a_late_task_gives_way_to_a_newer_one_that_is_asked_and_to_none_that_was_cancelled(
    session: Session, rt: Runtime, patient: Patient, clock: Clock, status: str, reminded: int
) -> None:
    late, newer = session.scalars(select(Task).where(Task.patient_id == patient.id).order_by(Task.due_at)).all()[:2]
    clock.set(late.due_at + timedelta(hours=2))
    newer.due_at, newer.remind_at, newer.status = rt.now(), None, status
    session.commit()
    remind(session, rt)
    session.expire_all()
    assert late.reminders_sent == reminded


def test_a_task_that_is_being_moved_is_asked_at_its_new_time(
    session: Session, rt: Runtime, patient: Patient, clock: Clock, engine: Engine
) -> None:
    task = first_task(session, patient)
    clock.set(task.due_at)
    moved = task.due_at + timedelta(hours=3)
    task.due_at = task.remind_at = moved
    session.flush()
    with Session(engine) as other:
        assert reminders.send_due(other, rt, rt.now(), ids=[task.id]).claimed == 0
        session.commit()
        assert reminders.send_due(other, rt, rt.now(), ids=[task.id]).claimed == 0
    assert (task.reminders_sent, task.remind_at, sent(session)) == (0, moved, [])


def test_a_scheduler_that_dies_with_a_task_in_hand_leaves_it_due(
    session: Session, rt: Runtime, patient: Patient, clock: Clock, engine: Engine
) -> None:
    task = first_task(session, patient)
    clock.set(task.due_at)
    session.commit()
    with Session(engine) as other:
        assert len(held(other, reminders.QUEUE, rt.now(), 500, [task.id])) == 1
        assert reminders.send_due(session, rt, rt.now(), ids=[task.id]).claimed == 0
        other.connection().invalidate()  # gone without a word
    assert reminders.send_due(session, rt, rt.now(), ids=[task.id]).done == 1
    assert len(sent(session)) == 1


def test_a_task_that_was_closed_before_keeps_the_reason(
    session: Session, rt: Runtime, patient: Patient, clock: Clock
) -> None:
    task = first_task(session, patient)
    task.status, task.status_reason = "cancelled", "plan-stopped"
    clock.set(task.due_at)
    session.commit()
    remind(session, rt)
    session.expire_all()
    assert (task.status, task.status_reason, task.remind_at) == ("cancelled", "plan-stopped", None)


def test_while_a_question_stands_the_next_task_is_only_mentioned(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock
) -> None:
    enrolment.start_plan(session, rt, clinic.nurse, patient.id, DIABETES, date(2026, 3, 3))
    weight = first_task(session, patient)
    clock.set(weight.due_at)
    remind(session, rt)
    asked = len(sent(session))
    clock.forward(minutes=30)
    later = session.scalars(select(Task).where(Task.reminders_sent == 0, Task.action_id != weight.action_id)).first()
    assert later is not None
    later.due_at = later.remind_at = rt.now()
    session.commit()
    remind(session, rt)
    *_, newest = sent(session)
    assert len(sent(session)) == asked + 1
    assert "\n" not in newest, "a question under it would take a wrong answer"
    say(session, rt, "71.5")
    assert talk(session, patient).task_id == str(weight.id)


def test_what_is_written_after_the_last_answer_answers_nothing(
    session: Session, rt: Runtime, patient: Patient, clock: Clock
) -> None:
    clock.set(first_task(session, patient).due_at)
    remind(session, rt)
    for words in ("71.5", "1", "1"):
        say(session, rt, words)
    report = session.scalars(select(QuestionnaireResponse)).one()
    assert report.status == "completed"
    say(session, rt, "72.5")
    assert talk(session, patient).answers == {}
    assert session.scalars(select(QuestionnaireResponse)).one().id == report.id


def test_who_does_not_answer_is_asked_again_and_then_left_in_peace(
    session: Session, rt: Runtime, patient: Patient, clock: Clock
) -> None:
    task = first_task(session, patient)
    action = content.plan(session, HEART).action(task.action_id)
    assert action is not None
    while rt.now() < task.expires_at:
        remind(session, rt)
        clock.forward(minutes=30)
    remind(session, rt)
    task = first_task(session, patient)
    assert (task.status, task.status_reason, task.remind_at) == ("failed", "expired", None)
    assert task.reminders_sent == len(action.remind_after)
    assert len(sent(session)) >= len(action.remind_after)
    assert len(set(sent(session)[: len(action.remind_after)])) == len(set(action.remind_after))


def test_an_answered_task_is_not_asked_for(session: Session, rt: Runtime, patient: Patient, clock: Clock) -> None:
    task = first_task(session, patient)
    task.status = "completed"
    session.commit()
    clock.set(task.due_at)
    remind(session, rt)
    assert sent(session) == []
    assert first_task(session, patient).remind_at is None


def test_a_patient_who_withdrew_is_not_reminded_but_may_come_back(
    session: Session, rt: Runtime, patient: Patient, clock: Clock
) -> None:
    task = first_task(session, patient)
    clock.set(task.due_at)
    consents.decide(session, rt.now(), patient, granted=False, source="text")
    session.commit()
    remind(session, rt)
    assert sent(session) == []
    assert first_task(session, patient).status == "ready"
    clock.set(task.expires_at)
    remind(session, rt)
    assert first_task(session, patient).status_reason == "no-consent"


def test_a_second_phone_is_used_when_the_first_is_out_of_use(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock
) -> None:
    other = enrol(
        session,
        rt,
        clinic,
        record_number="2",
        contacts=(("sms", "+12025550102", None), ("console", "desk-2", None)),
    )
    session.execute(
        update(ContactPoint).where(ContactPoint.patient_id == other.id, ContactPoint.rank == 1).values(status="failed")
    )
    session.commit()
    clock.set(first_task(session, other).due_at)
    remind(session, rt)
    found = session.scalars(select(Communication).where(Communication.patient_id == other.id)).one()
    assert found.channel == "console"


def test_nobody_is_woken(session: Session, rt: Runtime, patient: Patient, clock: Clock) -> None:
    task = first_task(session, patient)
    task.due_at = task.remind_at = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
    session.commit()
    clock.set(task.due_at)
    remind(session, rt)
    assert sent(session) == []
    assert first_task(session, patient).remind_at == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


def test_a_phone_that_cannot_answer_gets_a_nudge_and_no_question(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock, sms: FakeChannel
) -> None:
    sms.capabilities = replace(sms.capabilities, by_country={"CN": {"two_way": False}})
    form = {"record_number": "zh", "language": "zh-Hans", "country": "CN"}
    other = enrol(session, rt, clinic, contacts=(("sms", "13800138000", None),), **form)
    clock.set(first_task(session, other).due_at)
    session.execute(delete(Task).where(Task.patient_id == patient.id))
    session.commit()
    remind(session, rt)
    (words,) = sent(session)
    assert "1/" not in words
    assert any("\u4e00" <= char <= "\u9fff" for char in words)
    assert talk(session, other) == Talk.idle()


def test_a_reminder_does_not_break_into_another_conversation(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock, sms: FakeChannel
) -> None:
    behind_a_sign_in(sms)
    enrolment.start_plan(session, rt, clinic.nurse, patient.id, DIABETES, date(2026, 3, 3))
    both = session.scalars(select(Task).where(Task.due_at < datetime(2026, 3, 4, tzinfo=UTC))).all()
    for task in both:
        task.due_at = task.remind_at = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
    session.commit()
    clock.set(datetime(2026, 3, 3, 9, 0, tzinfo=UTC))
    remind(session, rt)
    words = sent(session)
    assert len(words) == len(both)
    assert sum("1/" in one or "?" in one for one in words) >= 1
    assert sum(one.count("\n") > 0 for one in words) == 1, "one of them asks, the others only remind"
    assert all("\n" in one or "reply OK" in one for one in words), "and say how to answer them"


def test_what_was_answered_of_a_task_that_ran_out_is_kept_and_judged(
    session: Session, rt: Runtime, patient: Patient, clock: Clock
) -> None:
    task = first_task(session, patient)
    clock.set(task.due_at)
    remind(session, rt)
    say(session, rt, "71.5")
    assert talk(session, patient).answers
    session.execute(update(Task).where(Task.id != task.id).values(remind_at=None))
    session.commit()
    clock.set(task.expires_at)
    remind(session, rt)
    report = session.scalars(select(QuestionnaireResponse)).one()
    assert (report.status, report.task_id, report.score_at) == ("stopped", task.id, rt.now())
    assert talk(session, patient) == Talk.idle()


def test_who_is_being_answered_at_this_moment_is_reminded_a_little_later(
    session: Session, rt: Runtime, patient: Patient, clock: Clock
) -> None:
    from care.services.locks import lock_patients

    task = first_task(session, patient)
    clock.set(task.due_at)
    with Session(session.get_bind()) as other:
        lock_patients(other, [patient.id])
        remind(session, rt)
        other.rollback()
    assert sent(session) == []
    clock.forward(seconds=15)
    remind(session, rt)
    assert len(sent(session)) == 1


def test_a_task_that_cannot_be_decided_stops_nobody_else_and_reaches_a_nurse(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock
) -> None:
    good = enrol(session, rt, clinic, record_number="2", contacts=(("sms", "+12025550102", None),))
    session.execute(update(Patient).where(Patient.id == patient.id).values(time_zone="Mars/Olympus"))
    session.commit()
    clock.set(first_task(session, patient).due_at)
    for _ in range(reminders.QUEUE.attempts):
        remind(session, rt)
        clock.forward(minutes=10)
    found = session.scalars(select(Communication.patient_id).where(Communication.purpose == "reminder"))
    assert set(found) == {good.id}
    assert session.scalars(select(DeadLetter.patient_id)).all() == [patient.id]
    assert session.scalars(select(Escalation.patient_id)).all() == [patient.id]


# -- four schedulers at once -----------------------------------------------------------------------------------------

TASKS, PATIENTS, PROCESSES = 2_000, 200, 4


def crowd(session: Session, clinic: Clinic) -> list[dict[str, object]]:
    """Patients on one plan each, written in bulk; returns their due tasks as rows."""
    plan = content.plan(session, HEART)
    definition_id = definition(session, HEART).id
    rows: list[dict[str, object]] = []
    people: list[Patient] = []
    plans: list[Base] = []
    for number in range(PATIENTS):
        patient = Patient(
            organization_id=clinic.organization.id,
            care_team_id=clinic.team.id,
            identity={"name": f"Demo {number}", "birth_date": None, "record_number": f"R{number}"},
            language="en",
            time_zone="UTC",
            country="US",
            status="active",
            created_at=NOON,
        )
        about = {"organization_id": clinic.organization.id, "patient_id": patient.id}
        care_plan = CarePlan(
            **about, definition_id=definition_id, status="active", starts_on=NOON.date(), created_at=NOON
        )
        phone = f"phone-{number}"
        contact = ContactPoint(
            **about,
            channel="console",
            address=phone,
            address_token=address_token("console", phone),
            rank=1,
            status="active",
            created_at=NOON,
        )
        people.append(patient)
        plans += [care_plan, contact]
        rows += [
            {
                **about,
                "id": new_id(),
                "care_plan_id": care_plan.id,
                "action_id": plan.actions[0].id,
                "nominal": datetime(2026, 1, 1) + timedelta(days=day),
                "questionnaire": plan.actions[0].questionnaire,
                "status": "ready",
                "due_at": NOON - timedelta(minutes=1),
                "expires_at": NOON + timedelta(hours=9),
                "remind_at": NOON - timedelta(minutes=1),
            }
            for day in range(TASKS // PATIENTS)
        ]
    for parents_first in (people, plans):
        session.add_all(parents_first)
        session.flush()
    for patient in people:
        consents.decide(session, NOON, patient, granted=True, source="test")
    return rows


def test_four_schedulers_racing_over_two_thousand_tasks_send_each_reminder_once(
    session: Session, rt: Runtime, clinic: Clinic, database_url: str
) -> None:
    content.publish_seeds(session, rt.now())
    session.execute(insert(Task), crowd(session, clinic))
    session.commit()
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(PROCESSES)
    workers = [context.Process(target=race, args=(database_url, KEYS, NOON, start)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    # A patient whose conversation another process held was put off by some seconds; the next round gets those.
    while reminders.send_due(session, rt, NOON + timedelta(minutes=1)).claimed:
        pass
    found = Counter(
        session.scalars(select(Communication.task_id).where(Communication.purpose == Purpose.REMINDER.value))
    )
    assert (sum(found.values()), len(found)) == (TASKS, TASKS)
    asked = session.scalars(select(Task.patient_id).where(Task.asked_at.is_not(None))).all()
    assert (len(asked), len(set(asked))) == (PATIENTS, PATIENTS), "each patient has one question before them"
