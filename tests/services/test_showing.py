"""What is seen of a message: its words where they may be shown, a notice where not, else it goes another way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose
from care.domain.message import Capabilities, Incoming
from care.errors import ChannelError
from care.library.notices import notice
from care.records.communications import Communication
from care.records.escalations import Escalation
from care.records.patients import ContactPoint, Patient, contact_points
from care.runtime import Runtime
from care.services import app_texts, consents, escalations, inbox, outbox, waiting
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.posting import deliver, person, queue, read

CHINA = {"CN": {"two_way": False, "links": False}}
OPENID = "openid-1"


@pytest.fixture
def wechat() -> FakeChannel:
    able = Capabilities(window=timedelta(hours=48), quota=5, private=True, data_location="CN")
    return FakeChannel("wechat", capabilities=able)


@pytest.fixture
def whatsapp() -> FakeChannel:
    able = Capabilities(window=timedelta(hours=24), receipts=True, data_location="US")
    return FakeChannel("whatsapp", capabilities=able)


@pytest.fixture
def all_ways(rt: Runtime, sms: FakeChannel, wechat: FakeChannel, whatsapp: FakeChannel) -> Runtime:
    sms.capabilities = Capabilities(receipts=True, data_location="US", by_country=CHINA)
    channels = {one.name: one for one in (sms, wechat, whatsapp)}
    return replace(rt, channels=channels, public_url="https://care.invalid")


def writes(session: Session, rt: Runtime, channel: str, sender: str, words: str = "hello") -> None:
    """The patient writes; the text is kept, and not answered yet."""
    number = len(session.scalars(select(Communication.id).where(Communication.direction == "in")).all())
    inbox.receive(session, rt, Incoming(channel, sender, words, f"in-{number}", rt.now()))


# -- notices -----------------------------------------------------------------------------------------------------------


def test_a_reminder_leaves_as_its_notice_and_the_words_stay(
    session: Session, all_ways: Runtime, sms: FakeChannel, clinic: Clinic
) -> None:
    patient = person(session, all_ways, clinic.nurse, ("sms", "+12025550101"))
    message = queue(session, all_ways, patient, purpose=Purpose.REMINDER, text="How is your glucose?")
    deliver(session, all_ways)
    (left,) = sms.sent
    assert left.text == notice("en", "notice-reminder", url="https://care.invalid/me")
    assert (left.notice, left.language, left.window_open) == ("notice-reminder", "en", True)
    assert (read(session, message).left_as, message.delivery) == ("notice", "sent")


def test_a_notice_to_china_has_no_link_and_asks_for_no_reply(
    session: Session, all_ways: Runtime, sms: FakeChannel, clinic: Clinic
) -> None:
    patient = person(session, all_ways, clinic.nurse, ("sms", "+8613800138000"), country="CN")
    for purpose in (Purpose.REMINDER, Purpose.REPLY, Purpose.QUESTION):
        queue(session, all_ways, patient, purpose=purpose, text="Wie geht's? https://care.invalid/x")
    deliver(session, all_ways)
    assert len(sms.sent) == 3
    for left in sms.sent:
        assert "://" not in left.text
        assert left.text == notice("en", left.notice, two_way=False)


def test_a_nurse_answers_in_words_who_wrote_today_and_is_announced_to_who_did_not(
    session: Session, all_ways: Runtime, sms: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    patient = person(session, all_ways, clinic.nurse, ("sms", "+12025550101"))
    escalations.message(session, all_ways, clinic.nurse, patient.id, "Please call us")
    deliver(session, all_ways)
    writes(session, all_ways, "sms", "+12025550101")
    clock.forward(hours=1)
    escalations.message(session, all_ways, clinic.nurse, patient.id, "Come at nine")
    deliver(session, all_ways)
    clock.forward(hours=24)
    escalations.message(session, all_ways, clinic.nurse, patient.id, "Come at ten")
    deliver(session, all_ways)
    seen = [(one.notice, "Come" in one.text) for one in sms.sent]
    assert seen == [("notice-message", False), ("", True), ("notice-message", False)]


def test_another_patient_on_the_same_phone_has_not_written(
    session: Session, all_ways: Runtime, sms: FakeChannel, clinic: Clinic
) -> None:
    patient = person(session, all_ways, clinic.nurse, ("sms", "+12025550101"))
    other = person(session, all_ways, clinic.nurse, ("sms", "+12025550102"))
    writes(session, all_ways, "sms", "+12025550102")
    escalations.message(session, all_ways, clinic.nurse, patient.id, "one")
    escalations.message(session, all_ways, clinic.nurse, other.id, "two")
    deliver(session, all_ways)
    assert {one.to: one.notice for one in sms.sent} == {"+12025550101": "notice-message", "+12025550102": ""}


def test_what_a_nurse_writes_to_a_stranger_leaves_as_it_is(
    session: Session, all_ways: Runtime, sms: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    writes(session, all_ways, "sms", "+12025550999")
    text = session.scalars(select(Communication).where(Communication.direction == "in")).one()
    clock.forward(days=2)
    waiting.answer(session, all_ways, clinic.nurse, text.id, "Who are you?")
    deliver(session, all_ways)
    assert "Who are you?" in [one.text for one in sms.sent]


# -- windows and quotas ------------------------------------------------------------------------------------------------


def test_within_its_window_a_channel_takes_words_and_after_it_a_template(
    session: Session, all_ways: Runtime, whatsapp: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    patient = person(session, all_ways, clinic.nurse, ("whatsapp", "+12025550101"))
    writes(session, all_ways, "whatsapp", "+12025550101")
    clock.forward(hours=23)
    queue(session, all_ways, patient, text="within")
    deliver(session, all_ways)
    clock.forward(hours=1)
    queue(session, all_ways, patient, text="after")
    deliver(session, all_ways)
    assert [(one.text == "within", one.notice, one.window_open) for one in whatsapp.sent] == [
        (True, "", True),
        (False, "notice-message", False),
    ]


def test_what_is_written_in_the_app_opens_no_channels_window(
    session: Session, all_ways: Runtime, whatsapp: FakeChannel, clinic: Clinic
) -> None:
    patient = person(session, all_ways, clinic.nurse, ("whatsapp", "+12025550101"))
    app_texts.write(session, all_ways, patient, "hello")
    queue(session, all_ways, patient, text="an answer")
    deliver(session, all_ways)
    assert [(one.notice, one.window_open) for one in whatsapp.sent] == [("notice-message", False)]


def test_a_shared_phones_window_is_opened_by_whoever_writes(
    session: Session, all_ways: Runtime, whatsapp: FakeChannel, clinic: Clinic
) -> None:
    first = person(session, all_ways, clinic.nurse, ("whatsapp", "+12025550101"))
    second = person(session, all_ways, clinic.nurse, ("whatsapp", "+12025550101"))
    writes(session, all_ways, "whatsapp", "+12025550101")  # whose it is nobody knows yet
    for patient in (first, second):
        queue(session, all_ways, patient, text="words")
    deliver(session, all_ways)
    assert [one.text for one in whatsapp.sent] == ["words", "words"]


def test_the_sixth_reply_waits_for_the_next_text_and_leaves_before_the_answer_to_it(
    session: Session, all_ways: Runtime, wechat: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    patient = person(session, all_ways, clinic.nurse, ("wechat", OPENID))
    writes(session, all_ways, "wechat", OPENID)
    inbox.take_turns_due(session, all_ways, all_ways.now())
    deliver(session, all_ways)
    answered = len(wechat.sent)
    clock.forward(seconds=1)
    for number in range(answered, 7):
        queue(session, all_ways, patient, text=f"say {number}")
    deliver(session, all_ways)
    assert [one.text for one in wechat.sent][answered:] == [f"say {number}" for number in range(answered, 5)]
    clock.forward(minutes=5)
    deliver(session, all_ways)
    assert len(wechat.sent) == 5, "however often it is looked at"
    writes(session, all_ways, "wechat", OPENID, "NURSE")
    clock.forward(seconds=1)
    inbox.take_turns_due(session, all_ways, all_ways.now())
    deliver(session, all_ways)
    assert [one.text for one in wechat.sent][5:7] == ["say 5", "say 6"]
    assert len(wechat.sent) == 7 + answered, "and then what answers the text"


def test_a_nurses_word_does_not_lie_behind_what_waits_for_the_patients_next_text(
    session: Session, all_ways: Runtime, wechat: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    patient = person(session, all_ways, clinic.nurse, ("wechat", OPENID))
    writes(session, all_ways, "wechat", OPENID)
    for number in range(6):
        queue(session, all_ways, patient, text=f"say {number}")
    deliver(session, all_ways)
    assert len(wechat.sent) == 5
    clock.forward(seconds=30)
    queue(session, all_ways, patient, purpose=Purpose.NURSE, text="Please come in today.")
    deliver(session, all_ways)
    assert [one.notice for one in wechat.sent[5:]] == ["notice-message"]


def test_what_waited_for_a_text_that_never_came_is_announced_when_the_window_closes(
    session: Session, all_ways: Runtime, wechat: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    patient = person(session, all_ways, clinic.nurse, ("wechat", OPENID))
    writes(session, all_ways, "wechat", OPENID)
    for number in range(6):
        queue(session, all_ways, patient, text=f"say {number}")
    deliver(session, all_ways)
    assert len(wechat.sent) == 5
    clock.forward(hours=48)
    deliver(session, all_ways)
    assert wechat.sent[5].notice == "notice-message"
    assert not wechat.sent[5].window_open


def test_what_no_notice_stands_for_fails_where_a_nurse_sees_it(
    session: Session, all_ways: Runtime, whatsapp: FakeChannel, clinic: Clinic
) -> None:
    patient = person(session, all_ways, clinic.nurse, ("whatsapp", "+12025550101"))
    message = queue(session, all_ways, patient, purpose=Purpose.EMERGENCY, priority=Priority.STAT, text="Call 911")
    deliver(session, all_ways)
    assert whatsapp.sent == []
    assert (read(session, message).delivery, message.status_reason) == ("failed", "not-by-this-channel")
    assert [(one.cause, one.priority) for one in session.scalars(select(Escalation))] == [("undelivered", "stat")]


def test_what_to_do_in_danger_takes_the_next_way_when_the_first_can_only_announce(
    session: Session, all_ways: Runtime, whatsapp: FakeChannel, sms: FakeChannel, clinic: Clinic
) -> None:
    patient = person(session, all_ways, clinic.nurse, ("whatsapp", "+12025550101"), ("sms", "+12025550101"))
    queue(session, all_ways, patient, purpose=Purpose.EMERGENCY, priority=Priority.STAT, text="Call 911")
    deliver(session, all_ways)
    assert ([one.text for one in sms.sent], whatsapp.sent) == (["Call 911"], [])


# -- which way ---------------------------------------------------------------------------------------------------------


def test_a_nurse_writes_where_she_can_be_answered(
    session: Session, all_ways: Runtime, wechat: FakeChannel, clinic: Clinic
) -> None:
    patient = person(session, all_ways, clinic.nurse, ("sms", "+8613800138000"), ("wechat", OPENID), country="CN")

    def place(purpose: Purpose) -> str:
        found = outbox.best_contact(session, patient.id, purpose, all_ways, "CN")
        assert found is not None
        return found.channel

    assert [place(one) for one in (Purpose.REPLY, Purpose.REMINDER, Purpose.NURSE)] == ["wechat", "wechat", "sms"]


def test_a_provider_that_keeps_what_is_sent_where_it_must_not_is_not_used(
    session: Session, all_ways: Runtime, sms: FakeChannel, wechat: FakeChannel, clinic: Clinic
) -> None:
    at_home = replace(all_ways, data_locations=frozenset({"CN", "HK"}))
    both = person(session, all_ways, clinic.nurse, ("sms", "+8613800138000"), ("wechat", OPENID), country="CN")
    one = person(session, all_ways, clinic.nurse, ("sms", "+8613800138001"), country="CN")
    moved = queue(session, at_home, both, purpose=Purpose.REMINDER, contact=contact_points(session, both.id)[0])
    refused = queue(session, at_home, one, purpose=Purpose.REMINDER)
    danger = queue(session, at_home, one, purpose=Purpose.EMERGENCY, text="120", priority=Priority.STAT)
    deliver(session, at_home)
    assert (read(session, moved).channel, moved.delivery) == ("wechat", "sent-unconfirmed")
    assert (read(session, refused).delivery, refused.status_reason) == ("failed", "data-location")
    assert [one.text for one in sms.sent] == ["120"], "to whoever is in danger"
    assert read(session, danger).delivery == "sent"
    assert [one.cause for one in session.scalars(select(Escalation))] == ["undelivered"]


# -- when the first address refuses ------------------------------------------------------------------------------------


@pytest.fixture
def two_ways(session: Session, all_ways: Runtime, clinic: Clinic) -> Patient:
    return person(session, all_ways, clinic.nurse, ("sms", "+12025550101"), ("whatsapp", "+12025550101"))


def status(session: Session, patient: Patient) -> dict[str, str]:
    found = session.scalars(select(ContactPoint).execution_options(populate_existing=True))
    return {one.channel: one.status for one in found if one.patient_id == patient.id}


@pytest.mark.parametrize(
    ("kind", "stands"), [("permanent", "failed"), ("opted_out", "opted-out"), ("refused", "active")]
)
@pytest.mark.parametrize("purpose", [Purpose.REMINDER, Purpose.NURSE])
def test_what_must_not_wait_goes_the_next_way_at_once_when_the_first_refuses(
    session: Session,
    all_ways: Runtime,
    sms: FakeChannel,
    whatsapp: FakeChannel,
    two_ways: Patient,
    kind: str,
    stands: str,
    purpose: Purpose,
) -> None:
    sms.fail = [ChannelError(kind, "30006")]  # type: ignore[arg-type]
    message = queue(session, all_ways, two_ways, purpose=purpose)
    deliver(session, all_ways)
    deliver(session, all_ways)
    assert [one.id for one in whatsapp.sent] == [message.id]
    assert (read(session, message).channel, message.delivery, message.left_as) == ("whatsapp", "sent", "notice")
    assert status(session, two_ways) == {"sms": stands, "whatsapp": "active"}
    told = [one.cause for one in session.scalars(select(Escalation))]
    assert told == (["opted-out"] if kind == "opted_out" else []), "it arrives: nobody has to find another way"


def test_a_second_phone_on_the_same_channel_is_a_way_too(
    session: Session, all_ways: Runtime, sms: FakeChannel, clinic: Clinic
) -> None:
    patient = person(session, all_ways, clinic.nurse, ("sms", "+12025550101"), ("sms", "+12025550102"))
    sms.fail = [ChannelError("permanent", "21211")]
    queue(session, all_ways, patient, purpose=Purpose.EMERGENCY, text="Call 911", priority=Priority.STAT)
    deliver(session, all_ways)
    deliver(session, all_ways)
    assert [one.to for one in sms.sent] == ["+12025550102"]


def test_a_way_without_consent_is_none_and_a_nurse_is_told(
    session: Session, all_ways: Runtime, sms: FakeChannel, whatsapp: FakeChannel, two_ways: Patient
) -> None:
    consents.decide(session, all_ways.now(), two_ways, granted=False, source="test", channel="whatsapp")
    sms.fail = [ChannelError("permanent", "30006")]
    message = queue(session, all_ways, two_ways, purpose=Purpose.REMINDER)
    deliver(session, all_ways)
    deliver(session, all_ways)
    assert (whatsapp.sent, read(session, message).delivery) == ([], "failed")
    assert [one.cause for one in session.scalars(select(Escalation))] == ["undelivered"]


def test_what_may_have_been_taken_never_goes_a_second_way(
    session: Session, all_ways: Runtime, sms: FakeChannel, whatsapp: FakeChannel, two_ways: Patient, clock: Clock
) -> None:
    sms.fail = [ChannelError("unknown", "no-answer")]
    message = queue(session, all_ways, two_ways, purpose=Purpose.REMINDER)
    for _ in range(3):
        deliver(session, all_ways)
        clock.forward(minutes=30)
    assert (sms.sent, whatsapp.sent, read(session, message).delivery) == ([], [], "unknown")


def test_an_answer_does_not_break_into_another_conversation(
    session: Session, all_ways: Runtime, sms: FakeChannel, whatsapp: FakeChannel, two_ways: Patient
) -> None:
    sms.fail = [ChannelError("permanent", "30006")]
    message = queue(session, all_ways, two_ways, purpose=Purpose.REPLY)
    deliver(session, all_ways)
    assert (whatsapp.sent, read(session, message).delivery) == ([], "failed")
