"""WhatsApp: whom its addresses name, what is read of its texts, and the window after which only a template leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from bots.sms import TwilioSms
from bots.whatsapp import TwilioWhatsApp
from care.domain.delivery import read_word
from care.domain.message import Medium, Outgoing, Sent
from care.errors import ChannelError, Invalid
from care.services.addresses import normal_address
from tests.bots.stub_provider import Answer, provider
from tests.bots.test_sms import ACCOUNT, PUBLIC, TOKEN, call
from tests.conftest import NOON

OURS, THEIRS = "+14155550199", "+14155550100"
PATH = "/webhooks/twilio/whatsapp"
TEMPLATES = {
    "notice-message": {"en": "HX" + "a" * 32, "zh-Hans": "HX" + "b" * 32},
    "notice-message-no-link": {"en": "HX" + "c" * 32},
}
MESSAGE = Outgoing(UUID(int=7), "whatsapp", THEIRS, "Care: a message: https://care.example.org/me", language="en")
CLOSED = replace(MESSAGE, notice="notice-message", window_open=False)
TEXT = {
    "MessageSid": "SM" + "0" * 32,
    "AccountSid": ACCOUNT,
    "Body": " 血糖 5.8 ",
    "From": f"whatsapp:{THEIRS}",
    "To": f"whatsapp:{OURS}",
    "WaId": THEIRS[1:],
    "ProfileName": "Canary Wong",
    "NumMedia": "0",
    "MessageType": "text",
}


def channel(base_url: str = "", sender: str = OURS) -> TwilioWhatsApp:
    return TwilioWhatsApp(ACCOUNT, TOKEN, sender, PUBLIC, base_url=base_url, templates=TEMPLATES)


def asked(message: Outgoing, sender: str = OURS) -> dict[str, str]:
    """The fields that Twilio is sent for a message."""
    with provider() as stub:
        channel(stub.url, sender).send(message)
    found: dict[str, str] = stub.asked[0]["fields"]
    return found


def test_a_text_is_of_the_number_that_wrote_it_and_of_our_number_without_the_providers_prefix() -> None:
    signed = call(TEXT, PATH)
    channel().verify(signed)
    text = channel().read(signed, NOON)
    assert (text.channel, text.sender, text.recipient, text.text) == ("whatsapp", THEIRS, OURS, " 血糖 5.8 ")


def test_the_name_that_a_person_goes_by_is_never_kept() -> None:
    assert "Canary" not in repr(channel().read(call(TEXT, PATH), NOON))


@pytest.mark.parametrize(
    "fields",
    [
        {"From": "whatsapp:US.13491208655302741918", "ExternalUserId": "US.13491208655302741918", "WaId": ""},
        {"From": "", "ExternalUserId": "US.13491208655302741918"},
        {"From": "", "ExternalUserId": "whatsapp:US.13491208655302741918"},
    ],
)
def test_a_person_without_a_number_is_who_their_id_says(fields: dict[str, str]) -> None:
    assert channel().read(call(TEXT | fields, PATH), NOON).sender == "US.13491208655302741918"


def test_a_text_of_nobody_is_invalid() -> None:
    for nobody in ("", "whatsapp:", "whatsapp:+1\x00", "whatsapp:" + "1" * 200):
        with pytest.raises(Invalid):
            channel().read(call(TEXT | {"From": nobody}, PATH), NOON)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"Body": "OK", "ButtonText": "OK", "ButtonPayload": "begin"}, "OK"),
        ({"Body": "", "ButtonText": "好", "ButtonPayload": "begin"}, "好"),
        ({"Body": "", "ButtonPayload": "begin"}, "begin"),
        ({"Body": "", "ListTitle": "Better", "ListId": "2"}, "Better"),
        ({"Body": ""}, ""),
    ],
)
def test_a_tapped_button_is_what_stood_on_it(fields: dict[str, str], words: str) -> None:
    assert channel().read(call(TEXT | fields, PATH), NOON).text == words


def test_a_place_is_for_a_person_to_look_at_and_not_a_text() -> None:
    place = {"Body": "", "Latitude": "22.2783", "Longitude": "114.1747", "Label": "Gate 3", "Address": "1 Queen's Rd"}
    text = channel().read(call(TEXT | place, PATH), NOON)
    assert text.media == (Medium("location", note="22.2783, 114.1747, Gate 3, 1 Queen's Rd"),)
    assert text.text == ""
    for odd in ({"Latitude": "north"}, {"Latitude": "nan", "Longitude": "1"}, {"Latitude": "1e9", "Longitude": "1"}):
        assert channel().read(call(TEXT | odd, PATH), NOON).media == (Medium("location", note="?"),)


def test_pictures_voices_and_cards_are_named_by_their_types() -> None:
    types = ["image/jpeg", "audio/ogg", "video/mp4", "application/pdf", "text/vcard", "x/y"]
    media = {f"MediaUrl{n}": f"https://api.twilio.com/{n}" for n in range(6)}
    media |= {f"MediaContentType{n}": kind for n, kind in enumerate(types)}
    text = channel().read(call(TEXT | media | {"NumMedia": "6"}, PATH), NOON)
    assert [one.kind for one in text.media] == ["image", "voice", "video", "file", "file", "other"]
    assert [one.content_type for one in text.media] == types


def test_a_text_of_whatsapp_is_one_whichever_of_our_addresses_it_comes_to() -> None:
    read = TwilioSms(ACCOUNT, TOKEN, OURS, PUBLIC).read(call(TEXT), NOON)
    assert (read.channel, read.sender) == ("whatsapp", THEIRS)


def test_free_words_leave_within_the_window() -> None:
    assert asked(MESSAGE) == {
        "To": f"whatsapp:{THEIRS}",
        "From": f"whatsapp:{OURS}",
        "Body": MESSAGE.text,
        "StatusCallback": f"{PUBLIC}/webhooks/twilio/status?id={MESSAGE.id}&channel=whatsapp",
    }


def test_the_sender_may_be_written_with_or_without_the_prefix_or_be_a_messaging_service() -> None:
    assert asked(MESSAGE, f"whatsapp:{OURS}")["From"] == f"whatsapp:{OURS}"
    fields = asked(MESSAGE, "MG" + "1" * 32)
    assert fields["MessagingServiceSid"] == "MG" + "1" * 32
    assert "From" not in fields


def test_a_person_without_a_number_is_answered() -> None:
    assert asked(replace(MESSAGE, to="US.1349"))["To"] == "whatsapp:US.1349"


def test_outside_the_window_the_template_of_the_notice_leaves_in_the_patients_language() -> None:
    for language, content in (("en", "HX" + "a" * 32), ("zh-Hans", "HX" + "b" * 32)):
        fields = asked(replace(CLOSED, language=language))
        assert fields["ContentSid"] == content
        assert json.loads(fields["ContentVariables"]) == {"1": "https://care.example.org/me"}
        assert "Body" not in fields


def test_a_notice_without_a_link_has_a_template_without_one() -> None:
    fields = asked(replace(CLOSED, text="Care: you have a message."))
    assert fields["ContentSid"] == "HX" + "c" * 32
    assert "ContentVariables" not in fields


@pytest.mark.parametrize(
    "message",
    [
        replace(CLOSED, language="zh-Hant"),
        replace(CLOSED, notice="notice-reminder"),
        replace(CLOSED, notice=""),
        replace(CLOSED, text="no link", language="zh-Hans"),
    ],
)
def test_without_a_template_nothing_leaves_outside_the_window(message: Outgoing) -> None:
    with provider() as stub, pytest.raises(ChannelError) as caught:
        channel(stub.url).send(message)
    assert (caught.value.kind, caught.value.code, stub.asked) == ("refused", "63016", [])


def test_what_whatsapp_says_of_the_window_itself_is_no_fault_of_the_address() -> None:
    with provider(Answer(400, {"code": 63016, "message": "outside"})) as stub, pytest.raises(ChannelError) as caught:
        channel(stub.url).send(MESSAGE)
    assert (caught.value.kind, caught.value.code) == ("refused", "63016")


STATUS = {"MessageSid": "SM1", "MessageStatus": "read", "AccountSid": ACCOUNT}


@pytest.mark.parametrize(
    ("fields", "query"),
    [
        ({}, f"id={MESSAGE.id}&channel=whatsapp"),
        ({"From": f"whatsapp:{OURS}", "To": f"whatsapp:{THEIRS}"}, f"id={MESSAGE.id}"),
    ],
)
def test_a_receipt_is_of_whatsapp_whichever_channel_reads_it(fields: dict[str, str], query: str) -> None:
    for reader in (channel(), TwilioSms(ACCOUNT, TOKEN, OURS, PUBLIC)):
        receipt = reader.read_receipt(call(STATUS | fields, "/webhooks/twilio/status", query))
        assert (receipt.channel, receipt.id, receipt.status) == ("whatsapp", MESSAGE.id, "read")


def test_a_receipt_of_a_text_is_of_sms() -> None:
    sms = TwilioSms(ACCOUNT, TOKEN, OURS, PUBLIC)
    assert sms.read_receipt(call(STATUS, "/webhooks/twilio/status", "channel=push")).channel == "sms"


def test_what_was_read_was_delivered() -> None:
    assert read_word("read") is read_word("delivered")


def test_a_receipt_says_what_its_code_means() -> None:
    told = STATUS | {"MessageStatus": "failed", "ErrorCode": "63033"}
    assert channel().read_receipt(call(told)).kind == "opted_out"
    assert channel().read_receipt(call(told | {"ErrorCode": "99999"})).kind == ""
    assert channel().read_receipt(call(STATUS)).kind == ""


def test_what_was_taken_is_looked_up_by_the_prefixed_number_and_a_template_by_nothing_else() -> None:
    record = {
        "sid": "SM" + "1" * 32,
        "body": "the template's own words",
        "direction": "outbound-api",
        "status": "read",
        "date_created": NOON.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        "date_sent": None,
    }
    with provider(Answer(200, {"messages": [record], "next_page_uri": None, "page": 0})) as stub:
        since = NOON - timedelta(minutes=1)
        assert channel(stub.url).look_up(CLOSED, since) == [Sent("SM" + "1" * 32, word="read")]
        assert channel(stub.url).look_up(MESSAGE, since) == []
    assert "To=whatsapp%3A%2B14155550100" in stub.asked[0]["path"]


def test_a_channel_without_a_sender_is_disabled_and_keeps_quiet() -> None:
    off = TwilioWhatsApp(ACCOUNT, TOKEN)
    assert not off.enabled
    with pytest.raises(ChannelError, match="not configured"):
        off.send(MESSAGE)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("whatsapp:+1 415 555 0100", "+14155550100"),
        ("(415) 555-0100", "+14155550100"),
        ("US.13491208655302741918", "US.13491208655302741918"),
        ("whatsapp:US.1349", "US.1349"),
    ],
)
def test_an_address_is_a_number_or_the_id_of_somebody_who_shows_nobody_theirs(given: str, kept: str) -> None:
    assert normal_address("whatsapp", given, "US") == kept


def test_such_an_id_is_no_number_for_a_text() -> None:
    for odd in ("US.1349", "US."):
        with pytest.raises(Invalid):
            normal_address("sms", odd, "US")
    with pytest.raises(Invalid):
        normal_address("whatsapp", "US.", "US")
