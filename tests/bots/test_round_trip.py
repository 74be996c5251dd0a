"""Out and back: queued, handed to a provider on this machine, and settled by its signed receipt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from sqlalchemy.orm import Session

from bots.sms import TwilioSms
from care.domain.codes import Purpose
from care.records.communications import Communication
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import outbox
from tests.bots.stub_provider import Answer, Provider, provider
from tests.care_api.serving import enrolled, serving
from tests.care_api.twilio_calls import ACCOUNT, OURS, PUBLIC, TOKEN, post
from tests.conftest import Clinic


@pytest.fixture
def stub() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def twilio_rt(rt: Runtime, stub: Provider) -> Runtime:
    """The real channel, talking to the stub."""
    channel = TwilioSms(ACCOUNT, TOKEN, OURS, PUBLIC, base_url=stub.url, timeout=0.5)
    return replace(rt, channels={"sms": channel})


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    return enrolled(session, rt, clinic.nurse)


def queued(session: Session, rt: Runtime, patient: Patient) -> Communication:
    message = outbox.enqueue(
        session, rt.now(), purpose=Purpose.CONFIRMATION, text="您好", dedupe="one", patient=patient
    )
    assert message is not None
    session.commit()
    return message


def receipt(database_url: str, rt: Runtime, stub: Provider, status: str) -> int:
    """The provider calls the address that it was given with the message."""
    told = urlsplit(stub.asked[0]["fields"]["StatusCallback"])
    values = {"MessageSid": "SM" + "a" * 32, "MessageStatus": status, "AccountSid": ACCOUNT}
    with serving(database_url, rt) as app:
        return post(app.test_client(), values, f"{told.path}?{told.query}").status_code


def test_a_message_goes_out_once_and_its_receipt_settles_it(
    session: Session, twilio_rt: Runtime, stub: Provider, patient: Patient, database_url: str
):
    message = queued(session, twilio_rt, patient)
    for _ in range(3):
        outbox.deliver_due(session, twilio_rt, twilio_rt.now())
    assert [one["fields"]["Body"] for one in stub.asked] == ["您好"]
    session.refresh(message)
    assert message.delivery == "sent"
    assert receipt(database_url, twilio_rt, stub, "delivered") == 204
    session.refresh(message)
    assert message.delivery == "delivered"


def test_a_message_that_was_taken_without_a_word_is_not_sent_again_and_its_receipt_still_finds_it(
    session: Session, twilio_rt: Runtime, stub: Provider, patient: Patient, database_url: str
):
    stub.answers[:] = [Answer(silent_for=1.0)]
    message = queued(session, twilio_rt, patient)
    for _ in range(3):
        outbox.deliver_due(session, twilio_rt, twilio_rt.now())
    assert len(stub.asked) == 1
    session.refresh(message)
    assert message.delivery == "unknown"
    assert receipt(database_url, twilio_rt, stub, "delivered") == 204
    session.refresh(message)
    assert message.delivery == "delivered"


def test_a_busy_provider_gets_its_pause_and_the_message_goes_out_later(
    session: Session, twilio_rt: Runtime, stub: Provider, patient: Patient, clock: object
):
    stub.answers[:] = [Answer(429, {"code": 20429}, {"Retry-After": "30"}), Answer()]
    message = queued(session, twilio_rt, patient)
    outbox.deliver_due(session, twilio_rt, twilio_rt.now())
    outbox.deliver_due(session, twilio_rt, twilio_rt.now())
    assert len(stub.asked) == 1
    clock.forward(minutes=5)  # type: ignore[attr-defined]
    outbox.deliver_due(session, twilio_rt, twilio_rt.now())
    session.refresh(message)
    assert (len(stub.asked), message.delivery) == (2, "sent")
