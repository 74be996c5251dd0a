from __future__ import annotations

from flask.testing import FlaskClient

from care.domain.message import Capabilities
from tests.conftest import FakeChannel
from tests.dashboard.ward import Ward

FORM = {
    "name": "Demo Patient Nine",
    "birth_date": "1966-06-06",
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
}


def test_a_patient_is_enrolled_and_opened(nurse: FlaskClient, ward: Ward):
    answer = nurse.post("/enrol", data=FORM, follow_redirects=True)
    assert answer.request.path.startswith("/patients/")
    assert "Demo Patient Nine" in answer.text
    assert "none running" in answer.text


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(nurse: FlaskClient, ward: Ward):
    wrong = (
        {"time_zone": "Mars/Olympus"},
        {"address1": "12"},
        {"birth_date": "2999-01-01"},
        {"consent": ""},
        {"record_number": "T-1"},
    )
    for change in wrong:
        answer = nurse.post("/enrol", data=FORM | change)
        assert answer.status_code in (409, 422), change
        assert "Nobody was enrolled" in answer.text
        assert "Demo Patient Nine" in answer.text
        assert 'class="field wrong"' in answer.text, change


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
