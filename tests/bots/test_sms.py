"""The Twilio channel: what it believes, what it reads, and what it makes of every way in which sending goes wrong."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from urllib.parse import quote_plus, urlencode
from uuid import UUID

import pytest

from bots.sms import TwilioSms
from bots.twilio_signature import expected
from care.domain.message import Outgoing, WebhookCall
from care.errors import ChannelError, Invalid, NotAllowed
from tests.bots.stub_provider import DRIP, Answer, provider
from tests.conftest import NOON

ACCOUNT, TOKEN, PUBLIC = "AC" + "1" * 32, "a-token", "https://care.example.org"
MESSAGE = Outgoing(UUID(int=7), "sms", "+14155550100", "您好 hello")
TEXT = {
    "ToState": "",
    "MessageSid": "SM" + "0" * 32,
    "AccountSid": ACCOUNT,
    "Body": "  ３．２ \n",
    "FromCity": "",
    "From": "+14155550100",
    "To": "+14155550199",
    "NumMedia": "0",
}


def channel(base_url: str = "", timeout: float = 5.0, previous: str = "") -> TwilioSms:
    return TwilioSms(ACCOUNT, TOKEN, "+14155550199", PUBLIC + "/", previous, base_url, timeout)


def call(
    fields: dict[str, str], path: str = "/webhooks/twilio/sms", query: str = "", token: str = TOKEN
) -> WebhookCall:
    url = PUBLIC + path + (f"?{query}" if query else "")
    signature = expected(token, url, {name: [value] for name, value in fields.items()})
    return WebhookCall("POST", path, query, {"X-Twilio-Signature": signature}, urlencode(fields).encode())


def test_a_text_is_read_word_for_word():
    signed = call(TEXT)
    channel().verify(signed)
    text = channel().read(signed, NOON)
    assert (text.sender, text.text, text.external_id, text.recipient) == (
        "+14155550100",
        "  ３．２ \n",
        "SM" + "0" * 32,
        "+14155550199",
    )
    assert text.received_at == datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_pictures_are_named():
    signed = call(TEXT | {"NumMedia": "2", "MediaUrl0": "https://x/0", "MediaUrl1": "https://x/1"})
    assert [medium.reference for medium in channel().read(signed, NOON).media] == ["https://x/0", "https://x/1"]


LONG = "我今天血糖 5.8，早饭前。昨晚睡得不好，腿有点肿，想问要不要加药。"


def encoded(text: str, encoding: str = "utf-8") -> str:
    return b64encode(text.encode(encoding)).decode()


@pytest.mark.parametrize("words", [LONG, "I have a question about the pills, and my leg is swollen.\nThank you"])
def test_a_long_text_that_may_have_been_encoded_on_its_way_is_flagged_and_not_decoded(words: str):
    text = channel().read(call(TEXT | {"Body": encoded(words)}), NOON)
    assert (text.text, text.raw_note) == (encoded(words), "maybe-base64")


@pytest.mark.parametrize(
    "words",
    [
        "",
        LONG,
        encoded("yes"),
        encoded(LONG)[:-1],
        encoded(LONG) + " ",
        encoded("\x00\x01" * 40),
        encoded(LONG, "utf-16"),
        "a" * 64,
        "1234567890" * 8,
        "https://care.example.org/a/very/long/address/that/somebody/sends/us/abcd",
    ],
)
def test_what_a_person_may_have_written_so_is_not_flagged(words: str):
    assert channel().read(call(TEXT | {"Body": words}), NOON).raw_note == ""


@pytest.mark.parametrize(
    ("country", "two_way", "links", "segments", "media_in"),
    [("US", True, True, 3, True), ("HK", True, True, 3, False), ("CN", False, False, 8, False)],
)
def test_what_a_text_can_do_differs_by_country(country: str, two_way: bool, links: bool, segments: int, media_in: bool):
    able = TwilioSms.capabilities.in_country(country)
    assert (able.two_way, able.links, able.segments, able.media_in) == (two_way, links, segments, media_in)
    assert (able.data_location, able.receipts, able.private) == ("US", True, False)


def test_a_call_signed_with_the_previous_token_is_believed_while_tokens_are_exchanged():
    channel(previous="old").verify(call(TEXT, token="old"))
    with pytest.raises(NotAllowed):
        channel().verify(call(TEXT, token="old"))


def test_a_forged_call_is_refused():
    for wrong in (call(TEXT, token="guess"), WebhookCall("POST", "/webhooks/twilio/sms", "", {}, b"Body=x")):
        with pytest.raises(NotAllowed, match="signature"):
            channel().verify(wrong)


def test_a_genuine_call_for_another_account_is_refused():
    with pytest.raises(NotAllowed, match="another account"):
        channel().verify(call(TEXT | {"AccountSid": "AC" + "2" * 32}))


@pytest.mark.parametrize("body", [b"Body=%FF%FE", b"\xff\xfe", b"a=1&" * 1000])
def test_a_body_that_is_no_form_is_invalid(body: bytes):
    with pytest.raises(Invalid):
        channel().verify(WebhookCall("POST", "/x", "", {"X-Twilio-Signature": "x"}, body))


@pytest.mark.parametrize("field", ["From", "MessageSid"])
def test_a_text_without_sender_or_id_is_invalid(field: str):
    with pytest.raises(Invalid, match=field):
        channel().read(call(TEXT | {field: ""}), NOON)


def test_an_identifier_with_a_nul_is_invalid():
    with pytest.raises(Invalid):
        channel().read(call(TEXT | {"MessageSid": "SM\x00"}), NOON)


def test_a_receipt_carries_our_id_back():
    ours = UUID(int=9)
    fields = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30003", "AccountSid": ACCOUNT}
    signed = call(fields, "/webhooks/twilio/status", f"id={ours}")
    channel().verify(signed)
    receipt = channel().read_receipt(signed)
    assert (receipt.id, receipt.external_id, receipt.status, receipt.error_code) == (
        ours,
        "SM1",
        "undelivered",
        "30003",
    )


def test_a_receipt_without_our_id_still_has_theirs():
    fields = {"MessageSid": "SM1", "MessageStatus": "sent"}
    for query in ("", "id=nonsense"):
        assert channel().read_receipt(call(fields, query=query)).id is None


def test_a_message_is_handed_over_once_with_the_place_for_its_receipt():
    with provider() as stub:
        sent = channel(stub.url).send(MESSAGE)
    assert sent.external_id == "SM" + "a" * 32
    assert not sent.delivered
    assert len(stub.asked) == 1
    assert stub.asked[0]["path"] == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert stub.asked[0]["fields"] == {
        "To": "+14155550100",
        "From": "+14155550199",
        "Body": "您好 hello",
        "StatusCallback": f"{PUBLIC}/webhooks/twilio/status?id={MESSAGE.id}",
    }


def test_a_messaging_service_may_be_the_sender():
    with provider() as stub:
        TwilioSms(ACCOUNT, TOKEN, "MG" + "1" * 32, PUBLIC, base_url=stub.url).send(MESSAGE)
    assert stub.asked[0]["fields"]["MessagingServiceSid"] == "MG" + "1" * 32
    assert "From" not in stub.asked[0]["fields"]


def refused(answer: Answer, timeout: float = 5.0) -> tuple[ChannelError, int]:
    with provider(answer) as stub, pytest.raises(ChannelError) as caught:
        channel(stub.url, timeout).send(MESSAGE)
    return caught.value, len(stub.asked)


def test_too_many_requests_can_be_tried_again_after_the_pause_that_is_asked_for():
    error, asked = refused(Answer(429, {"code": 20429, "message": "slow"}, {"Retry-After": "7"}))
    assert (error.kind, error.retry_after, asked) == ("retryable", 7.0, 1)


def test_an_internal_error_may_hide_a_message_that_went_out():
    for status in (500, 502, 503):
        error, asked = refused(Answer(status, {"code": 20500, "message": "oops"}))
        assert (error.kind, asked) == ("unknown", 1)


def test_a_time_out_after_the_message_was_taken_is_unknown_and_is_not_repeated():
    error, asked = refused(Answer(silent_for=1.0), timeout=0.2)
    assert (error.kind, asked) == ("unknown", 1)


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_provider_that_drips_its_answer_is_left_and_the_message_is_unknown(part: str):
    error, asked = refused(Answer(201, raw=b" " * int(10 / DRIP) + b'{"sid": "SM1"}', drips=part), timeout=0.3)
    assert (error.kind, asked) == ("unknown", 1)


def test_an_answer_that_cannot_be_read_is_unknown():
    error, _ = refused(Answer(201, raw=b"<html>"))
    assert error.kind == "unknown"
    error, _ = refused(Answer(201, {}))
    assert error.kind == "unknown"


def test_a_provider_that_is_not_there_certainly_took_nothing():
    with provider() as stub:
        gone = stub.url
    with pytest.raises(ChannelError) as caught:
        channel(gone).send(MESSAGE)
    assert caught.value.kind == "retryable"


def test_a_person_who_opted_out_is_told_apart():
    error, _ = refused(Answer(400, {"code": 21610, "message": "unsubscribed recipient"}))
    assert (error.kind, error.code) == ("opted_out", "21610")


def test_no_error_quotes_the_number_or_the_text():
    error, _ = refused(Answer(400, {"code": 21211, "message": "The number +14155550100 is not valid"}))
    assert error.kind == "permanent"
    assert "+14155550100" not in f"{error} {error.message} {error.__cause__} {error.detail}"


def test_a_channel_that_is_not_configured_says_so_and_sends_nothing():
    off = TwilioSms()
    assert not off.enabled
    with pytest.raises(ChannelError) as caught:
        off.send(MESSAGE)
    assert caught.value.code == "disabled"
    with pytest.raises(NotAllowed):
        off.verify(call(TEXT))


def test_plus_and_percent_are_read_as_forms_write_them():
    body = f"Body={quote_plus('1+1 = 100%')}&From=%2B1&MessageSid=SM1".encode()
    assert channel().read(WebhookCall("POST", "/x", "", {}, body), NOON).text == "1+1 = 100%"
