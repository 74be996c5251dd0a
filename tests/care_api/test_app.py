"""The composition: it starts only when it can, and what every answer carries."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from care.errors import CareError, NotFound
from care.runtime import Runtime
from care_api.app import NotConfigured, create_app, read_settings
from care_api.embedded import command_of
from tests.care_api.serving import serving, settings

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


def test_a_database_without_keys_is_refused_by_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", NOWHERE)
    monkeypatch.delenv("CARE_KEYS", raising=False)
    monkeypatch.delenv("CARE_TOKEN_KEY", raising=False)
    with pytest.raises(NotConfigured) as caught:
        create_app()
    assert "CARE_KEYS" in str(caught.value)
    assert "CARE_TOKEN_KEY" in str(caught.value)


def test_no_value_is_shown_when_the_environment_is_wrong(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "mysql://root:hunter2@db/x")
    with pytest.raises(NotConfigured) as caught:
        read_settings()
    assert "DATABASE_URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_key_that_is_no_key_stops_the_start(rt: Runtime):
    with pytest.raises(CareError, match="CARE_KEYS"):
        create_app(settings(NOWHERE, care_keys="1:short"), rt)


def test_every_answer_carries_the_security_headers(client: FlaskClient):
    for path in ("/healthz", "/sign-in", "/api/v1/me", "/nowhere"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in headers


def test_https_is_asked_for_where_the_public_address_is_https(database_url: str, rt: Runtime):
    with serving(database_url, rt, public_url="https://care.example.org") as app:
        assert "Strict-Transport-Security" in app.test_client().get("/healthz").headers
        assert app.config["SESSION_COOKIE_SECURE"]


def test_ready_means_database_migrations_and_heartbeats(client: FlaskClient):
    found = client.get("/readyz")
    assert found.status_code == 200
    assert found.json == {
        "status": "ok",
        "checks": {"database": True, "migrations": True, "heartbeats": True},
    }


def test_a_clock_that_has_stopped_makes_the_installation_unready(app: Flask, client: FlaskClient):
    from sqlalchemy import text

    from care.services import heartbeats
    from care_api.database import db

    with app.app_context():
        heartbeats.beat(db.session(), "clock")
        assert client.get("/readyz").status_code == 200
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE heartbeat SET at = clock_timestamp() - interval '61 seconds'"))
    found = client.get("/readyz")
    assert found.status_code == 503
    assert found.json["checks"] == {"database": True, "migrations": True, "heartbeats": False}


def test_a_hospital_where_no_clock_and_no_worker_ever_ran_is_not_ready(
    session: Session, database_url: str, rt: Runtime
):
    from care.services import heartbeats

    with serving(database_url, rt, care_environment="production") as app:
        client = app.test_client()
        assert client.get("/readyz").json["checks"]["heartbeats"] is False
        heartbeats.beat(session, "clock")
        assert client.get("/readyz").status_code == 503
        heartbeats.beat(session, "worker")
        assert client.get("/readyz").status_code == 200


def test_without_its_database_it_lives_but_is_not_ready(rt: Runtime):
    with serving(NOWHERE, rt) as app:
        client = app.test_client()
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503


def test_without_its_database_a_caller_is_told_to_come_back(rt: Runtime):
    with serving(NOWHERE, rt) as app:
        found = app.test_client().get("/api/v1/me", headers={"Authorization": "Bearer x"})
        assert found.status_code == 503
        assert found.headers["Retry-After"] == "5"
        assert found.content_type == "application/problem+json"


def test_without_its_database_a_person_sees_a_page_that_says_so(rt: Runtime):
    with serving(NOWHERE, rt) as app:
        client = app.test_client()
        client.set_cookie("care_staff", "x")
        for path in ("/core/", "/sign-in"):
            found = client.get(path)
            assert (found.status_code, found.headers["Retry-After"]) == (503, "5")
            assert "<h1>Temporarily unavailable</h1>" in found.text


def test_a_wrong_method_is_told_which_ones_there_are(client: FlaskClient):
    found = client.put("/api/v1/me/reports")
    assert found.status_code == 405
    assert set(found.headers["Allow"].split(", ")) >= {"GET", "POST"}
    assert found.content_type == "application/problem+json"


def test_an_unknown_address_is_a_problem_for_machines_and_a_page_for_people(client: FlaskClient):
    machine = client.get("/api/v1/nothing")
    assert (machine.status_code, machine.content_type) == (404, "application/problem+json")
    person = client.get("/nothing")
    assert person.status_code == 404
    assert person.content_type.startswith("text/html")


def test_an_unexpected_error_says_nothing_of_what_is_inside(capfd: pytest.CaptureFixture[str], app: Flask):
    from care.access import may

    @may("anyone")
    def broken() -> str:
        raise RuntimeError("Demo Patient One, +14155550100")

    app.add_url_rule("/api/broken", "broken", broken)
    found = app.test_client().get("/api/broken")
    assert found.status_code == 500
    assert found.json["code"] == "internal"
    out, err = capfd.readouterr()
    assert "Demo Patient" not in found.text + out + err
    assert "RuntimeError" in out + err


def test_a_deliberate_error_keeps_its_code_and_its_place(app: Flask):
    from care.access import may

    @may("anyone")
    def missing() -> str:
        raise NotFound("patient", "no such patient", place="patient_id")

    app.add_url_rule("/api/missing", "missing", missing)
    assert app.test_client().get("/api/missing").json == {
        "type": "about:blank",
        "title": "Not found",
        "status": 404,
        "detail": "no such patient",
        "code": "patient",
        "place": "patient_id",
    }


def test_a_form_without_its_token_is_refused(app: Flask):
    app.config["WTF_CSRF_ENABLED"] = True
    client = app.test_client()
    assert client.post("/sign-in", data={"username": "nurse", "password": "x"}).status_code == 400
    assert client.post("/api/v1/sign-in/codes", json={"channel": "sms", "address": "+14155550100"}).status_code == 202


def test_a_form_of_more_than_a_megabyte_is_refused(client: FlaskClient):
    assert client.post("/sign-in", data={"username": "x" * 1_100_000}).status_code == 413


@pytest.mark.parametrize("size", [1_048_576, 1_048_577, 5_000_000])
def test_a_body_without_its_length_is_never_cut_off_in_silence(client: FlaskClient, size: int):
    found = client.post(
        "/api/v1/sign-in/codes",
        input_stream=io.BytesIO(b" " * size),
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert found.status_code == 413


def test_what_a_door_allows_can_be_asked_by_anybody(client: FlaskClient):
    found = client.options("/api/v1/me")
    assert (found.status_code, found.data) == (200, b"")
    assert "GET" in found.headers["Allow"]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("--app wsgi prepare --json", "prepare"),
        ("-A wsgi --debug risk verify x", "risk"),
        ("--help", ""),
        ("", ""),
        ("db upgrade", "db"),
    ],
)
def test_the_command_is_the_first_word_that_is_no_option(line: str, command: str):
    assert command_of(line.split()) == command


def test_a_secret_that_can_be_guessed_is_refused_by_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", NOWHERE)
    for secret in ("", "short"):
        monkeypatch.setenv("SECRET_KEY", secret)
        with pytest.raises(NotConfigured, match="SECRET_KEY"):
            read_settings()
