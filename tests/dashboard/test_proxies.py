"""Adding and ending who may answer for a patient."""

from __future__ import annotations

from flask.testing import FlaskClient

from care.records.related_persons import proxies
from tests.dashboard.ward import Ward

FORM = {
    "name": "Demo Daughter",
    "relation": "child",
    "consent_source": "in-person",
    "channel": "sms",
    "address": "+1 202 555 0199",
    "label": "mother",
}


def test_a_proxy_is_added_shown_and_ended(nurse: FlaskClient, ward: Ward):
    base = f"/patients/{ward.one.id}/proxies"
    assert "What will happen" in nurse.get(f"{base}/add").text
    page = nurse.post(f"{base}/add", data=FORM, follow_redirects=True).text
    assert "Demo Daughter" in page and "They may answer for the patient" in page
    row = proxies(ward.world.session, ward.one.id)[0]
    assert "no longer answers for the patient?" in nurse.get(f"{base}/{row.id}/end").text
    page = nurse.post(f"{base}/{row.id}/end", follow_redirects=True).text
    assert "They no longer answer for the patient." in page
    assert "Nothing was changed" in nurse.post(f"{base}/{row.id}/end", follow_redirects=True).text


def test_what_is_wrong_is_said_in_its_place_and_nothing_typed_is_lost(nurse: FlaskClient, ward: Ward):
    answer = nurse.post(f"/patients/{ward.one.id}/proxies/add", data=FORM | {"address": "12"})
    assert answer.status_code == 422
    assert 'id="address-fault"' in answer.text and 'value="Demo Daughter"' in answer.text
    nurse.post(f"/patients/{ward.one.id}/proxies/add", data=FORM)
    assert nurse.post(f"/patients/{ward.one.id}/proxies/add", data=FORM).status_code == 422


def test_a_proxy_of_another_patient_or_team_is_not_found(nurse: FlaskClient, stranger: FlaskClient, ward: Ward):
    nurse.post(f"/patients/{ward.one.id}/proxies/add", data=FORM)
    row = proxies(ward.world.session, ward.one.id)[0]
    assert nurse.post(f"/patients/{ward.two.id}/proxies/{row.id}/end").status_code == 404
    assert stranger.post(f"/patients/{ward.one.id}/proxies/{row.id}/end").status_code == 404
    assert stranger.get(f"/patients/{ward.one.id}/proxies/{row.id}/end").status_code == 404
