from __future__ import annotations

import html
import re
from threading import Barrier, Thread

from flask.testing import FlaskClient
from sqlalchemy import select

from care.records.audit_events import AuditEvent
from care.services import escalations
from tests.dashboard.ward import Ward
from tests.records.test_worklist import put


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


def test_a_claim_by_the_pages_script_is_answered_in_place_with_the_way_back(nurse: FlaskClient, ward: Ward):
    alert = ward.alert(ward.one)
    asked = {"Accept": "application/json"}
    answer = nurse.post(f"/escalations/{alert.id}/accept", headers=asked)
    assert (answer.status_code, answer.json["undo"]) == (200, f"/escalations/{alert.id}/undo")
    assert nurse.post(answer.json["undo"], headers=asked).status_code == 200
    assert ward.alert(ward.one).status == "requested"
    again = nurse.post(answer.json["undo"], headers=asked)
    assert again.status_code == 409 and "was not undone" in again.json["said"]


def test_two_at_once_one_gets_it_and_the_other_is_told_who(nurse: FlaskClient, clinician: FlaskClient, ward: Ward):
    alert = ward.alert(ward.one)
    gate, answers = Barrier(2), {}

    def claim(name: str, client: FlaskClient) -> None:
        gate.wait()
        answers[name] = client.post(f"/escalations/{alert.id}/accept", headers={"Accept": "application/json"})

    threads = [Thread(target=claim, args=one) for one in (("Test Nurse", nurse), ("Test Clinician", clinician))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = {name: answer.status_code for name, answer in answers.items()}
    assert sorted(codes.values()) == [200, 409]
    winner = next(name for name, code in codes.items() if code == 200)
    loser = next(answer for answer in answers.values() if answer.status_code == 409)
    assert f"{winner} has this one" in loser.json["said"]


def test_without_a_script_the_list_offers_the_way_back_for_ten_seconds(nurse: FlaskClient, ward: Ward):
    alert = ward.alert(ward.one)
    undo = f'action="/escalations/{alert.id}/undo"'
    page = nurse.post(f"/escalations/{alert.id}/complete", data={"outcome": "phoned"}, follow_redirects=True).text
    assert undo in page and "Closed, with its outcome" in page
    ward.world.clock.forward(seconds=11)
    assert undo not in nurse.get("/worklist").text
    ward.world.clock.forward(seconds=-5)
    assert "Undone" in nurse.post(f"/escalations/{alert.id}/undo", follow_redirects=True).text
    assert ward.alert(ward.one).status == "requested"


def test_a_refused_close_keeps_the_note(nurse: FlaskClient, clinician: FlaskClient, ward: Ward):
    alert = ward.alert(ward.one)
    assert "What came of it?" in nurse.get(f"/escalations/{alert.id}/close").text
    refused = nurse.post(f"/escalations/{alert.id}/complete", data={"outcome": "", "note": "Ate, 104 now"})
    assert refused.status_code == 422 and "Ate, 104 now" in refused.text
    clinician.post(f"/escalations/{alert.id}/accept")
    late = nurse.post(f"/escalations/{alert.id}/complete", data={"outcome": "phoned", "note": "Ate, 104 now"})
    assert late.status_code == 409
    assert "Test Clinician has this one" in late.text and "Ate, 104 now" in late.text


def test_opening_an_alert_stops_its_clock_and_shows_its_patient(nurse: FlaskClient, ward: Ward):
    alert = ward.alert(ward.one)
    assert re.search(r"look-late[^§]*?1 min late", nurse.get("/worklist").text)
    opened = nurse.get(f"/escalations/{alert.id}/open")
    assert opened.headers["Location"] == f"/patients/{ward.one.id}"
    assert ward.alert(ward.one).looked_at == ward.world.now
    assert "look-seen-late" in nurse.get("/worklist").text


def test_the_clocks_make_the_open_page_new_once_a_minute(nurse: FlaskClient, ward: Ward):
    tag = nurse.get("/worklist/rows").headers["ETag"]
    ward.world.clock.forward(seconds=30)
    assert nurse.get("/worklist/rows", headers={"If-None-Match": tag}).status_code == 304
    ward.world.clock.forward(seconds=31)
    assert nurse.get("/worklist/rows", headers={"If-None-Match": tag}).status_code == 200


def test_each_team_and_heading_has_a_tag_of_its_own(nurse: FlaskClient, stranger: FlaskClient, ward: Ward):
    places = [(nurse, "all"), (nurse, "stat"), (nurse, "mine"), (stranger, "all")]
    tags = [client.get(f"/worklist/rows?show={show}").headers["ETag"] for client, show in places]
    assert len(set(tags)) == len(tags)


def test_hundreds_of_alerts_are_read_page_by_page_and_the_address_tells_nothing(nurse: FlaskClient, ward: Ward):
    made = put(ward.world, *(("routine", number / 1000, number) for number in range(240)))
    seen: list[str] = []
    place = "/worklist?show=routine"
    while place:
        page = nurse.get(place).text
        seen += re.findall(r'<li data-id="([0-9a-f-]{36})"', page)
        more = re.search(r'id="more" href="([^"]+)"', page)
        place = html.unescape(more.group(1)) if more else ""
        assert "0.1" not in place and str(made[0].id) not in place
    assert len(seen) == len(set(seen)) == 241  # the ward has one of its own
    whole = nurse.get("/worklist/rows?show=routine&pages=3").text
    assert re.findall(r'<li data-id="([0-9a-f-]{36})"', whole) == seen


def test_an_address_that_was_tampered_with_begins_at_the_top(nurse: FlaskClient, clinician: FlaskClient, ward: Ward):
    put(ward.world, *(("routine", None, number) for number in range(120)))
    more = re.search(r'id="more" href="([^"]+)"', nurse.get("/worklist").text)
    assert more
    place = html.unescape(more.group(1))
    first = _order(nurse.get("/worklist").text)
    assert _order(nurse.get(place).text) != first
    for wrong in (place[:-6] + "AAAAAA", "/worklist?after=nonsense", "/worklist?pages=999999&after=" + "x" * 500):
        assert _order(nurse.get(wrong).text)[:4] == first[:4]
    assert _order(clinician.get(place).text)[:4] == first[:4]  # sealed for one reader


def test_what_was_raised_since_is_on_the_open_page_within_one_question(nurse: FlaskClient, ward: Ward):
    tag = nurse.get("/worklist/rows").headers["ETag"]
    ward.world.tell("chest pain since an hour", sender="+8613055550103")
    changed = nurse.get("/worklist/rows", headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert _order(changed.text)[:3] == ["stat", "stat", "stat"]
