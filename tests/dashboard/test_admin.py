from __future__ import annotations

from flask.testing import FlaskClient

from care.services import staff
from tests.dashboard.ward import Ward


def test_an_administrator_adds_and_closes_accounts(admin: FlaskClient, ward: Ward):
    team = str(ward.world.clinic.team.id)
    form = {"name": "Test Night", "username": "night", "role": "nurse", "care_team_id": team}
    short = admin.post("/admin/staff", data=form | {"password": "short"})
    assert short.status_code == 422
    assert "Test Night" in short.text
    added = admin.post("/admin/staff", data=form | {"password": "a-long-first-password"}, follow_redirects=True)
    assert "The account was added" in added.text
    again = admin.post("/admin/staff", data=form | {"password": "a-long-first-password"})
    assert again.status_code == 409
    closed = admin.post(f"/admin/staff/{ward.world.clinic.nurse.id}/deactivate", follow_redirects=True)
    assert "The account was closed" in closed.text


def test_only_an_administrator_keeps_accounts(nurse: FlaskClient, ward: Ward):
    assert nurse.get("/admin").status_code == 403
    assert nurse.post(f"/admin/staff/{ward.world.clinic.nurse.id}/deactivate").status_code == 403


def test_protocols_are_listed_with_what_is_asked(admin: FlaskClient, nurse: FlaskClient, ward: Ward):
    for client in (admin, nurse):
        page = client.get("/protocols").text
        assert "Diabetes glucose diary" in page
        assert "every day at" in page


def test_a_person_changes_the_password_that_was_given_and_signs_in_again(nurse: FlaskClient, ward: Ward):
    world, first, second = ward.world, "a-long-first-password", "a-longer-second-password"
    staff.set_password(world.session, world.rt, world.clinic.admin, world.clinic.nurse.id, first)
    nurse.post("/sign-in", data={"username": "nurse", "password": first})
    wrong = nurse.post("/account", data={"old": "guess-guess-guess", "new": second})
    assert (wrong.status_code, "this is not your password" in wrong.text) == (422, True)
    assert nurse.post("/account", data={"old": first, "new": "short"}).status_code == 422
    assert "Sign in with the new one" in nurse.post("/account", data={"old": first, "new": second}).text + (
        nurse.get("/sign-in").text
    )
    assert nurse.get("/worklist").status_code == 302
    assert nurse.post("/sign-in", data={"username": "nurse", "password": first}).status_code == 401
    assert nurse.post("/sign-in", data={"username": "nurse", "password": second}).status_code == 302


def test_an_old_password_is_not_guessed_on_an_open_screen(nurse: FlaskClient, ward: Ward):
    answers = [nurse.post("/account", data={"old": "guess-guess-guess", "new": "x"}).status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]
