"""Out and in through an emulator of Twilio that calls back, signed: our web, our database, its callbacks."""

from __future__ import annotations

import urllib.error
import urllib.request
from itertools import permutations
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bots.sms import TwilioSms
from bots.twilio_codes import kind_of
from care.domain.codes import Purpose
from care.domain.message import Outgoing
from care.errors import ChannelError
from care.records.communications import Communication, contents
from care.records.escalations import Escalation
from care.records.ids import new_id
from care.records.patients import ContactPoint, Patient
from care.services import content, outbox
from tests.care_api.serving import enrolled
from tests.conftest import Clinic
from tests.e2e.ours import ACCOUNT, NUMBER, SERVICE, TOKEN, WHATSAPP, Served

PHONE, OWN = "+12025550101", "+12025550102"
ORDERS = list(permutations(("sending", "sent", "delivered", "undelivered", "read")))[::6]


@pytest.fixture
def patient(served: Served, clinic: Clinic) -> Patient:
    """A demo patient with a phone and WhatsApp."""
    with served.session() as session:
        content.publish_seeds(session, served.rt.now())
        contacts = (("sms", PHONE, None), ("whatsapp", OWN, None))
        return enrolled(session, served.rt, clinic.nurse, contacts=contacts)


def queue(served: Served, patient: Patient, text: str, channel: str = "sms") -> UUID:
    """A message in the outbox, of a kind that answers the patient."""
    with served.session() as session:
        known = session.scalars(select(ContactPoint).where(ContactPoint.patient_id == patient.id)).all()
        message = outbox.enqueue(
            session,
            served.rt.now(),
            purpose=Purpose.REPLY,
            text=text,
            dedupe=f"e2e:{new_id()}",
            patient=patient,
            contact=next(one for one in known if one.channel == channel),
        )
        assert message is not None
        session.commit()
        return message.id


def texts_in(served: Served) -> list[tuple[Communication, str]]:
    """The texts that were kept, in order."""
    with served.session() as session:
        found = select(Communication).where(Communication.direction == "in").order_by(Communication.recorded_at)
        rows = list(session.scalars(found))
        words = contents(session, [row.id for row in rows])
        return [(row, str(words[row.id].text)) for row in rows]


def test_a_message_goes_out_and_its_signed_receipts_come_home(served: Served, patient: Patient):
    message_id = queue(served, patient, "Your nurse has answered. 您好")
    (row,) = served.deliver(message_id)
    (taken,) = [one for one in served.taken(PHONE) if one["sid"] == row.external_id]
    assert (taken["body"], taken["from"]) == ("Your nurse has answered. 您好", NUMBER)
    assert row.delivery == "sent"
    served.simulate("message-status", MessageSid=str(row.external_id), Status="delivered")
    assert served.message(message_id).delivery == "delivered"
    assert served.message(message_id).delivered_at is not None
    assert [(call.path, call.status) for call in served.calls] == [("/webhooks/twilio/status", 204)] * 2


def test_a_receipt_that_comes_before_the_answer_joins_by_our_id(served: Served, patient: Patient):
    message_id = queue(served, patient, "first")
    (row,) = served.deliver(message_id)
    (early,) = served.calls  # the emulator tells of `queued` while our request still waits for its answer
    assert (early.said["MessageStatus"], early.status) == ("queued", 204)
    assert early.before == (None, "sending")
    assert early.after == (early.said["MessageSid"], "sent")
    assert (row.external_id, row.delivery) == early.after


@pytest.mark.parametrize("order", ORDERS, ids=["-".join(order) for order in ORDERS])
def test_receipts_in_any_order_end_in_one_state(served: Served, patient: Patient, order: tuple[str, ...]):
    message_id = queue(served, patient, "in any order")
    (row,) = served.deliver(message_id)
    for status in order:
        served.simulate("message-status", MessageSid=str(row.external_id), Status=status)
        served.simulate("message-status", MessageSid=str(row.external_id), Status=status)  # and twice
    assert {call.status for call in served.calls} == {204}
    assert len(served.calls) == 1 + 2 * len(order)
    assert served.message(message_id).delivery == "delivered"


def test_a_message_that_did_not_arrive_is_said_to_have_failed(served: Served, patient: Patient):
    message_id = queue(served, patient, "never")
    (row,) = served.deliver(message_id)
    for status in ("sent", "undelivered", "sending"):
        served.simulate("message-status", MessageSid=str(row.external_id), Status=status)
    assert served.message(message_id).delivery == "failed"


def test_a_text_comes_in_signed_and_is_kept_as_it_was_written(served: Served, patient: Patient):
    written = "  glucose １１８ before breakfast 😀 &=+% 早餐前 "
    served.simulate("inbound-message", To=NUMBER, From=PHONE, Body=written)
    ((row, words),) = texts_in(served)
    assert (words, row.channel, row.patient_id) == (written, "sms", patient.id)
    assert [(call.path, call.status) for call in served.calls] == [("/webhooks/twilio/sms", 200)]


