"""What the watchdog sees in a real database, without any of the application's code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose
from care.domain.message import Incoming
from care.records.dead_letters import DeadLetter
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import content, heartbeats, inbox, outbox, pages
from tests.care_api.serving import PHONE, enrolled
from tests.conftest import Clinic
from watchdog.alarms import Alarm
from watchdog.checks import CHECKS, look
from watchdog.settings import WatchdogSettings

Looked = Callable[[], dict[tuple[str, str], str]]


@pytest.fixture
def settings(database_url: str) -> WatchdogSettings:
    return WatchdogSettings(database_url=database_url, environment="development")


@pytest.fixture
def seen(session: Session, settings: WatchdogSettings) -> Looked:
    """The watchdog's sightings of now; the clock and the worker live."""
    for name in ("clock", "worker"):
        heartbeats.beat(session, name)

    def looked() -> dict[tuple[str, str], str]:
        session.commit()
        return {alarm.key: alarm.text for alarm in look(settings)}

    return looked


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    content.publish_seeds(session, rt.now())
    made = enrolled(session, rt, clinic.nurse)
    nothing_due(session)
    return made


def nothing_due(session: Session) -> None:
    """What enrolling has queued by the test's clock, which is behind the database's, is not this test's matter."""
    session.execute(text("UPDATE communication SET send_at = NULL, take_at = NULL"))
    session.commit()


def red_flag(session: Session, rt: Runtime) -> None:
    inbox.receive(session, rt, Incoming("sms", PHONE, "I have chest pain", "SM1", rt.now()))
    nothing_due(session)


def set_page_at(session: Session, seconds: float | None) -> None:
    session.execute(
        text("UPDATE escalation SET page_at = clock_timestamp() + make_interval(secs => :seconds)"),
        {"seconds": seconds},
    )
    session.commit()


def test_a_system_at_rest_has_no_alarm(seen: Looked, patient: Patient):
    assert seen() == {}


def test_a_clock_that_stopped_and_a_worker_that_never_came_are_named(session: Session, seen: Looked):
    session.execute(text("UPDATE heartbeat SET at = at - interval '5 minutes' WHERE name = 'clock'"))
    session.execute(text("DELETE FROM heartbeat WHERE name = 'worker'"))
    assert seen() == {
        ("heartbeat", "clock"): "no sign of life from the clock for 5 min",
        ("heartbeat", "worker"): "the worker has never given a sign of life",
    }


def test_a_sign_of_life_from_the_future_hides_no_clock_that_stopped(session: Session, seen: Looked):
    session.execute(text("UPDATE heartbeat SET at = at + interval '1 hour' WHERE name = 'clock'"))
    assert seen() == {("heartbeat", "clock"): "the last sign of life from the clock lies 60 min in the future"}


@pytest.mark.parametrize(("page_at", "alarmed"), [(300, False), (-60, False), (-300, True), (None, True)])
def test_an_open_stat_escalation_must_have_a_moment_to_come(
    session: Session, rt: Runtime, seen: Looked, patient: Patient, page_at: float | None, alarmed: bool
):
    red_flag(session, rt)
    set_page_at(session, page_at)
    assert (("escalation-without-deadline", "") in seen()) is alarmed


@pytest.mark.parametrize("change", ["status = 'completed'", "priority = 'routine'"])
def test_a_closed_escalation_and_a_routine_one_need_no_deadline(
    session: Session, rt: Runtime, seen: Looked, patient: Patient, change: str
):
    red_flag(session, rt)
    set_page_at(session, None)
    session.execute(text("UPDATE escalation SET " + change))
    assert seen() == {}


def test_an_owner_does_not_hide_that_nobody_would_be_paged(
    session: Session, rt: Runtime, seen: Looked, patient: Patient
):
    red_flag(session, rt)
    session.execute(text("UPDATE escalation SET status = 'accepted', priority = 'asap', page_at = NULL"))
    assert set(seen()) == {("escalation-without-deadline", "")}


def test_a_page_that_does_not_leave_is_an_alarm_long_before_other_messages(
    session: Session, rt: Runtime, seen: Looked, patient: Patient
):
    red_flag(session, rt)
    set_page_at(session, 300)
    pages.page_due(session, rt, rt.now().replace(year=rt.now().year + 5))
    set_page_at(session, 300)
    session.execute(
        text("UPDATE communication SET send_at = clock_timestamp() - interval '3 minutes' WHERE purpose = 'page'")
    )
    told = seen()
    assert set(told) == {("pages-unsent", "")}
    assert "the oldest for 3 min" in told["pages-unsent", ""]


def test_a_page_that_nobody_could_get_is_an_alarm_for_an_hour(session: Session, seen: Looked, patient: Patient):
    nobody = {"row_id": patient.id, "patient_id": None, "error": "nobody-to-page"}
    (at,) = session.execute(text("SELECT clock_timestamp() - interval '59 minutes'")).one()
    session.add(DeadLetter(queue="pages", at=at, **nobody))
    assert set(seen()) == {("pages-failed", "")}
    session.execute(text("UPDATE dead_letter SET at = at - interval '2 minutes'"))
    assert seen() == {}


def test_a_hole_in_a_rota_is_an_alarm_until_it_is_closed(session: Session, rt: Runtime, seen: Looked, patient: Patient):
    session.add(DeadLetter(queue="rota", row_id=patient.care_team_id, patient_id=None, error="rota-gap", at=rt.now()))
    assert set(seen()) == {("rota-gap", "")}
    session.execute(text("UPDATE dead_letter SET resolved_at = at"))
    assert seen() == {}


