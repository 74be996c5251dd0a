"""The simulator's door: there only where the setting is, for the demo clinic only, and by forms with their token."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import ValidationError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from care.records.communications import Communication
from care.records.patients import ContactPoint
from care.runtime import Runtime
from care.services import simulated_phones, simulated_time
from care.services.simulated_time import moved_clock
from care_api.guard import roles_of
from tests.care_api.serving import serving, settings
from tests.conftest import NOON, Clinic, Clock
from tests.services.demonstration import small_demonstration

OTHERS = ("/simulator", "/simulator/live", "/simulator/assets/simulator.css")


@pytest.fixture
def rt(session: Session, database_url: str, clock: Clock, clinic: Clinic) -> Runtime:
    """The outside of a demonstration with its clinic, where the wall's clock stands still."""
    return small_demonstration(session, database_url, clock, clinic, moved_clock(database_url, wall=clock))


@pytest.fixture
def app(database_url: str, rt: Runtime) -> Iterator[Flask]:
    """An application with the simulator."""
    with serving(database_url, rt, care_simulator="1") as made:
        yield made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def one(session: Session, app: Flask) -> UUID:
    """The first demo patient."""
    return simulated_phones.people(session)[0].id


@pytest.mark.parametrize("path", [*OTHERS, f"/simulator/{UUID(int=1)}/clock", f"/simulator/{UUID(int=1)}/sms/text"])
def test_without_the_setting_there_is_no_such_page(session: Session, database_url: str, path: str):
    with serving(database_url, Runtime()) as plain:
        assert plain.test_client().get(path).status_code == 404
        assert plain.test_client().post(path).status_code == 404


def test_a_route_that_slipped_in_without_the_setting_is_refused_by_the_guard(session: Session, database_url: str):
    import simulator

    with serving(database_url, Runtime()) as plain:
        plain.register_blueprint(simulator.blueprint)
        assert plain.test_client().get("/simulator").status_code == 404


def test_production_refuses_it_by_name(database_url: str):
    with pytest.raises(ValidationError, match="simulator is for development"):
        settings(database_url, care_simulator="1", care_environment="production")


@pytest.mark.parametrize("value", ["", "0"])
def test_off_is_off_in_production_too(database_url: str, value: str):
    assert not settings(database_url, care_simulator=value, care_environment="production").care_simulator


def test_every_route_of_it_is_for_the_developer_alone(app: Flask):
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/simulator")]
    assert len(rules) == 6
    for rule in rules:
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert roles_of(app, rule.endpoint, method) == {"developer"}, rule.rule


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_the_page_shows_every_phone(client: FlaskClient, one: UUID, language: str):
    found = client.get(f"/simulator?patient={one}&language={language}")
    assert found.status_code == 200
    assert f'<html lang="{language}">' in found.text
    for key in ("sms", "whatsapp", "push", "stranger"):
        assert f'id="phone-{key}"' in found.text


def test_before_there_is_a_demo_clinic_it_says_so(session: Session, database_url: str):
    with serving(database_url, Runtime(), care_simulator="1") as empty:
        found = empty.test_client().get("/simulator")
    assert found.status_code == 200
    assert "no demo clinic" in found.text


@pytest.mark.parametrize("who", ["not-an-id", str(UUID(int=7))])
def test_somebody_else_is_nobody(client: FlaskClient, who: str):
    assert client.get(f"/simulator?patient={who}").status_code == 404


def test_a_text_comes_in_once_however_often_the_provider_calls(client: FlaskClient, session: Session, one: UUID):
    sent = client.post(f"/simulator/{one}/sms/text", data={"text": "glucose 120", "twice": "yes"})
    assert sent.status_code == 303
    of = (Communication.patient_id == one, Communication.direction == "in", Communication.channel == "sms")
    assert session.scalar(select(func.count()).select_from(Communication).where(*of)) == 1


@pytest.mark.parametrize(
    ("where", "form"),
    [
        ("sms/text", {"text": "x" * 1601}),
        ("sms/text", {"text": "a\x00b"}),
        ("sms/text", {"text": " "}),
        ("push/text", {"text": "hello"}),
        ("clock", {"to": "yesterday"}),
        (f"sms/{UUID(int=1)}/receipt", {"heard": "read"}),
    ],
)
def test_what_cannot_be_done_is_said(client: FlaskClient, one: UUID, where: str, form: dict[str, str]):
    assert client.post(f"/simulator/{one}/{where}", data=form).status_code == 422


def test_no_form_is_taken_without_its_token(app: Flask, client: FlaskClient, one: UUID):
    app.config["WTF_CSRF_ENABLED"] = True
    for where in ("sms/text", "clock", f"sms/{UUID(int=1)}/receipt"):
        assert client.post(f"/simulator/{one}/{where}", data={"text": "hello", "to": "day"}).status_code == 400


def test_the_clock_moves_for_who_has_moved_it_at_once(client: FlaskClient, rt: Runtime, session: Session, one: UUID):
    client.post(f"/simulator/{one}/clock", data={"to": "day"})
    client.post(f"/simulator/{one}/clock", data={"to": "hour"})
    assert rt.now() == NOON + timedelta(days=1, hours=1)
    due = simulated_time.next_reminder(session, one, rt.now())
    client.post(f"/simulator/{one}/clock", data={"to": "reminder"})
    assert due is not None
    assert timedelta(0) < rt.now() - due <= timedelta(seconds=1)
    client.post(f"/simulator/{one}/clock", data={"to": "real"})
    assert rt.now() == NOON


def test_the_open_page_is_told_only_of_what_changed(client: FlaskClient, one: UUID):
    first = client.get(f"/simulator/live?patient={one}")
    tag = first.headers["ETag"]
    assert client.get(f"/simulator/live?patient={one}", headers={"If-None-Match": tag}).status_code == 304
    client.post(f"/simulator/{one}/sms/text", data={"text": "glucose 120"})
    again = client.get(f"/simulator/live?patient={one}", headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert "glucose 120" in again.text


def test_only_pages_of_staff_may_stand_in_a_frame_of_ours(client: FlaskClient):
    for path in ("/sign-in", "/worklist", "/core/"):
        headers = client.get(path).headers
        assert headers["X-Frame-Options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    for path in ("/simulator", "/me", "/healthz"):
        headers = client.get(path).headers
        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_without_the_simulator_nothing_may_stand_in_a_frame(session: Session, database_url: str):
    with serving(database_url, Runtime()) as plain:
        for path in ("/sign-in", "/me"):
            headers = plain.test_client().get(path).headers
            assert headers["X-Frame-Options"] == "DENY"
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_preparing_a_demonstration_furnishes_it(app: Flask, session: Session, tmp_path: Path):
    session.execute(delete(ContactPoint).where(ContactPoint.channel != "console"))
    session.commit()
    done = app.test_cli_runner().invoke(args=["prepare", "--no-demo", "--var", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert session.scalar(select(func.count()).select_from(ContactPoint).where(ContactPoint.channel == "push")) == 3