def test_a_text_is_answered_through_the_emulator(served: Served, patient: Patient):
    served.simulate("inbound-message", To=NUMBER, From=PHONE, Body="help")
    served.take_turns()
    with served.session() as session:
        (reply,) = session.scalars(select(Communication).where(Communication.direction == "out")).all()
    (row,) = served.deliver(reply.id)
    (taken,) = [one for one in served.taken(PHONE) if one["sid"] == row.external_id]
    with served.session() as session:
        assert taken["body"] == contents(session, [row.id])[row.id].text
    served.simulate("message-status", MessageSid=taken["sid"], Status="delivered")
    assert served.message(row.id).delivery == "delivered"


def test_words_of_danger_reach_a_person_and_the_emergency_reply_leaves(served: Served, patient: Patient):
    served.simulate("inbound-message", To=NUMBER, From=PHONE, Body="I have chest pain")
    with served.session() as session:
        (alert,) = session.scalars(select(Escalation).where(Escalation.patient_id == patient.id)).all()
        assert alert.priority == "stat"
        replies = select(Communication).where(Communication.purpose == Purpose.EMERGENCY.value)
        (reply,) = session.scalars(replies).all()
    (row,) = served.deliver(reply.id)
    assert row.delivery == "sent"
    assert "911" in next(one["body"] for one in served.taken(PHONE) if one["sid"] == row.external_id)


def test_whatsapp_goes_both_ways_on_the_same_account(served: Served, patient: Patient):
    served.simulate("inbound-message", To=WHATSAPP, From=f"whatsapp:{OWN}", Body="hello there")
    ((row, words),) = texts_in(served)
    assert (row.channel, words, row.patient_id) == ("whatsapp", "hello there", patient.id)
    message_id = queue(served, patient, "Hello, this is your clinic.", "whatsapp")
    (sent,) = served.deliver(message_id)
    (taken,) = [one for one in served.taken(f"whatsapp:{OWN}") if one["sid"] == sent.external_id]
    assert (taken["from"], taken["to"]) == (WHATSAPP, f"whatsapp:{OWN}")
    served.simulate("message-status", MessageSid=taken["sid"], Status="read")
    assert served.message(message_id).delivery == "delivered"


def test_a_messaging_service_sends_for_us(served: Served):
    channel = TwilioSms(ACCOUNT, TOKEN, SERVICE, base_url=served.emulator)
    sent = channel.send(Outgoing(new_id(), "sms", PHONE, "from a service"))
    assert next(one for one in served.taken(PHONE) if one["sid"] == sent.external_id)["from"] == NUMBER


def test_what_the_emulator_took_is_found_when_it_is_asked(served: Served):
    channel = TwilioSms(ACCOUNT, TOKEN, NUMBER, base_url=served.emulator)
    message = Outgoing(new_id(), "sms", "+12025550190", f"look for {new_id()}")
    before = served.rt.now().replace(microsecond=0)
    sent = channel.send(message)
    assert [one.external_id for one in channel.look_up(message, before)] == [sent.external_id]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"to": "0"}, "21201"),
        ({"sender": "+15550009999"}, "21606"),
        ({"sender": "MG" + "f" * 32}, "20404"),
        ({"auth_token": "wrong"}, "20003"),
    ],
    ids=["no number", "not our sender", "no such service", "wrong token"],
)
def test_what_the_emulator_refuses_says_why(served: Served, wrong: dict[str, str], code: str):
    to = wrong.pop("to", PHONE)
    account = {"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": NUMBER, **wrong}
    channel = TwilioSms(**account, base_url=served.emulator)  # type: ignore[arg-type]
    with pytest.raises(ChannelError) as refused:
        channel.send(Outgoing(new_id(), "sms", to, "hello"))
    assert (refused.value.code, refused.value.kind) == (code, kind_of(code, 401 if code == "20003" else 400))
    assert refused.value.kind in ("retryable", "refused", "permanent")  # never "unknown": nobody took it


def test_a_refusal_by_code_is_kept_and_nothing_leaves(
    emulator: str, our_port: int, database_url: str, session: Session, clinic: Clinic
):
    with Served.on(our_port, database_url, emulator, twilio_sender="+15550009999") as served:
        content.publish_seeds(session, served.rt.now())
        contacts = (("sms", "+12025550191", None),)
        patient = enrolled(session, served.rt, clinic.nurse, contacts=contacts)
        message_id = queue(served, patient, "from nobody")
        with served.session() as own:
            outbox.deliver_due(own, served.rt, served.rt.now())
        row = served.message(message_id)
        assert (row.delivery, row.status_reason, row.external_id) == ("queued", "21606", None)
        assert served.taken("+12025550191") == []
        assert served.calls == []


def test_a_forged_call_is_refused_and_changes_nothing(served: Served, patient: Patient):
    body = f"AccountSid={ACCOUNT}&MessageSid=SM{'e' * 32}&From=%2B12025550101&To=%2B15550001111&Body=STOP&NumMedia=0"
    request = urllib.request.Request(
        f"{served.url}/webhooks/twilio/sms",
        body.encode(),
        {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": "bm90IG91cnM="},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=15)
    assert refused.value.code == 403
    assert texts_in(served) == []
