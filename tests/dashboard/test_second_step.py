"""The second step on the pages: asked for, set up before anything else, reset; and what was typed comes back."""

from __future__ import annotations

import html
import re

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from care.records.communications import Communication
from care.records.practitioners import StaffSession
from care.records.second_factors import second_factor
from care.services import second_factors, staff
from tests.dashboard.ward import Ward

PASSWORD = "correct-battery-demo-staple"
LOGIN = {"username": "nurse", "password": PASSWORD}


@pytest.fixture
def world_with_password(ward: Ward) -> Ward:
    world = ward.world
    staff.set_password(world.session, world.rt, world.clinic.admin, world.clinic.nurse.id, PASSWORD)
    return ward


@pytest.fixture
def browser(app: Flask, world_with_password: Ward) -> FlaskClient:
    """A browser in which nobody is signed in."""
    return app.test_client()


def shown(ward: Ward) -> str:
    """What the nurse's telephone shows."""
    world = ward.world
    row = second_factor(world.session, world.clinic.nurse.id)
    assert row is not None
    world.session.refresh(row)
    return pyotp.TOTP(str(row.secret or row.pending)).at(world.now)


def set_up(ward: Ward) -> list[str]:
    world, nurse = ward.world, ward.world.clinic.nurse
    second_factors.begin(world.session, world.rt, nurse, PASSWORD)
    codes = second_factors.confirm(world.session, world.rt, nurse, shown(ward))
    world.clock.forward(minutes=2)
    return codes


def test_the_code_is_asked_for_and_nothing_opens_before_it(browser: FlaskClient, ward: Ward):
    set_up(ward)
    first = browser.post("/sign-in", data=LOGIN | {"next": "/inbox"})
    assert (first.status_code, "Code of your telephone" in first.text) == (200, True)
    assert "care_staff" not in first.headers.get("Set-Cookie", "")
    assert browser.get("/inbox").status_code == 302
    wrong = browser.post("/sign-in/code", data={"code": "000000", "next": "/inbox"})
    assert (wrong.status_code, "not right" in wrong.text, 'value="/inbox"' in wrong.text) == (401, True, True)
    right = browser.post("/sign-in/code", data={"code": shown(ward), "next": "/inbox"})
    assert right.headers["Location"] == "/inbox"
    assert browser.get("/inbox").status_code == 200


def test_without_a_first_step_the_second_leads_to_the_first(browser: FlaskClient, ward: Ward):
    set_up(ward)
    for path in ("/sign-in/code", "/sign-in/set-up"):
        answer = browser.post(path, data={"code": shown(ward)})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")


