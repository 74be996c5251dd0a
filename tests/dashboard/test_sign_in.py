from __future__ import annotations

import pytest
from flask import Flask

from care.services import staff
from dashboard.request import safe_path
from tests.conftest import Clinic
from tests.dashboard.ward import Ward

PASSWORD = "correct-battery-demo-staple"


def test_staff_sign_in_by_the_page_and_out_again(app: Flask, ward: Ward):
    world, clinic = ward.world, ward.world.clinic
    staff.set_password(world.session, world.rt, clinic.admin, clinic.nurse.id, PASSWORD)
    browser = app.test_client()
    wrong = browser.post("/sign-in", data={"username": "nurse", "password": "guess-guess-guess"})
    assert wrong.status_code == 401
    assert "not right" in wrong.text
    right = browser.post("/sign-in", data={"username": "nurse", "password": PASSWORD, "next": "/inbox"})
    assert right.headers["Location"] == "/inbox"
    cookie = right.headers["Set-Cookie"]
    assert "care_staff=" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert browser.get("/inbox").status_code == 200
    browser.post("/sign-out")
    assert browser.get("/inbox").status_code == 302


def test_nobody_is_led_to_another_site_after_signing_in(app: Flask, ward: Ward, clinic: Clinic):
    world = ward.world
    staff.set_password(world.session, world.rt, clinic.admin, clinic.nurse.id, PASSWORD)
    data = {"username": "nurse", "password": PASSWORD, "next": "https://example.org/"}
    assert app.test_client().post("/sign-in", data=data).headers["Location"] == "/"


def test_a_form_without_its_token_is_refused(app: Flask, ward: Ward):
    app.config["WTF_CSRF_ENABLED"] = True
    assert app.test_client().post("/sign-in", data={"username": "nurse", "password": PASSWORD}).status_code == 400


@pytest.mark.parametrize("place", ["//[example.org", "/\\example.org", "/\t/example.org", "https:example.org"])
def test_a_way_back_that_is_no_path_of_ours_is_not_taken(place: str):
    assert safe_path(place, "/") == "/"


def test_nothing_of_the_browser_session_before_stays_after_signing_in_or_out(app: Flask, ward: Ward, clinic: Clinic):
    world = ward.world
    staff.set_password(world.session, world.rt, clinic.admin, clinic.nurse.id, PASSWORD)
    browser = app.test_client()
    for act, data in (("/sign-in", {"username": "nurse", "password": PASSWORD}), ("/sign-out", {})):
        with browser.session_transaction() as kept:
            kept["of somebody else"] = "a notice"
        browser.post(act, data=data)
        with browser.session_transaction() as kept:
            assert "of somebody else" not in kept
