"""Webhooks: kept before they are answered, once however often they come, and forged ones not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from bots.console import ConsoleChannel
from care.domain.codes import Purpose
from care.records.communications import Communication, contents
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import content, outbox
from tests.care_api.serving import enrolled, serving
from tests.care_api.twilio_calls import FORM, fields, post, twilio
from tests.conftest import Clinic, Clock

STATUS = "/webhooks/twilio/status"


@pytest.fixture
def rt(clock: Clock) -> Runtime:
    """Twilio configured; nothing is delivered."""
    return Runtime(clock=clock, channels={"sms": twilio(), "console": ConsoleChannel(lambda _: None)})


@pytest.fixture
def app(session: Session, database_url: str, rt: Runtime) -> Iterator[Flask]:
    with serving(database_url, rt) as made:
        yield made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    content.publish_seeds(session, rt.now())
    return enrolled(session, rt, clinic.nurse)


def texts_in(session: Session) -> list[str]:
    session.rollback()
    rows = list(session.scalars(select(Communication).where(Communication.direction == "in")))
    words = contents(session, [row.id for row in rows])
    return [words[row.id].text for row in rows]


def test_a_text_is_kept_word_for_word_and_answered_with_nothing(
    session: Session, client: FlaskClient, patient: Patient
):
    found = post(client, fields("  血糖３．２ \n"))
    assert found.status_code == 200
    assert found.content_type.startswith("text/xml")
    assert found.text.endswith("<Response/>")
    assert texts_in(session) == ["  血糖３．２ \n"]


def test_the_same_webhook_three_times_at_once_is_one_text(session: Session, app: Flask, patient: Patient):
    start = threading.Barrier(3)
    answers: list[int] = []

    def call() -> None:
        client = app.test_client()
        start.wait()
        answers.append(post(client, fields("I have chest pain")).status_code)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200, 200, 200]
    assert texts_in(session) == ["I have chest pain"]


def test_a_forged_text_is_refused_and_not_kept(session: Session, client: FlaskClient, patient: Patient):
    assert post(client, fields("hello"), token="guess").status_code == 403
    assert client.post("/webhooks/twilio/sms", data=fields("hello")).status_code == 403
    assert post(client, fields("hello", AccountSid="AC" + "2" * 32)).status_code == 403
    assert texts_in(session) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"Body=" + b"x" * 300_000, 413),
        (b"Body=" + b"x" * 5_000_000, 413),
        (b"Body=%FF%FE", 422),
        (b"\xff\xfe\xfd", 422),
        (b"", 403),
        (b"&".join(b"a%d=1" % number for number in range(600)), 422),
    ],
)
def test_a_body_that_no_provider_sends_is_refused_without_a_fault(
    client: FlaskClient, patient: Patient, body: bytes, status: int
):
    for path in ("/webhooks/twilio/sms", STATUS):
        found = client.post(path, data=body, content_type=FORM, headers={"X-Twilio-Signature": "x"})
        assert found.status_code == status
        assert found.content_type == "application/problem+json"


def test_a_body_sent_without_its_length_is_limited_too(client: FlaskClient, patient: Patient):
    import io

    found = client.post(
        "/webhooks/twilio/sms",
        input_stream=io.BytesIO(b"x" * 300_000),
        content_type=FORM,
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert found.status_code == 413


def test_a_receipt_finds_its_message_in_whatever_order_receipts_come(
    session: Session, client: FlaskClient, rt: Runtime, patient: Patient
):
    message = outbox.enqueue(session, rt.now(), purpose=Purpose.REPLY, text="hi", dedupe="a", patient=patient)
    assert message is not None
    session.commit()
    for status in ("delivered", "sent", "delivered"):
        values = {"MessageSid": "SM1", "MessageStatus": status, "AccountSid": fields()["AccountSid"]}
        assert post(client, values, f"{STATUS}?id={message.id}").status_code == 204
    session.expire_all()
    assert (message.delivery, message.external_id) == ("delivered", "SM1")


def test_a_receipt_of_nothing_we_know_is_taken_quietly(client: FlaskClient, patient: Patient):
    values = {"MessageSid": "SM9", "MessageStatus": "sent", "AccountSid": fields()["AccountSid"]}
    assert post(client, values, f"{STATUS}?id={UUID(int=5)}").status_code == 204


def test_a_forged_receipt_changes_nothing(session: Session, client: FlaskClient, rt: Runtime, patient: Patient):
    message = outbox.enqueue(session, rt.now(), purpose=Purpose.REPLY, text="hi", dedupe="a", patient=patient)
    assert message is not None
    session.commit()
    values = {"MessageSid": "SM1", "MessageStatus": "failed", "AccountSid": fields()["AccountSid"]}
    assert post(client, values, f"{STATUS}?id={message.id}", token="guess").status_code == 403
    session.expire_all()
    assert message.delivery == "queued"


def test_without_the_database_the_provider_is_told_to_come_again(rt: Runtime):
    with serving("postgresql://nobody@127.0.0.1:1/none", rt) as app:
        found = post(app.test_client(), fields("hello"))
        assert (found.status_code, found.headers["Retry-After"]) == (503, "5")


def test_a_channel_that_is_not_configured_is_not_there(database_url: str, clock: Clock):
    from bots.sms import TwilioSms

    for channels in ({}, {"sms": TwilioSms()}):
        with serving(database_url, Runtime(clock=clock, channels=channels)) as app:
            assert post(app.test_client(), fields("hello")).status_code == 404


def test_nothing_of_a_text_reaches_a_log(capfd: pytest.CaptureFixture[str], client: FlaskClient, patient: Patient):
    post(client, fields("the canary sings"))
    post(client, fields("the canary sings", sid="SM" + "1" * 32), token="guess")
    post(client, fields("the canary sings", AccountSid="AC0"))
    out, err = capfd.readouterr()
    assert "canary" not in out + err
    assert fields()["From"] not in out + err


def test_a_text_that_comes_before_there_is_a_hospital_is_asked_for_again(session: Session, client: FlaskClient):
    found = post(client, fields("I have chest pain"))
    assert (found.status_code, found.headers["Retry-After"]) == (503, "5")
    assert found.content_type == "application/problem+json"
    assert texts_in(session) == []
