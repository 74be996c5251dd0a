from __future__ import annotations

from flask.testing import FlaskClient
from sqlalchemy import select

from care.records.audit_events import AuditEvent
from tests.dashboard.ward import Ward


def test_a_case_says_why_with_the_rule_and_its_source(clinician: FlaskClient, ward: Ward):
    page = clinician.get(f"/core/cases/{ward.alert(ward.one).id}").text
    assert "Glucose very low: 49 mg/dL" in page
    assert "Rule glucose-very-low" in page
    assert "American Diabetes Association" in page
    assert "glucose 49 before breakfast" in page


def test_opening_a_case_is_opening_its_patient(clinician: FlaskClient, ward: Ward):
    clinician.get(f"/core/cases/{ward.alert(ward.one).id}")
    seen = ward.world.session.scalars(select(AuditEvent).where(AuditEvent.action == "patient.view")).all()
    assert [event.patient_id for event in seen] == [ward.one.id]


def test_words_of_danger_are_quoted_in_their_language(clinician: FlaskClient, ward: Ward):
    page = clinician.get(f"/core/cases/{ward.alert(ward.two, 'red-flag').id}").text
    assert '<blockquote lang="zh-Hant">今日覺得胸口痛' in page


def test_a_case_is_accepted_and_closed_with_an_outcome(clinician: FlaskClient, ward: Ward):
    place = f"/core/cases/{ward.alert(ward.one).id}"
    assert "The case is yours now" in clinician.post(f"{place}/accept", follow_redirects=True).text
    assert clinician.post(f"{place}/resolve", data={"outcome": "nothing"}).status_code == 422
    answer = clinician.post(f"{place}/resolve", data={"outcome": "adjusted", "note": "Evening dose down"})
    assert answer.headers["Location"] == "/core/"
    page = clinician.get(place).text
    assert "Adjusted the plan or treatment" in page
    assert "Evening dose down" in page


def test_who_comes_second_is_told(clinician: FlaskClient, nurse: FlaskClient, ward: Ward):
    place = f"/core/cases/{ward.alert(ward.one).id}"
    nurse.post(f"{place}/accept")
    assert "You did not get it" in clinician.post(f"{place}/accept", follow_redirects=True).text
    answer = clinician.post(f"{place}/resolve", data={"outcome": "acted"}, follow_redirects=True)
    assert "It was not closed" in answer.text


def test_a_case_of_another_team_is_not_found(stranger: FlaskClient, ward: Ward):
    place = f"/core/cases/{ward.alert(ward.one).id}"
    assert stranger.get(place).status_code == 404
    assert stranger.post(f"{place}/accept").status_code == 404
    assert stranger.post(f"{place}/resolve", data={"outcome": "acted"}).status_code == 404


def test_the_list_has_the_open_cases_and_what_was_closed_last(clinician: FlaskClient, ward: Ward):
    place = f"/core/cases/{ward.alert(ward.one).id}"
    assert "Glucose very low" in clinician.get("/core/").text
    clinician.post(f"{place}/accept")
    clinician.post(f"{place}/resolve", data={"outcome": "false-alarm"})
    assert "False alarm" in clinician.get("/core/").text.partition("Closed last")[2]


def test_words_of_danger_from_nobody_known_are_a_case_too(clinician: FlaskClient, nurse: FlaskClient, ward: Ward):
    ward.world.tell("I have chest pain and cannot breathe", sender="+12025550188")
    place = f"/core/cases/{ward.alert(None).id}"
    assert f'href="{place}"' in nurse.get("/worklist").text
    page = clinician.get(place).text
    assert "Unknown sender" in page
    assert "I have chest pain" in page
    assert "The case is yours now" in clinician.post(f"{place}/accept", follow_redirects=True).text


def test_what_is_not_yours_says_so_on_a_page_with_a_way_back(stranger: FlaskClient, ward: Ward):
    page = stranger.get(f"/core/cases/{ward.alert(ward.one).id}").text
    assert "It may belong to another team" in page
    assert "Demo Patient One" not in page
