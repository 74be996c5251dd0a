"""Webhooks: kept before they are answered, once however often they come, and forged ones not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from bots.console import ConsoleChannel
from bots.sms import TwilioSms
from care.domain.codes import Purpose
from care.records.communications import Communication, contents
from care.records.consents import Consent
from care.records.dead_letters import DeadLetter
from care.records.escalations import Escalation
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import content, inbox, outbox
from care_api.database import db
from tests.care_api.serving import PHONE, enrolled, serving
from tests.care_api.twilio_calls import FORM, OURS, fields, post, twilio, whatsapp
from tests.conftest import Clinic, Clock

SMS, WHATSAPP, STATUS = "/webhooks/twilio/sms", "/webhooks/twilio/whatsapp", "/webhooks/twilio/status"


@pytest.fixture
def rt(clock: Clock) -> Runtime:
    """Twilio configured; nothing is delivered."""
    channels = {"sms": twilio(), "whatsapp": whatsapp(), "console": ConsoleChannel(lambda _: None)}
    return Runtime(clock=clock, channels=channels)


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


def at_once(app: Flask, *calls: tuple[dict[str, str], str]) -> list[int]:
    """Make these calls (fields and address) at the same time, each by a client of its own; their statuses."""
    start = threading.Barrier(len(calls))

    def make(call: tuple[dict[str, str], str]) -> int:
        client = app.test_client()
        start.wait()
        return post(client, *call).status_code

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(make, calls))


def answered(session: Session, rt: Runtime) -> list[Communication]:
    """What was sent back once every text has had its turn, oldest first."""
    session.rollback()
    inbox.take_turns_due(session, rt, rt.now())
    out = select(Communication).where(Communication.direction == "out").order_by(Communication.at, Communication.id)
    return list(session.scalars(out))


@pytest.mark.parametrize(("words", "alarms"), [("I have chest pain", 1), ("I feel fine today", 0)])
@pytest.mark.parametrize("path", [SMS, WHATSAPP])
def test_the_same_webhook_three_times_at_once_is_one_text_with_one_effect(
    session: Session, app: Flask, rt: Runtime, patient: Patient, words: str, alarms: int, path: str
):
    values = fields(words) if path == SMS else fields(words, From=f"whatsapp:{PHONE}", To=f"whatsapp:{OURS}")
    assert at_once(app, *[(values, path)] * 3) == [200, 200, 200]
    assert texts_in(session) == [words]
    if path == SMS:
        assert len(session.scalars(select(Escalation)).all()) == alarms
        assert len(answered(session, rt)) == 1


def test_two_texts_of_one_patient_at_the_same_moment_are_both_kept_and_both_answered(
    session: Session, app: Flask, rt: Runtime, patient: Patient
):
    both = [(fields(words, sid=sid), SMS) for words, sid in (("hello", "SM1"), ("what now", "SM2"))]
    for _ in range(3):
        assert at_once(app, *both) == [200, 200]
    assert sorted(texts_in(session)) == ["hello", "what now"]
    answered(session, rt)
    rows = session.scalars(select(Communication).where(Communication.direction == "in")).all()
    assert all(row.take_at is None for row in rows)
    assert len({row.external_id for row in rows}) == 2


@pytest.mark.parametrize("words", ["I have chest pain", "I feel fine today"])
def test_a_webhook_that_is_replayed_next_day_changes_nothing(
    session: Session, client: FlaskClient, rt: Runtime, patient: Patient, clock: Clock, words: str
):
    assert post(client, fields(words)).status_code == 200
    before = [(one.id, one.delivery) for one in answered(session, rt)]
    alarms = len(session.scalars(select(Escalation)).all())
    session.commit()
    clock.forward(days=1)
    assert post(client, fields(words)).status_code == 200
    assert texts_in(session) == [words]
    assert [(one.id, one.delivery) for one in answered(session, rt)] == before
    assert len(session.scalars(select(Escalation)).all()) == alarms


def test_the_same_receipt_three_times_at_once_and_next_day_is_one_effect(
    session: Session, app: Flask, rt: Runtime, patient: Patient, clock: Clock
):
    message = outbox.enqueue(session, rt.now(), purpose=Purpose.CONFIRMATION, text="hi", dedupe="a", patient=patient)
    assert message is not None
    session.commit()
    account = fields()["AccountSid"]
    values = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "21610", "AccountSid": account}
    calls = [(values, f"{STATUS}?id={message.id}")] * 3
    assert at_once(app, *calls) == [204, 204, 204]
    clock.forward(days=1)
    assert at_once(app, *calls) == [204, 204, 204]
    session.expire_all()
    assert (message.delivery, message.status_reason) == ("failed", "opted-out")
    assert len(session.scalars(select(DeadLetter)).all()) == 1
    withdrawn = select(Consent).where(Consent.patient_id == patient.id, Consent.granted.is_(False))
    assert len(session.scalars(withdrawn).all()) == 1


def test_a_receipt_finds_its_message_of_either_channel(session: Session, app: Flask, rt: Runtime, patient: Patient):
    for channel in ("sms", "whatsapp"):
        message = outbox.enqueue(
            session,
            rt.now(),
            purpose=Purpose.CONFIRMATION,
            text="hi",
            dedupe=channel,
            patient=patient,
            channel=channel,
            address=PHONE,
        )
        assert message is not None
        session.commit()
        values = {"MessageSid": f"SM{channel}", "MessageStatus": "read", "AccountSid": fields()["AccountSid"]}
        assert post(app.test_client(), values, f"{STATUS}?id={message.id}&channel={channel}").status_code == 204
        session.refresh(message)
        assert (message.delivery, message.external_id) == ("delivered", f"SM{channel}")


def test_receipts_come_where_only_whatsapp_is_configured(
    session: Session, database_url: str, rt: Runtime, patient: Patient
):
    with serving(database_url, replace(rt, channels={"sms": TwilioSms(), "whatsapp": whatsapp()})) as app:
        values = {"MessageSid": "SM1", "MessageStatus": "sent", "AccountSid": fields()["AccountSid"]}
        assert post(app.test_client(), values, STATUS).status_code == 204
        assert post(app.test_client(), fields("hello"), SMS).status_code == 404


def test_a_text_of_whatsapp_is_its_patients_and_its_name_is_kept_nowhere(
    session: Session, client: FlaskClient, rt: Runtime, clinic: Clinic, patient: Patient
):
    other = enrolled(session, rt, clinic.nurse, record_number="T-9", contacts=(("whatsapp", "US.1349", None),))
    values = fields("hello", From="whatsapp:US.1349", To=f"whatsapp:{OURS}", ProfileName="Canary Wong")
    assert post(client, values, WHATSAPP).status_code == 200
    assert texts_in(session) == ["hello"]
    row = session.scalars(select(Communication).where(Communication.direction == "in")).one()
    assert (row.patient_id, row.channel) == (other.id, "whatsapp")
    kept = contents(session, [row.id])[row.id]
    assert (kept.text, kept.address) == ("hello", "US.1349")


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


def test_without_the_database_the_provider_is_told_to_come_again_after_one_try(rt: Runtime):
    asked: list[object] = []
    with serving("postgresql://nobody@127.0.0.1:1/none", rt) as app:
        with app.app_context():
            event.listen(db.engine, "do_connect", lambda *told: asked.append(told))
        found = post(app.test_client(), fields("hello"))
        assert (found.status_code, found.headers["Retry-After"]) == (503, "5")
    assert len(asked) == 1  # a provider waits no longer than one connection may take


def test_a_channel_that_is_not_configured_is_not_there(database_url: str, clock: Clock):
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
