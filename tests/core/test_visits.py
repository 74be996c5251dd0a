from __future__ import annotations

from flask.testing import FlaskClient

from care.records.visit_requests import VisitRequest
from tests.dashboard.ward import Ward


def ask(client: FlaskClient, ward: Ward, note: str = "Examine the legs", priority: str = "asap") -> str:
    place = f"/core/cases/{ward.alert(ward.two, 'weight-gain').id}"
    return client.post(f"{place}/visit", data={"priority": priority, "note": note}, follow_redirects=True).text


def test_a_visit_is_asked_for_on_the_case_and_stands_on_the_nurses_list(
    clinician: FlaskClient, nurse: FlaskClient, stranger: FlaskClient, ward: Ward
):
    page = ask(clinician, ward)
    assert "The nurses are asked to arrange a visit" in page
    assert "Test Clinician asked for a visit" in page
    assert "Examine the legs" in nurse.get("/core/visits").text
    assert "Examine the legs" in nurse.get(f"/patients/{ward.two.id}").text
    assert "Examine the legs" not in stranger.get("/core/visits").text
    assert "asked for already" in ask(nurse, ward)
    (row,) = ward.world.all(VisitRequest)
    assert stranger.post(f"/core/visits/{row.id}/end", data={"how": "done"}).status_code == 404
    assert (
        "You can take it back"
        in nurse.post(f"/core/visits/{row.id}/end", data={"how": "done"}, follow_redirects=True).text
    )
    assert "No visit is asked for" in nurse.get("/core/visits").text
    again = nurse.post(f"/core/visits/{row.id}/reopen", data={"from": "case"}, follow_redirects=True)
    assert "The visit is asked for again" in again.text
    assert again.request.path == f"/core/cases/{row.escalation_id}"
    assert nurse.post(f"/core/visits/{row.id}/end", data={"how": "lost"}).status_code == 422


def test_what_is_not_said_is_asked_for_and_nothing_is_kept(clinician: FlaskClient, ward: Ward):
    assert "No visit was asked for" in ask(clinician, ward, note=" ")
    assert "choose how soon" in ask(clinician, ward, priority="soon")
    assert ward.world.all(VisitRequest) == []
