"""The phones of a demonstration: they show what left by the outbox, and what is written on them comes in as ever."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose
from care.errors import Invalid, NotFound
from care.library.notices import MESSAGE, notice
from care.records.communications import Communication
from care.records.escalations import Escalation
from care.records.patients import ContactPoint, Patient, contact_points
from care.runtime import Runtime
from care.services import inbox, outbox, simulated_phones
from care.services.simulated_phones import Heard, Phone
from tests.conftest import Clinic, Clock
from tests.services.demonstration import small_demonstration
from tests.services.world import make_world


@pytest.fixture
def demo(session: Session, database_url: str, clock: Clock, clinic: Clinic) -> Runtime:
    """A small demo clinic with a phone on every channel."""
    return small_demonstration(session, database_url, clock, clinic)


def named(session: Session, name: str) -> Patient:
    return next(one for one in simulated_phones.people(session) if one.name == name)


def phone(session: Session, rt: Runtime, patient: Patient, key: str) -> Phone:
    return next(one for one in simulated_phones.phones(session, rt, patient) if one.key == key)


def deliver(session: Session, rt: Runtime) -> None:
    """Hand over what is due, and wait for what the channels say."""
    outbox.deliver_due(session, rt, rt.now())
    outbox.settle(session, rt, rt.now(), 5)
    session.expire_all()


def tell(session: Session, rt: Runtime, patient: Patient, words: str, **how: object) -> Communication:
    """Queue a message to the patient's SMS phone."""
    contact = next(one for one in contact_points(session, patient.id) if one.channel == "sms")
    values = {"purpose": Purpose.REPLY, "dedupe": words, **how}
    sent = outbox.enqueue(session, rt.now(), text=words, patient=patient, contact=contact, **values)  # type: ignore[arg-type]
    session.commit()
    assert sent is not None
    return sent


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Demo Patient One", ["sms", "whatsapp", "push", "stranger"]),
        ("示例病人甲", ["wechat", "sms", "push", "stranger"]),
        ("示例病人丙", ["whatsapp", "wechat", "sms", "push", "stranger"]),
    ],
)
def test_everybody_has_a_phone_on_the_channels_of_their_country(
    session: Session, demo: Runtime, name: str, expected: list[str]
):
    assert [one.key for one in simulated_phones.phones(session, demo, named(session, name))] == expected


def test_furnishing_again_changes_nothing(session: Session, demo: Runtime):
    assert simulated_phones.furnish(session, demo) == 0


def test_no_address_is_one_that_a_provider_could_reach(session: Session, demo: Runtime):
    for contact in session.scalars(select(ContactPoint)):
        assert contact.address.startswith("demo-phone-") or contact.address == str(contact.patient_id)


def test_nobody_but_the_demo_clinics_people_has_a_phone(session: Session, demo: Runtime, clock: Clock, clinic: Clinic):
    real = make_world(session, demo, clock, clinic).patient(record_number="R-1")
    clinic.organization.name = "A real hospital"
    session.commit()
    assert real.id not in {one.id for one in simulated_phones.people(session)}
    with pytest.raises(NotFound):
        simulated_phones.person(session, real.id)


def test_what_is_queued_is_on_no_phone_until_it_has_left(session: Session, demo: Runtime):
    one = named(session, "Demo Patient One")
    tell(session, demo, one, "How are you?")
    assert phone(session, demo, one, "sms").lines == []
    deliver(session, demo)
    assert [line.text for line in phone(session, demo, one, "sms").lines] == ["How are you?"]
    assert phone(session, demo, one, "whatsapp").lines == []


def test_a_phone_shows_the_notice_that_left_and_not_the_words_it_stands_for(session: Session, demo: Runtime):
    one = named(session, "Demo Patient One")
    sent = tell(session, demo, one, "Your potassium is low", purpose=Purpose.NURSE)
    deliver(session, demo)
    (line,) = phone(session, demo, one, "sms").lines
    assert session.get_one(Communication, sent.id).left_as == "notice"
    assert "potassium" not in line.text
    assert line.text == notice("en", MESSAGE)


