"""Reports from the app: kept whole or refused with the place, once for a key, and only for one's own task."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.errors import CareError, Conflict, Invalid, NotFound
from care.records.ids import new_id
from care.records.observations import Observation
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task
from care.runtime import Runtime
from care.services.reports import submit
from tests.conftest import Clinic, Clock
from tests.services.world import DIABETES, GLUCOSE, HEART, WEIGHT, World, make_world


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


@pytest.fixture
def patient(world: World) -> Patient:
    return world.patient(protocol=DIABETES)


@pytest.fixture
def task(world: World, patient: Patient) -> Task:
    """The first task, due now."""
    found = world.session.scalars(select(Task).where(Task.patient_id == patient.id).order_by(Task.due_at)).first()
    assert found is not None
    world.clock.set(found.due_at)
    return found


def response(value: float = 100, **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": GLUCOSE,
        "status": "completed",
        "item": [
            {"linkId": "glucose", "answer": [{"valueQuantity": {"value": value, "unit": "mg/dL", "code": "mg/dL"}}]},
            {"linkId": "symptoms", "answer": [{"valueBoolean": False}]},
        ],
        **changes,
    }


def test_a_report_is_kept_whole_and_its_task_is_done(world: World, patient: Patient, task: Task) -> None:
    status, answer = submit(world.session, world.rt, patient, response(), task.id)
    assert status == 201
    (report,) = world.all(QuestionnaireResponse)
    assert (str(report.id), str(report.task_id), report.source, report.score_at) == (
        answer["id"],
        answer["task_id"],
        "app",
        world.now,
    )
    assert report.document["item"][0]["answer"][0]["valueQuantity"]["value"] == 100
    assert b"glucose" not in report.document_sealed
    world.session.refresh(task)
    assert (task.status, task.remind_at) == ("completed", None)


def test_a_second_report_for_a_task_supersedes_the_first(world: World, patient: Patient, task: Task) -> None:
    first = submit(world.session, world.rt, patient, response(58), task.id)[1]
    second = submit(world.session, world.rt, patient, response(98), task.id)[1]
    assert second["supersedes"] == first["id"]
    assert [one.status for one in world.all(QuestionnaireResponse)] == ["amended", "completed"]
    values = [(one.value, one.superseded) for one in world.all(Observation) if one.code == "2339-0"]
    assert values == [(58, True), (98, False)]


def test_what_was_reported_first_is_judged_even_when_it_is_corrected(
    world: World, patient: Patient, task: Task
) -> None:
    submit(world.session, world.rt, patient, response(58), task.id)
    submit(world.session, world.rt, patient, response(98), task.id)
    world.score()
    assert [row.cause for row in world.escalations(patient) if row.source == "rule"] == ["glucose-low"]


def test_the_same_request_twice_has_one_effect_and_one_answer(world: World, patient: Patient, task: Task) -> None:
    first = submit(world.session, world.rt, patient, response(), task.id, "key-1")
    world.clock.forward(hours=1)
    assert submit(world.session, world.rt, patient, response(), task.id, "key-1") == first
    assert len(world.all(QuestionnaireResponse)) == 1


def test_a_key_used_for_another_request_is_a_conflict(world: World, patient: Patient, task: Task) -> None:
    submit(world.session, world.rt, patient, response(), task.id, "key-1")
    with pytest.raises(Conflict) as refused:
        submit(world.session, world.rt, patient, response(101), task.id, "key-1")
    assert refused.value.code == "idempotency-key-reused"


def test_a_refused_request_does_not_use_up_its_key(world: World, patient: Patient, task: Task) -> None:
    with pytest.raises(Invalid):
        submit(world.session, world.rt, patient, response(status="in-progress"), task.id, "key-1")
    world.session.rollback()
    assert submit(world.session, world.rt, patient, response(), task.id, "key-1")[0] == 201


def test_two_patients_may_use_the_same_key(world: World, patient: Patient, task: Task) -> None:
    other = world.patient("+12025550102")
    submit(world.session, world.rt, patient, response(), None, "key-1")
    assert submit(world.session, world.rt, other, response(), None, "key-1")[0] == 201


def test_someone_elses_task_does_not_exist(world: World, patient: Patient, task: Task) -> None:
    other = world.patient("+12025550102")
    for theirs in (task.id, new_id()):
        with pytest.raises(NotFound):
            submit(world.session, world.rt, other, response(), theirs)


def test_a_questionnaire_that_is_not_in_the_plan_does_not_exist(world: World, patient: Patient) -> None:
    for named in (WEIGHT, "https://elsewhere.invalid/form|1"):
        with pytest.raises(NotFound):
            submit(world.session, world.rt, patient, response(questionnaire=named))


def test_a_cancelled_task_is_no_longer_needed(world: World, patient: Patient, task: Task) -> None:
    task.status = "cancelled"
    world.session.commit()
    with pytest.raises(Conflict):
        submit(world.session, world.rt, patient, response(), task.id)


def test_a_task_of_next_week_cannot_be_answered_yet(world: World, patient: Patient) -> None:
    later = world.session.scalars(select(Task).order_by(Task.due_at.desc())).first()
    assert later is not None
    with pytest.raises(Conflict):
        submit(world.session, world.rt, patient, response(), later.id)


def test_a_late_report_is_taken_and_called_late(world: World, patient: Patient, task: Task) -> None:
    task.status, task.status_reason = "failed", "expired"
    world.session.commit()
    submit(world.session, world.rt, patient, response(), task.id)
    world.session.refresh(task)
    assert (task.status, task.status_reason) == ("completed", "late")


BAD = {
    "not an object": ([], "missing-questionnaire", None),
    "no questionnaire": (response(questionnaire=None), "missing-questionnaire", None),
    "a questionnaire with a NUL": (response(questionnaire="a\x00b"), "missing-questionnaire", None),
    "not a response": (response(resourceType="Bundle"), "not-a-response", None),
    "not completed": (response(status="in-progress"), "not-completed", None),
    "an unknown linkId": (response(item=[{"linkId": "nope", "answer": [{"valueString": "x"}]}]), None, "nope"),
    "the wrong type": (response(item=[{"linkId": "glucose", "answer": [{"valueString": "58"}]}]), None, "glucose"),
    "no value": (response(item=[{"linkId": "glucose", "answer": [{}]}]), None, "glucose"),
    "an impossible value": (response(99_999), None, "glucose"),
    "an unknown unit": (
        response(
            item=[
                {"linkId": "glucose", "answer": [{"valueQuantity": {"value": 5, "unit": "stone", "code": "stone"}}]},
                {"linkId": "symptoms", "answer": [{"valueBoolean": False}]},
            ]
        ),
        None,
        "glucose",
    ),
    "nothing answered": (response(item=[]), None, "glucose"),
    "items that are no list": (response(item={"linkId": "glucose"}), None, None),
    "an impossible date": (response(authored="2026-02-30T08:00:00+00:00"), "bad-date", None),
    "a date without an offset": (response(authored="2026-03-02T08:00:00"), "bad-date", None),
    "a date that is a number": (response(authored=5), "bad-date", None),
    "the future": (response(authored="2030-01-01T08:00:00+00:00"), "date-out-of-range", None),
    "the far past": (response(authored="1991-04-21T09:09:00+00:00"), "date-out-of-range", None),
}


@pytest.mark.parametrize(("document", "code", "link_id"), BAD.values(), ids=BAD.keys())
def test_a_malformed_report_is_refused_with_its_place_and_nothing_is_kept(
    world: World, patient: Patient, document: Any, code: str | None, link_id: str | None
) -> None:
    with pytest.raises(Invalid) as refused:
        submit(world.session, world.rt, patient, document)
    world.session.rollback()
    if code:
        assert refused.value.code == code
    if link_id:
        assert refused.value.detail["link_id"] == link_id
    assert "99999" not in str(refused.value)
    assert world.all(QuestionnaireResponse) == []


def test_every_problem_is_named_at_once(world: World, patient: Patient) -> None:
    with pytest.raises(Invalid) as refused:
        submit(world.session, world.rt, patient, response(item=[]))
    errors = refused.value.detail["errors"]
    assert isinstance(errors, list)
    assert {one["linkId"] for one in errors} == {"glucose", "symptoms"}


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x00b", "two\nlines"])
def test_a_key_is_short_and_printable(world: World, patient: Patient, key: str) -> None:
    with pytest.raises(CareError):
        submit(world.session, world.rt, patient, response(), None, key)


def test_the_time_of_a_report_is_when_it_was_written(world: World, patient: Patient) -> None:
    at = world.now - timedelta(hours=3)
    answer = submit(world.session, world.rt, patient, response(authored=at.isoformat()))[1]
    assert answer["authored"] == at.isoformat()
    report = world.session.get_one(QuestionnaireResponse, UUID(answer["id"]))
    assert (report.authored_at, report.recorded_at) == (at, world.now)


def test_a_report_without_a_task_belongs_to_the_plan_that_asks_for_it(world: World, patient: Patient) -> None:
    heart = world.patient("+12025550102", HEART)
    submit(world.session, world.rt, patient, response())
    (report,) = world.all(QuestionnaireResponse)
    assert report.care_plan_id is not None
    with pytest.raises(NotFound):
        submit(world.session, world.rt, heart, response())
