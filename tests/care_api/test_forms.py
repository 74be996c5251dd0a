"""The form of a task over HTTP: drawn, kept while it is filled in, handed in once."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from care.records.escalations import Escalation
from care.records.form_drafts import FormDraft
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import content, form_drafts, inbox
from care.services.plans import start_plan
from tests.care_api.own_forms import PROTOCOL, own_seeds
from tests.care_api.serving import enrolled, patient_token
from tests.conftest import Clinic, Clock

WHERE = "/api/v1/me/form"
FIRST, SECOND = "name\x1f0", "name\x1f1"


@pytest.fixture
def task(session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient) -> str:
    """Today's task of a patient who is asked the evening check."""
    content.publish_seeds(session, rt.now(), own_seeds())
    start_plan(session, rt, clinic.nurse, patient.id, f"{PROTOCOL}|1", clock.now.date())
    found = select(Task).where(Task.questionnaire.contains("evening-check")).order_by(Task.due_at)
    first = session.scalars(found).first()
    assert first is not None
    clock.set(first.due_at)
    return str(first.id)


def drawn(answer: Any) -> dict[str, Any]:
    """The nodes that are drawn, by place."""
    found: dict[str, Any] = {}
    waiting = list(answer.json["form"]["items"])
    while waiting:
        node = waiting.pop()
        found[node["place"]] = node
        waiting += node.get("items", [])
        waiting += [below for each in node.get("instances", []) for below in each["items"]]
    return found


def put(client: FlaskClient, bearer: dict[str, str], task: str, answers: dict[str, Any], **more: Any) -> Any:
    return client.put(f"{WHERE}?task={task}", json={"answers": answers, **more}, headers=bearer)


WHOLE: dict[str, Any] = {
    "pain": [False],
    "medicine": [2],
    FIRST: ["aspirin"],
    "taken\x1f0": [True],
    SECOND: ["insulin"],
    "taken\x1f1": [False],
    "why-not\x1f1": ["none left"],
}


def test_a_form_is_drawn_in_the_patients_language_or_the_one_that_is_asked_for(
    client: FlaskClient, bearer: dict[str, str], task: str
):
    found = client.get(f"{WHERE}?task={task}", headers=bearer)
    assert found.status_code == 200, found.json
    assert found.json["form"]["title"] == "Evening check"
    assert found.json["saved_at"] is None
    assert "strength" not in drawn(found)
    chinese = client.get(f"{WHERE}?task={task}&language=zh-Hans", headers=bearer)
    assert chinese.json["form"]["title"] == "晚间检查"
    assert client.get(f"{WHERE}?task={task}&language=fr", headers=bearer).status_code == 422


def test_the_form_follows_the_answers_and_keeps_them(
    session: Session, client: FlaskClient, bearer: dict[str, str], task: str
):
    found = put(client, bearer, task, {"pain": [True], "strength": ["14"], "temperature": ["warm"]})
    assert found.status_code == 200, found.json
    nodes = drawn(found)
    assert nodes["strength"]["control"] == "slider"
    assert (nodes["strength"]["lower"], nodes["strength"]["upper"]) == ("no pain", "worst pain imaginable")
    assert [one["code"] for one in nodes["strength"]["problems"]] == ["out-of-range"]
    assert [one["code"] for one in nodes["temperature"]["problems"]] == ["not-a-number"]
    assert found.json["unread"] == {"temperature": ["warm"]}
    again = client.get(f"{WHERE}?task={task}", headers=bearer)
    assert drawn(again)["strength"]["values"] == [{"valueInteger": 14}]
    assert again.json["unread"] == {"temperature": ["warm"]}
    assert again.json["saved_at"]
    (row,) = session.scalars(select(FormDraft))
    assert b"warm" not in bytes(row.answers_sealed)
    listed = client.get("/api/v1/me/tasks", headers=bearer).json["tasks"]
    assert [one["begun"] for one in listed if one["id"] == task] == [True]


def test_an_instance_is_added_and_taken_away(client: FlaskClient, bearer: dict[str, str], task: str):
    assert FIRST in drawn(put(client, bearer, task, WHOLE))
    less = put(client, bearer, task, WHOLE, remove={"place": "medicine", "instance": 0})
    assert drawn(less)[FIRST]["values"] == [{"valueString": "insulin"}]
    assert SECOND not in drawn(less)
    wrong = put(client, bearer, task, WHOLE, remove={"place": "medicine", "instance": 7})
    assert (wrong.status_code, wrong.json["code"]) == (422, "no-such-instance")


