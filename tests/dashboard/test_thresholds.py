"""A patient's thresholds and settings on their pages: who may change what, what is refused, and why."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from care.records.patient_thresholds import PatientThreshold
from care.records.patients import ContactPoint, Patient, address_token, contact_points
from tests.dashboard.ward import Ward

GAIN = "https://care.invalid/fhir/RuleSet/heart-failure|weight-gain|gain"
SET = {"act": "set", "number": GAIN, "value": "1.5", "reason": "Decompensates early", "until": "2026-03-20"}


@pytest.fixture
def page(ward: Ward) -> str:
    return f"/patients/{ward.two.id}/thresholds"


def test_a_number_stands_with_what_it_rests_on_and_another_is_set_with_a_reason(
    nurse: FlaskClient, clinician: FlaskClient, ward: Ward, page: str
):
    before = clinician.get(page).text
    assert "a gain within 84 hours of" in before and "European Society of Cardiology" in before
    assert "Every number is as it was reviewed" in before
    assert clinician.post(page, data=SET).status_code == 303
    after = nurse.get(page).text
    assert "Decompensates early" in after and "this patient's own" in after and "Test Clinician" in after
    assert "Holds until" in after and 'name="value"' not in after  # a nurse reads
    (row,) = ward.world.all(PatientThreshold)
    assert row.ends_at.isoformat() == "2026-03-20T16:00:00+00:00"  # midnight in Hong Kong
    assert clinician.post(page, data=SET | {"act": "clear", "reason": "Stable again"}).status_code == 303
    history = nurse.get(page).text
    assert history.index("Stable again") < history.index("Decompensates early")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"value": "9"}, "from 1 to 4"),
        ({"value": "nan"}, "from 1 to 4"),
        ({"value": "a lot"}, "write the value as a number"),
        ({"reason": " "}, "a reason has 1 to 1000 characters"),
        ({"until": "2026-02-01"}, "the last day is today or later"),
        ({"number": "x"}, "there is no such rule"),
        ({"number": "https://care.invalid/fhir/RuleSet/heart-failure|weight-gain|days"}, "the same for every patient"),
        ({"act": "clear"}, "was not set for the patient"),
    ],
)
def test_what_may_not_be_set_is_refused_with_why_and_what_was_typed_stays(
    clinician: FlaskClient, ward: Ward, page: str, changed: dict[str, str], told: str
):
    answer = clinician.post(page, data=SET | changed)
    assert (answer.status_code, told in answer.text) == (422, True)
    assert "reason" in changed or "number" in changed or "Decompensates early" in answer.text
    assert ward.world.all(PatientThreshold) == []


def test_a_nurse_sets_none_and_another_team_sees_none(nurse: FlaskClient, stranger: FlaskClient, ward: Ward, page: str):
    assert nurse.post(page, data=SET).status_code == 403
    assert stranger.get(page).status_code == 404
    assert ward.world.all(PatientThreshold) == []


def test_language_and_clock_are_changed_and_refused_in_words(nurse: FlaskClient, ward: Ward):
    page = f"/patients/{ward.one.id}/settings"
    assert nurse.get(page).status_code == 200
    assert nurse.post(page, data={"act": "language", "language": "zh-Hans"}).status_code == 303
    assert nurse.post(page, data={"act": "time-zone", "time_zone": "Asia/Tokyo"}).status_code == 303
    ward.world.session.refresh(ward.one)
    assert (ward.one.language, ward.one.time_zone) == ("zh-Hans", "Asia/Tokyo")
    for wrong in ({"act": "language", "language": "tlh"}, {"act": "time-zone", "time_zone": "Mars/Base"}, {"act": "x"}):
        assert nurse.post(page, data=wrong).status_code == 422


def second_address(ward: Ward, patient: Patient) -> ContactPoint:
    row = ContactPoint(
        organization_id=patient.organization_id,
        patient_id=patient.id,
        channel="whatsapp",
        address="+12025550199",
        address_token=address_token("whatsapp", "+12025550199"),
        rank=2,
        created_at=ward.world.now,
    )
    ward.world.session.add(row)
    ward.world.session.commit()
    return row


def test_the_order_of_the_addresses_is_the_nurses(nurse: FlaskClient, ward: Ward):
    page, second = f"/patients/{ward.one.id}/settings", second_address(ward, ward.one)
    first = contact_points(ward.world.session, ward.one.id)[0]
    assert "0199" in nurse.get(page).text and "+12025550199" not in nurse.get(page).text
    turned = {"act": "order", f"place-{first.id}": "2", f"place-{second.id}": "1"}
    for wrong in ({f"place-{second.id}": "2"}, {f"place-{first.id}": "²"}, {f"place-{second.id}": ""}):
        assert nurse.post(page, data=turned | wrong).status_code == 422
    assert nurse.post(page, data=turned).status_code == 303
    ward.world.session.expire_all()
    assert [one.id for one in contact_points(ward.world.session, ward.one.id)] == [second.id, first.id]


def test_a_patient_of_another_team_has_no_settings(stranger: FlaskClient, ward: Ward):
    page = f"/patients/{ward.one.id}/settings"
    assert stranger.get(page).status_code == 404
    assert stranger.post(page, data={"act": "language", "language": "en"}).status_code == 404
