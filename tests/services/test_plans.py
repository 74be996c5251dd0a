"""The rolling horizon: nothing lost, nothing twice, whatever happens to clocks, plans, patients and us."""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.plan import expand, remind_at
from care.errors import Conflict
from care.library import Seed, sha256_of
from care.records.care_plans import CarePlan
from care.records.communications import Communication
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task, open_tasks
from care.runtime import Runtime
from care.services import content, enrolment, patients, plans, reminders, reports
from tests.conftest import KEYS, NOON, Clinic, Clock
from tests.domain.plans import URL, action, plan
from tests.services.plan_racing import race
from tests.services.test_enrolment import FORM
from tests.services.test_reports import response

PLANS = 30
TODAY = NOON.date()  # a Monday
SHORT = {"completion": "afterStart", "expires_after": (6, "h")}
Start = Callable[..., CarePlan]


@pytest.fixture
def library(session: Session, rt: Runtime) -> None:
    """The seeds are published."""
    content.publish_seeds(session, rt.now())


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic, library: None) -> Patient:
    """One enrolled patient whose clock is UTC."""
    return enrolment.enrol(session, rt, clinic.nurse, replace(FORM, time_zone="UTC"))


def publish(session: Session, rt: Runtime, *actions: dict[str, Any], version: str = "1", **own: Any) -> str:
    """Publish a protocol of these actions; returns its name."""
    document = plan(*actions, version=version, **own)
    content.publish_seeds(session, rt.now(), [Seed("PlanDefinition", URL, version, document, sha256_of(document))])
    return f"{URL}|{version}"


@pytest.fixture
def start(session: Session, rt: Runtime, clinic: Clinic, patient: Patient) -> Start:
    """Put the patient on a protocol of these actions."""

    def begin(*actions: dict[str, Any], on: date = TODAY, **own: Any) -> CarePlan:
        canonical = publish(session, rt, *actions, **own)
        return plans.start_plan(session, rt, clinic.nurse, patient.id, canonical, on)

    return begin


def tasks(session: Session, **where: Any) -> list[Task]:
    found = select(Task).filter_by(**where).order_by(Task.due_at, Task.action_id, Task.nominal)
    return list(session.scalars(found.execution_options(populate_existing=True)))


def nominals(found: list[Task]) -> list[str]:
    return [f"{task.nominal:%m-%dT%H}" for task in found]


def pass_days(session: Session, rt: Runtime, clock: Clock, days: int) -> None:
    for _ in range(days):
        clock.forward(days=1)
        plans.expand_due(session, rt, rt.now())


# -- writing ---------------------------------------------------------------------------------------------------------


def test_writing_twice_is_harmless(session: Session, rt: Runtime, start: Start) -> None:
    start(action(**SHORT), action("b", "18:00", **SHORT))
    before = [(task.id, task.due_at) for task in tasks(session)]
    session.execute(update(CarePlan).values(expanded_until=rt.now() - timedelta(days=1), expand_at=rt.now()))
    session.commit()
    assert plans.expand_due(session, rt, rt.now()).done == 1
    assert [(task.id, task.due_at) for task in tasks(session)] == before


