from __future__ import annotations

import re

from flask.testing import FlaskClient
from sqlalchemy import select

from care.records.audit_events import AuditEvent
from care.services import escalations
from tests.dashboard.ward import Ward


def _order(page: str) -> list[str]:
    return re.findall(r'data-priority="(\w+)"', page)


def test_the_most_pressing_comes_first_then_who_has_waited_longest(nurse: FlaskClient, ward: Ward):
    page = nurse.get("/worklist").text
    ranks = {"stat": 3, "asap": 2, "urgent": 1, "routine": 0}
    order = [ranks[word] for word in _order(page)]
    assert order == sorted(order, reverse=True)
    assert order[0] == 3


def test_a_row_says_who_by_initials_and_why_in_a_sentence(nurse: FlaskClient, ward: Ward):
    page = nurse.get("/worklist").text
    assert "DPO, 67" in page
    assert "Demo Patient One" not in page
    assert "Glucose very low: 49 mg/dL" in page


def test_the_open_page_asks_again_and_hears_that_nothing_changed(nurse: FlaskClient, ward: Ward):
    tag = re.search(r'data-tag="(\w+)"', nurse.get("/worklist").text)
    assert tag
    same = nurse.get("/worklist/rows", headers={"If-None-Match": f'"{tag.group(1)}"'})
    assert same.status_code == 304
    assert not same.data
    escalations.accept(ward.world.session, ward.world.rt, ward.world.clinic.clinician, ward.alert(ward.one).id)
    changed = nurse.get("/worklist/rows", headers={"If-None-Match": f'"{tag.group(1)}"'})
    assert changed.status_code == 200
    assert "Test Clinician" in changed.text


def test_claiming_from_the_list_makes_it_yours_and_leaves_you_there(nurse: FlaskClient, ward: Ward):
    alert = ward.alert(ward.one)
    answer = nurse.post(f"/escalations/{alert.id}/accept", follow_redirects=True)
    assert answer.request.path == "/worklist"
    assert "It is yours now" in answer.text
    assert ward.alert(ward.one).owner_id == ward.world.clinic.nurse.id
    assert len(_order(nurse.get("/worklist?show=mine").text)) == 1


def test_who_claims_second_is_told_and_not_given_it(nurse: FlaskClient, clinician: FlaskClient, ward: Ward):
    alert = ward.alert(ward.one)
    nurse.post(f"/escalations/{alert.id}/accept")
    answer = clinician.post(f"/escalations/{alert.id}/accept", follow_redirects=True)
    assert "You did not get it" in answer.text
    assert ward.alert(ward.one).owner_id == ward.world.clinic.nurse.id


def test_closing_needs_an_outcome_and_keeps_the_note_sealed(nurse: FlaskClient, ward: Ward):
    alert = ward.alert(ward.one)
    nurse.post(f"/escalations/{alert.id}/accept")
    assert nurse.post(f"/escalations/{alert.id}/complete", data={"outcome": "whatever"}).status_code == 422
    answer = nurse.post(
        f"/escalations/{alert.id}/complete",
        data={"outcome": "phoned", "note": "Ate, 104 now"},
        follow_redirects=True,
    )
    assert "Closed, with its outcome" in answer.text
    closed = ward.alert(ward.one)
    assert (closed.status, closed.outcome, closed.note) == ("completed", "phoned", "Ate, 104 now")
    assert b"Ate" not in (closed.note_sealed or b"")


def test_another_team_has_an_empty_list_and_no_one_else_is_on_it(stranger: FlaskClient, ward: Ward):
    page = stranger.get("/worklist").text
    assert _order(page) == []
    assert "Nobody is waiting" in page


def test_a_form_sends_nobody_to_another_site(nurse: FlaskClient, ward: Ward):
    for place in ("https://example.org/", "//example.org/", "/\\example.org", "javascript:alert(1)"):
        answer = nurse.post(f"/escalations/{ward.alert(ward.one).id}/accept", data={"back": place})
        assert answer.headers["Location"] == "/worklist"


def test_pages_without_patients_open_no_patient_in_the_audit(nurse: FlaskClient, ward: Ward):
    nurse.get("/worklist")
    nurse.get("/inbox")
    views = ward.world.session.scalars(select(AuditEvent).where(AuditEvent.action == "patient.view")).all()
    assert views == []


def test_each_role_has_its_first_page(nurse: FlaskClient, clinician: FlaskClient, admin: FlaskClient, ward: Ward):
    assert [c.get("/").headers["Location"] for c in (nurse, clinician, admin)] == ["/worklist", "/core/", "/admin"]
