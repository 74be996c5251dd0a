from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from care.records.audit_events import AuditEvent
from care.records.escalations import Escalation
from care.records.flags import Flag
from core.cases import ROWS
from tests.dashboard.ward import Ward
from tests.services.world import DIABETES


def test_a_case_says_why_with_the_rule_its_source_and_its_licence(clinician: FlaskClient, ward: Ward):
    page = clinician.get(f"/core/cases/{ward.alert(ward.one).id}").text
    assert "Glucose very low: 49 mg/dL" in page
    assert "Rule glucose-very-low" in page
    assert "American Diabetes Association" in page
    assert "Licence:" in page
    assert "glucose 49 before breakfast" in page


def test_a_case_shows_what_it_was_last_time(clinician: FlaskClient, ward: Ward):
    page = clinician.get(f"/core/cases/{ward.alert(ward.one).id}").text.partition("This report beside")[2]
    assert "Glucose 49 mg/dL" in page
    assert "−96" in page
    assert "Glucose 145 mg/dL" in page


def test_opening_a_case_is_looking_at_it_and_opening_its_patient(clinician: FlaskClient, ward: Ward):
    alert = ward.alert(ward.one)
    clinician.get(f"/core/cases/{alert.id}")
    seen = ward.world.session.scalars(select(AuditEvent).where(AuditEvent.action == "patient.view")).all()
    assert [event.patient_id for event in seen] == [ward.one.id]
    assert ward.alert(ward.one).looked_at == ward.world.now
    assert "Test Clinician opened it" in clinician.get(f"/core/cases/{alert.id}").text


def test_words_of_danger_are_quoted_in_their_language(clinician: FlaskClient, ward: Ward):
    page = clinician.get(f"/core/cases/{ward.alert(ward.two, 'red-flag').id}").text
    assert '<blockquote lang="zh-Hant">今日覺得胸口痛' in page
    assert "not by a rule about a measurement" in page


def test_a_case_is_accepted_and_closed_with_an_outcome(clinician: FlaskClient, ward: Ward):
    place = f"/core/cases/{ward.alert(ward.one).id}"
    assert "The case is yours now" in clinician.post(f"{place}/accept", follow_redirects=True).text
    assert clinician.post(f"{place}/resolve", data={"outcome": "nothing"}).status_code == 422
    answer = clinician.post(f"{place}/resolve", data={"outcome": "adjusted", "note": "Evening dose down"})
    assert answer.headers["Location"] == "/core/"
    page = clinician.get(place).text
    assert "Adjusted the plan or treatment" in page
    assert "Evening dose down" in page
    assert "Test Clinician closed it: Adjusted the plan or treatment" in page


def test_what_came_in_while_a_note_was_written_is_read_first_and_the_note_stays(clinician: FlaskClient, ward: Ward):
    alert = ward.alert(ward.one)
    place = f"/core/cases/{alert.id}"
    clinician.post(f"{place}/accept")
    drawn = re.search(r'name="joined" value="(\d+)"', clinician.get(place).text)
    assert drawn is not None
    form = {"outcome": "adjusted", "note": "Evening dose down", "joined": str(int(drawn[1]) - 1)}
    answer = clinician.post(f"{place}/resolve", data=form)
    assert answer.status_code == 409
    assert "more has come in since this page was drawn" in answer.text
    assert "Evening dose down</textarea>" in answer.text
    assert clinician.post(f"{place}/resolve", data=form | {"joined": drawn[1]}).status_code == 302


def test_who_comes_second_is_told_by_a_notice(clinician: FlaskClient, nurse: FlaskClient, ward: Ward):
    place = f"/core/cases/{ward.alert(ward.one).id}"
    nurse.post(f"{place}/accept")
    assert (
        "You did not get it: Test Nurse has this one" in clinician.post(f"{place}/accept", follow_redirects=True).text
    )
    answer = clinician.post(f"{place}/resolve", data={"outcome": "acted"}, follow_redirects=True)
    assert "It was not closed" in answer.text


def test_a_machine_that_comes_second_is_told_by_the_status(clinician: FlaskClient, nurse: FlaskClient, ward: Ward):
    place = f"/core/cases/{ward.alert(ward.one).id}/accept"
    nurse.post(place)
    answer = clinician.post(place, headers={"Accept": "application/json"})
    assert answer.status_code == 409
    assert answer.content_type == "application/problem+json"
    assert answer.get_json(force=True)["owner_name"] == "Test Nurse"
    assert answer.get_json(force=True)["code"] == "already-accepted"


