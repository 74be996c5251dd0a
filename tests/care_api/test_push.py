"""The patient's app registers for notifications, and signs off; what it says wrongly is told by its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.message import Capabilities
from care.records.patients import Patient, contact_points
from care.records.push_registrations import PushRegistration, push_registrations
from care.runtime import Runtime
from tests.conftest import FakeChannel

WHERE = "/api/v1/me/push-registrations"
APP = {"kind": "fid", "token": "an-installation-id", "platform": "android", "language": "zh-Hans"}


@pytest.fixture
def rt(rt: Runtime) -> Runtime:
    """The outside, with push."""
    able = Capabilities(two_way=False, notices_only=True)
    return replace(rt, channels={**rt.channels, "push": FakeChannel("push", capabilities=able)})


def test_an_app_registers_again_and_again_and_is_one(
    session: Session, client: FlaskClient, patient: Patient, bearer: dict[str, str]
):
    first = client.post(WHERE, json=APP, headers=bearer)
    again = client.post(WHERE, json={**APP, "preferred": True}, headers=bearer)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json["id"] == again.json["id"]
    assert set(first.json) == {"id", "kind", "platform", "language", "created_at", "last_seen_at"}
    assert [one.channel for one in contact_points(session, patient.id)] == ["push", "sms"]


def test_an_app_signs_off_and_so_does_who_signs_out(
    session: Session, client: FlaskClient, patient: Patient, bearer: dict[str, str]
):
    client.post(WHERE, json=APP, headers=bearer)
    assert client.delete(WHERE, headers=bearer).status_code == 204
    assert client.delete(WHERE, headers=bearer).status_code == 204
    assert push_registrations(session, patient.id) == []
    client.post(WHERE, json=APP, headers=bearer)
    assert client.delete("/api/v1/sign-in/tokens", headers=bearer).status_code == 204
    session.expire_all()
    assert push_registrations(session, patient.id) == []


@pytest.mark.parametrize("method", ["post", "delete"])
def test_nobody_registers_without_signing_in(client: FlaskClient, method: str):
    assert getattr(client, method)(WHERE, json=APP).status_code == 401


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"kind": "sms"}, "/kind"),
        ({"kind": 5}, "/kind"),
        ({"token": ""}, "/token"),
        ({"token": "short"}, "/token"),
        ({"token": "with a blank in it"}, "/token"),
        ({"token": "令牌令牌令牌令牌"}, "/token"),
        ({"token": "nul\x00in-the-middle"}, "/token"),
        ({"token": "a-line\n"}, "/token"),
        ({"token": "x" * 4097}, "/token"),
        ({"platform": "windows"}, "/platform"),
        ({"language": "tlh"}, "/language"),
        ({"preferred": "yes"}, "/preferred"),
        ({"preferred": 1.5}, "/preferred"),
        ({"patient_id": "019c0000-0000-7000-8000-000000000001"}, "/patient_id"),
    ],
)
def test_what_is_wrong_is_told_by_its_place_and_nothing_is_kept(
    session: Session, client: FlaskClient, bearer: dict[str, str], change: dict[str, Any], place: str
):
    found = client.post(WHERE, json=APP | change, headers=bearer)
    assert (found.status_code, found.content_type) == (422, "application/problem+json")
    assert place.lstrip("/") in {error["pointer"].rpartition("/")[2] for error in found.json["errors"]}
    assert session.scalars(select(PushRegistration)).all() == []


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"kind":', b"\xff\xfe", b'"fid"'])
def test_a_body_that_is_no_app_is_refused(client: FlaskClient, bearer: dict[str, str], body: bytes):
    found = client.post(WHERE, data=body, content_type="application/json", headers=bearer)
    assert found.status_code in (400, 422)
    assert found.content_type == "application/problem+json"


def test_the_token_is_in_no_answer_and_in_no_log(
    client: FlaskClient, bearer: dict[str, str], no_patient_data_in_logs: Callable[[str], str]
):
    word = no_patient_data_in_logs("canary-token-of-an-app")
    found = client.post(WHERE, json={**APP, "token": word}, headers=bearer)
    assert word not in found.text
    assert word not in client.post(WHERE, json={**APP, "token": word, "kind": "x"}, headers=bearer).text


def test_an_installation_without_push_says_so(
    client: FlaskClient, rt: Runtime, bearer: dict[str, str], patient: Patient
):
    rt.channels["push"].enabled = False
    found = client.post(WHERE, json=APP, headers=bearer)
    assert (found.status_code, found.json["code"]) == (409, "no-push")