def test_too_many_codes_are_told_and_nobody_is_led_elsewhere(browser: FlaskClient, ward: Ward):
    codes = set_up(ward)
    browser.post("/sign-in", data=LOGIN)
    statuses = [browser.post("/sign-in/code", data={"code": "111111"}).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    ward.world.clock.forward(minutes=16)
    browser.post("/sign-in", data=LOGIN)
    away = browser.post("/sign-in/code", data={"code": codes[0], "next": "https://example.org/"})
    assert away.headers["Location"] == "/"


def test_whoever_must_have_one_sets_it_up_before_anything_else(browser: FlaskClient, admin: FlaskClient, ward: Ward):
    team = str(ward.world.clinic.team.id)
    assert admin.post("/admin/second-factor", data={"care_team_id": team, "required": "yes"}).status_code == 303
    assert "No longer require it" in admin.get("/admin").text
    page = browser.post("/sign-in", data=LOGIN)
    assert "Set up a second step first" in page.text
    assert 'src="data:image/svg+xml' in page.text  # within default-src 'self'; img-src 'self' data:
    assert browser.get("/worklist").status_code == 302
    assert browser.post("/sign-in/set-up", data={"code": "12"}).status_code == 422
    done = browser.post("/sign-in/set-up", data={"code": shown(ward)})
    assert done.status_code == 200 and done.text.count("<li>") >= 10
    assert done.headers["Cache-Control"] == "no-store"
    assert browser.get("/worklist").status_code == 200
    lost = admin.post(f"/admin/staff/{ward.world.clinic.nurse.id}/second-factor", follow_redirects=True)
    assert "Their second step is gone" in lost.text
    assert browser.get("/worklist").status_code == 302


def test_ones_own_is_set_up_renewed_and_taken_away_on_the_account(browser: FlaskClient, ward: Ward):
    browser.post("/sign-in", data=LOGIN)
    form = "/account/second-factor"
    assert browser.post(form, data={"act": "begin", "old": "guess-guess-guess"}).status_code == 422
    assert "Read the square" in browser.post(form, data={"act": "begin", "old": PASSWORD}).text
    assert browser.post(form, data={"act": "confirm", "code": "1"}).status_code == 422
    codes = browser.post(form, data={"act": "confirm", "code": shown(ward)})
    assert "They are not shown again" in codes.text
    assert "Recovery codes left: 10" in browser.get("/account").text
    assert "They are not shown again" in browser.post(form, data={"act": "codes", "old": PASSWORD}).text
    assert browser.post(form, data={"act": "remove", "old": PASSWORD}).status_code == 303
    assert "not set up" in browser.get("/account").text
    assert browser.post(form, data={"act": "confirm", "code": "1"}).status_code == 409


def expire(ward: Ward) -> None:
    ward.world.session.query(StaffSession).update({"expires_at": ward.world.now})
    ward.world.session.commit()


def kept_in(page: str) -> str:
    return html.unescape(re.search(r'name="kept" value="([^"]+)"', page)[1])  # type: ignore[index]


def test_what_was_typed_comes_back_after_signing_in_again(browser: FlaskClient, ward: Ward):
    browser.post("/sign-in", data=LOGIN)
    expire(ward)
    path, words = f"/patients/{ward.one.id}/message/send", "Please weigh yourself <tomorrow>"
    ended = browser.post(path, data={"text": words, "csrf_token": "x"})
    assert (ended.status_code, words in html.unescape(ended.text)) == (401, False)
    assert "What you typed is kept" in ended.text
    before = len(ward.world.all(Communication))
    wrong = browser.post("/sign-in", data=LOGIN | {"password": "guess", "kept": kept_in(ended.text)})
    back = browser.post("/sign-in", data=LOGIN | {"kept": kept_in(wrong.text)})
    assert words in html.unescape(back.text) and f'action="{path}"' in back.text
    assert len(ward.world.all(Communication)) == before  # nothing is sent by itself
    assert browser.get("/inbox").status_code == 200


def test_what_was_typed_comes_through_the_second_step_too(browser: FlaskClient, ward: Ward):
    browser.post("/sign-in", data=LOGIN)
    set_up(ward)  # which signs this browser out
    path = f"/patients/{ward.one.id}/phone"
    ended = browser.post(path, data={"note": "rang twice", "outcome": "engaged"})
    step = browser.post("/sign-in", data=LOGIN | {"kept": kept_in(ended.text)})
    back = browser.post("/sign-in/code", data={"code": shown(ward), "kept": kept_in(step.text)})
    assert "rang twice" in back.text and 'name="outcome" value="engaged"' in back.text


def test_what_one_typed_is_given_to_nobody_else(browser: FlaskClient, ward: Ward):
    world = ward.world
    staff.set_password(world.session, world.rt, world.clinic.admin, world.clinic.clinician.id, PASSWORD)
    browser.post("/sign-in", data=LOGIN)
    expire(ward)
    ended = browser.post(f"/patients/{ward.one.id}/message/send", data={"text": "for her eyes"})
    other = {"username": "clinician", "password": PASSWORD, "kept": kept_in(ended.text)}
    answer = browser.post("/sign-in", data=other)
    assert (answer.status_code, "for her eyes" in answer.text) == (302, False)
    for forged in ("x", "é", kept_in(ended.text)[:-6] + "AAAAAA"):
        assert browser.post("/sign-in", data=LOGIN | {"kept": forged}).status_code == 302
    ward.world.clock.forward(hours=13)
    assert browser.post("/sign-in", data=LOGIN | {"kept": kept_in(ended.text)}).status_code == 302


def test_a_password_and_a_strangers_form_are_not_kept(browser: FlaskClient, ward: Ward):
    browser.post("/sign-in", data=LOGIN)
    expire(ward)
    assert browser.post("/account", data={"old": PASSWORD, "new": "another long one"}).status_code == 303
    browser.delete_cookie("care_staff")
    assert browser.post(f"/patients/{ward.one.id}/message/send", data={"text": "x"}).status_code == 303
