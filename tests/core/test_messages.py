from __future__ import annotations

from flask.testing import FlaskClient

from care.domain.codes import Purpose
from tests.dashboard.ward import Ward


def test_the_confirmation_shows_what_the_phone_will_show_and_nothing_is_sent_by_looking(
    clinician: FlaskClient, ward: Ward
):
    place = f"/core/cases/{ward.alert(ward.one).id}/message"
    page = clinician.post(place, data={"text": "Please eat something sweet."}).text
    assert '<div class="phone"><p lang="en">Please eat something sweet.</p></div>' in page  # they wrote just now
    assert ward.world.out(Purpose.NURSE) == []
    sent = clinician.post(f"{place}/send", data={"text": "Please eat something sweet."}, follow_redirects=True)
    assert "The message is on its way" in sent.text
    assert "Test Clinician wrote to the patient" in sent.text
    assert ward.world.words(*ward.world.out(Purpose.NURSE)) == ["Please eat something sweet."]


def test_to_who_has_not_written_lately_the_phone_shows_only_a_notice(clinician: FlaskClient, ward: Ward):
    alert = ward.alert(ward.two, "weight-gain")
    ward.world.clock.forward(days=2)
    page = clinician.post(f"/core/cases/{alert.id}/message", data={"text": "請多休息。"}).text
    assert "On the phone stands only this" in page
    notice, _, words = page.partition("Your words wait in the app")
    assert "請多休息。" not in notice
    assert "請多休息。" in words


def test_what_is_refused_comes_back_with_its_reason_and_what_was_typed(clinician: FlaskClient, ward: Ward):
    place = f"/core/cases/{ward.alert(ward.one).id}/message"
    named = clinician.post(f"{place}/send", data={"text": "Hello Demo Patient One"})
    assert named.status_code == 422
    assert "leave out the patient" in named.text
    assert "Hello Demo Patient One</textarea>" in named.text
    assert clinician.post(place, data={"text": " "}).status_code == 422
    assert clinician.post(place, data={"text": "x" * 1001}).status_code == 422
    assert ward.world.out(Purpose.NURSE) == []
