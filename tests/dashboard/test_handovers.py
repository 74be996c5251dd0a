"""Handing on and setting aside from the worklist, by plain forms."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.dashboard.ward import Ward


def claimed(nurse: FlaskClient, ward: Ward) -> str:
    alert = ward.alert(ward.one)
    nurse.post(f"/escalations/{alert.id}/accept")
    return f"/escalations/{alert.id}"


def test_who_has_it_finds_both_acts_one_step_from_the_list(nurse: FlaskClient, clinician: FlaskClient, ward: Ward):
    place = claimed(nurse, ward)
    assert f"{place}/handover" in nurse.get("/worklist").text
    assert f"{place}/handover" not in clinician.get("/worklist").text
    page = nurse.get(f"{place}/handover").text
    assert "Test Clinician, clinician" in page
    assert "At most 10 minutes" in page
    assert "Test Nurse, nurse" not in page


def test_a_colleague_is_asked_on_their_list_and_takes_it(nurse: FlaskClient, clinician: FlaskClient, ward: Ward):
    place = claimed(nurse, ward)
    to = str(ward.world.clinic.clinician.id)
    done = nurse.post(f"{place}/hand-on", data={"to": to}, follow_redirects=True)
    assert "Your colleague is paged" in done.text
    assert "offered to Test Clinician" in done.text
    asked = clinician.get("/worklist").text
    assert "offered to you" in asked
    assert f"{place}/decline" in asked
    clinician.post(f"{place}/accept")
    assert ward.alert(ward.one).owner_id == ward.world.clinic.clinician.id


def test_a_colleague_who_cannot_says_so(nurse: FlaskClient, clinician: FlaskClient, ward: Ward):
    place = claimed(nurse, ward)
    nurse.post(f"{place}/hand-on", data={"to": str(ward.world.clinic.clinician.id)})
    assert "is told" in clinician.post(f"{place}/decline", follow_redirects=True).text
    assert ward.alert(ward.one).owner_id == ward.world.clinic.nurse.id
    assert clinician.post(f"{place}/decline").status_code == 409


def test_setting_aside_needs_a_reason_and_keeps_what_was_typed(nurse: FlaskClient, ward: Ward):
    place = claimed(nurse, ward)
    assert nurse.post(f"{place}/snooze", data={"minutes": "5", "reason": ""}).status_code == 422
    long = nurse.post(f"{place}/snooze", data={"minutes": "60", "reason": "she is asleep now"})
    assert long.status_code == 422
    assert "10 minutes at most" in long.text
    assert "she is asleep now" in long.text
    assert nurse.post(f"{place}/snooze", data={"minutes": "soon", "reason": "x"}).status_code == 422
    done = nurse.post(f"{place}/snooze", data={"minutes": "10", "reason": "she is asleep now"}, follow_redirects=True)
    assert "set aside, back" in done.text
    assert "asleep" not in done.text


def test_nobody_hands_on_what_somebody_else_has(nurse: FlaskClient, clinician: FlaskClient, ward: Ward):
    place = claimed(nurse, ward)
    answer = clinician.post(f"{place}/snooze", data={"minutes": "5", "reason": "a reason"})
    assert answer.status_code == 409
    assert "Test Nurse has this one" in answer.text


def test_who_claims_second_is_told_by_name(nurse: FlaskClient, clinician: FlaskClient, ward: Ward):
    place = claimed(nurse, ward)
    answer = clinician.post(f"{place}/accept")
    assert answer.status_code == 409
    assert "You did not get it: Test Nurse has this one." in answer.text
