"""What the patient's app sees and hands in."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from care.domain.message import Incoming
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import inbox
from care_api import pages
from care_api.me import today
from tests.care_api.answers import answered
from tests.care_api.serving import PHONE
from tests.conftest import Clock


def first_task(client: FlaskClient, bearer: dict[str, str]) -> dict[str, Any]:
    found = client.get("/api/v1/me/tasks", headers=bearer)
    assert found.status_code == 200
    task: dict[str, Any] = found.json["tasks"][0]
    return task


def questionnaire(client: FlaskClient, bearer: dict[str, str], canonical: str) -> dict[str, Any]:
    url, _, version = canonical.partition("|")
    found = client.get("/api/v1/questionnaires", query_string={"url": url, "version": version}, headers=bearer)
    assert found.status_code == 200
    assert found.content_type == "application/fhir+json"
    document: dict[str, Any] = found.json
    return document


def test_the_app_shows_a_task_fetches_its_form_and_hands_in_the_report(
    session: Session, client: FlaskClient, bearer: dict[str, str], clock: Clock
):
    task = first_task(client, bearer)
    assert task["title"]
    assert task["status"] == "ready"
    clock.set(datetime.fromisoformat(task["due_at"]))
    form = questionnaire(client, bearer, task["questionnaire"])
    report = answered(form, clock.now)
    found = client.post(f"/api/v1/me/reports?task={task['id']}", json=report, headers=bearer)
    assert found.status_code == 201, found.json
    assert session.scalars(select(Task.status).where(Task.id == UUID(task["id"]))).one() == "completed"
    listed = client.get("/api/v1/me/reports", headers=bearer).json
    assert [one["id"] for one in listed["reports"]] == [found.json["id"]]
    assert listed["reports"][0]["document"]["resourceType"] == "QuestionnaireResponse"
    assert listed["next"] is None


def test_the_same_request_twice_is_one_report_and_one_answer(
    session: Session, client: FlaskClient, bearer: dict[str, str], clock: Clock
):
    task = first_task(client, bearer)
    clock.set(datetime.fromisoformat(task["due_at"]))
    report = answered(questionnaire(client, bearer, task["questionnaire"]), clock.now)
    headers = {**bearer, "Idempotency-Key": "a-key"}
    first, second = (
        client.post(f"/api/v1/me/reports?task={task['id']}", json=report, headers=headers) for _ in range(2)
    )
    assert (first.status_code, first.json) == (second.status_code, second.json)
    assert session.scalars(select(func.count()).select_from(QuestionnaireResponse)).one() == 1
    other = client.post("/api/v1/me/reports", json=report, headers=headers)
    assert other.status_code == 409


def test_the_same_request_three_times_at_once_is_one_report_and_one_answer(
    session: Session, app: Flask, client: FlaskClient, bearer: dict[str, str], clock: Clock
):
    task = first_task(client, bearer)
    clock.set(datetime.fromisoformat(task["due_at"]))
    report = answered(questionnaire(client, bearer, task["questionnaire"]), clock.now)
    together = threading.Barrier(3)

    def post(_: int) -> tuple[int, Any]:
        browser = app.test_client()
        together.wait()
        path, headers = f"/api/v1/me/reports?task={task['id']}", {**bearer, "Idempotency-Key": "a-key"}
        found = browser.post(path, json=report, headers=headers)
        return found.status_code, found.json

    with ThreadPoolExecutor(3) as pool:
        first, *others = pool.map(post, range(3))
    assert first[0] == 201
    assert others == [first, first]
    assert session.scalars(select(func.count()).select_from(QuestionnaireResponse)).one() == 1


def test_messages_are_shown_newest_first_and_codes_are_not_among_them(
    session: Session, client: FlaskClient, rt: Runtime, bearer: dict[str, str], clock: Clock
):
    client.post("/api/v1/sign-in/codes", json={"channel": "sms", "address": PHONE})
    for number in range(3):
        inbox.receive(session, rt, Incoming("sms", PHONE, f"text {number}", f"SM{number}", rt.now()))
        clock.forward(seconds=1)
    found = client.get("/api/v1/me/messages", headers=bearer).json
    assert [one["text"] for one in found["messages"]] == ["text 2", "text 1", "text 0"]
    assert {one["direction"] for one in found["messages"]} == {"in"}


def test_a_long_list_is_read_page_by_page_without_gap_or_repeat(
    session: Session, client: FlaskClient, rt: Runtime, bearer: dict[str, str]
):
    many = pages.SIZE * 2 + 7
    inbox.receive_many(session, rt, [Incoming("sms", PHONE, f"text {n}", f"SM{n}", rt.now()) for n in range(many)])
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"cursor": cursor} if cursor else {}
        found = client.get("/api/v1/me/messages", query_string=query, headers=bearer).json
        seen += [one["id"] for one in found["messages"]]
        cursor = found["next"]
    assert len(seen) == len(set(seen)) == many


def test_a_day_is_the_patients_own_also_where_clocks_change():
    since, until = today(datetime(2026, 3, 8, 3, 0, tzinfo=UTC), "America/New_York")
    assert (since.isoformat(), until.isoformat()) == ("2026-03-07T00:00:00-05:00", "2026-03-08T00:00:00-05:00")
    since, until = today(datetime(2026, 3, 8, 12, 0, tzinfo=UTC), "America/New_York")
    assert (until - since).total_seconds() == 24 * 3600  # the same wall clock, 23 hours apart
    assert (until.astimezone(UTC) - since.astimezone(UTC)).total_seconds() == 23 * 3600


def test_a_questionnaire_is_found_by_its_id_too_and_a_protocol_is_not_one(
    session: Session, client: FlaskClient, bearer: dict[str, str]
):
    from care.records.definitions import published

    form, plan = published(session, "Questionnaire")[0], published(session, "PlanDefinition")[0]
    assert client.get(f"/api/v1/questionnaires/{form.id}", headers=bearer).json == form.document
    assert client.get(f"/api/v1/questionnaires/{plan.id}", headers=bearer).status_code == 404


def test_another_patients_things_cannot_even_be_named(client: FlaskClient, patient: Patient):
    mine = [rule.rule for rule in client.application.url_map.iter_rules() if rule.rule.startswith("/api/v1/me")]
    assert mine
    assert not any("<" in rule for rule in mine)


def test_another_text_under_a_key_that_was_used_is_refused_and_never_lost(client: FlaskClient, bearer: dict[str, str]):
    headers = {**bearer, "Idempotency-Key": "letter"}
    first, again, other = (
        client.post("/api/v1/me/messages", json={"text": text}, headers=headers)
        for text in ("I feel well", "I feel well", "I have chest pain")
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json["id"] == again.json["id"]
    assert (other.status_code, other.json["code"]) == (409, "idempotency-key-reused")