def test_a_form_that_is_handed_in_is_one_report_and_its_draft_is_gone(
    session: Session, client: FlaskClient, bearer: dict[str, str], task: str
):
    put(client, bearer, task, WHOLE)
    headers = {**bearer, "Idempotency-Key": "once"}
    first, second = (client.post(f"{WHERE}?task={task}", json={"answers": WHOLE}, headers=headers) for _ in range(2))
    assert first.status_code == 201, first.json
    assert first.json == second.json
    assert session.scalars(select(func.count()).select_from(FormDraft)).one() == 0
    (report,) = session.scalars(select(QuestionnaireResponse))
    medicines = [item for item in report.document["item"] if item["linkId"] == "medicine"]
    assert [one["item"][0]["answer"][0]["valueString"] for one in medicines] == ["aspirin", "insulin"]
    assert session.get_one(Task, UUID(task)).status == "completed"
    words = client.get(f"/api/v1/me/reports/words?report={first.json['id']}&language=zh-Hans", headers=bearer)
    assert [line["text"] for line in words.json["lines"]][:2] == ["今天有没有疼痛？", "药物 1"]
    listed = client.get("/api/v1/me/reports?language=zh-Hans", headers=bearer).json["reports"]
    assert [one["title"] for one in listed] == ["晚间检查"]


def test_what_is_missing_or_wrong_is_told_by_its_place_and_nothing_is_kept(
    session: Session, client: FlaskClient, bearer: dict[str, str], task: str
):
    found = client.post(f"{WHERE}?task={task}", json={"answers": {**WHOLE, SECOND: [""]}}, headers=bearer)
    assert found.status_code == 422
    assert found.content_type == "application/problem+json"
    assert [(one["place"], one["code"]) for one in found.json["errors"]] == [(SECOND, "required")]
    found = client.post(f"{WHERE}?task={task}", json={"answers": {**WHOLE, "visit": ["soon"]}}, headers=bearer)
    assert [(one["place"], one["code"]) for one in found.json["errors"]] == [("visit", "not-a-date")]
    found = client.post(f"{WHERE}?task={task}", json={"answers": {"nowhere": [1]}}, headers=bearer)
    assert (found.status_code, found.json["code"]) == (422, "unknown-item")
    assert session.scalars(select(func.count()).select_from(QuestionnaireResponse)).one() == 0


def test_a_picture_is_in_the_report_and_not_in_the_draft(
    session: Session, client: FlaskClient, bearer: dict[str, str], task: str
):
    data = base64.b64encode(b"\xff\xd8\xff" + bytes(4000)).decode()
    picture = {"title": "wound.jpg", "contentType": "image/jpeg", "data": data}
    put(client, bearer, task, {**WHOLE, "photo": [picture]})
    again = client.get(f"{WHERE}?task={task}", headers=bearer)
    shown = drawn(again)["photo"]["values"][0]["valueAttachment"]
    assert shown == {"title": "wound.jpg", "contentType": "image/jpeg"}
    light = {name: part for name, part in picture.items() if name != "data"}
    refused = client.post(f"{WHERE}?task={task}", json={"answers": {**WHOLE, "photo": [light]}}, headers=bearer)
    assert [(one["place"], one["code"]) for one in refused.json["errors"]] == [("photo", "file-missing")]
    taken = client.post(f"{WHERE}?task={task}", json={"answers": {**WHOLE, "photo": [picture]}}, headers=bearer)
    assert taken.status_code == 201, taken.json
    (report,) = session.scalars(select(QuestionnaireResponse))
    assert report.document["item"][-1]["answer"][0]["valueAttachment"]["data"] == data


def test_words_of_danger_in_a_form_are_answered_at_once(client: FlaskClient, bearer: dict[str, str], task: str):
    answers = {**WHOLE, "else": ["I have chest pain"]}
    found = client.post(f"{WHERE}?task={task}", json={"answers": answers}, headers=bearer)
    assert "911" in found.json["advice"]