@pytest.mark.parametrize(
    ("heard", "state", "reason"),
    [("delivered", "delivered", None), ("failed", "failed", "30003"), ("opted-out", "failed", "opted-out")],
)
def test_a_receipt_takes_the_real_way(session: Session, demo: Runtime, heard: Heard, state: str, reason: str | None):
    one = named(session, "Demo Patient One")
    sent = tell(session, demo, one, "How are you?")
    deliver(session, demo)
    mine = phone(session, demo, one, "sms")
    assert mine.unconfirmed is not None
    assert simulated_phones.hear(session, demo, mine, sent.id, heard)
    session.expire_all()
    message = session.get_one(Communication, sent.id)
    assert (message.delivery, message.status_reason) == (state, reason)
    (contact,) = [point for point in contact_points(session, one.id) if point.channel == "sms"]
    assert contact.status == ("opted-out" if heard == "opted-out" else "active")


def test_a_receipt_for_a_message_of_another_phone_is_refused(session: Session, demo: Runtime):
    one = named(session, "Demo Patient One")
    sent = tell(session, demo, one, "How are you?")
    deliver(session, demo)
    with pytest.raises(NotFound):
        simulated_phones.hear(session, demo, phone(session, demo, one, "whatsapp"), sent.id, "delivered")


def test_who_writes_has_received_what_came_before(session: Session, demo: Runtime):
    one = named(session, "Demo Patient One")
    sent = tell(session, demo, one, "How are you?")
    deliver(session, demo)
    simulated_phones.write(session, demo, phone(session, demo, one, "sms"), "glucose 120")
    assert session.get_one(Communication, sent.id).delivery == "delivered"


def test_a_text_is_answered_and_one_that_comes_twice_is_one(session: Session, demo: Runtime):
    one = named(session, "Demo Patient One")
    mine = phone(session, demo, one, "sms")
    first = simulated_phones.write(session, demo, mine, "glucose 120", twice=True)
    assert first.new
    inbox.take_turns_due(session, demo, demo.now())
    deliver(session, demo)
    lines = phone(session, demo, one, "sms").lines
    assert [line.mine for line in lines] == [True, False]


def test_a_red_flag_reaches_a_nurse(session: Session, demo: Runtime):
    one = named(session, "Demo Patient One")
    simulated_phones.write(session, demo, phone(session, demo, one, "sms"), "I have chest pain")
    found = session.scalars(
        select(Escalation).where(Escalation.patient_id == one.id, Escalation.rank == Priority.STAT.rank)
    )
    assert len(found.all()) == 1


def test_a_photo_is_kept_as_one_and_shown_as_one(session: Session, demo: Runtime):
    one = named(session, "Demo Patient One")
    simulated_phones.write(session, demo, phone(session, demo, one, "sms"), "", photo=True)
    (line,) = phone(session, demo, one, "sms").lines
    assert (line.pictures, line.text.strip()) == (1, "")


def test_a_phone_that_cannot_answer_does_not(session: Session, demo: Runtime):
    chinese = named(session, "示例病人甲")
    with pytest.raises(Invalid):
        simulated_phones.write(session, demo, phone(session, demo, chinese, "sms"), "你好")


def test_an_empty_text_is_none(session: Session, demo: Runtime):
    one = named(session, "Demo Patient One")
    with pytest.raises(Invalid):
        simulated_phones.write(session, demo, phone(session, demo, one, "sms"), "  ")


def test_a_stranger_is_answered_once_and_stands_with_nobody(session: Session, demo: Runtime):
    one = named(session, "Demo Patient One")
    unknown = phone(session, demo, one, "stranger")
    simulated_phones.write(session, demo, unknown, "Who is this?")
    deliver(session, demo)
    assert [line.mine for line in phone(session, demo, one, "stranger").lines] == [True, False]
    assert phone(session, demo, one, "sms").lines == []


def test_without_a_channel_there_is_no_phone(session: Session, demo: Runtime):
    bare = replace(demo, channels={"console": demo.channels["console"]})
    assert simulated_phones.phones(session, bare, named(session, "Demo Patient One")) == []
