"""The table of bad input (tests/cases/bad_input.json): a clear error or a helpful reply, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bots.twilio_signature import expected
from care.domain.codes import Purpose
from care.domain.questionnaire import read_questionnaire
from care.errors import Invalid
from care.records.communications import Communication, contents
from care.records.observations import Observation
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import enrolment, inbox, outbox
from care_api.guard import COOKIE
from tests.care_api.answers import answered
from tests.care_api.serving import GLUCOSE, enrolled, form, serving, staff_token
from tests.care_api.twilio_calls import FORM, PUBLIC, TOKEN, fields, post, twilio, whatsapp
from tests.conftest import ROOT, Clinic, Clock

CASES = json.loads((Path(ROOT) / "tests/cases/bad_input.json").read_text(encoding="utf-8"))["cases"]


def cases(*doors: str) -> Any:
    """The cases that come through these doors, by name."""
    chosen = [case for case in CASES if case["through"] in doors]
    return pytest.mark.parametrize("case", chosen, ids=[case["name"] for case in chosen])


@pytest.fixture
def served(session: Session, database_url: str, rt: Runtime) -> Iterator[Flask]:
    with serving(database_url, replace(rt, channels={**rt.channels, "sms": twilio(), "whatsapp": whatsapp()})) as made:
        yield made


@pytest.fixture
def http(served: Flask) -> FlaskClient:
    return served.test_client()


def test_every_case_has_a_door():
    doors = {"plan", "report", "raw", "get", "webhook", "text", "enrolment", "questionnaire"}
    assert {case["through"] for case in CASES} == doors
    assert len({case["name"] for case in CASES}) == len(CASES)


def holds(found: Any, case: dict[str, Any]) -> None:
    """A problem document with the status, and with the place where one is known."""
    assert found.status_code == case["status"], found.text[:500]
    assert found.content_type == "application/problem+json"
    problem = found.json
    assert problem["status"] == case["status"]
    assert problem["title"]
    assert problem["code"]
    if "place" in case:
        assert case["place"] in [error["pointer"] for error in problem["errors"]]


@cases("report")
def test_a_bad_report_is_refused_with_its_reason_and_nothing_is_kept(
    case: dict[str, Any],
    session: Session,
    http: FlaskClient,
    rt: Runtime,
    clinic: Clinic,
    clock: Clock,
    patient: Patient,
    bearer: dict[str, str],
):
    task = session.scalars(select(Task).where(Task.patient_id == patient.id).order_by(Task.due_at)).first()
    assert task is not None
    report = _report(session, task, clock.set(task.due_at))
    change = {key: value * case.get("times", 1) for key, value in case.get("change", {}).items()}
    clock.forward(days=case.get("days_later", 0))
    wanted = case.get("task", str(task.id))
    if wanted == "of another patient":
        wanted = _someone_elses_task(session, rt, clinic)
    query = {"task": wanted} if wanted is not None else {}
    headers = {**bearer, **case.get("headers", {})}
    found = http.post("/api/v1/me/reports", query_string=query, json=report | change, headers=headers)
    holds(found, case)
    session.rollback()
    assert session.scalars(select(func.count()).select_from(QuestionnaireResponse)).one() == 0


@cases("raw")
def test_a_body_that_is_no_report_is_refused(case: dict[str, Any], http: FlaskClient, bearer: dict[str, str]):
    body = case["body"] * case.get("times", 1)
    found = http.post("/api/v1/me/reports", data=body, content_type="application/json", headers=bearer)
    holds(found, case)


@cases("get")
def test_a_bad_query_is_refused(case: dict[str, Any], http: FlaskClient, bearer: dict[str, str]):
    holds(http.get(case["path"], headers=bearer), case)


@cases("webhook")
def test_a_bad_webhook_is_refused_and_nothing_is_kept_or_changed(
    case: dict[str, Any], session: Session, http: FlaskClient, rt: Runtime, patient: Patient
):
    sent = outbox.enqueue(session, rt.now(), purpose=Purpose.CONFIRMATION, text="hi", dedupe="a", patient=patient)
    assert sent is not None
    session.commit()
    for door in case.get("doors", ["sms", "whatsapp", "status"]):
        path = f"/webhooks/twilio/{door}" + (f"?id={sent.id}" if door == "status" else "")
        values = fields(case.get("text", "hello") * case.get("times", 1)) | case.get("change", {})
        if door == "status":
            values = {"MessageStatus": "failed"} | values
        holds(called(http, case, path, values), case)
    session.rollback()
    assert session.scalars(select(func.count()).where(Communication.direction == "in")).one() == 0
    session.refresh(sent)
    assert sent.delivery == "queued"


def called(http: FlaskClient, case: dict[str, Any], path: str, values: dict[str, str]) -> Any:
    """The answer to a call that was signed, and then changed on the way as the case says."""
    token = case.get("token", TOKEN)
    body = urlencode(values).replace(*case.get("swap", ("", "")))
    if "raw" in case:
        body = case["raw"] * case.get("times", 1)
    signature = token and expected(token, PUBLIC + path, {name: [value] for name, value in values.items()})
    return http.post(
        path + case.get("query", ""),
        data=body.encode("latin-1"),
        content_type=case.get("content_type", FORM),
        headers={"X-Twilio-Signature": signature} if signature else {},
    )


@cases("text")
def test_a_strange_text_is_kept_and_answered(
    case: dict[str, Any], session: Session, http: FlaskClient, rt: Runtime, patient: Patient
):
    patient.glucose_unit, patient.language = case.get("unit", "mg/dL"), case.get("language", "en")
    session.commit()
    words = case["text"] * case.get("times", 1)
    assert post(http, fields(words)).status_code == 200
    inbox.take_turns_due(session, rt, rt.now())
    row = session.scalars(select(Communication).where(Communication.direction == "in")).one()
    assert (contents(session, [row.id])[row.id].text == words) is case["kept"]
    assert row.take_at is None
    replies = session.scalars(select(func.count()).where(Communication.direction == "out")).one()
    assert replies or row.waits_since is not None, "neither answered nor waiting for a person"
    assert replies or not case.get("reply")
    if "glucose" in case:
        value = session.scalars(select(Observation.value).where(Observation.code == "2339-0")).one()
        assert value == pytest.approx(case["glucose"], abs=0.01)


@cases("plan")
def test_an_unknown_protocol_is_told_and_starts_nothing(
    case: dict[str, Any], session: Session, http: FlaskClient, rt: Runtime, clinic: Clinic, patient: Patient
):
    http.set_cookie(COOKIE, staff_token(session, rt, clinic.nurse))
    values = {"protocol": case["protocol"], "starts_on": "2026-03-02"}
    found = http.post(f"/patients/{patient.id}/plans", data=values)
    assert found.status_code == case["status"]
    assert found.content_type.startswith("text/html")


@cases("enrolment")
def test_an_impossible_patient_is_not_enrolled(case: dict[str, Any], session: Session, rt: Runtime, clinic: Clinic):
    with pytest.raises(Invalid) as caught:
        enrolment.enrol(session, rt, clinic.nurse, form(**case["change"]))
    assert caught.value.code == case.get("code", caught.value.code)
    assert caught.value.detail["place"] == next(iter(case["change"]))
    session.rollback()
    assert session.scalars(select(func.count()).select_from(Patient)).one() == 0


@cases("questionnaire")
def test_a_malformed_questionnaire_is_refused(case: dict[str, Any]):
    with pytest.raises(Invalid) as caught:
        read_questionnaire(case["document"])
    assert caught.value.message


def _report(session: Session, task: Task, at: datetime) -> dict[str, Any]:
    from care.records.definitions import definition

    return answered(definition(session, task.questionnaire).document, at)


def _someone_elses_task(session: Session, rt: Runtime, clinic: Clinic) -> str:
    other = enrolled(session, rt, clinic.other_nurse, record_number="T-0002", contacts=(("sms", "+14155550177", None),))
    enrolment.start_plan(session, rt, clinic.other_nurse, other.id, GLUCOSE, rt.now().date())
    return str(session.scalars(select(Task.id).where(Task.patient_id == other.id)).first())
