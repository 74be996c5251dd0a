"""Pausing, resuming and stopping a plan from its page."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from care.records.care_plans import CarePlan, active_plans
from tests.dashboard.ward import Ward


def plan_of(ward: Ward) -> CarePlan:
    return active_plans(ward.world.session, ward.one.id)[0]


@pytest.mark.parametrize("act, words", [("pause", "Nothing is asked"), ("stop", "for good")])
def test_first_the_page_says_what_will_happen(nurse: FlaskClient, ward: Ward, act: str, words: str):
    page = nurse.get(f"/patients/{ward.one.id}/plans/{plan_of(ward).id}/{act}").text
    assert "What will happen" in page and words in page and "Leave it as it is" in page


def test_a_plan_is_paused_with_a_reason_and_goes_on(nurse: FlaskClient, ward: Ward):
    base = f"/patients/{ward.one.id}/plans/{plan_of(ward).id}"
    page = nurse.post(f"{base}/pause", data={"until": "2026-03-20", "reason": "in hospital"}, follow_redirects=True)
    assert "The plan rests" in page.text and "in hospital" in page.text and "paused" in page.text
    assert "Let it go on" in page.text
    assert "What is still to come is asked again" in nurse.get(f"{base}/resume").text
    assert "The plan goes on." in nurse.post(f"{base}/resume", follow_redirects=True).text
    assert "Nothing was changed" in nurse.post(f"{base}/resume", follow_redirects=True).text


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"reason": "", "until": "2026-03-20"}, "this needs 1 to 1000 characters"),
        ({"reason": "away", "until": "2026-03-01"}, "tomorrow at the earliest"),
        ({"reason": "away", "until": "soon"}, "year-month-day"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    nurse: FlaskClient, ward: Ward, wrong: dict[str, str], said: str
):
    answer = nurse.post(f"/patients/{ward.one.id}/plans/{plan_of(ward).id}/pause", data=wrong)
    assert answer.status_code == 422
    assert said in answer.text and wrong["reason"] in answer.text
    assert plan_of(ward).status == "active"


def test_a_plan_is_stopped_only_with_a_reason(nurse: FlaskClient, ward: Ward):
    base = f"/patients/{ward.one.id}/plans/{plan_of(ward).id}"
    assert nurse.post(f"{base}/stop", data={}).status_code == 422
    assert "The plan was stopped" in nurse.post(f"{base}/stop", data={"reason": "died"}, follow_redirects=True).text


def test_another_patients_plan_is_not_found_on_this_page(nurse: FlaskClient, ward: Ward):
    base = f"/patients/{ward.two.id}/plans/{plan_of(ward).id}"
    assert nurse.get(f"{base}/pause").status_code == 404
    for act in ("pause", "stop", "resume"):
        assert nurse.post(f"{base}/{act}", data={"reason": "finished"}).status_code == 404
