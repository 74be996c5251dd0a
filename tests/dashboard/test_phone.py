"""The telephone: attempts, the patient's form filled in for them, two who write at once, and whose it is not."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from care.records.audit_events import AuditEvent
from care.records.form_drafts import form_draft
from care.records.phone_calls import PhoneCall
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task, open_tasks
from care.services import plans
from tests.dashboard.ward import Ward, sign_in


@pytest.fixture
def task(ward: Ward) -> Task:
    """What the second patient, who has heart failure, is asked today."""
    now = ward.world.now
    plans.expand_due(ward.world.session, ward.world.rt, now)
    mine = [one for one in ward.world.all(Task) if one.patient_id == ward.two.id and one.expires_at > now]
    return min(mine, key=lambda one: one.due_at)


@pytest.fixture
def address(ward: Ward, task: Task) -> str:
    ward.world.clock.set(max(ward.world.now, task.due_at))
    return f"/patients/{ward.two.id}/phone/{task.id}"


def fields(html: str) -> dict[str, str]:
    """The hidden fields that every step carries."""
    return {name: re.search(rf'name="{name}" value="([^"]*)"', html)[1] for name in ("version", "once", "language")}  # type: ignore[index]


ANSWERS = {
    "p": ["weight", "breathlessness", "swelling"],
    "a.weight": "74.1",
    "u.weight": "kg",
    "a.breathlessness": "none",
    "a.swelling": "false",
}


def option(html: str, name: str, number: int) -> str:
    """What a choice posts."""
    return re.search(rf'id="q-{name}-{number}" value="([^"]*)"', html)[1]  # type: ignore[index]


def filled(page: str) -> dict[str, object]:
    names = re.findall(r'name="p" value="([^"]*)"', page)
    made: dict[str, object] = {"p": names, "a.weight": "74.1", "a.swelling": "false"}
    if 'name="u.weight"' in page:
        made["u.weight"] = "kg"
    made["a.breathlessness"] = option(page, "breathlessness", 1)
    return made | fields(page)


def test_what_is_open_is_offered_first_and_every_attempt_is_written_down(nurse: FlaskClient, ward: Ward, address: str):
    phone = f"/patients/{ward.two.id}/phone"
    page = nurse.get(phone).text
    assert "+85255550102" in page and "Fill it in" in page
    assert address in page
    once = str(uuid4())
    logged = {"once": once, "outcome": "no-answer", "note": "rang twice", "call_back_at": "2026-03-03T15:00"}
    for _ in range(2):
        assert nurse.post(phone, data=logged).status_code == 303
    (call,) = ward.world.all(PhoneCall)
    assert (call.outcome, call.note, call.author_id) == ("no-answer", "rang twice", ward.world.clinic.nurse.id)
    assert call.call_back_at.isoformat() == "2026-03-03T07:00:00+00:00"  # three in the afternoon in Hong Kong
    after = nurse.get(phone).text
    assert "rang twice" in after and "Ring again" in after
    assert "Demo" not in nurse.get("/calls").text  # initials only
    assert phone in nurse.get("/calls").text
    nurse.post(phone, data={"once": str(uuid4()), "outcome": "reached"})
    assert phone not in nurse.get("/calls").text
    events = [event.detail for event in ward.world.all(AuditEvent) if event.action == "phone.call"]
    assert [event["outcome"] for event in events] == ["no-answer", "reached"]


@pytest.mark.parametrize(
    "changed",
    [
        {"outcome": "sang"},
        {"outcome": ""},
        {"note": "x" * 4001},
        {"note": "a\x00b"},
        {"call_back_at": "2026-03-01T09:00"},
        {"call_back_at": "2027-03-01T09:00"},
        {"call_back_at": "soon"},
        {"once": "1"},
    ],
)
def test_what_is_no_call_is_refused_and_the_note_stays(nurse: FlaskClient, ward: Ward, changed: dict[str, str]):
    form = {"once": str(uuid4()), "outcome": "engaged", "note": "rang twice"} | changed
    answer = nurse.post(f"/patients/{ward.two.id}/phone", data=form)
    assert answer.status_code == 422
    assert ("rang twice" in answer.text) or "note" in changed
    assert ward.world.all(PhoneCall) == []


def test_a_report_by_telephone_says_who_told_and_who_wrote_and_is_judged(nurse: FlaskClient, ward: Ward, address: str):
    world, page = ward.world, nurse.get(address).text
    done = nurse.post(address, data=filled(page) | {"act": "send", "who": "patient"})
    assert done.status_code == 303, done.text
    report = world.session.scalars(select(QuestionnaireResponse).where(QuestionnaireResponse.source == "phone")).one()
    assert report.document["author"] == {"reference": f"Practitioner/{world.clinic.nurse.id}"}
    assert report.document["source"] == {"reference": f"Patient/{ward.two.id}"}
    assert report.document["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "PHONE"
    task = world.session.get_one(Task, report.task_id, populate_existing=True)
    assert (task.status, task.remind_at) == ("completed", None)
    assert form_draft(world.session, task.id) is None
    assert [(call.outcome, call.task_id) for call in world.all(PhoneCall)] == [("reached", task.id)]
    world.score()
    world.session.refresh(report)
    assert (report.score_at, report.judged) == (None, "flagged")  # 74.1 kg is a gain
    assert "by telephone" in nurse.get(f"/patients/{ward.two.id}").text


def test_the_same_form_sent_twice_is_one_report(nurse: FlaskClient, ward: Ward, address: str):
    sent = filled(nurse.get(address).text) | {"act": "send", "who": "patient"}
    assert [nurse.post(address, data=sent).status_code for _ in range(2)] == [303, 303]
    assert [one.source for one in ward.world.all(QuestionnaireResponse)].count("phone") == 1
    assert len(ward.world.all(PhoneCall)) == 1


def test_who_answered_must_be_said_and_be_somebody_who_may(nurse: FlaskClient, ward: Ward, address: str):
    sent = filled(nurse.get(address).text) | {"act": "send"}
    for who in ("", str(uuid4())):
        answer = nurse.post(address, data=sent | {"who": who} | fields(nurse.get(address).text))
        assert (answer.status_code, "say who answered" in answer.text.lower()) == (422, True)
        assert 'value="74.1"' in answer.text
    assert ward.world.all(PhoneCall) == []


def test_what_is_kept_is_there_again_also_what_cannot_be_read(nurse: FlaskClient, app: Flask, ward: Ward, address: str):
    kept = filled(nurse.get(address).text) | {"act": "fill", "a.weight": "seventy or so"}
    assert "seventy or so" in nurse.post(address, data=kept).text
    later = app.test_client()
    sign_in_again(later, ward)
    page = later.get(address).text
    assert "seventy or so" in page
    handed = later.post(address, data=kept | {"act": "send", "who": "patient"} | fields(page))
    assert (handed.status_code, "seventy or so" in handed.text) == (422, True)


def sign_in_again(client: FlaskClient, ward: Ward) -> None:
    client.set_cookie("care_staff", f"token-of-{ward.world.clinic.nurse.id}")


def test_two_who_write_at_once_are_told_of_each_other(nurse: FlaskClient, clinician: FlaskClient, address: str):
    first, second = nurse.get(address).text, clinician.get(address).text
    assert nurse.post(address, data=filled(first) | {"act": "fill"}).status_code == 200
    refused = clinician.post(address, data=filled(second) | {"act": "send", "who": "patient", "a.weight": "80.2"})
    assert refused.status_code == 409
    assert "Test Nurse wrote in this form meanwhile" in refused.text
    assert 'value="80.2"' in refused.text  # nothing typed is lost
    assert 'value="74.1"' in nurse.get(address).text  # nothing kept is overwritten
    assert "Test Nurse wrote in this form" in clinician.get(address).text
    mine = clinician.post(address, data=filled(second) | {"act": "over", "a.weight": "80.2"})
    assert (mine.status_code, 'value="80.2"' in mine.text) == (200, True)


def test_what_was_answered_meanwhile_is_not_answered_over(nurse: FlaskClient, clinician: FlaskClient, address: str):
    first, second = nurse.get(address).text, clinician.get(address).text
    assert nurse.post(address, data=filled(first) | {"act": "send", "who": "patient"}).status_code == 303
    late = clinician.post(address, data=filled(second) | {"act": "send", "who": "patient"})
    assert (late.status_code, "answered meanwhile" in late.text) == (409, True)


def test_words_of_danger_are_said_to_the_nurse_while_she_writes(nurse: FlaskClient, ward: Ward, address: str):
    page = nurse.get(address).text
    answer = nurse.post(address, data=filled(page) | {"act": "fill", "a.weight": "has chest pain"})
    assert "Words of danger" in answer.text


def test_a_form_is_read_in_another_language_and_keeps_what_was_typed(nurse: FlaskClient, address: str):
    page = nurse.get(address).text
    answer = nurse.post(address, data=filled(page) | {"act": "speak:en"}).text
    assert 'value="74.1"' in answer and 'name="language" value="en"' in answer


def test_a_cancelled_task_leads_back_with_the_reason(nurse: FlaskClient, ward: Ward, task: Task, address: str):
    task.status = "cancelled"
    ward.world.session.commit()
    answer = nurse.get(address, follow_redirects=True)
    assert "cannot be filled in" in answer.text
    assert open_tasks(ward.world.session, ward.two.id, ward.world.now) == []


def test_the_telephone_is_the_teams_own(stranger: FlaskClient, admin: FlaskClient, ward: Ward, address: str):
    for path in (f"/patients/{ward.two.id}/phone", address):
        assert stranger.get(path).status_code == 404
        assert stranger.post(path, data={"outcome": "reached", "once": str(uuid4())}).status_code == 404
        assert admin.get(path).status_code == 403
    assert f"/patients/{ward.two.id}/phone" not in stranger.get("/calls").text


def test_the_patients_name_and_number_are_in_no_address(nurse: FlaskClient, ward: Ward, address: str):
    page = nurse.get(f"/patients/{ward.two.id}/phone").text
    assert not re.search(r'(href|action)="/[^"]*(8525555|示範)', page)


def test_a_clinician_sees_the_promised_calls_too(app: Flask, ward: Ward):
    client = app.test_client()
    sign_in(client, ward.world, ward.world.clinic.clinician)
    assert client.get("/calls").status_code == 200
