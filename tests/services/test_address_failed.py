"""An address that fails: what is queued goes another way or to a nurse, and who writes from it is answered there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.message import Capabilities, Receipt
from care.records.audit_events import AuditEvent
from care.records.communications import Communication
from care.records.dead_letters import DeadLetter
from care.records.patients import ContactPoint, Patient
from care.runtime import Runtime
from care.services import consents, outbox
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.world import World, make_world

PHONE, OTHER = "+12025550101", "+12025550102"


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def two_ways(world: World, *contacts: tuple[str, str]) -> Patient:
    return world.patient(contacts=tuple((channel, to, None) for channel, to in contacts))


def queue(world: World, patient: Patient, purpose: Purpose = Purpose.NURSE, name: str = "one") -> Communication:
    made = outbox.enqueue(
        world.session, world.now, purpose=purpose, text="Please call us.", dedupe=name, patient=patient, rt=world.rt
    )
    assert made is not None
    world.session.commit()
    return made


def fail(world: World, patient: Patient, channel: str) -> None:
    for contact in world.session.scalars(select(ContactPoint).where(ContactPoint.patient_id == patient.id)):
        if contact.channel == channel and contact.address != OTHER:
            contact.status = "failed"
    world.session.commit()


def deliver(world: World, message: Communication) -> Communication:
    outbox.deliver_due(world.session, world.rt, world.now)
    world.session.refresh(message)
    return message


def test_what_waits_for_an_app_that_goes_leaves_by_the_next_address(world: World, sms: FakeChannel) -> None:
    push = FakeChannel("push", capabilities=Capabilities(two_way=False, notices_only=True))
    world.rt = replace(world.rt, channels={**world.rt.channels, "push": push})
    patient = two_ways(world, ("push", "me"), ("sms", PHONE))
    message = queue(world, patient)
    assert message.channel == "push"
    fail(world, patient, "push")
    assert (deliver(world, message).channel, message.delivery) == ("sms", "sent")
    assert (len(push.sent), len(sms.sent)) == (0, 1)
    found = select(AuditEvent).where(AuditEvent.action == "communication.readdressed")
    assert [one.detail["reason"] for one in world.session.scalars(found)] == ["address-failed"]


@pytest.mark.parametrize("purpose", [Purpose.NURSE, Purpose.REMINDER, Purpose.QUESTION, Purpose.REPLY])
def test_where_there_is_no_other_way_a_nurse_hears_of_it(world: World, sms: FakeChannel, purpose: Purpose) -> None:
    patient = two_ways(world, ("sms", PHONE))
    message = queue(world, patient, purpose)
    fail(world, patient, "sms")
    assert (deliver(world, message).delivery, message.status_reason) == ("failed", "address-failed")
    assert sms.sent == []
    assert [(one.cause, one.params) for one in world.escalations(patient)] == [
        ("undelivered", {"why": "address-failed"})
    ]


def test_another_number_on_the_same_channel_is_a_way_too(world: World, sms: FakeChannel) -> None:
    patient = two_ways(world, ("sms", PHONE), ("sms", OTHER))
    message = queue(world, patient)
    fail(world, patient, "sms")
    assert deliver(world, message).delivery == "sent"
    assert [one.to for one in sms.sent] == [OTHER]


def test_who_has_withdrawn_is_written_to_nowhere_and_nobody_is_troubled(world: World, sms: FakeChannel) -> None:
    patient = two_ways(world, ("sms", PHONE), ("sms", OTHER))
    message = queue(world, patient)
    consents.decide(world.session, world.now, patient, granted=False, source="test")
    fail(world, patient, "sms")
    assert (deliver(world, message).delivery, message.status_reason) == ("stopped", "no-consent")
    assert sms.sent == []
    assert list(world.session.scalars(select(DeadLetter))) == []


def test_a_question_behind_one_that_failed_is_not_dropped_in_silence(world: World, sms: FakeChannel) -> None:
    patient = two_ways(world, ("sms", PHONE))
    first = queue(world, patient, Purpose.QUESTION, "first")
    deliver(world, first)
    second = queue(world, patient, Purpose.QUESTION, "second")
    bad = Receipt("sms", str(first.external_id), "undelivered", first.id, "30005", "permanent")
    outbox.note_receipt(world.session, world.rt, bad, world.now)
    deliver(world, second)
    letters = world.session.scalars(select(DeadLetter.row_id)).all()
    assert set(letters) == {first.id, second.id}


def test_who_writes_from_an_address_that_had_failed_is_answered_there(
    world: World, sms: FakeChannel, clock: Clock
) -> None:
    patient = two_ways(world, ("sms", PHONE))
    fail(world, patient, "sms")
    clock.forward(hours=1)
    world.say("HELP", sender=PHONE)
    outbox.deliver_due(world.session, world.rt, world.now)
    assert [one.to for one in sms.sent] == [PHONE]
    contact = world.session.scalars(select(ContactPoint).where(ContactPoint.patient_id == patient.id)).one()
    world.session.refresh(contact)
    assert contact.status == "active"
    assert "contact.active" in world.session.scalars(select(AuditEvent.action)).all()


def test_who_has_opted_out_is_not_opened_again_by_a_text(world: World, sms: FakeChannel) -> None:
    patient = two_ways(world, ("sms", PHONE))
    world.say("STOP", "hello there", sender=PHONE)
    contact = world.session.scalars(select(ContactPoint).where(ContactPoint.patient_id == patient.id)).one()
    world.session.refresh(contact)
    assert contact.status == "opted-out"