def test_what_was_done_too_fast_is_undone_for_ten_seconds(clinician: FlaskClient, ward: Ward):
    place = f"/core/cases/{ward.alert(ward.one).id}"
    clinician.post(f"{place}/accept")
    assert f"{place}/undo" in clinician.get(place).text
    assert "Undone" in clinician.post(f"{place}/undo", follow_redirects=True).text
    assert ward.alert(ward.one).owner_id is None
    clinician.post(f"{place}/accept")
    clinician.post(f"{place}/resolve", data={"outcome": "acted"})
    assert f"{place}/undo" in clinician.get("/core/").text
    ward.world.clock.forward(seconds=16)
    assert f"{place}/undo" not in clinician.get("/core/").text
    assert "It was not undone" in clinician.post(f"{place}/undo", follow_redirects=True).text


def test_what_is_signed_is_not_undone(clinician: FlaskClient, ward: Ward):
    place = f"/core/cases/{ward.alert(ward.one).id}"
    clinician.post(f"{place}/accept")
    clinician.post(f"{place}/resolve", data={"outcome": "acted"})
    clinician.post(f"{place}/sign-off")
    assert "It was not undone" in clinician.post(f"{place}/undo", follow_redirects=True).text
    assert ward.alert(ward.one).status == "completed"


@pytest.mark.parametrize(
    "act", ["accept", "resolve", "undo", "message", "message/send", "visit", "sign-off", "sign-off/undo"]
)
def test_a_case_of_another_team_is_not_found(stranger: FlaskClient, ward: Ward, act: str):
    place = f"/core/cases/{ward.alert(ward.one).id}"
    assert stranger.get(place).status_code == 404
    form = {"outcome": "acted", "text": "hello", "priority": "urgent", "note": "x"}
    status = stranger.post(f"{place}/{act}", data=form).status_code
    assert status == (403 if act.startswith("sign-off") else 404)  # signing is for clinicians, whatever the team
    assert stranger.get("/core/visits").text.count("T-1") == 0


def test_the_list_has_the_open_cases_and_what_was_closed_last(clinician: FlaskClient, ward: Ward):
    place = f"/core/cases/{ward.alert(ward.one).id}"
    assert "Glucose very low" in clinician.get("/core/").text
    clinician.post(f"{place}/accept")
    clinician.post(f"{place}/resolve", data={"outcome": "false-alarm"})
    assert "False alarm" in clinician.get("/core/").text.partition("Closed last")[2]


def test_the_filter_is_in_the_address(clinician: FlaskClient, ward: Ward):
    urgent = clinician.get("/core/?show=urgent").text.partition("Waiting for your sign-off")[0]
    assert "Weight +2.2 kg" in urgent
    assert "Glucose very low" not in urgent
    assert "Nothing under this heading" in clinician.get("/core/?show=mine").text
    assert "Glucose very low" in clinician.get("/core/?show=made-up").text


def test_a_page_begins_behind_the_last_case_of_the_one_before(clinician: FlaskClient, ward: Ward):
    for number in range(ROWS):
        _case(ward, number)
    ward.world.session.commit()
    first = clinician.get("/core/").text
    link = first.partition("The next cases")[0].rpartition('href="')[2].partition('"')[0]
    second = clinician.get(unescape(link)).text
    shown = [part.partition('"')[0] for page in (first, second) for part in page.split('<h2 id="c-')[1:]]
    wanted = sorted(
        ward.world.escalations(), key=lambda e: (-e.rank, -(-1 if e.risk is None else e.risk), e.requested_at, e.id)
    )
    assert shown == [str(one.id) for one in wanted]
    assert "The next cases" not in second
    assert "To the first" in second


