from __future__ import annotations

from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from care.domain.message import Capabilities
from care.records.care_plans import active_plans
from care.records.consents import Consent
from care.records.patients import Patient
from tests.conftest import FakeChannel
from tests.dashboard.ward import Ward
from tests.services.world import HEART

FORM = {
    "name": "Demo Patient Nine",
    "birth_date": "1966-06-06",
    "sex": "female",
    "record_number": "T-900",
    "language": "en",
    "country": "US",
    "time_zone": "America/Chicago",
    "glucose_unit": "mg/dL",
    "channel1": "sms",
    "address1": "+1 202 555 0109",
    "label1": "",
    "consent": "yes",
    "consent_source": "paper",
    "asked_on": "2026-03-01",
    "protocol": HEART,
    "starts_on": "2026-03-03",
}


def last(ward: Ward) -> Patient:
    return max(ward.world.all(Patient), key=lambda one: one.id)


def test_a_patient_is_enrolled_with_a_plan_and_the_page_says_what_comes_first(nurse: FlaskClient, ward: Ward):
    answer = nurse.post("/enrol", data=FORM, follow_redirects=True)
    assert answer.request.path == f"/patients/{last(ward).id}/enrolled"
    assert "Demo Patient Nine" in answer.text
    assert "Care: you have questions to answer. Reply OK to begin." in answer.text
    assert "Show a sign-in code" in answer.text
    assert "messages go and answers come" in answer.text
    plan = active_plans(ward.world.session, last(ward).id)[0]
    assert plan.starts_on == date(2026, 3, 3)
    assert last(ward).identity["sex"] == "female"


def test_without_a_protocol_the_page_leads_to_a_preview(nurse: FlaskClient, ward: Ward):
    answer = nurse.post("/enrol", data=FORM | {"protocol": ""}, follow_redirects=True)
    assert "no plan is running" in answer.text
    assert active_plans(ward.world.session, last(ward).id) == []


def test_who_asked_for_the_consent_and_when_is_kept(nurse: FlaskClient, ward: Ward):
    clinician = ward.world.clinic.clinician
    nurse.post("/enrol", data=FORM | {"asked_by": str(clinician.id)})
    found = ward.world.session.scalars(select(Consent).where(Consent.patient_id == last(ward).id)).one()
    assert (found.asked_by, found.asked_on, found.source) == (clinician.id, date(2026, 3, 1), "paper")


WRONG = (
    {"time_zone": "Mars/Olympus"},
    {"address1": "12"},
    {"birth_date": "2999-01-01"},
    {"birth_date": "6/6/1966"},
    {"consent": ""},
    {"record_number": "T-1"},
    {"asked_on": "2999-01-01"},
    {"asked_by": "00000000-0000-0000-0000-000000000001"},
    {"asked_by": "me"},
    {"sex": "x"},
    {"protocol": "https://care.invalid/none|1"},
    {"starts_on": ""},
    {"starts_on": "2031-01-01"},
    {"address1": "+12025550101"},
    {"label1": "Nine"},
)


@pytest.mark.parametrize("change", WRONG)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    nurse: FlaskClient, ward: Ward, change: dict[str, str]
):
    before = len(ward.world.all(Patient))
    answer = nurse.post("/enrol", data=FORM | change)
    assert answer.status_code in (409, 422), change
    assert "Nobody was enrolled" in answer.text
    assert "Demo Patient Nine" in answer.text
    assert 'field wrong"' in answer.text, change
    assert f'value="{HEART}" selected' in answer.text or "protocol" in change
    assert len(ward.world.all(Patient)) == before


def test_a_record_number_that_is_known_leads_to_that_patient_only_in_ones_own_team(
    nurse: FlaskClient, stranger: FlaskClient, ward: Ward
):
    assert f"/patients/{ward.one.id}" in nurse.post("/enrol", data=FORM | {"record_number": "T-1"}).text
    answer = stranger.post("/enrol", data=FORM | {"record_number": "T-1"})
    assert answer.status_code == 409
    assert str(ward.one.id) not in answer.text


def test_a_shared_phone_is_asked_about_and_then_taken(nurse: FlaskClient, ward: Ward):
    shared = FORM | {"address1": "+12025550101"}
    answer = nurse.post("/enrol", data=shared)
    assert answer.status_code == 409
    assert 'name="may_share"' in answer.text
    assert nurse.post("/enrol", data=shared | {"may_share": "yes", "label1": "mother"}).status_code == 303


def test_where_a_channel_reaches_nobody_it_is_refused(nurse: FlaskClient, ward: Ward):
    only = FakeChannel("sms", capabilities=Capabilities(by_country={"GB": {"reaches": False}}))
    nurse.application.extensions["care.runtime"].channels["sms"] = only
    assert nurse.post("/enrol", data=FORM | {"country": "GB", "address1": "+442079460958"}).status_code == 422
    assert "no message arrives there" in nurse.get("/enrol").text


def test_nobody_writes_down_the_address_of_an_app(nurse: FlaskClient, ward: Ward):
    app = FakeChannel("push", capabilities=Capabilities(two_way=False, notices_only=True))
    nurse.application.extensions["care.runtime"].channels["push"] = app
    assert 'value="push"' not in nurse.get("/enrol").text
    assert nurse.post("/enrol", data=FORM | {"channel1": "push"}).status_code == 422


def test_what_the_form_does_not_offer_is_not_kept(nurse: FlaskClient, ward: Ward):
    for change in ({"consent_source": "her son said so"}, {"channel1": "fax"}, {"record_number": "--"}):
        answer = nurse.post("/enrol", data=FORM | change)
        assert answer.status_code == 422, change
        assert "Nobody was enrolled" in answer.text
