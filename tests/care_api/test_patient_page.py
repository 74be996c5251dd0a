"""The page at /me: files without a patient, words in three languages, and what a phone needs to keep it."""

from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import LANGUAGES
from care.domain.message import Incoming
from care.library.page_texts import page_texts
from care.records.communications import Communication
from care.records.escalations import Escalation
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import inbox
from care_api.patient_page import FOLDER
from tests.care_api.serving import PHONE, enrolled
from tests.conftest import Clinic, Clock
from tests.dashboard.ward import SUGARS

SCRIPTS = "\n".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.js")))
BUILT = {"problem", "nav", "status", "measure", "scale", "trends"}
"""Keys that the scripts put together: the word, a hyphen and a code."""


def test_the_page_and_its_files_are_for_anyone_and_allow_nothing_from_elsewhere(client: FlaskClient):
    page = client.get("/me")
    assert page.status_code == 200
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=|https?://", page.text)
    files = re.findall(r'"(/me/assets/[^"]+\.(?:js|css|svg|png))"', page.text)
    assert len(files) >= 4
    for file in files:
        found = client.get(file)
        assert found.status_code == 200, file
        assert "immutable" in found.headers["Cache-Control"]


def test_a_file_is_not_kept_under_the_name_of_another_version(client: FlaskClient):
    for name in ("app.js", "words.en.json"):
        found = client.get(f"/me/assets/another/{name}")
        assert found.status_code == 200
        assert found.headers["Cache-Control"] == "no-store"


def test_the_manifest_names_icons_that_are_there(client: FlaskClient):
    found = client.get("/me/manifest.webmanifest")
    assert found.content_type == "application/manifest+json"
    manifest = json.loads(found.text)
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/me", "/me", "standalone")
    assert {icon["purpose"] for icon in manifest["icons"]} >= {"any", "maskable"}
    for icon in manifest["icons"]:
        assert client.get(icon["src"]).content_type.startswith(icon["type"])


def test_the_service_worker_keeps_files_of_ours_and_nothing_of_the_api(client: FlaskClient):
    found = client.get("/me/worker.js")
    assert found.headers["Service-Worker-Allowed"] == "/me"
    named = re.search(r"const FILES = (\[.*\]);", found.text)
    assert named
    files = json.loads(named[1])
    assert {"/me"} < set(files)
    for file in files:
        assert not file.startswith("/api")
        assert client.get(file).status_code == 200, file


def test_a_file_that_is_not_there_is_not_found(client: FlaskClient):
    for name in ("nothing.js", "words.fr.json", "../app.py", "words.en.json/x"):
        assert client.get(f"/me/assets/x/{name}").status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_page_is_there_in_every_language(client: FlaskClient, language: str):
    words = client.get(f"/me/assets/x/words.{language}.json").json
    assert words == page_texts(language)
    assert all(words.values())
    used = set(re.findall(r'\bt\(\s*"([a-z0-9-]+)"', SCRIPTS)) | set(
        re.findall(r'"((?:error|report|form)-[a-z-]+)"', SCRIPTS)
    )
    used -= {"form-"}
    assert used <= set(words), used - set(words)


def test_no_word_of_the_page_is_left_over():
    left = [key for key in page_texts("en") if f'"{key}"' not in SCRIPTS and key.partition("-")[0] not in BUILT]
    assert left == []


def test_the_two_chinese_scripts_differ_and_chinese_is_chinese():
    simplified, traditional = page_texts("zh-Hans"), page_texts("zh-Hant")
    long = [key for key, words in simplified.items() if len(re.sub(r"[ -~]", "", words)) > 8]
    assert [key for key in long if simplified[key] == traditional[key]] == []
    assert all(re.search("[\u4e00-\u9fff]", words) for words in simplified.values())


def test_the_scripts_hold_no_markup_and_read_no_text_as_code():
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "http://",
    ):
        assert forbidden not in SCRIPTS.replace("http://www.w3.org/2000/svg", ""), forbidden