def _case(ward: Ward, number: int) -> None:
    """One more open case of a patient, with a risk or without."""
    team, now = ward.world.clinic.team, ward.world.now
    about = {"organization_id": team.organization_id, "care_team_id": team.id, "patient_id": ward.three.id}
    flag = Flag(**about, cause=f"made-up-{number}", status="active", since=now)
    ward.world.session.add(flag)
    ward.world.session.flush()
    ward.world.session.add(
        Escalation(
            **about,
            flag_id=flag.id,
            cause=flag.cause,
            source="rule",
            reason="swelling-new",
            params={},
            status="requested",
            priority="routine",
            rank=0,
            risk=None if number % 3 else number / 100,
            page_at=now,
            requested_at=now - timedelta(minutes=number // 2),
        )
    )


@pytest.mark.parametrize(
    "after", ["1", "a_b_c_d", "99__0_" + "0" * 32, "1_nan_0_" + "0" * 32, f"1__{10**30}_{'0' * 32}"]
)
def test_an_address_that_was_not_made_here_is_refused(clinician: FlaskClient, after: str):
    assert clinician.get(f"/core/?after={after}").status_code == 422


def test_a_closed_case_waits_for_the_clinicians_signature(clinician: FlaskClient, nurse: FlaskClient, ward: Ward):
    alert = ward.alert(ward.one)
    place = f"/core/cases/{alert.id}"
    nurse.post(f"{place}/accept")
    nurse.post(f"{place}/resolve", data={"outcome": "phoned", "note": "Has eaten"})
    waiting = clinician.get("/core/").text.partition("Waiting for your sign-off")[2].partition("Closed last")[0]
    assert place in waiting
    assert "It waits for a clinician" in nurse.get(place).text
    assert nurse.post(f"{place}/sign-off").status_code == 403
    done = clinician.post(f"{place}/sign-off", data={"note": "Agreed"}, follow_redirects=True).text
    assert "Test Clinician signed it off" in done
    assert "Agreed" in done
    assert "Every closed case has been reviewed" in clinician.get("/core/").text
    assert "has signed it off" in clinician.post(f"{place}/sign-off", follow_redirects=True).text
    assert "waits again" in clinician.post(f"{place}/sign-off/undo", follow_redirects=True).text
    assert place in clinician.get("/core/").text.partition("Waiting for your sign-off")[2].partition("Closed last")[0]


def test_an_open_case_cannot_be_signed(clinician: FlaskClient, ward: Ward):
    place = f"/core/cases/{ward.alert(ward.one).id}"
    assert "an open case cannot be signed off" in clinician.post(f"{place}/sign-off", follow_redirects=True).text


def test_words_of_danger_from_nobody_known_are_a_case_too(clinician: FlaskClient, ward: Ward):
    ward.world.tell("I have chest pain and cannot breathe", sender="+12025550188")
    place = f"/core/cases/{ward.alert(None).id}"
    page = clinician.get(place).text
    assert "Unknown sender" in page
    assert "I have chest pain" in page
    assert "Every score over time" not in page
    assert "summary" not in page
    assert "The case is yours now" in clinician.post(f"{place}/accept", follow_redirects=True).text
    refused = clinician.post(f"{place}/visit", data={"priority": "urgent", "note": "x"}, follow_redirects=True)
    assert "nobody knows yet whose case this is" in refused.text
    assert clinician.post(f"{place}/message", data={"text": "hello"}).status_code == 409
    assert clinician.post(f"{place}/message/send", data={"text": "hello"}).status_code == 409


def test_what_is_set_aside_says_why_to_the_others(clinician: FlaskClient, nurse: FlaskClient, ward: Ward):
    alert = ward.alert(ward.one)
    nurse.post(f"/escalations/{alert.id}/snooze", data={"minutes": "5", "reason": "is on the way here"})
    page = clinician.get(f"/core/cases/{alert.id}").text
    assert "Why: is on the way here" in page
    assert "Test Nurse set it aside for 5 minutes" in page


def test_an_offer_is_taken_over_on_the_case(clinician: FlaskClient, nurse: FlaskClient, ward: Ward):
    alert = ward.alert(ward.one)
    nurse.post(f"/escalations/{alert.id}/hand-on", data={"to": str(ward.world.clinic.clinician.id)})
    page = clinician.get(f"/core/cases/{alert.id}").text
    assert "Test Nurse asks you to take it over" in page
    assert "Test Nurse offered it to Test Clinician" in page
    assert "Paged Test Clinician" in page
    clinician.post(f"/core/cases/{alert.id}/accept")
    assert ward.alert(ward.one).owner_id == ward.world.clinic.clinician.id


def test_what_is_not_yours_says_so_on_a_page_with_a_way_back(stranger: FlaskClient, ward: Ward):
    page = stranger.get(f"/core/cases/{ward.alert(ward.one).id}").text
    assert "It may belong to another team" in page
    assert "Demo Patient One" not in page


def test_the_charts_reach_as_far_back_as_is_asked(clinician: FlaskClient, ward: Ward):
    place = f"/core/cases/{ward.alert(ward.one).id}"
    assert "last 30 days" in clinician.get(f"{place}?days=7").text
    assert "last 365 days" in clinician.get(f"{place}?days=365").text
    ward.world.clock.forward(days=40)
    assert "No model and no questionnaire has scored this patient" in clinician.get(place).text


def test_a_model_that_abstained_says_why_on_the_case(clinician: FlaskClient, ward: Ward):
    late = ward.world.patient("+12025550109", DIABETES)
    ward.world.tell("glucose 49 before breakfast", sender="+12025550109")
    page = clinician.get(f"/core/cases/{ward.alert(late).id}").text
    assert "No estimate" in page
    assert "Last: no estimate" in page
