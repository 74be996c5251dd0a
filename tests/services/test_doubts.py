"""What is in doubt is asked about; it ends resolved, sent again where that is better, or where a nurse sees it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from care.domain.codes import Delivery, Priority, Purpose
from care.domain.message import Capabilities, Receipt, Sent
from care.errors import ChannelError
from care.lines import Lines
from care.records.communications import Communication
from care.records.dead_letters import DeadLetter
from care.records.escalations import Escalation
from care.records.patients import Patient
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services import outbox
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.posting import allowed, deliver, person, queue, read

NO_ANSWER = ChannelError("unknown", "no-answer")
HOUR = timedelta(hours=1)


@pytest.fixture
def sms() -> FakeChannel:
    """A channel whose provider can be asked."""
    return FakeChannel("sms", capabilities=Capabilities(receipts=True, can_look_up=True))


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    return person(session, rt, clinic.nurse, ("sms", "+12025550101"))


def doubtful(session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, **changes: object) -> Communication:
    """A message that was handed over without an answer."""
    sms.fail = [NO_ANSWER]
    message = queue(session, rt, patient, **changes)
    deliver(session, rt)
    assert read(session, message).delivery == "unknown"
    return message


def letters(session: Session) -> list[str]:
    return list(session.scalars(select(DeadLetter.error)))


def page(session: Session, rt: Runtime, clinic: Clinic, dedupe: str = "page") -> Communication:
    nurse = session.get_one(Practitioner, clinic.nurse.id)
    nurse.page_channel, nurse.page_address = "sms", "+12025559999"
    made = outbox.enqueue(
        session,
        rt.now(),
        purpose=Purpose.PAGE,
        text="page",
        dedupe=dedupe,
        practitioner=nurse,
        priority=Priority.STAT,
    )
    assert made is not None
    session.commit()
    return made


def test_a_message_that_the_provider_has_is_found_and_nobody_is_bothered(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, clock: Clock
) -> None:
    message = doubtful(session, rt, sms, patient)
    assert message.send_at == clock.now + timedelta(seconds=20)
    sms.taken = [Sent("SM-found", word="queued")]
    clock.forward(seconds=20)
    deliver(session, rt)
    assert (read(session, message).delivery, message.external_id, message.send_at) == ("sent", "SM-found", None)
    assert [one.id for one, _ in sms.asked] == [message.id]
    assert letters(session) == []


@pytest.mark.parametrize(
    ("word", "stands"), [("delivered", "delivered"), ("undelivered", "failed"), ("sending", "sent")]
)
def test_the_providers_word_for_it_counts_as_a_receipt(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, clock: Clock, word: str, stands: str
) -> None:
    message = doubtful(session, rt, sms, patient)
    sms.taken = [Sent("SM-found", word=word)]
    clock.forward(seconds=20)
    deliver(session, rt)
    assert read(session, message).delivery == stands
    assert letters(session) == (["undelivered"] if stands == "failed" else [])


def test_a_question_that_was_not_taken_is_asked_about_twice_and_never_sent_again(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, clock: Clock
) -> None:
    message = doubtful(session, rt, sms, patient)
    for seconds in (20, 40):
        clock.forward(seconds=seconds)
        deliver(session, rt)
    assert len(sms.asked) == 2
    assert sms.sent == []
    assert (read(session, message).delivery, message.send_at, letters(session)) == ("unknown", None, ["not-taken"])
    assert [one.cause for one in session.scalars(select(Escalation))] == ["undelivered"]


@pytest.mark.parametrize("purpose", [Purpose.PAGE, Purpose.EMERGENCY])
def test_a_page_or_an_emergency_reply_that_was_not_taken_is_sent_again(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, clinic: Clinic, clock: Clock, purpose: Purpose
) -> None:
    sms.fail = [NO_ANSWER]
    message = page(session, rt, clinic) if purpose is Purpose.PAGE else queue(session, rt, patient, purpose=purpose)
    deliver(session, rt)
    clock.forward(seconds=20)
    deliver(session, rt)
    assert sms.sent == [], "at first it may only be missing from the provider's list"
    clock.forward(seconds=40)
    deliver(session, rt)
    deliver(session, rt)
    assert [one.id for one in sms.sent] == [message.id]
    assert (read(session, message).delivery, letters(session)) == ("sent", [])


def test_a_page_that_somebody_has_answered_meanwhile_is_not_sent_again(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic, patient: Patient, clock: Clock
) -> None:
    from care.domain.triage import Alarm
    from care.services.alarms import Case, raise_many

    alarm = Alarm("test", Priority.STAT, "test", {}, "rule", origin="")
    raise_many(session, rt.now(), [Case(patient.organization_id, patient.care_team_id, patient.id, rt.now(), (alarm,))])
    session.commit()
    escalation = session.scalars(select(Escalation)).one()
    sms.fail = [NO_ANSWER]
    message = page(session, rt, clinic)
    message.escalation_id = escalation.id
    session.commit()
    deliver(session, rt)
    session.execute(update(Escalation).values(status="accepted"))
    session.commit()
    clock.forward(seconds=61)
    deliver(session, rt)
    assert sms.sent == []
    assert read(session, message).delivery == "unknown"


def test_while_the_provider_cannot_be_asked_a_question_waits_and_then_a_nurse_is_told(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, clock: Clock
) -> None:
    message = doubtful(session, rt, sms, patient)
    sms.unasked = [ChannelError("unknown", "no-answer") for _ in range(200)]
    while clock.now < message.at + timedelta(minutes=14):
        clock.forward(seconds=30)
        deliver(session, rt)
    assert letters(session) == []
    clock.forward(minutes=2)
    deliver(session, rt)
    assert (letters(session), sms.sent) == (["no-answer"], [])


def test_while_the_provider_cannot_be_asked_a_page_is_sent_again_after_two_minutes(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    sms.fail = [NO_ANSWER]
    page(session, rt, clinic)
    deliver(session, rt)
    sms.unasked = [ChannelError("retryable", "429") for _ in range(200)]
    clock.forward(seconds=100)
    deliver(session, rt)
    assert sms.sent == []
    clock.forward(seconds=21)
    deliver(session, rt)
    deliver(session, rt)
    assert len(sms.sent) == 1


def test_of_two_messages_that_look_alike_each_finds_its_own(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, clock: Clock
) -> None:
    known = queue(session, rt, patient)
    deliver(session, rt)
    sms.fail = [NO_ANSWER, NO_ANSWER]
    first = queue(session, rt, patient)
    second = queue(session, rt, patient)
    deliver(session, rt)
    deliver(session, rt)
    sms.taken = [Sent(f"sms-{known.id}"), Sent("SM-1")]
    clock.forward(seconds=61)
    deliver(session, rt)
    assert {read(session, first).delivery, read(session, second).delivery} == {"sent", "unknown"}
    assert {first.external_id, second.external_id} == {"SM-1", None}


def test_what_the_provider_has_of_a_message_that_is_just_leaving_is_not_taken_for_a_lost_one(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    sms.fail = [NO_ANSWER]
    lost = page(session, rt, clinic, "lost")
    deliver(session, rt)
    leaving = page(session, rt, clinic, "leaving")
    clock.forward(seconds=61)
    leaving.delivery, leaving.attempts, leaving.handed_at = "sending", 1, rt.now()
    leaving.lease_until = datetime(2999, 1, 1, tzinfo=UTC)  # it is in another process's hands
    session.commit()
    sms.taken = [Sent("SM-leaving")]
    deliver(session, rt)
    assert read(session, lost).delivery == "unknown"
    leaving.delivery, leaving.external_id, leaving.send_at, leaving.lease_until = "sent", "SM-leaving", None, None
    session.commit()
    clock.forward(seconds=20)
    deliver(session, rt)
    deliver(session, rt)
    assert [one.id for one in sms.sent] == [lost.id], "the lost one is sent again"


def test_a_message_whose_sender_died_is_asked_about(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, clock: Clock
) -> None:
    message = queue(session, rt, patient)
    dead = datetime(2020, 1, 1, tzinfo=UTC)
    session.execute(
        update(Communication).values(
            delivery="sending",
            status="in-progress",
            attempts=1,
            lease_until=dead,
            handed_at=clock.now,
            consent_id=allowed(),
        )
    )
    session.commit()
    clock.forward(seconds=60)
    sms.taken = [Sent("SM-1")]
    deliver(session, rt)
    assert (sms.sent, read(session, message).external_id, message.delivery) == ([], "SM-1", "sent")


def test_a_receipt_settles_a_doubt_before_anybody_asks(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, clock: Clock
) -> None:
    message = doubtful(session, rt, sms, patient)
    assert outbox.note_receipt(session, rt, Receipt("sms", "SM1", "delivered", id=message.id), rt.now())
    clock.forward(hours=1)
    assert deliver(session, rt).claimed == 0
    assert (sms.asked, letters(session), read(session, message).delivery) == ([], [], "delivered")


@pytest.mark.parametrize("word", ["accepted", "queued", "sending"])
def test_a_receipt_that_it_waits_at_the_provider_settles_a_doubt(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic, clock: Clock, word: str
) -> None:
    sms.fail = [NO_ANSWER]
    message = page(session, rt, clinic)
    deliver(session, rt)
    outbox.note_receipt(session, rt, Receipt("sms", "SM-1", word, message.id), rt.now())
    assert (read(session, message).delivery, message.send_at) == ("sent", None)
    clock.forward(minutes=5)
    deliver(session, rt)
    assert sms.sent == [], "it is not sent twice"


def test_a_clock_that_was_put_back_leaves_nothing_in_doubt_for_ever(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, clock: Clock
) -> None:
    doubtful(session, rt, sms, patient)
    session.execute(update(Communication).values(send_at=clock.now - timedelta(hours=2)))
    session.commit()
    clock.forward(hours=-1)
    deliver(session, rt)
    assert letters(session) == ["not-taken"]


# -- receipts in any order -------------------------------------------------------------------------------------------

WORDS = ["queued", "sending", "sent", "delivered", "undelivered", "failed", "read"]
OUTCOMES = [Sent("SM1"), ChannelError("retryable", "429"), NO_ANSWER]


def state(session: Session, message: Communication) -> tuple[object, ...]:
    read(session, message)
    return (
        message.status,
        message.delivery,
        message.external_id,
        message.send_at,
        message.sent_at is not None,
        message.delivered_at is not None,
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.sampled_from(WORDS), max_size=4), own=st.sampled_from(OUTCOMES), data=st.data())
def test_any_order_of_the_same_news_ends_in_one_state(
    session: Session,
    rt: Runtime,
    sms: FakeChannel,
    patient: Patient,
    words: list[str],
    own: Sent | ChannelError,
    data: st.DataObject,
) -> None:
    """The receipts, and what our own call says, in any order and any of them twice; at least one that settles it."""
    told = [*words, data.draw(st.sampled_from(["sent", "delivered", "failed"]))]
    orders = data.draw(st.lists(st.permutations([*told, "OWN", told[-1]]), min_size=2, max_size=3))
    ended = set()
    for order in orders:
        ended.add(_play(session, rt, sms, patient, order, own))
    assert len(ended) == 1
    delivery = next(iter(ended))[1]
    assert delivery == ("delivered" if {"delivered", "read"} & set(told) else delivery)


def _play(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, order: list[str], own: Sent | ChannelError
) -> tuple[object, ...]:
    """One message: the receipts before OWN come while the provider is being called, the rest afterwards."""
    message = queue(session, rt, patient)
    cut = order.index("OWN")

    def hear(words: list[str]) -> None:
        for word in words:
            receipt = Receipt("sms", "SM1", word, id=message.id, error_code="30003")
            with Session(session.get_bind(), expire_on_commit=False) as other:
                outbox.note_receipt(other, rt, receipt, rt.now())

    class Talking(FakeChannel):
        def send(self, outgoing: object) -> Sent:
            hear(order[:cut])
            if isinstance(own, ChannelError):
                raise own
            return own

    talking = Talking("sms", capabilities=sms.capabilities)
    deliver(session, replace(rt, channels={"sms": talking}, lines=Lines()))
    hear(order[cut + 1 :])
    return state(session, message)


def test_every_permutation_of_the_usual_receipts_ends_in_one_state(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient
) -> None:
    for words in (["sent", "delivered", "OWN"], ["sent", "undelivered", "OWN"]):
        ends = {_play(session, rt, sms, patient, list(order), Sent("SM1")) for order in itertools.permutations(words)}
        assert len(ends) == 1
        assert Delivery(next(iter(ends))[1]) is (Delivery.DELIVERED if "delivered" in words else Delivery.FAILED)


def test_a_page_that_was_taken_for_another_is_in_doubt_again_when_that_ones_receipt_comes(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    sms.fail = [NO_ANSWER, NO_ANSWER]
    lost = page(session, rt, clinic, "lost")
    deliver(session, rt)
    taken = page(session, rt, clinic, "taken")
    deliver(session, rt)
    session.execute(update(Communication).where(Communication.id == taken.id).values(send_at=clock.now + HOUR))
    session.commit()
    sms.taken = [Sent("SM-taken")]
    clock.forward(minutes=3)
    deliver(session, rt)
    assert (read(session, lost).delivery, lost.external_id) == ("sent", "SM-taken"), "they look alike"
    outbox.note_receipt(session, rt, Receipt("sms", "SM-taken", "delivered", taken.id), rt.now())
    assert (read(session, lost).delivery, lost.external_id) == ("unknown", None)
    deliver(session, rt)
    deliver(session, rt)
    assert [one.id for one in sms.sent] == [lost.id], "it is sent after all"
    assert (read(session, lost).delivery, read(session, taken).delivery) == ("sent", "delivered")


@pytest.mark.parametrize(("word", "known"), [("delivered", "delivered"), ("undelivered", "queued"), ("sent", "queued")])
def test_a_message_that_went_another_way_may_still_have_arrived_by_the_first(
    session: Session, rt: Runtime, patient: Patient, word: str, known: str
) -> None:
    message = queue(session, rt, patient)
    session.execute(update(Communication).where(Communication.id == message.id).values(channel="console"))
    session.commit()
    assert outbox.note_receipt(session, rt, Receipt("sms", "SM-first", word, message.id), rt.now())
    assert (read(session, message).delivery, message.external_id) == (known, None)