def test_a_patient_is_told_whom_to_call(client: FlaskClient, bearer: dict[str, str]):
    found = client.get("/api/v1/me", headers=bearer).json
    assert (found["emergency_number"], found["crisis_line"]) == ("911", "988")


def test_a_message_goes_the_one_way_in_and_the_same_key_is_one_message(
    session: Session, client: FlaskClient, bearer: dict[str, str]
):
    headers = {**bearer, "Idempotency-Key": "k1"}
    first, second = (client.post("/api/v1/me/messages", json={"text": "hello"}, headers=headers) for _ in range(2))
    assert (first.status_code, first.json) == (201, second.json)
    assert first.json["advice"] == ""
    (row,) = session.scalars(select(Communication).where(Communication.direction == "in"))
    assert (row.channel, row.take_at is not None, row.screened) == ("sms", True, "none")
    assert [one["text"] for one in client.get("/api/v1/me/messages", headers=bearer).json["messages"]] == ["hello"]
    assert client.post("/api/v1/me/messages", json={"text": ""}, headers=bearer).status_code == 422
    assert client.post("/api/v1/me/messages", json={"text": "x" * 2001}, headers=bearer).status_code == 422


def test_words_of_danger_in_a_message_raise_an_alarm_and_are_answered_at_once(
    session: Session, client: FlaskClient, bearer: dict[str, str], patient: Patient
):
    found = client.post("/api/v1/me/messages", json={"text": "I have chest pain"}, headers=bearer)
    assert "911" in found.json["advice"]
    (raised,) = session.scalars(select(Escalation))
    assert (raised.patient_id, raised.cause) == (patient.id, "red-flag")


def test_on_a_shared_phone_the_one_who_is_signed_in_is_the_one_who_writes(
    session: Session, rt: Runtime, clinic: Clinic, client: FlaskClient, bearer: dict[str, str], patient: Patient
):
    enrolled(session, rt, clinic.nurse, record_number="T-2", contacts=(("sms", PHONE, "sister"),))
    client.post("/api/v1/me/messages", json={"text": "it is me"}, headers=bearer)
    (row,) = session.scalars(select(Communication).where(Communication.direction == "in"))
    assert row.patient_id == patient.id
    inbox.take_turns_due(session, rt, rt.now())
    replies = session.scalars(select(Communication).where(Communication.direction == "out")).all()
    assert {one.patient_id for one in replies} <= {patient.id}


def test_stop_on_the_page_stops_the_messages(
    session: Session, rt: Runtime, client: FlaskClient, bearer: dict[str, str], patient: Patient
):
    for language in LANGUAGES:
        assert page_texts(language)["stop-word"]
    client.post("/api/v1/me/messages", json={"text": page_texts("en")["stop-word"]}, headers=bearer)
    inbox.take_turns_due(session, rt, rt.now())
    cause = session.scalars(select(Escalation.cause).where(Escalation.patient_id == patient.id)).all()
    assert cause == ["opted-out"]


def test_trends_have_a_title_in_the_language_of_the_reader_and_say_what_is_usual(
    session: Session, rt: Runtime, client: FlaskClient, bearer: dict[str, str], clock: Clock
):
    for number, value in enumerate(SUGARS[:12]):
        inbox.receive(session, rt, Incoming("sms", PHONE, f"glucose {value}", f"SM{number}", clock.now))
        inbox.take_turns_due(session, rt, clock.now)
        clock.forward(hours=12)
    clock.forward(days=1)
    (trend,) = client.get("/api/v1/me/trends?language=zh-Hans", headers=bearer).json["trends"]
    assert (trend["title"], trend["unit"], len(trend["points"])) == ("血糖", "mg/dL", 12)
    ordered = sorted(SUGARS[:12])
    assert trend["usual"] == [ordered[1], ordered[-2]]
