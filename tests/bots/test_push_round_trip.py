"""Out to the patient's app: planned, handed to a Google of this machine as a notice, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bots.push import KeptRegistrations, PushChannel
from care.domain.codes import Purpose
from care.records.communications import Communication
from care.records.dead_letters import DeadLetter
from care.records.patients import Patient, contact_points
from care.records.push_registrations import push_registrations
from care.runtime import Runtime
from care.services import outbox
from care.services import push_registrations as push
from care.services.push_registrations import App
from tests.bots.fake_fcm import FcmAnswer, Google, google
from tests.care_api.serving import enrolled, patient_token
from tests.conftest import Clinic, Clock

WORDS = "Please take Examplomycin twice a day, Demo Patient One"


@pytest.fixture
def there() -> Iterator[Google]:
    with google() as made:
        yield made


@pytest.fixture
def outside(session: Session, rt: Runtime, clock: Clock, there: Google) -> Runtime:
    """The real channel, talking to a Google of this machine, and no other way to a patient."""
    kept = KeptRegistrations(lambda: Session(session.get_bind()), clock)
    return replace(rt, channels={"push": PushChannel(there.provider(timeout=0.5), kept)})


@pytest.fixture
def patient(session: Session, outside: Runtime, clinic: Clinic) -> Patient:
    """A patient who prefers the app."""
    made = enrolled(session, outside, clinic.nurse)
    app = App("fid", "an-installation", "ios", "zh-Hans")
    push.register(session, outside, made, patient_token(session, outside, clinic.nurse, made), app, preferred=True)
    return made


def sent(session: Session, rt: Runtime, patient: Patient, purpose: Purpose = Purpose.NURSE) -> Communication:
    """One message of a nurse's, delivered as far as it goes."""
    made = outbox.enqueue(
        session, rt.now(), purpose=purpose, text=WORDS, dedupe="one", patient=patient, notice="notice-message", rt=rt
    )
    assert made is not None
    session.commit()
    outbox.deliver_due(session, rt, rt.now())
    session.refresh(made)
    return made


def test_a_nurses_words_stay_in_the_app_and_a_notice_goes_out(
    session: Session, outside: Runtime, there: Google, patient: Patient
):
    message = sent(session, outside, patient)
    assert (message.channel, message.delivery, message.left_as) == ("push", "sent-unconfirmed", "notice")
    (posted,) = there.posted
    assert posted["message"]["fid"] == "an-installation"
    assert posted["message"]["data"] == {"ref": str(message.id)}
    assert posted["message"]["notification"]["body"] == "Care：您有一条新消息。请打开我们的应用或微信公众号。"
    told = str(posted)
    for word in ("Examplomycin", "twice", "Demo", "Patient", "T-0001", str(patient.id)):
        assert word not in told


def test_an_app_that_is_gone_is_forgotten_and_a_nurse_hears_of_it(
    session: Session, outside: Runtime, there: Google, patient: Patient
):
    code = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "UNREGISTERED"}
    there.answers[:] = [FcmAnswer(404, {"error": {"status": "NOT_FOUND", "details": [code]}})]
    message = sent(session, outside, patient)
    assert len(there.posted) == 1
    session.expire_all()
    assert push_registrations(session, patient.id) == []
    assert [one.status for one in contact_points(session, patient.id) if one.channel == "push"] == ["failed"]
    assert session.scalars(select(DeadLetter.row_id)).all() == [message.id]


def test_google_busy_puts_it_off_without_a_sleep_and_without_a_second_try(
    session: Session, outside: Runtime, there: Google, clock: Clock, patient: Patient
):
    code = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "QUOTA_EXCEEDED"}
    busy = {"error": {"status": "RESOURCE_EXHAUSTED", "details": [code]}}
    there.answers[:] = [FcmAnswer(429, busy, {"Retry-After": "600"}), FcmAnswer()]
    message = sent(session, outside, patient)
    assert len(there.posted) == 1
    assert (message.delivery, message.status_reason) == ("queued", "QUOTA_EXCEEDED")
    assert message.send_at is not None
    assert message.send_at >= clock.now + timedelta(seconds=600)
    clock.set(message.send_at)
    outbox.deliver_due(session, outside, clock.now)
    session.refresh(message)
    assert (len(there.posted), message.delivery) == (2, "sent-unconfirmed")


def test_a_time_out_is_not_repeated_and_a_nurse_hears_of_it(
    session: Session, outside: Runtime, there: Google, patient: Patient
):
    there.answers[:] = [FcmAnswer(silent_for=1.5)]
    message = sent(session, outside, patient)
    outbox.deliver_due(session, outside, outside.now())
    session.refresh(message)
    assert (len(there.posted), message.delivery) == (1, "unknown")
    assert session.scalars(select(DeadLetter.row_id)).all() == [message.id]
