"""Reaching: a reminder goes to the first contact point that can carry it, and asks only where it is answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.message import Capabilities
from care.library.notices import notice
from care.records.communications import Communication
from care.records.conversations import Conversation
from care.records.escalations import Escalation
from care.records.patients import Patient
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import consents, content, outbox, reminders
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.test_reminders import enrol, first_task

NUMBER, OPENID = "+8613800138000", "openid-1"
SMS, WECHAT, PUSH = ("sms", NUMBER, None), ("wechat", OPENID, None), ("push", "me-1", None)


@pytest.fixture
def here(session: Session, rt: Runtime, sms: FakeChannel) -> Runtime:
    """Care as it stands for a patient in China: SMS one-way, WeChat in its window, an app that is only told."""
    content.publish_seeds(session, rt.now())
    china = {"CN": {"two_way": False, "links": False}}
    sms.capabilities = Capabilities(receipts=True, data_location="US", by_country=china)
    wechat = Capabilities(window=timedelta(hours=48), quota=5, private=True, data_location="CN")
    push = Capabilities(two_way=False, notices_only=True, data_location="US")
    others = (FakeChannel("wechat", capabilities=wechat), FakeChannel("push", capabilities=push))
    return replace(rt, channels={"sms": sms, **{one.name: one for one in others}}, public_url="https://care.invalid")


def reminded(session: Session, rt: Runtime, clock: Clock, patient: Patient) -> tuple[str, str]:
    """The channel and the words of the first reminder, as it left."""
    clock.set(max(clock.now, first_task(session, patient).due_at))
    reminders.send_due(session, rt, rt.now())
    outbox.deliver_due(session, rt, rt.now())
    outbox.settle(session, rt, rt.now(), seconds=30)
    left = [one for channel in rt.channels.values() for one in channel.sent]  # type: ignore[attr-defined]
    assert len(left) == 1
    return left[0].channel, left[0].text


def test_a_patient_in_china_is_asked_on_wechat_though_the_phone_comes_first(
    session: Session, here: Runtime, clinic: Clinic, clock: Clock
) -> None:
    patient = enrol(session, here, clinic, contacts=(SMS, WECHAT), country="CN")
    channel, words = reminded(session, here, clock, patient)
    assert channel == "wechat"
    assert "://" in words, "its window is closed, so what leaves is the notice"


def test_who_has_only_a_phone_there_gets_a_notice_without_a_link_and_the_question_waits_in_the_app(
    session: Session, here: Runtime, clinic: Clinic, clock: Clock
) -> None:
    patient = enrol(session, here, clinic, contacts=(SMS,), country="CN")
    assert reminded(session, here, clock, patient) == ("sms", notice("en", "notice-reminder", two_way=False))
    task = first_task(session, patient)
    assert (task.status, task.asked_at) == ("ready", None)
    assert session.scalars(select(Conversation)).all() == []


def test_a_patient_there_with_the_app_is_told_by_it(
    session: Session, here: Runtime, clinic: Clinic, clock: Clock
) -> None:
    patient = enrol(session, here, clinic, contacts=(SMS, PUSH), country="CN")
    assert reminded(session, here, clock, patient)[0] == "push"


def test_elsewhere_the_preferred_phone_is_right(session: Session, here: Runtime, clinic: Clinic, clock: Clock) -> None:
    patient = enrol(session, here, clinic, contacts=(("sms", "+12025550101", None), WECHAT))
    assert reminded(session, here, clock, patient)[0] == "sms"


def test_a_way_without_consent_is_none(session: Session, here: Runtime, clinic: Clinic, clock: Clock) -> None:
    patient = enrol(session, here, clinic, contacts=(SMS, WECHAT), country="CN")
    consents.decide(session, here.now(), patient, granted=False, source="text", channel="wechat")
    session.commit()
    assert reminded(session, here, clock, patient)[0] == "sms"


def test_where_no_provider_may_keep_it_nothing_leaves_and_a_nurse_is_told(
    session: Session, here: Runtime, clinic: Clinic, clock: Clock, sms: FakeChannel
) -> None:
    at_home = replace(here, data_locations=frozenset({"CN"}))
    patient = enrol(session, at_home, clinic, contacts=(SMS,), country="CN")
    clock.set(first_task(session, patient).due_at)
    reminders.send_due(session, at_home, at_home.now())
    outbox.deliver_due(session, at_home, at_home.now())
    message = session.scalars(select(Communication)).one()
    session.refresh(message)
    assert (sms.sent, message.delivery, message.status_reason) == ([], "failed", "data-location")
    assert [one.cause for one in session.scalars(select(Escalation))] == ["undelivered"]
    assert session.scalars(select(Task).where(Task.asked_at.is_not(None))).all() == []
