from __future__ import annotations

from flask.testing import FlaskClient

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
