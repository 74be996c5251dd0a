"""A patient gets a token for a one-time code, and nobody learns from that who is a patient."""

from __future__ import annotations

import re
import time

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.records.communications import Communication, contents
from care.records.patients import Patient
from care.services import signin
from care_api import sign_in
from tests.care_api.serving import PHONE
from tests.conftest import Clinic, Clock

ADDRESS = {"channel": "sms", "address": PHONE}


def sent_code(session: Session) -> str:
    row = session.scalars(select(Communication).where(Communication.purpose == "sign-in")).one()
    return re.findall(r"\d{6}", contents(session, [row.id])[row.id].text)[0]


def test_a_code_is_sent_and_exchanged_for_a_token(session: Session, client: FlaskClient, patient: Patient):
    assert client.post("/api/v1/sign-in/codes", json=ADDRESS).status_code == 202
    found = client.post("/api/v1/sign-in/tokens", json={**ADDRESS, "code": sent_code(session)})
    assert found.status_code == 201
    assert found.json["expires_at"].endswith("+00:00")
    me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {found.json['token']}"})
    assert me.json["name"] == "Demo Patient One"
    assert me.json["time_zone"] == "America/New_York"


def test_an_unknown_address_gets_the_same_answer(client: FlaskClient, patient: Patient):
    known = client.post("/api/v1/sign-in/codes", json=ADDRESS)
    unknown = client.post("/api/v1/sign-in/codes", json={**ADDRESS, "address": "+14155550999"})
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data)


def test_a_code_that_a_nurse_reads_out_works_too(
    session: Session, client: FlaskClient, clinic: Clinic, patient: Patient, rt: object
):
    code = signin.issue_code(session, rt, clinic.nurse, patient.id)  # type: ignore[arg-type]
    assert client.post("/api/v1/sign-in/tokens", json={**ADDRESS, "code": code}).status_code == 201
    assert client.post("/api/v1/sign-in/tokens", json={**ADDRESS, "code": code}).status_code == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer \u00e9", "Bearer " + "x" * 500, "Bearer a b\x01"]
)
def test_a_malformed_token_is_not_signed_in_and_nothing_else(client: FlaskClient, header: str):
    found = client.get("/api/v1/me", headers={"Authorization": header.encode("latin-1").decode("latin-1")})
    assert found.status_code == 401
    assert found.headers["WWW-Authenticate"] == "Bearer"
    assert found.content_type == "application/problem+json"


def test_an_expired_token_is_not_signed_in(client: FlaskClient, bearer: dict[str, str], clock: Clock):
    assert client.get("/api/v1/me", headers=bearer).status_code == 200
    clock.forward(days=31)
    assert client.get("/api/v1/me", headers=bearer).status_code == 401


def test_signing_out_ends_the_token(client: FlaskClient, bearer: dict[str, str]):
    assert client.delete("/api/v1/sign-in/tokens", headers=bearer).status_code == 204
    assert client.get("/api/v1/me", headers=bearer).status_code == 401


def test_too_many_tries_are_told_so(client: FlaskClient, patient: Patient):
    answers = {client.post("/api/v1/sign-in/codes", json=ADDRESS).status_code for _ in range(8)}
    assert answers == {202, 429}


def test_a_number_without_its_country_code_is_one_of_the_configured_country(
    session: Session, client: FlaskClient, patient: Patient
):
    assert client.post("/api/v1/sign-in/codes", json={**ADDRESS, "address": "(415) 555-0100"}).status_code == 202
    assert sent_code(session)


def test_an_unknown_address_takes_as_long_as_a_known_one(client: FlaskClient, patient: Patient):
    def seconds(path: str, status: int, **given: str) -> float:
        began = time.monotonic()
        assert client.post(f"/api/v1/sign-in/{path}", json=given).status_code == status
        return time.monotonic() - began

    for address in ({**ADDRESS}, {**ADDRESS, "address": "+14155550999"}):
        assert seconds("codes", 202, **address) >= sign_in.PAUSE
        assert seconds("tokens", 401, **address, code="000") >= sign_in.PAUSE
