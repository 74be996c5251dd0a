"""The one way out: sent once, in order, only where it may; and what did not arrive is never silence."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose
from care.domain.message import Receipt
from care.errors import ChannelError, Invalid
from care.records.communications import Communication
from care.records.consents import Consent, ledger
from care.records.dead_letters import DeadLetter
from care.records.escalations import Escalation
from care.records.patients import ContactPoint, Patient
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services import consents, outbox
from care.services.enrolment import Enrolment, enrol
from tests.conftest import Clinic, Clock, FakeChannel

Queue = Callable[..., Communication]


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    """A patient with a phone who has consented."""
    return enrol(session, rt, clinic.nurse, form("T-1", "+12025550101"))


def form(record: str, *phones: str, channel: str = "sms", time_zone: str = "UTC") -> Enrolment:
    contacts = tuple((channel, phone, None) for phone in phones)
    return Enrolment("Demo Patient", "1950-01-01", record, "en", time_zone, "US", contacts, "test", "1")


@pytest.fixture
def queue(session: Session, rt: Runtime, patient: Patient) -> Queue:
    """Queue a reply to the patient, or what the changes say."""
    numbers = itertools.count()

    def add(**changes: Any) -> Communication:
        values: dict[str, Any] = {"purpose": Purpose.REPLY, "text": "Recorded.", "dedupe": f"d{next(numbers)}"}
        values |= {"patient": patient} | changes
        message = outbox.enqueue(session, rt.now(), **values)
        assert message is not None
        session.commit()
        return message

    return add


def deliver(session: Session, rt: Runtime) -> Any:
    return outbox.deliver_due(session, rt, rt.now())


def read(session: Session, message: Communication) -> Communication:
    session.refresh(message)
    return message


def escalations(session: Session) -> list[Escalation]:
    return list(session.scalars(select(Escalation)))


def test_a_message_leaves_once_and_waits_for_its_receipt(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue
) -> None:
    message = queue(text="Hello")
    assert deliver(session, rt).done == 1
    assert deliver(session, rt).claimed == 0
    assert [(one.id, one.to, one.text) for one in sms.sent] == [(message.id, "+12025550101", "Hello")]
    assert (read(session, message).status, message.delivery, message.external_id) == (
        "completed",
        "sent",
        f"sms-{message.id}",
    )


def test_where_taking_is_delivering_a_message_is_delivered_at_once(
    session: Session, rt: Runtime, queue: Queue, console: FakeChannel
) -> None:
    message = queue(channel="console", address="desk")
    deliver(session, rt)
    assert (read(session, message).delivery, message.delivered_at) == ("delivered", rt.now())
    assert console.sent[0].to == "desk"


def test_deciding_twice_sends_once(session: Session, rt: Runtime, patient: Patient, queue: Queue) -> None:
    queue(dedupe="reminder:1")
    again = outbox.enqueue(session, rt.now(), purpose=Purpose.REPLY, text="again", dedupe="reminder:1", patient=patient)
    assert again is None


def test_what_is_said_in_one_breath_keeps_its_order(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue
) -> None:
    for number in range(20):
        queue(text=str(number))
    deliver(session, rt)
    assert [one.text for one in sms.sent] == [str(number) for number in range(20)]


def test_the_most_pressing_message_leaves_first(session: Session, rt: Runtime, sms: FakeChannel, queue: Queue) -> None:
    queue(text="later")
    queue(text="now", purpose=Purpose.EMERGENCY, priority=Priority.STAT)
    deliver(session, rt)
    assert [one.text for one in sms.sent] == ["now", "later"]


def test_no_transaction_is_open_while_a_provider_is_called(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue
) -> None:
    seen = []
    sms.on_send = lambda _: seen.append(session.in_transaction())
    queue()
    deliver(session, rt)
    assert seen == [False]


def test_a_message_to_nobody_is_refused(session: Session, rt: Runtime, clinic: Clinic) -> None:
    with pytest.raises(Invalid):
        outbox.enqueue(session, rt.now(), purpose=Purpose.REPLY, text="x", dedupe="x")
    team = clinic.team
    sent = outbox.enqueue(
        session,
        rt.now(),
        purpose=Purpose.REPLY,
        text="x",
        dedupe="x",
        channel="sms",
        address="+12025550999",
        organization_id=team.organization_id,
    )
    assert sent is not None


def test_a_page_goes_to_where_the_nurse_is_paged(
    session: Session, rt: Runtime, clinic: Clinic, console: FakeChannel
) -> None:
    nurse = session.get_one(Practitioner, clinic.nurse.id)
    outbox.enqueue(session, rt.now(), purpose=Purpose.PAGE, text="case", dedupe="page:1", practitioner=nurse)
    session.commit()
    deliver(session, rt)
    assert console.sent[0].to == "desk-nurse"


# -- consent, opt-out, quiet hours -----------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", [Purpose.REMINDER, Purpose.QUESTION, Purpose.REPLY, Purpose.NURSE])
def test_without_consent_nothing_that_needs_it_leaves(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue, patient: Patient, purpose: Purpose
) -> None:
    message = queue(purpose=purpose)
    consents.decide(session, rt.now() + timedelta(seconds=1), patient, granted=False, source="text", channel="sms")
    session.commit()
    deliver(session, rt)
    assert sms.sent == []
    assert (read(session, message).status, message.delivery, message.status_reason) == (
        "not-done",
        "stopped",
        "no-consent",
    )


@pytest.mark.parametrize("purpose", [Purpose.EMERGENCY, Purpose.CONFIRMATION, Purpose.SIGN_IN])
def test_the_exempt_purposes_leave_without_consent_even_to_an_opted_out_phone(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue, patient: Patient, purpose: Purpose
) -> None:
    consents.decide(session, rt.now() + timedelta(seconds=1), patient, granted=False, source="text", channel="sms")
    session.execute(update(ContactPoint).values(status="opted-out"))
    queue(purpose=purpose)
    deliver(session, rt)
    assert len(sms.sent) == 1


def test_the_newest_decision_of_a_channel_or_of_all_counts(session: Session, rt: Runtime, patient: Patient) -> None:
    def allowed() -> bool:
        return consents.ledger_of(session, [patient.id]).allows(patient.id, "sms")

    assert allowed()
    for minutes, channel, granted in [(1, "sms", False), (2, "*", True), (3, "*", False), (4, "sms", True)]:
        at = rt.now() + timedelta(minutes=minutes)
        consents.decide(session, at, patient, granted=granted, source="test", channel=channel)
        session.flush()
        assert allowed() is granted
    assert len(ledger(session, patient.id)) == 5


def test_nothing_decided_is_a_no(session: Session, rt: Runtime, patient: Patient) -> None:
    assert not consents.ledger_of(session, [patient.organization_id]).allows(patient.organization_id, "sms")


def test_stopping_stops_what_waits_and_needs_consent(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue, patient: Patient
) -> None:
    queue()
    queue(purpose=Purpose.EMERGENCY, text="call")
    assert outbox.stop_queued(session, patient.id, "sms", "opted-out") == 1
    session.commit()
    deliver(session, rt)
    assert [one.text for one in sms.sent] == ["call"]


def test_a_reminder_waits_for_the_morning_of_the_patient(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue, clock: Clock, patient: Patient
) -> None:
    patient.time_zone = "Asia/Shanghai"
    clock.set(datetime(2026, 3, 2, 14, 0, tzinfo=UTC))  # 22:00 there
    message = queue(purpose=Purpose.REMINDER)
    queue(purpose=Purpose.REPLY, text="reply")
    deliver(session, rt)
    assert [one.text for one in sms.sent] == ["reply"]
    assert read(session, message).send_at == datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    clock.set(datetime(2026, 3, 3, 0, 0, tzinfo=UTC))
    deliver(session, rt)
    assert len(sms.sent) == 2


# -- what goes wrong -------------------------------------------------------------------------------------------------


def test_a_provider_that_is_busy_is_asked_again_later(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue, clock: Clock
) -> None:
    sms.fail = [ChannelError("retryable", "20429", retry_after=90)]
    message = queue()
    assert deliver(session, rt).failed == 1
    assert read(session, message).send_at == rt.now() + timedelta(seconds=90)
    clock.forward(seconds=91)
    deliver(session, rt)
    assert (read(session, message).delivery, message.attempts, message.status_reason) == ("sent", 0, None)


def test_what_stands_behind_a_message_to_the_same_phone_waits_with_it(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue, clock: Clock
) -> None:
    sms.fail = [ChannelError("retryable", "20429")]
    queue(text="first")
    queue(text="second")
    deliver(session, rt)
    assert sms.sent == []
    clock.forward(minutes=1)
    deliver(session, rt)
    assert [one.text for one in sms.sent] == ["first", "second"]


def test_a_wrong_address_is_never_tried_again_and_a_nurse_is_told(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue, patient: Patient
) -> None:
    sms.fail = [ChannelError("permanent", "21211")]
    message = queue()
    deliver(session, rt)
    assert (read(session, message).status, message.delivery, message.status_reason) == ("not-done", "failed", "21211")
    assert [one.status for one in session.scalars(select(ContactPoint))] == ["failed"]
    assert [(one.cause, one.priority) for one in escalations(session)] == [("undelivered", "routine")]
    second = outbox.enqueue(
        session,
        rt.now(),
        purpose=Purpose.REPLY,
        text="x",
        dedupe="second",
        patient=session.get(Patient, message.patient_id),
    )
    assert second is None, "there is no address left that may be written to"


def test_a_refusal_that_is_not_about_the_address_closes_no_address(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, queue: Queue
) -> None:
    sms.fail = [ChannelError("refused", "21617")]
    first = queue()
    outbox.deliver_due(session, rt, rt.now())
    session.refresh(first)
    assert (first.delivery, first.send_at) == ("failed", None)
    assert {one.status for one in session.scalars(select(ContactPoint))} == {"active"}
    queue()
    outbox.deliver_due(session, rt, rt.now())
    assert len(sms.sent) == 1


def test_an_emergency_reply_that_fails_is_stat(session: Session, rt: Runtime, sms: FakeChannel, queue: Queue) -> None:
    sms.fail = [ChannelError("permanent", "21211")]
    queue(purpose=Purpose.EMERGENCY, priority=Priority.STAT)
    deliver(session, rt)
    assert [(one.cause, one.priority) for one in escalations(session)] == [("undelivered", "stat")]


def test_many_that_fail_are_one_escalation(session: Session, rt: Runtime, sms: FakeChannel, queue: Queue) -> None:
    sms.fail = [ChannelError("permanent", "30003") for _ in range(3)]
    for _ in range(3):
        queue()
    deliver(session, rt)
    assert len(escalations(session)) == 1


def test_an_opt_out_at_the_provider_is_an_opt_out_here(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue, patient: Patient
) -> None:
    sms.fail = [ChannelError("opted_out", "21610")]
    message = queue()
    queue()
    deliver(session, rt)
    deliver(session, rt)
    assert [one.status for one in session.scalars(select(ContactPoint))] == ["opted-out"]
    assert read(session, message).delivery == "stopped"
    newest = session.scalars(select(Consent).order_by(Consent.at.desc(), Consent.id.desc())).first()
    assert newest is not None
    assert (newest.granted, newest.source, newest.channel) == (False, "provider", "sms")
    assert [(one.cause, one.reason, one.priority) for one in escalations(session)] == [
        ("opted-out", "opted-out", "routine")
    ]


def test_what_nobody_knows_is_not_sent_again_and_a_nurse_is_told(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue, clock: Clock
) -> None:
    sms.fail = [ChannelError("unknown", "no-answer")]
    message = queue()
    deliver(session, rt)
    clock.forward(hours=2)
    assert deliver(session, rt).claimed == 0
    assert read(session, message).delivery == "unknown"
    assert len(escalations(session)) == 1


def test_a_page_that_may_be_lost_is_sent_again(
    session: Session, rt: Runtime, clinic: Clinic, console: FakeChannel, clock: Clock
) -> None:
    nurse = session.get_one(Practitioner, clinic.nurse.id)
    outbox.enqueue(session, rt.now(), purpose=Purpose.PAGE, text="case", dedupe="page:1", practitioner=nurse)
    session.commit()
    console.fail = [ChannelError("unknown", "no-answer")]
    deliver(session, rt)
    clock.forward(seconds=61)
    deliver(session, rt)
    assert len(console.sent) == 1


def test_a_page_that_fails_leaves_a_dead_letter(
    session: Session, rt: Runtime, clinic: Clinic, console: FakeChannel
) -> None:
    nurse = session.get_one(Practitioner, clinic.nurse.id)
    outbox.enqueue(session, rt.now(), purpose=Purpose.PAGE, text="case", dedupe="page:1", practitioner=nurse)
    session.commit()
    console.fail = [ChannelError("permanent", "gone")]
    deliver(session, rt)
    letter = session.scalars(select(DeadLetter)).one()
    assert (letter.queue, letter.error, letter.resolved_at) == ("outbox", "gone", None)


def test_a_sender_that_died_in_the_middle_leaves_doubt_not_a_second_message(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue
) -> None:
    class Died(BaseException):
        pass

    def die(_: object) -> None:
        raise Died

    sms.on_send = die
    message = queue()
    with pytest.raises(Died):
        deliver(session, rt)
    session.rollback()
    sms.on_send = None
    assert read(session, message).delivery == "sending"
    session.execute(update(Communication).values(lease_until=datetime(2020, 1, 1, tzinfo=UTC)))
    session.commit()
    deliver(session, rt)
    assert sms.sent == []
    assert read(session, message).delivery == "unknown"
    assert len(escalations(session)) == 1


def test_a_broken_adapter_counts_as_unknown_and_stops_nobody_else(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue
) -> None:
    def break_once(message: Any) -> None:
        if message.text == "bad":
            raise RuntimeError("a mistake in the adapter")

    sms.on_send = break_once
    bad, good = queue(text="bad"), queue(text="good")
    deliver(session, rt)
    assert (read(session, bad).delivery, read(session, good).delivery) == ("unknown", "sent")


def test_a_channel_that_is_not_configured_is_waited_for(
    session: Session, rt: Runtime, queue: Queue, clock: Clock
) -> None:
    message = queue()
    without = replace(rt, channels={})
    outbox.deliver_due(session, without, rt.now())
    assert read(session, message).delivery == "queued"
    assert message.send_at is not None
    assert message.send_at > rt.now()


def test_a_message_that_does_not_open_fails_alone(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue
) -> None:
    from care.records.communications import CommunicationContent

    bad, good = queue(text="bad"), queue(text="good")
    session.execute(
        update(CommunicationContent)
        .where(CommunicationContent.id == bad.id)
        .values(text_sealed=b"\x04test" + b"0" * 40)
    )
    session.commit()
    session.expire_all()
    deliver(session, rt)
    assert (read(session, bad).delivery, read(session, good).delivery) == ("failed", "sent")
    assert len(escalations(session)) == 1


# -- receipts --------------------------------------------------------------------------------------------------------


def test_receipts_in_any_order_end_in_one_state(session: Session, rt: Runtime, queue: Queue) -> None:
    for order in itertools.permutations(["queued", "sent", "delivered", "sending"]):
        message = queue()
        deliver(session, rt)
        for status in order:
            outbox.note_receipt(session, rt, Receipt("sms", f"sms-{message.id}", status), rt.now())
        assert (read(session, message).status, message.delivery) == ("completed", "delivered")


def test_a_receipt_may_come_before_the_provider_has_answered_us(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue
) -> None:
    message = queue()
    sms.on_send = lambda one: (
        outbox.note_receipt(session, rt, Receipt("sms", "SM9", "delivered", id=one.id), rt.now()) and None
    )  # type: ignore[func-returns-value]
    deliver(session, rt)
    assert (read(session, message).delivery, message.external_id, message.send_at) == ("delivered", "SM9", None)


def test_a_late_receipt_settles_what_nobody_knew(session: Session, rt: Runtime, sms: FakeChannel, queue: Queue) -> None:
    sms.fail = [ChannelError("unknown", "no-answer")]
    message = queue()
    deliver(session, rt)
    assert outbox.note_receipt(session, rt, Receipt("sms", "SM1", "delivered", id=message.id), rt.now())
    assert read(session, message).delivery == "delivered"


def test_a_receipt_of_failure_reaches_a_nurse(session: Session, rt: Runtime, queue: Queue) -> None:
    message = queue()
    deliver(session, rt)
    receipt = Receipt("sms", f"sms-{message.id}", "undelivered", error_code="30003")
    outbox.note_receipt(session, rt, receipt, rt.now())
    outbox.note_receipt(session, rt, receipt, rt.now())
    deliver(session, rt)
    assert (read(session, message).status, message.delivery) == ("not-done", "failed")
    assert len(escalations(session)) == 1
    assert len(list(session.scalars(select(DeadLetter)))) == 1


def test_a_receipt_of_nothing_we_know_changes_nothing(session: Session, rt: Runtime, queue: Queue) -> None:
    queue()
    assert not outbox.note_receipt(session, rt, Receipt("sms", "SM-unknown", "delivered"), rt.now())


# -- speed -----------------------------------------------------------------------------------------------------------


def test_a_thousand_messages_of_the_console_leave_within_seconds(
    session: Session, rt: Runtime, clinic: Clinic, console: FakeChannel
) -> None:
    patient = enrol(session, rt, clinic.nurse, form("T-2", "phone-2", channel="console"))
    contact = session.scalars(select(ContactPoint).where(ContactPoint.patient_id == patient.id)).one()
    for number in range(1000):
        outbox.enqueue(
            session,
            rt.now(),
            purpose=Purpose.REPLY,
            text="Recorded.",
            dedupe=f"m{number}",
            patient=patient,
            contact=contact,
            check=False,
        )
    session.commit()
    started = time.monotonic()
    while deliver(session, rt).claimed:
        pass
    seconds = time.monotonic() - started
    assert len(console.sent) == 1000
    assert seconds < 5, f"{1000 / seconds:.0f} messages/s"


# -- what a receipt says of an address ---------------------------------------------------------------------------------


def opted_out(message: Communication, status: str = "undelivered", code: str = "21610") -> Receipt:
    return Receipt("sms", f"sms-{message.id}", status, message.id, code, "opted_out")


def newest_decision(session: Session) -> Consent:
    return session.scalars(select(Consent).order_by(Consent.at.desc(), Consent.id.desc())).all()[0]


def test_an_opt_out_that_is_heard_by_receipt_is_an_opt_out_here(
    session: Session, rt: Runtime, sms: FakeChannel, queue: Queue
) -> None:
    message = queue()
    deliver(session, rt)
    waiting = queue()
    outbox.note_receipt(session, rt, opted_out(message), rt.now())
    deliver(session, rt)
    assert [one.status for one in session.scalars(select(ContactPoint))] == ["opted-out"]
    assert (newest_decision(session).granted, newest_decision(session).source) == (False, "provider")
    assert (read(session, waiting).delivery, waiting.status_reason) == ("stopped", "opted-out")
    assert {one.cause for one in escalations(session)} <= {"opted-out", "undelivered"}
    assert "opted-out" in {one.cause for one in escalations(session)}


def test_an_opt_out_by_receipt_counts_in_any_order_and_once(session: Session, rt: Runtime, queue: Queue) -> None:
    words = ["sent", "delivered", "undelivered"]
    for order in itertools.permutations(words):
        session.execute(update(ContactPoint).values(status="active"))
        patient = session.scalars(select(Patient)).one()
        consents.decide(session, rt.now(), patient, granted=True, source="test", channel="sms")
        session.commit()
        message = queue()
        deliver(session, rt)
        session.execute(update(Communication).where(Communication.id == message.id).values(handed_at=None))
        session.commit()
        before = len(ledger(session, patient.id))
        for word in order:
            kind = (
                opted_out(message) if word == "undelivered" else Receipt("sms", f"sms-{message.id}", word, message.id)
            )
            outbox.note_receipt(session, rt, kind, rt.now())
            outbox.note_receipt(session, rt, kind, rt.now())
        assert read(session, message).delivery == "delivered"
        assert [one.status for one in session.scalars(select(ContactPoint))] == ["opted-out"]
        assert len(ledger(session, patient.id)) == before + 1


def test_who_came_back_since_is_not_opted_out_by_a_late_receipt(
    session: Session, rt: Runtime, queue: Queue, clock: Clock, patient: Patient
) -> None:
    message = queue()
    deliver(session, rt)
    consents.decide(session, clock.forward(minutes=5), patient, granted=True, source="text", channel="sms")
    session.commit()
    outbox.note_receipt(session, rt, opted_out(message), clock.forward(minutes=5))
    assert [one.status for one in session.scalars(select(ContactPoint))] == ["active"]
    assert newest_decision(session).granted


def test_a_late_failure_of_the_first_try_says_nothing_of_the_second(
    session: Session, rt: Runtime, clinic: Clinic, console: FakeChannel, clock: Clock
) -> None:
    nurse = session.get_one(Practitioner, clinic.nurse.id)
    page = outbox.enqueue(session, rt.now(), purpose=Purpose.PAGE, text="case", dedupe="page:1", practitioner=nurse)
    assert page is not None
    session.commit()
    console.delivered, console.capabilities = False, replace(console.capabilities, receipts=True)
    console.fail = [ChannelError("unknown", "no-answer")]
    deliver(session, rt)
    clock.forward(seconds=61)
    deliver(session, rt)
    outbox.note_receipt(session, rt, Receipt("console", "first-try", "failed", page.id), rt.now())
    assert read(session, page).delivery == "sent"
    outbox.note_receipt(session, rt, Receipt("console", "first-try", "delivered", page.id), rt.now())
    assert read(session, page).delivery == "delivered", "it arrived after all, whichever it was"
