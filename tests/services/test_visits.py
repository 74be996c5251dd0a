"""A visit is asked for once, done or called off once, and whoever ended it by mistake takes that back."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from care.errors import Conflict, Invalid, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.escalations import Escalation
from care.records.visit_requests import VisitRequest, ended_visits, open_visits, visits_of
from care.runtime import Runtime
from care.services.visits import end_visit, reopen_visit, request_visit
from tests.conftest import Clinic, Clock
from tests.services.test_escalations import LOW, VERY_LOW, alarm
from tests.services.world import World, make_world


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


@pytest.fixture
def case(world: World) -> Escalation:
    (made,) = alarm(world, world.patient(protocol=None), VERY_LOW)
    return made


def ask(world: World, case: Escalation, priority: str = "urgent", note: str = "Examine the legs") -> VisitRequest:
    return request_visit(world.session, world.rt, world.clinic.clinician, case.id, priority, note)


def test_the_nurses_see_what_is_asked_for_the_most_pressing_first(world: World, case: Escalation) -> None:
    (other,) = alarm(world, world.patient("+12025550102", protocol=None), LOW)
    ask(world, other, "routine")
    world.clock.forward(minutes=5)
    made = ask(world, case, "asap", " Examine the legs\r\n and weigh ")
    found = open_visits(world.session, world.clinic.nurse)
    assert [one.priority for one in found] == ["asap", "routine"]
    assert found[0].note == "Examine the legs and weigh"
    assert b"legs" not in bytes(made.note_sealed)
    assert made.patient_id is not None
    assert visits_of(world.session, world.clinic.nurse, made.patient_id, [case.id]) == [made]
    assert visits_of(world.session, world.clinic.other_nurse, made.patient_id) == []
    assert open_visits(world.session, world.clinic.other_nurse) == []


@pytest.mark.parametrize(
    ("priority", "note", "place"),
    [
        ("soon", "x", "priority"),
        ("urgent", " \n", "note"),
        ("urgent", "x" * 1001, "note"),
        ("urgent", "a\x00b", "note"),
    ],
)
def test_what_says_not_how_soon_or_why_is_refused(
    world: World, case: Escalation, priority: str, note: str, place: str
) -> None:
    with pytest.raises(Invalid) as refused:
        ask(world, case, priority, note)
    assert refused.value.detail["place"] == place
    assert world.all(VisitRequest) == []


def test_it_is_asked_once_for_a_case_until_it_has_ended(world: World, case: Escalation) -> None:
    made = ask(world, case)
    with pytest.raises(Conflict, match="asked for already"):
        ask(world, case)
    end_visit(world.session, world.rt, world.clinic.nurse, made.id, "done")
    again = ask(world, case)
    assert again.id != made.id
    assert [one.status for one in world.all(VisitRequest)] == ["completed", "active"]


def test_two_who_ask_at_once_make_one_visit(world: World, case: Escalation, engine: Engine) -> None:
    case_id, barrier, said = case.id, Barrier(2), []

    def one() -> None:
        with Session(engine) as own:
            barrier.wait()
            try:
                request_visit(own, world.rt, world.clinic.clinician, case_id, "urgent", "see them")
                said.append("made")
            except Conflict:
                said.append("refused")

    threads = [Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["made", "refused"]
    assert len(world.all(VisitRequest)) == 1


def test_it_ends_once_and_who_ended_it_takes_that_back_within_ten_minutes(world: World, case: Escalation) -> None:
    nurse, made = world.clinic.nurse, ask(world, case)
    end_visit(world.session, world.rt, nurse, made.id, "cancelled")
    with pytest.raises(Conflict, match="before"):
        end_visit(world.session, world.rt, world.clinic.clinician, made.id, "done")
    assert [one.id for one in ended_visits(world.session, nurse, world.now)] == [made.id]
    with pytest.raises(Conflict, match="only who ended it"):
        reopen_visit(world.session, world.rt, world.clinic.clinician, made.id)
    assert reopen_visit(world.session, world.rt, nurse, made.id).status == "active"
    with pytest.raises(Conflict, match="still asked for"):
        reopen_visit(world.session, world.rt, nurse, made.id)
    end_visit(world.session, world.rt, nurse, made.id, "done")
    world.clock.forward(minutes=11)
    with pytest.raises(Conflict, match="within ten minutes"):
        reopen_visit(world.session, world.rt, nurse, made.id)
    events = world.session.scalars(select(AuditEvent).where(AuditEvent.entity == "visit_request")).all()
    assert [one.action for one in sorted(events, key=lambda e: (e.at, e.id))] == [
        *("visit.request", "visit.cancelled", "visit.reopen", "visit.done")
    ]
    assert all("legs" not in str(one.detail) for one in events)


def test_a_visit_is_not_opened_again_beside_a_newer_one(world: World, case: Escalation) -> None:
    first = ask(world, case)
    end_visit(world.session, world.rt, world.clinic.nurse, first.id, "done")
    ask(world, case)
    with pytest.raises(Conflict, match="already"):
        reopen_visit(world.session, world.rt, world.clinic.nurse, first.id)


def test_how_it_ended_is_one_of_two_words(world: World, case: Escalation) -> None:
    made = ask(world, case)
    with pytest.raises(Invalid):
        end_visit(world.session, world.rt, world.clinic.nurse, made.id, "forgotten")


def test_another_team_and_an_administrator_get_nowhere(world: World, case: Escalation) -> None:
    made = ask(world, case)
    session, rt, other = world.session, world.rt, world.clinic.other_nurse
    with pytest.raises(NotFound):
        request_visit(session, rt, other, case.id, "urgent", "x")
    with pytest.raises(NotFound):
        end_visit(session, rt, other, made.id, "done")
    with pytest.raises(NotFound):
        reopen_visit(session, rt, other, made.id)
    with pytest.raises(NotAllowed):
        request_visit(session, rt, world.clinic.admin, case.id, "urgent", "x")


def test_nobody_visits_who_is_not_known(world: World) -> None:
    world.tell("I have chest pain", sender="+12025550188")
    (case,) = [one for one in world.escalations() if one.patient_id is None]
    with pytest.raises(Conflict, match="whose case"):
        ask(world, case)


def test_ten_minutes_are_ten_minutes(world: World, case: Escalation) -> None:
    made = ask(world, case)
    end_visit(world.session, world.rt, world.clinic.nurse, made.id, "done")
    world.clock.now += timedelta(minutes=10)
    assert reopen_visit(world.session, world.rt, world.clinic.nurse, made.id).ended_at is None