def test_two_processes_at_once_write_every_task_once(
    session: Session, rt: Runtime, clinic: Clinic, library: None, database_url: str
) -> None:
    canonical = publish(session, rt, action(**SHORT), action("b", "18:00", **SHORT))
    for number in range(PLANS):
        form = replace(FORM, time_zone="UTC", record_number=str(number))
        one = enrolment.enrol(session, rt, clinic.nurse, form)
        plans.start_plan(session, rt, clinic.nurse, one.id, canonical, TODAY)
    later = NOON + timedelta(days=5)
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(2)
    workers = [context.Process(target=race, args=(database_url, KEYS, later, ready)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    found = Counter((task.care_plan_id, task.action_id, task.nominal) for task in tasks(session))
    assert set(found.values()) == {1}
    per_plan = Counter(plan_id for plan_id, _, _ in found)
    assert len(per_plan) == PLANS
    assert set(per_plan.values()) == {2 * 13}, "thirteen evenings, and the mornings after them"
    assert session.scalars(select(func.count(CarePlan.id)).where(CarePlan.lease_until.is_not(None))).one() == 0


def test_a_plan_that_starts_later_loses_nothing_while_it_waits(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock, start: Start
) -> None:
    start(action(days=5, **SHORT), on=TODAY + timedelta(days=30))
    pass_days(session, rt, clock, 3)
    patients.set_time_zone(session, rt, clinic.nurse, patient.id, "Asia/Tokyo")
    pass_days(session, rt, clock, 33)
    assert nominals(tasks(session)) == [f"04-0{day}T08" for day in range(1, 6)]
    assert {task.status for task in tasks(session)} == {"ready"}


# -- what could not be asked in time ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [("skip", ["03-03T08"]), ("once", ["03-02T08", "03-03T08"]), ("all", ["02-28T08", "03-01T08", "03-02T08"])],
)
def test_who_is_entered_late_is_asked_as_the_plan_says(
    session: Session, start: Start, catch_up: str, expected: list[str]
) -> None:
    start(action(catch_up=catch_up, **SHORT), on=TODAY - timedelta(days=2))
    found = tasks(session)
    assert nominals(found)[: len(expected)] == expected
    assert all(task.status == "ready" and task.expires_at > NOON and task.remind_at for task in found)


def test_a_baseline_question_is_caught_up_and_the_plan_waits_for_its_answer(
    session: Session, rt: Runtime, clock: Clock, start: Start
) -> None:
    baseline = action(days=1, catch_up="once", completion="afterStart", expires_after=(2, "d"))
    started = start(baseline, on=TODAY - timedelta(days=10))
    (task,) = tasks(session)
    assert (task.due_at.date(), task.expires_at) == (TODAY - timedelta(days=10), NOON + timedelta(days=2))
    session.refresh(started)
    assert (started.status, started.expand_at) == ("active", task.expires_at)
    clock.set(task.expires_at)
    plans.expand_due(session, rt, rt.now())
    session.refresh(started)
    assert (started.status, len(tasks(session))) == ("completed", 1)


def test_what_is_over_with_its_day_cannot_be_caught_up(session: Session, start: Start) -> None:
    start(action(catch_up="all", completion="sameDay", expires_after=(6, "h")), on=TODAY - timedelta(days=2))
    assert nominals(tasks(session))[:2] == ["03-02T08", "03-03T08"], "today's is open until two in the afternoon"


@pytest.mark.parametrize(("catch_up", "asked_late"), [("skip", ["03-23T08"]), ("once", ["03-23T08"]), ("all", None)])
def test_after_three_weeks_without_us_no_day_is_missing_and_the_policy_says_what_is_asked(
    session: Session, rt: Runtime, clock: Clock, start: Start, catch_up: str, asked_late: list[str] | None
) -> None:
    start(action(catch_up=catch_up, **SHORT))
    written = {task.id for task in tasks(session)}
    clock.forward(days=21)
    plans.expand_due(session, rt, rt.now())
    found = tasks(session)
    days = [task.nominal.date() for task in found]
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
    assert days[-1] >= rt.now().date() + timedelta(days=7)
    new = [task for task in found if task.id not in written and task.due_at < rt.now()]
    asked = nominals([task for task in new if task.status == "ready"])
    assert asked == (nominals(new) if asked_late is None else asked_late)
    missed = [task for task in new if task.status != "ready"]
    assert {(task.status, task.status_reason, task.remind_at) for task in missed} <= {("failed", "missed", None)}
    assert all(task.expires_at > rt.now() for task in new if task.status == "ready")


def test_once_asks_the_newest_after_an_outage_although_its_time_was_over(
    session: Session, rt: Runtime, clock: Clock, start: Start
) -> None:
    start(action(catch_up="once", **SHORT), action("b", "07:00", **SHORT))
    clock.forward(days=21, hours=8)
    plans.expand_due(session, rt, rt.now())
    late = [task for task in tasks(session) if task.status == "ready" and NOON + timedelta(10) < task.due_at < rt.now()]
    assert [(task.action_id, task.nominal.date()) for task in late] == [("a", rt.now().date())]
    assert late[0].expires_at == rt.now() + timedelta(hours=6)
    again = [(task.id, task.status, task.expires_at) for task in tasks(session)]
    session.execute(update(CarePlan).values(expanded_until=NOON, expand_at=rt.now()))
    session.commit()
    plans.expand_due(session, rt, rt.now())
    assert [(task.id, task.status, task.expires_at) for task in tasks(session)] == again, "and it is asked once"


# -- migration -------------------------------------------------------------------------------------------------------


def test_migrating_keeps_the_care_plan_loses_no_answer_and_sends_nothing_again(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock, start: Start
) -> None:
    started = start(action("a", "08:00", "11:00", "18:00", catch_up="once", **SHORT))
    first = tasks(session)[0]
    assert first.nominal.hour == 11
    reports.submit(session, rt, patient, response(), first.id)
    clock.forward(hours=6, minutes=1)
    reminders.send_due(session, rt, rt.now())
    sent = session.scalars(select(Communication.id).where(Communication.purpose == Purpose.REMINDER.value)).all()
    assert len(sent) == 1
    later = publish(session, rt, action("a", "09:00", "11:00", "18:00", catch_up="all", **SHORT), version="2")
    plans.migrate_plan(session, rt, clinic.nurse, started.id, later)
    reminders.send_due(session, rt, rt.now())
    plans.expand_due(session, rt, rt.now())
    session.refresh(started)
    assert session.scalars(select(CarePlan.id)).all() == [started.id]
    assert content.plan(session, started.definition_id).version == "2"
    report = session.scalars(select(QuestionnaireResponse)).one()
    assert (report.task_id, report.care_plan_id) == (first.id, started.id)
    assert next(task for task in tasks(session) if task.id == first.id).status == "completed"
    assert (
        session.scalars(select(Communication.id).where(Communication.purpose == Purpose.REMINDER.value)).all() == sent
    )
    tomorrow = [task for task in tasks(session, status="ready") if task.nominal.date() == TODAY + timedelta(days=1)]
    assert [task.nominal.hour for task in tomorrow] == [9, 11, 18]


def test_migrating_back_brings_back_what_was_cancelled(
    session: Session, rt: Runtime, clinic: Clinic, start: Start
) -> None:
    started = start(action(**SHORT), action("b", "18:00", **SHORT))
    before = [(task.id, task.nominal) for task in tasks(session)]
    without = publish(session, rt, action(**SHORT), version="2")
    plans.migrate_plan(session, rt, clinic.nurse, started.id, without)
    assert {task.action_id for task in tasks(session, status="cancelled")} == {"b"}
    plans.migrate_plan(session, rt, clinic.nurse, started.id, f"{URL}|1")
    assert [(task.id, task.nominal) for task in tasks(session, status="ready")] == before
    assert all(task.remind_at == task.due_at and task.status_reason is None for task in tasks(session))


@pytest.mark.parametrize("version", ["1", "2"])
def test_migrating_after_an_outage_writes_todays_tasks_too(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock, start: Start, version: str
) -> None:
    started = start(action("a", "08:00", "11:00", "18:00", **SHORT))
    clock.forward(days=21)
    if version == "2":
        publish(session, rt, action("a", "09:00", **SHORT), version="2")
    plans.migrate_plan(session, rt, clinic.nurse, started.id, f"{URL}|{version}")
    today = [task for task in tasks(session, status="ready") if task.nominal.date() == rt.now().date()]
    assert [task.nominal.hour for task in today] == [8, 11, 18]
    tomorrow = [task for task in tasks(session) if task.nominal.date() == rt.now().date() + timedelta(days=1)]
    assert [task.nominal.hour for task in tomorrow] == ([8, 11, 18] if version == "1" else [9])
    days = sorted({task.nominal.date() for task in tasks(session)})
    assert days[-1] - days[0] == timedelta(days=len(days) - 1), "and what the outage took is on record"


# -- moving ----------------------------------------------------------------------------------------------------------


def test_who_moves_east_misses_what_has_passed_there_and_who_moves_west_gets_it_back(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, start: Start
) -> None:
    start(action("a", "08:00", "14:00", **SHORT), on=TODAY - timedelta(days=1))
    assert nominals(tasks(session))[0] == "03-02T14"
    patients.set_time_zone(session, rt, clinic.nurse, patient.id, "Asia/Tokyo")  # nine in the evening there
    first = tasks(session)[0]
    assert (first.nominal.hour, first.status, first.status_reason) == (14, "failed", "missed")
    rest = tasks(session, status="ready")
    assert all(task.due_at.astimezone(ZoneInfo("Asia/Tokyo")).replace(tzinfo=None) == task.nominal for task in rest)
    patients.set_time_zone(session, rt, clinic.nurse, patient.id, "Pacific/Honolulu")  # two in the morning there
    found = {task.nominal.hour: task for task in tasks(session) if task.nominal.date() == TODAY}
    assert {hour: task.status for hour, task in found.items()} == {8: "ready", 14: "ready"}
    assert found[14].id == first.id, "what is ahead again comes back"
    assert len({(task.action_id, task.nominal) for task in tasks(session)}) == len(tasks(session))


def test_an_hour_that_is_left_out_here_is_asked_where_it_exists_and_back_again(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock, start: Start
) -> None:
    patients.set_time_zone(session, rt, clinic.nurse, patient.id, "America/New_York")
    start(action("a", "02:30", gap="skip", **SHORT))
    gap = datetime(2026, 3, 8, 2, 30)

    def asked() -> list[str]:
        return [task.status for task in tasks(session) if task.nominal == gap]

    assert asked() == []
    patients.set_time_zone(session, rt, clinic.nurse, patient.id, "America/Phoenix")
    assert asked() == ["ready"]
    patients.set_time_zone(session, rt, clinic.nurse, patient.id, "America/New_York")
    assert asked() == ["cancelled"]
    patients.set_time_zone(session, rt, clinic.nurse, patient.id, "America/Phoenix")
    assert asked() == ["ready"]


def test_a_plan_with_a_zone_of_its_own_stays_where_it_is(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, start: Start
) -> None:
    start(action(**SHORT), time_zone="Asia/Shanghai")
    before = [(task.id, task.due_at) for task in tasks(session)]
    assert {at.astimezone(ZoneInfo("Asia/Shanghai")).time() for _, at in before} == {time(8)}
    patients.set_time_zone(session, rt, clinic.nurse, patient.id, "America/New_York")
    assert [(task.id, task.due_at) for task in tasks(session)] == before


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_every_moment_of_the_plan_is_a_task_exactly_once(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock, start: Start, seed: int
) -> None:
    chance = random.Random(seed)
    catch_up = chance.choice(["skip", "once", "all"])
    started = start(action("a", "00:30", "23:30", catch_up=catch_up, **SHORT), action("b", "02:30", catch_up=catch_up))
    publish(session, rt, action("a", "00:30", "23:30", **SHORT), action("b", "02:30"), version="2")
    zones = ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York", "Europe/London", "Asia/Shanghai"]
    answered = set()
    for _ in range(14):
        match chance.randrange(4):
            case 0:
                patients.set_time_zone(session, rt, clinic.nurse, patient.id, chance.choice(zones))
            case 1:
                plans.migrate_plan(session, rt, clinic.nurse, started.id, f"{URL}|{chance.choice('12')}")
            case 2:
                clock.forward(hours=chance.randrange(1, 24 * 20))
            case _:
                for task in open_tasks(session, patient.id, rt.now()):
                    reports.submit(session, rt, patient, response(), task.id)
                    answered.add(task.id)
        plans.expand_due(session, rt, rt.now())
    found = tasks(session)
    for name, times in (("a", (time(0, 30), time(23, 30))), ("b", (time(2, 30),))):
        first = TODAY + timedelta(days=2)
        days = (rt.now().date() + timedelta(days=5) - first).days
        wanted = {datetime.combine(first + timedelta(days=n), at) for n in range(days) for at in times}
        names = Counter(task.nominal for task in found if task.action_id == name)
        assert wanted - set(names) == set(), "nothing lost"
        assert set(names.values()) == {1}, "nothing twice"
    assert {task.id for task in found if task.status == "completed"} == answered
    coming = [task for task in found if task.due_at > rt.now() and task.id not in answered]
    assert {(task.status, task.reminders_sent) for task in coming} == {("ready", 0)}


# -- when it may be answered, and when it is asked --------------------------------------------------------------------


def test_a_spread_moves_the_reminder_and_never_the_due_moment(session: Session, start: Start) -> None:
    started = start(action(spread=(2, "h"), **SHORT), action("b", spread=(2, "h"), **SHORT), action("c", **SHORT))
    read = content.plan(session, started.definition_id)
    offsets: dict[str, set[timedelta]] = {"a": set(), "b": set(), "c": set()}
    for task in tasks(session):
        assert task.due_at.time() == time(8)
        assert task.remind_at is not None
        assert task.remind_at < task.expires_at
        offsets[task.action_id].add(task.remind_at - task.due_at)
    assert offsets["c"] == {timedelta()}
    assert len(offsets["a"]) == len(offsets["b"]) == 1, "the same minute every day"
    assert offsets["a"] != offsets["b"]
    assert all(timedelta() <= one < timedelta(hours=2) for one in offsets["a"] | offsets["b"])
    assert read.actions[0].spread == timedelta(hours=2)


def test_a_thousand_plans_are_spread_over_the_whole_of_it(session: Session, rt: Runtime, library: None) -> None:
    read = content.plan(session, publish(session, rt, action(spread=(60, "min"), **SHORT)))
    (one,) = expand(read, TODAY, "UTC", NOON, NOON + timedelta(days=1))
    chance = random.Random(7)
    minutes = Counter(
        (remind_at(read.actions[0], one, UUID(int=chance.getrandbits(128))) - one.due_at) // timedelta(minutes=10)
        for _ in range(1000)
    )
    assert set(minutes) == set(range(6))
    assert max(minutes.values()) < 250


WINDOWS = {"sameDay": (0, 22), "duringEvent": (16, 22), "afterStart": (16, None), "anytime": (-24, None)}


@pytest.mark.parametrize("completion", WINDOWS)
def test_a_completion_policy_says_when_a_task_may_be_answered(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, clock: Clock, start: Start, completion: str
) -> None:
    opens, closes = WINDOWS[completion]
    start(action("a", "16:00", completion=completion, expires_after=(6, "h"), days=3), on=TODAY)
    second = tasks(session)[1]
    midnight = datetime(2026, 3, 3, tzinfo=UTC)

    def offered(hour: float) -> bool:
        return second.id in {task.id for task in open_tasks(session, patient.id, midnight + timedelta(hours=hour))}

    assert not offered(opens - 0.1)
    assert offered(opens)
    assert offered(21.9)
    assert not offered(22), "nothing is offered after it expired"
    if completion in ("sameDay", "duringEvent"):
        clock.set(midnight + timedelta(hours=opens - 0.1))
        with pytest.raises(Conflict):
            reports.submit(session, rt, patient, response(), second.id)
        session.rollback()
    clock.set(midnight + timedelta(hours=23))
    _, answer = reports.submit(session, rt, patient, response(), second.id)
    session.refresh(second)
    if closes is None:
        assert (second.status, answer["task_id"]) == ("completed", str(second.id)), "late, and an answer all the same"
    else:
        assert (second.status, answer["task_id"]) == ("ready", None), "kept and judged, but no answer to the task"
    assert session.scalars(select(func.count(QuestionnaireResponse.id))).one() == 1