def test_words_of_danger_are_answered_while_the_form_is_filled_in_and_a_person_is_called_when_it_is_given_up(
    session: Session, rt: Runtime, clock: Clock, client: FlaskClient, bearer: dict[str, str], task: str
):
    found = put(client, bearer, task, {"else": ["I have chest pain"]})
    assert "911" in found.json["advice"]
    assert session.scalars(select(Escalation)).all() == []
    assert put(client, bearer, task, {"else": ["all is well"]}).json["advice"] == ""
    put(client, bearer, task, {"else": ["I have chest pain"]})
    clock.forward(hours=21)
    form_drafts.settle_due(session, rt, clock.now)
    (raised,) = session.scalars(select(Escalation))
    assert raised.cause == "red-flag"


def test_a_report_can_be_corrected_from_what_was_handed_in(client: FlaskClient, bearer: dict[str, str], task: str):
    client.post(f"{WHERE}?task={task}", json={"answers": WHOLE}, headers=bearer)
    assert drawn(client.get(f"{WHERE}?task={task}", headers=bearer))[SECOND]["values"] == [{"valueString": "insulin"}]


def test_what_was_begun_and_never_handed_in_is_judged_when_its_time_is_over(
    session: Session, rt: Runtime, clock: Clock, client: FlaskClient, bearer: dict[str, str], task: str
):
    put(client, bearer, task, {"pain": [True], "strength": ["9"], "temperature": ["900"]})
    form_drafts.settle_due(session, rt, clock.now)
    assert session.scalars(select(func.count()).select_from(QuestionnaireResponse)).one() == 0
    clock.forward(hours=21)
    assert form_drafts.settle_due(session, rt, clock.now).done == 1
    (report,) = session.scalars(select(QuestionnaireResponse))
    assert report.status == "stopped"
    assert [item["linkId"] for item in report.document["item"]] == ["pain", "strength"]
    assert report.score_at is not None
    assert session.scalars(select(func.count()).select_from(FormDraft)).one() == 0


def test_a_form_that_was_only_looked_at_leaves_nothing(
    session: Session, rt: Runtime, clock: Clock, client: FlaskClient, bearer: dict[str, str], task: str
):
    put(client, bearer, task, {"pain": [], "medicine": [1]})
    clock.forward(hours=21)
    form_drafts.settle_due(session, rt, clock.now)
    assert session.scalars(select(func.count()).select_from(QuestionnaireResponse)).one() == 0


def test_somebody_elses_task_and_one_of_next_week_are_not_to_be_had(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock, client: FlaskClient, bearer: dict[str, str], task: str
):
    other = enrolled(session, rt, clinic.nurse, record_number="T-2", contacts=(("sms", "+14155550123", None),))
    token = patient_token(session, rt, clinic.nurse, other, "+14155550123")
    theirs = {"Authorization": f"Bearer {token}"}
    for method in ("get", "put", "post"):
        body = {} if method == "get" else {"json": {"answers": {}}}
        assert getattr(client, method)(f"{WHERE}?task={task}", headers=theirs, **body).status_code == 404
        assert getattr(client, method)(f"{WHERE}?task={task}", **body).status_code == 401
    clock.set(clock.now - timedelta(days=3))
    assert client.get(f"{WHERE}?task={task}", headers=bearer).json["code"] == "task-not-due"


def test_what_was_begun_by_text_goes_on_in_the_form(
    session: Session, rt: Runtime, client: FlaskClient, bearer: dict[str, str], clock: Clock
):
    from care.domain.message import Incoming
    from care.services.reminders import send_due
    from tests.care_api.serving import PHONE

    listed = client.get("/api/v1/me/tasks", headers=bearer).json["tasks"]
    clock.set(datetime.fromisoformat(listed[0]["due_at"]) + timedelta(minutes=1))
    send_due(session, rt, clock.now)
    clock.forward(minutes=1)
    form = client.get(f"{WHERE}?task={listed[0]['id']}", headers=bearer)
    first = next(one for one in form.json["form"]["items"] if one.get("units"))
    inbox.receive(session, rt, Incoming("sms", PHONE, "104", "SM1", clock.now))
    inbox.take_turns_due(session, rt, clock.now)
    again = drawn(client.get(f"{WHERE}?task={listed[0]['id']}", headers=bearer))
    assert again[first["place"]]["values"][0]["valueQuantity"]["value"] == 104
