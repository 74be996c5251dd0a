"""Every request of ours is one that Twilio's published API describes; and what it does not describe is refused."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

import pytest

from bots.sms import TwilioSms
from bots.twilio_channel import TwilioChannel
from bots.whatsapp import TwilioWhatsApp
from care.domain.message import Outgoing
from care.errors import ChannelError
from care.records.ids import new_id
from tests.conftest import NOON
from tests.e2e.ours import NUMBER, SERVICE, TEMPLATES, WHATSAPP

ACCOUNT, TOKEN, PUBLIC = "AC" + "a" * 32, "a-token", "https://care.example.org"
WORDS = {
    "plain": "Your nurse has answered you.",
    "chinese": "护士已回复您，请查看。",
    "emoji": "👩‍👩‍👧‍👦 ok",
    "long": "x" * 1600,
    "lines": "one\n\ntwo & three = 4%",
    "link": "Please look: https://care.example.org/me",
}


def sms(base_url: str, **other: Any) -> TwilioSms:
    return TwilioSms(**({"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": NUMBER} | other), base_url=base_url)


def whatsapp(base_url: str, **other: Any) -> TwilioWhatsApp:
    known = {"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": WHATSAPP, "templates": TEMPLATES}
    return TwilioWhatsApp(**(known | other), base_url=base_url)


def outgoing(channel: TwilioChannel, text: str = "hello", to: str = "+12025550101", **other: Any) -> Outgoing:
    return Outgoing(new_id(), channel.name, to, text, language="en", **other)


@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("make", [sms, whatsapp])
@pytest.mark.parametrize("sender", ["a number", "a messaging service"])
@pytest.mark.parametrize("public_url", [PUBLIC, ""], ids=["receipts", "no receipts"])
def test_what_we_send_is_what_twilio_describes(prism: str, make: Any, text: str, sender: str, public_url: str):
    other = {"sender": SERVICE} if sender == "a messaging service" else {}
    channel = make(prism, public_url=public_url, **other)
    assert channel.send(outgoing(channel, text)).external_id.startswith("SM")


@pytest.mark.parametrize("text", [WORDS["link"], WORDS["plain"]], ids=["with a link", "without"])
def test_a_template_of_whatsapp_is_what_twilio_describes(prism: str, text: str):
    channel = whatsapp(prism, public_url=PUBLIC)
    sent = channel.send(outgoing(channel, text, notice="notice-message", window_open=False))
    assert sent.external_id


def test_a_person_who_shows_whatsapp_no_number_can_be_written_to(prism: str):
    channel = whatsapp(prism, public_url=PUBLIC)
    assert channel.send(outgoing(channel, to="US.13491208655302741918")).external_id


@pytest.mark.parametrize("make", [sms, whatsapp])
def test_asking_for_a_message_is_what_twilio_describes(prism: str, make: Any):
    channel = make(prism)
    message = outgoing(channel, "words that no example has")
    channel.look_up(message, NOON)  # the description's examples go on for ever, so what is found tells nothing


@pytest.mark.parametrize(
    "wrong",
    [
        {"account_sid": "XX" + "a" * 32},
        {"account_sid": "AC" + "a" * 31},
        {"sender": "MG-no-service"},
        {"public_url": "not an address"},
        {"make": whatsapp, "templates": {"notice-message": {"en": "HX-no-template"}}},
    ],
    ids=["account", "short account", "service", "callback", "template"],
)
def test_what_twilio_does_not_describe_is_refused(prism: str, wrong: dict[str, Any]):
    """Without this the suite could not fail: an oracle that says yes to everything is none."""
    make = wrong.pop("make", sms)
    channel = make(prism, **wrong)
    with pytest.raises(ChannelError) as refused:
        channel.send(outgoing(channel, WORDS["link"], notice="notice-message", window_open="templates" not in wrong))
    assert refused.value.code in ("404", "422")


@pytest.mark.parametrize("missing", ["To", "authorization"])
def test_the_oracle_misses_what_must_be_there(prism: str, missing: str):
    fields = {"From": NUMBER, "Body": "x", "To": "+12025550101"}
    fields.pop(missing, None)
    headers = {} if missing == "authorization" else {"Authorization": "Basic YTpi"}
    path = f"{prism}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    request = urllib.request.Request(path, urlencode(fields).encode(), headers)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=15)
    assert refused.value.code == (401 if missing == "authorization" else 422)