@pytest.mark.parametrize(("purpose", "alarmed"), [("page", True), ("emergency", False)])
def test_only_a_page_that_failed_is_told_as_one(
    session: Session, rt: Runtime, seen: Looked, patient: Patient, purpose: str, alarmed: bool
):
    red_flag(session, rt)
    set_page_at(session, 300)
    pages.page_due(session, rt, rt.now().replace(year=rt.now().year + 5))
    set_page_at(session, 300)
    nothing_due(session)
    row_id = session.execute(
        text("SELECT id FROM communication WHERE purpose = :purpose"), {"purpose": purpose}
    ).scalar()
    (at,) = session.execute(text("SELECT clock_timestamp()")).one()
    session.add(DeadLetter(queue="outbox", row_id=row_id, patient_id=None, error="failed", at=at))
    assert set(seen()) == ({("pages-failed", "")} if alarmed else set())


QUEUES = {
    "outbox": "UPDATE communication SET send_at = clock_timestamp() - interval '16 minutes'",
    "turns": "UPDATE communication SET take_at = clock_timestamp() - interval '16 minutes'",
    "expand": "UPDATE care_plan SET expand_at = clock_timestamp() - interval '16 minutes'",
    "reminders": "UPDATE task SET remind_at = clock_timestamp() - interval '16 minutes'",
    "reports": "UPDATE questionnaire_response SET score_at = clock_timestamp() - interval '16 minutes'",
    "pages": "UPDATE escalation SET priority = 'urgent', page_at = clock_timestamp() - interval '16 minutes'",
}


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_work_that_is_overdue_is_an_alarm_by_the_name_of_its_queue(
    session: Session, rt: Runtime, clinic: Clinic, seen: Looked, patient: Patient, queue: str
):
    everything(session, rt, clinic, patient)
    assert seen() == {}
    session.execute(text(QUEUES[queue]))
    told = seen()
    assert told == {("overdue", queue): f"the oldest of {queue} has been due for 16 min"}


def everything(session: Session, rt: Runtime, clinic: Clinic, patient: Patient) -> None:
    """A row in every queue's table, none of it due."""
    from care.services import plans
    from tests.care_api.serving import GLUCOSE

    plans.start_plan(session, rt, clinic.nurse, patient.id, GLUCOSE, rt.now().date())
    plans.expand_due(session, rt, rt.now())
    inbox.receive(session, rt, Incoming("sms", PHONE, "glucose 120 before breakfast", "SM2", rt.now()))
    inbox.take_turns_due(session, rt, rt.now())
    red_flag(session, rt)
    session.execute(text("UPDATE task SET remind_at = NULL"))
    session.execute(text("UPDATE care_plan SET expand_at = NULL"))
    session.execute(text("UPDATE questionnaire_response SET score_at = NULL"))
    set_page_at(session, 300)
    counted = session.execute(text("SELECT (SELECT count(*) FROM questionnaire_response), (SELECT count(*) FROM task)"))
    assert min(counted.one()) > 0


def test_nothing_of_a_patient_is_in_an_alarm(session: Session, rt: Runtime, seen: Looked, patient: Patient):
    red_flag(session, rt)
    outbox.enqueue(
        session, rt.now(), purpose=Purpose.NURSE, text="the canary sings", dedupe="a", patient=patient,
        priority=Priority.ROUTINE,
    )  # fmt: skip
    session.execute(text("UPDATE heartbeat SET at = at - interval '5 minutes'"))
    told = " ".join(seen().values())
    assert len(told) > 100
    for word in ("canary", "chest", "Demo Patient", PHONE, str(patient.id), "T-0001"):
        assert word not in told


def test_a_check_that_breaks_is_an_alarm_and_stops_no_other(session: Session, settings: WatchdogSettings):
    def slow(connection: Any, settings: WatchdogSettings) -> Iterator[Alarm]:
        connection.execute("SET statement_timeout = 20")
        connection.execute("SELECT pg_sleep(5)")
        yield Alarm("never", "", "")

    def missing(connection: Any, settings: WatchdogSettings) -> Iterator[Alarm]:
        connection.execute("SELECT 1 FROM no_such_table")
        yield Alarm("never", "", "")

    found = look(settings, (slow, missing, *CHECKS))
    assert [(one.code, one.subject) for one in found] == [
        ("check-failed", "slow"),
        ("check-failed", "missing"),
        ("heartbeat", "clock"),
        ("heartbeat", "worker"),
    ]


def test_a_table_that_somebody_locked_does_not_keep_the_watchdog_waiting(session: Session, settings: WatchdogSettings):
    session.execute(text("LOCK TABLE heartbeat IN ACCESS EXCLUSIVE MODE"))
    assert ("check-failed", "heartbeats") in [one.key for one in look(settings)]
    session.rollback()


def test_the_watchdog_can_change_nothing(settings: WatchdogSettings, session: Session):
    def writes(connection: Any, settings: WatchdogSettings) -> Iterator[Alarm]:
        connection.execute("DELETE FROM heartbeat")
        yield Alarm("never", "", "")

    assert [one.text for one in look(settings, (writes,))] == [
        "the check of writes does not work: ReadOnlySqlTransaction"
    ]


def test_a_database_that_is_away_is_told_by_an_error(session: Session):
    with pytest.raises(psycopg.OperationalError):
        look(WatchdogSettings(database_url="postgresql://nobody@127.0.0.1:1/none"))
