from __future__ import annotations

import re
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select

from care.records.audit_events import AuditEvent
from care.records.care_plans import CarePlan
from tests.dashboard.ward import CANCER, Ward


def test_opening_a_patient_shows_who_how_and_what_is_next_and_is_audited(nurse: FlaskClient, ward: Ward):
    page = nurse.get(f"/patients/{ward.one.id}").text
    for words in ("Demo Patient One", "Diabetes glucose diary", "day 15 of 84", "English", "Glucose very low"):
        assert words in page, words
    seen = ward.world.session.scalars(select(AuditEvent).where(AuditEvent.action == "patient.view")).all()
    assert [(event.patient_id, event.agent_id) for event in seen] == [(ward.one.id, ward.world.clinic.nurse.id)]


def test_a_patient_of_another_team_is_not_found_whatever_is_done(stranger: FlaskClient, ward: Ward):
    base = f"/patients/{ward.one.id}"
    assert stranger.get(base).status_code == 404
    data = {"text": "hello", "protocol": CANCER, "starts_on": "2026-03-02"}
    for place in ("/message", "/message/send", "/code", "/plans"):
        assert stranger.post(base + place, data=data).status_code == 404, place


def test_readings_are_shown_in_the_patients_own_unit(nurse: FlaskClient, ward: Ward):
    page = nurse.get(f"/patients/{ward.three.id}").text
    assert "Target range 3.9 to 10 mmol/L" in page
    assert 'data-value="3.6"' in page


def test_the_patients_words_say_in_which_language_they_are(nurse: FlaskClient, ward: Ward):
    page = nurse.get(f"/patients/{ward.two.id}").text
    assert re.search(r'<p lang="zh-Hant">今日覺得胸口痛', page)


def test_a_message_is_shown_exactly_before_it_is_sent(nurse: FlaskClient, ward: Ward):
    place = f"/patients/{ward.one.id}/message"
    shown = nurse.post(place, data={"text": "Please eat & measure again <now>"})
    assert "Please eat &amp; measure again &lt;now&gt;" in shown.text
    before = len(ward.world.out())
    sent = nurse.post(f"{place}/send", data={"text": "Please eat & measure again <now>"}, follow_redirects=True)
    assert "on its way" in sent.text
    queued = ward.world.out()
    assert len(queued) == before + 1
    assert ward.world.words(queued[-1]) == ["Please eat & measure again <now>"]


def test_a_one_time_code_is_shown_once_and_kept_out_of_caches(nurse: FlaskClient, ward: Ward):
    answer = nurse.post(f"/patients/{ward.one.id}/code")
    assert re.search(r'class="code">\d{3} \d{3}<', answer.text)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_plan_is_started_and_stopped_from_the_page(nurse: FlaskClient, ward: Ward):
    base = f"/patients/{ward.one.id}/plans"
    started = nurse.post(base, data={"protocol": CANCER, "starts_on": "2026-03-03"}, follow_redirects=True)
    assert "The plan has started" in started.text
    again = nurse.post(base, data={"protocol": CANCER, "starts_on": "2026-03-03"}, follow_redirects=True)
    assert "was not started" in again.text
    found = re.findall(r"/plans/([0-9a-f-]{36})/stop", started.text)
    for plan_id in found:
        nurse.post(f"{base}/{plan_id}/stop", data={"reason": "finished"})
    plans = ward.world.session.scalars(
        select(CarePlan).where(CarePlan.id.in_(UUID(p) for p in found)).execution_options(populate_existing=True)
    )
    assert {plan.status for plan in plans} == {"revoked"}


def test_patients_are_found_by_name_pinyin_record_and_digits(nurse: FlaskClient, ward: Ward):
    for question, name in (("one", "Demo Patient One"), ("病人丙", "示例病人丙"), ("0101", "Demo Patient One")):
        answer = nurse.post("/find", data={"q": question})
        assert name in answer.text, question
        assert question not in answer.request.url
    assert "No patients found" in nurse.post("/find", data={"q": "nobody"}).text


def test_a_nurse_of_another_team_finds_nobody(stranger: FlaskClient, ward: Ward):
    assert "No patients found" in stranger.post("/find", data={"q": "one"}).text


def test_an_administrator_sees_no_patient(admin: FlaskClient, ward: Ward):
    for place in ("/worklist", "/inbox", "/find", f"/patients/{ward.one.id}", "/core/"):
        assert admin.get(place).status_code == 403, place


def test_a_form_field_that_no_table_can_keep_is_refused(nurse: FlaskClient, ward: Ward):
    data = {"protocol": "diabetes\x00diary", "starts_on": "2026-03-02"}
    assert nurse.post(f"/patients/{ward.one.id}/plans", data=data).status_code == 422
    assert nurse.post(f"/patients/{ward.one.id}/message/send", data={"text": "a\x00b"}).status_code == 422
