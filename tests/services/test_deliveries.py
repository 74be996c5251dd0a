"""The pump: who is slow delays nobody else, urgent overtakes routine, senders keep their pace, nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose
from care.domain.message import Capabilities, Outgoing, Sent
from care.errands import Errand, Outcome, Post
from care.errors import ChannelError
from care.records.audit_events import AuditEvent
from care.records.communications import Communication, contents
from care.records.consents import Consent
from care.records.escalations import Escalation
from care.records.patients import ContactPoint
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services import consents, outbox, pacing
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.posting import allowed, deliver, people, person, queue, read, stands


@dataclass
class Hanging(FakeChannel):
    """A provider at which some messages hang until they are let go, by their words."""

    hangs: str = "hang"
    go: threading.Event = field(default_factory=threading.Event)

    def send(self, message: Outgoing) -> Sent:
        if self.hangs in message.text and not self.go.wait(30):
            raise ChannelError("unknown", "no-answer")
        return super().send(message)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    made = Hanging("sms", capabilities=Capabilities(receipts=True))
    yield made
    made.go.set()


def until(true: Callable[[], bool], act: Callable[[], object], rounds: int = 40) -> bool:
    """Act until something is so; False when it does not come about."""
    for _ in range(rounds):
        if true():
            return True
        act()
    return true()


# -- who is slow ----------------------------------------------------------------------------------------------------


def test_messages_that_hang_hold_up_no_others_and_are_written_when_they_come_back(
    session: Session, rt: Runtime, clinic: Clinic, hanging: Hanging
) -> None:
    slow = replace(rt, channels={"sms": hanging})
    for number, patient in enumerate(people(session, rt, clinic.nurse, 40, "sms")):
        queue(session, rt, patient, text="hang" if number < 12 else "quick")
    assert until(lambda: len(hanging.sent) == 28, lambda: deliver(session, slow))
    assert stands(session) == {"sent": 28, "sending": 12}
    hanging.go.set()
    assert outbox.settle(session, slow, slow.now(), 10) == 0
    assert stands(session) == {"sent": 40}


def test_another_channel_is_never_delayed(session: Session, rt: Runtime, clinic: Clinic, hanging: Hanging) -> None:
    hanging.hangs = ""
    quick = FakeChannel("push", capabilities=Capabilities())
    slow = replace(rt, channels={"sms": hanging, "push": quick})
    for patient in people(session, rt, clinic.nurse, 30, "sms"):
        queue(session, rt, patient)
    for patient in people(session, rt, clinic.nurse, 30, "push"):
        queue(session, rt, patient)
    deliver(session, slow)
    assert len(quick.sent) == 30
    assert hanging.sent == []


def test_a_pause_that_a_provider_asks_for_is_for_that_message_alone(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    def busy(message: Outgoing) -> None:
        if message.text == "busy":
            raise ChannelError("retryable", "429", retry_after=3600)

    sms.on_send = busy
    for number, patient in enumerate(people(session, rt, clinic.nurse, 60, "sms")):
        queue(session, rt, patient, text="busy" if number < 20 else "quick")
    deliver(session, rt)
    assert len(sms.sent) == 40
    waiting = set(session.scalars(select(Communication.send_at).where(Communication.send_at.is_not(None))))
    assert waiting == {clock.now.replace(hour=13)}


def test_a_page_overtakes_a_hundred_that_wait(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock, hanging: Hanging
) -> None:
    slow = replace(rt, channels={"sms": hanging})
    for patient in people(session, rt, clinic.nurse, 100, "sms"):
        queue(session, rt, patient, text="hang")
    deliver(session, slow)
    nurse = session.get_one(Practitioner, clinic.nurse.id)
    nurse.page_channel, nurse.page_address = "sms", "+12025559999"
    outbox.enqueue(
        session,
        rt.now(),
        purpose=Purpose.PAGE,
        text="page",
        dedupe="page",
        practitioner=nurse,
        priority=Priority.STAT,
    )
    session.commit()
    hanging.hangs = "never"

    def next_second() -> None:
        clock.forward(seconds=1)
        deliver(session, slow)
        threading.Event().wait(0.1)  # the breaker counts seconds of its own

    assert until(lambda: bool(hanging.sent), next_second)
    assert "page" in [one.text for one in hanging.sent[:8]], "the page did not wait for the others"


def test_one_call_never_waits_longer_than_its_patience_and_the_rest_stays_queued(
    session: Session, rt: Runtime, clinic: Clinic, hanging: Hanging
) -> None:
    hanging.hangs = ""
    slow = replace(rt, channels={"sms": hanging})
    for patient in people(session, rt, clinic.nurse, 50, "sms"):
        queue(session, rt, patient)
    deliver(session, slow)
    found = stands(session)
    assert found["sending"] <= 8
    assert found["queued"] == 50 - found["sending"]
    left = select(Communication.attempts).where(Communication.delivery == "queued")
    assert set(session.scalars(left)) == {0}, "what was not begun is as it was"


def test_only_the_rows_that_are_named_are_sent(session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic) -> None:
    messages = [queue(session, rt, patient) for patient in people(session, rt, clinic.nurse, 5, "sms")]
    wanted = {one.id for one in messages[1:3]}
    assert deliver(session, rt, ids=wanted).done == 2
    assert {one.id for one in sms.sent} == wanted
    assert deliver(session, rt, ids=wanted).claimed == 0, "a message that was carried twice is sent once"


# -- order ----------------------------------------------------------------------------------------------------------


def test_what_is_for_one_phone_waits_while_an_earlier_one_is_in_another_process(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    patient = person(session, rt, clinic.nurse, ("sms", "+12025550101"))
    first = queue(session, rt, patient, text="first")
    session.execute(
        update(Communication)
        .where(Communication.id == first.id)
        .values(delivery="sending", consent_id=allowed(), lease_until=text("clock_timestamp() + interval '1 minute'"))
    )
    session.commit()
    second = queue(session, rt, patient, text="second")
    urgent = queue(session, rt, patient, text="urgent", purpose=Purpose.EMERGENCY, priority=Priority.STAT)
    deliver(session, rt)
    assert [one.id for one in sms.sent] == [urgent.id]
    assert read(session, second).status_reason == "in-line"
    session.execute(update(Communication).where(Communication.id == first.id).values(delivery="sent", send_at=None))
    session.commit()
    clock.forward(seconds=2)
    deliver(session, rt)
    assert [one.text for one in sms.sent] == ["urgent", "second"]


def test_what_comes_later_waits_behind_a_message_that_is_tried_again(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    patient = person(session, rt, clinic.nurse, ("sms", "+12025550101"))
    sms.fail = [ChannelError("retryable", "429", retry_after=90)]
    queue(session, rt, patient, text="first")
    deliver(session, rt)
    queue(session, rt, patient, text="second")
    deliver(session, rt)
    assert sms.sent == []
    clock.forward(seconds=91)
    deliver(session, rt)
    assert [one.text for one in sms.sent] == ["first", "second"]


# -- another way ----------------------------------------------------------------------------------------------------


@pytest.fixture
def chat() -> FakeChannel:
    return FakeChannel("chat", capabilities=Capabilities(receipts=True))


def test_while_one_provider_refuses_its_messages_go_the_patients_next_way(
    session: Session, rt: Runtime, sms: FakeChannel, chat: FakeChannel, clinic: Clinic
) -> None:
    both = replace(rt, channels={"sms": sms, "chat": chat})
    sms.on_send = lambda _: (_ for _ in ()).throw(ChannelError("retryable", "connection"))
    for patient in people(session, rt, clinic.nurse, 60, "sms", "chat"):
        queue(session, rt, patient)
    assert until(lambda: len(chat.sent) == 60, lambda: deliver(session, both), 5)
    assert stands(session) == {"sent": 60}
    message = session.scalars(select(Communication)).first()
    assert message is not None
    contact = session.get_one(ContactPoint, message.contact_point_id)
    assert (message.channel, contact.channel) == ("chat", "chat")
    assert contents(session, [message.id])[message.id].address == contact.address
    moved = select(AuditEvent).where(AuditEvent.action == "communication.readdressed")
    assert len(session.scalars(moved).all()) == 60


def test_while_one_provider_hangs_all_but_a_few_go_the_next_way(
    session: Session, rt: Runtime, chat: FakeChannel, clinic: Clinic, hanging: Hanging
) -> None:
    hanging.hangs = ""
    both = replace(rt, channels={"sms": hanging, "chat": chat})
    for patient in people(session, rt, clinic.nurse, 150, "sms", "chat"):
        queue(session, rt, patient)
    assert until(lambda: len(chat.sent) >= 135, lambda: deliver(session, both), 8)
    assert len({one.id for one in chat.sent}) == len(chat.sent)
    assert stands(session)["sending"] <= 15


@pytest.mark.parametrize(
    ("capabilities", "purpose", "words", "goes"),
    [
        (Capabilities(), Purpose.REPLY, "How are you?", True),
        (Capabilities(two_way=False), Purpose.REPLY, "How are you?", False),
        (Capabilities(two_way=False), Purpose.EMERGENCY, "Call 911", True),
        (Capabilities(by_country={"US": {"two_way": False}}), Purpose.REPLY, "How are you?", False),
        (Capabilities(links=False), Purpose.REPLY, "https://care.invalid", False),
        (Capabilities(max_length=5), Purpose.REPLY, "How are you?", False),
        (Capabilities(), Purpose.CONFIRMATION, "You are out", False),
        (Capabilities(), Purpose.SIGN_IN, "123456", False),
    ],
)
def test_a_way_has_to_be_able_to_carry_the_message(
    session: Session,
    rt: Runtime,
    sms: FakeChannel,
    clinic: Clinic,
    capabilities: Capabilities,
    purpose: Purpose,
    words: str,
    goes: bool,
) -> None:
    other = FakeChannel("chat", capabilities=capabilities)
    both = replace(rt, channels={"sms": sms, "chat": other})
    sms.fail = [ChannelError("retryable", "connection")]
    patient = person(session, rt, clinic.nurse, ("sms", "+12025550101"), ("chat", "c-1"))
    queue(session, rt, patient, purpose=purpose, text=words)
    deliver(session, both)
    deliver(session, both)
    assert len(other.sent) == goes


def test_nobody_is_written_to_where_they_do_not_want_it(
    session: Session, rt: Runtime, sms: FakeChannel, chat: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    both = replace(rt, channels={"sms": sms, "chat": chat})
    patient = person(session, rt, clinic.nurse, ("sms", "+12025550101"), ("chat", "c-1"))
    consents.decide(session, clock.forward(seconds=1), patient, granted=False, source="text", channel="chat")
    sms.fail = [ChannelError("retryable", "connection")]
    message = queue(session, rt, patient)
    deliver(session, both)
    deliver(session, both)
    assert (chat.sent, read(session, message).channel) == ([], "sms")


def test_what_may_have_been_taken_goes_no_other_way(
    session: Session, rt: Runtime, sms: FakeChannel, chat: FakeChannel, clinic: Clinic
) -> None:
    both = replace(rt, channels={"sms": sms, "chat": chat})
    sms.fail = [ChannelError("unknown", "no-answer")]
    message = queue(session, rt, person(session, rt, clinic.nurse, ("sms", "+12025550101"), ("chat", "c-1")))
    deliver(session, both)
    deliver(session, both)
    assert (chat.sent, read(session, message).delivery) == ([], "unknown")


def test_without_another_way_messages_wait_and_leave_when_the_provider_is_back(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    sms.on_send = lambda _: (_ for _ in ()).throw(ChannelError("retryable", "connection"))
    for patient in people(session, rt, clinic.nurse, 40, "sms"):
        queue(session, rt, patient)
    deliver(session, rt)
    assert rt.lines.line("sms").state() != "closed"
    sms.on_send = None

    def later() -> None:
        clock.forward(minutes=1)
        deliver(session, rt)
        threading.Event().wait(0.1)  # the breaker counts seconds of its own

    assert until(lambda: len(sms.sent) == 40, later)
    assert stands(session) == {"sent": 40}


# -- pace -----------------------------------------------------------------------------------------------------------


def test_a_sender_with_a_rate_hands_over_no_more_and_keeps_the_order(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic
) -> None:
    sms.capabilities = Capabilities(receipts=True, rate=0.2)
    for number, patient in enumerate(people(session, rt, clinic.nurse, 5, "sms")):
        queue(session, rt, patient, text=str(number))
    for _ in range(4):
        deliver(session, rt)
    assert [one.text for one in sms.sent] == ["0"]
    assert stands(session) == {"sent": 1, "queued": 4}
    assert set(session.scalars(select(Communication.attempts))) == {0}


def test_an_urgent_message_leaves_without_a_token_and_the_rest_pays(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic
) -> None:
    sms.capabilities = Capabilities(receipts=True, rate=0.2)
    patient = person(session, rt, clinic.nurse, ("sms", "+12025550101"))
    for number in range(3):
        queue(session, rt, patient, text=str(number), purpose=Purpose.EMERGENCY, priority=Priority.STAT)
    queue(session, rt, patient, text="routine")
    deliver(session, rt)
    assert [one.text for one in sms.sent] == ["0", "1", "2"]
    assert session.execute(text("SELECT tokens FROM pace")).scalar_one() < -1


def test_the_databases_bucket_grants_a_burst_and_then_the_rate(session: Session) -> None:
    assert pacing.take(session, "sms", 10, 25, False) == 10
    session.commit()
    assert pacing.take(session, "sms", 10, 25, False) <= 2
    session.execute(text("UPDATE pace SET at = at - interval '10 seconds'"))
    assert pacing.take(session, "sms", 10, 25, False) == 10
    assert pacing.take(session, "sms", 10, 25, True) == 25
    assert pacing.take(session, "sms", 10, 1, False) == 0


# -- bad days -------------------------------------------------------------------------------------------------------


def test_outcomes_are_not_lost_while_the_database_is_away(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic, empty_database: Engine
) -> None:
    messages = [queue(session, rt, patient) for patient in people(session, rt, clinic.nurse, 5, "sms")]
    away = threading.Event()

    def fall_over(*args: object) -> None:
        if away.is_set():
            raise OperationalError("x", None, Exception("gone"))

    sms.on_send = lambda _: away.set()
    event.listen(empty_database, "before_cursor_execute", fall_over)
    try:
        with pytest.raises(OperationalError):
            deliver(session, rt)
        session.rollback()
    finally:
        event.remove(empty_database, "before_cursor_execute", fall_over)
    assert len(sms.sent) == 5
    assert stands(session) == {"sending": 5}
    deliver(session, rt)
    assert stands(session) == {"sent": 5}
    assert {one.id for one in messages} == {one.id for one in sms.sent}
    assert len(sms.sent) == 5


def left_behind(rt: Runtime, message: Communication, outcome: Outcome, handed_at: datetime | None = None) -> Post:
    """The post of a call that left while this outcome was not written yet."""
    post = Post()
    errand = Errand(Outgoing(message.id, "sms", "", ""), rt.channels["sms"], post, turn=1, handed_at=handed_at)
    post.unwritten.append((errand, outcome))
    rt.lines.leave(post)
    return post


def mark_sending(session: Session, rt: Runtime, *messages: Communication) -> None:
    for message in messages:
        message.consent_id = session.scalars(select(Consent.id).where(Consent.patient_id == message.patient_id)).one()
        message.delivery, message.status, message.attempts = "sending", "in-progress", 1
        message.handed_at, message.lease_until = rt.now(), rt.now() + timedelta(days=1)
    session.commit()


def test_while_the_database_is_away_no_outcome_that_an_earlier_call_left_is_lost(
    session: Session, rt: Runtime, clinic: Clinic, empty_database: Engine
) -> None:
    messages = [queue(session, rt, patient) for patient in people(session, rt, clinic.nurse, 3, "sms")]
    mark_sending(session, rt, *messages)
    ids = [message.id for message in messages]
    for message, number in zip(messages, ids, strict=True):
        left_behind(rt, message, Sent(f"SM-{number}"))
    session.rollback()

    def fall_over(*args: object) -> None:
        raise OperationalError("x", None, Exception("gone"))

    event.listen(empty_database, "before_cursor_execute", fall_over)
    try:
        with pytest.raises(OperationalError):
            outbox.settle(session, rt, rt.now())
        session.rollback()
    finally:
        event.remove(empty_database, "before_cursor_execute", fall_over)
    assert outbox.settle(session, rt, rt.now()) == 0
    assert stands(session) == {"sent": 3}


def test_an_outcome_that_cannot_be_written_keeps_no_other_one_back(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic
) -> None:
    good, bad = people(session, rt, clinic.nurse, 2, "sms")
    broken = queue(session, rt, bad, purpose=Purpose.REPLY)
    fine = queue(session, rt, good)
    mark_sending(session, rt, broken, fine)
    broken.purpose = "no purpose of ours"
    session.commit()
    left_behind(rt, broken, ChannelError("unknown", "no-answer"))
    left_behind(rt, fine, ChannelError("permanent", "21211"))
    deliver(session, rt)
    assert read(session, fine).delivery == "failed"
    broken.lease_until = None
    session.commit()
    deliver(session, rt)
    assert read(session, broken).delivery == "failed", "it is found after its lease, and given up"


def test_a_nurse_hears_of_a_message_whose_purpose_nobody_knows(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic
) -> None:
    bad = people(session, rt, clinic.nurse, 1, "sms")[0]
    broken = queue(session, rt, bad)
    broken.purpose = "no purpose of ours"
    session.commit()
    deliver(session, rt)
    assert read(session, broken).delivery == "failed"
    assert [one.patient_id for one in session.scalars(select(Escalation))] == [bad.id]


def test_a_row_in_a_state_that_nobody_knows_blocks_no_other(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic
) -> None:
    good, bad = people(session, rt, clinic.nurse, 2, "sms")
    broken = queue(session, rt, bad)
    broken.delivery = "no state of ours"
    session.commit()
    fine = queue(session, rt, good)
    deliver(session, rt)
    assert (read(session, fine).delivery, read(session, broken).delivery) == ("sent", "failed")


def test_word_that_a_turn_did_not_come_told_twice_calls_back_nobody_elses_message(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic, clock: Clock
) -> None:
    """The database falls over just after it has written the word: it is written again when another has the row."""
    message = queue(session, rt, people(session, rt, clinic.nurse, 1, "sms")[0])
    before = rt.now()
    clock.forward(seconds=1)
    mark_sending(session, rt, message)
    left_behind(rt, message, None, handed_at=before)
    outbox.settle(session, rt, rt.now())
    assert read(session, message).delivery == "sending"
    left_behind(rt, message, None, handed_at=rt.now())
    outbox.settle(session, rt, rt.now())
    assert read(session, message).delivery == "queued"


def test_a_row_that_breaks_the_rules_fails_alone(
    session: Session, rt: Runtime, sms: FakeChannel, clinic: Clinic
) -> None:
    good, bad = people(session, rt, clinic.nurse, 2, "sms")
    broken = queue(session, rt, bad, purpose=Purpose.REMINDER)
    bad.time_zone = "Nowhere/Nothing"
    session.commit()
    queue(session, rt, good)
    deliver(session, rt)
    assert len(sms.sent) == 1
    assert (read(session, broken).delivery, broken.status_reason) == ("failed", "unreadable")


def test_what_a_provider_calls_a_message_can_always_be_written_down(
    session: Session, rt: Runtime, clinic: Clinic
) -> None:
    class Odd(FakeChannel):
        def send(self, message: Outgoing) -> Sent:
            super().send(message)
            return Sent("\x00\ud800 " + "x" * 500)

    odd = replace(rt, channels={"sms": Odd("sms")})
    message = queue(session, rt, people(session, rt, clinic.nurse, 1, "sms")[0])
    deliver(session, odd)
    assert read(session, message).external_id == "???" + "x" * 61


def test_a_claim_reads_no_more_of_the_index_than_it_takes(session: Session, rt: Runtime, clinic: Clinic) -> None:
    patient = people(session, rt, clinic.nurse, 1, "sms")[0]
    session.execute(
        text(
            "INSERT INTO communication (id, organization_id, patient_id, direction, channel, purpose, priority, status,"
            " delivery, at, recorded_at, send_at) SELECT gen_random_uuid(), :organization, :patient, 'out', 'sms',"
            " 'reply', 0, 'preparation', 'queued', now(), now(), CAST(:now AS timestamptz) + n * interval '1 second'"
            " FROM generate_series(-3000, 3000) n"
        ),
        {"organization": patient.organization_id, "patient": patient.id, "now": datetime(2026, 3, 2, 12, tzinfo=UTC)},
    )
    session.commit()
    session.execute(text("ANALYZE communication"))
    from care.services import claiming

    explained = "EXPLAIN (ANALYZE, FORMAT JSON) " + str(claiming._PICK)
    values = {"channels": ["sms"], "priorities": [0], "rooms": [10], "now": rt.now(), "most": 10}
    plan = session.execute(text(explained), values).scalar_one()
    scans = list(_scans(plan[0]["Plan"]))
    assert scans, plan
    assert all("Seq" not in one["Node Type"] for one in scans), plan
    assert sum(one["Actual Rows"] * one["Actual Loops"] for one in scans) <= 20


def _scans(node: dict) -> Iterator[dict]:  # type: ignore[type-arg]
    if node.get("Relation Name") == "communication":
        yield node
    for child in node.get("Plans", []):
        yield from _scans(child)
