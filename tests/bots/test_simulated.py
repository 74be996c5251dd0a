"""Simulated channels: the real one's name and capabilities, without its provider."""

from __future__ import annotations

import io
from datetime import timedelta
from uuid import uuid4

import pytest
from PIL import Image

from bots.channels import make_channels
from bots.simulated import PHOTO, SimulatedChannel
from care.domain.message import Medium, Outgoing, WebhookCall
from care.errors import ChannelError, Invalid, NotAllowed
from tests.care_api.serving import settings
from tests.conftest import NOON

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
TWILIO = {"twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": "token", "twilio_sender": "+12025550100"}


def channels(**other: str):
    return make_channels(settings(NOWHERE, **other), sink=lambda message: None)


def test_every_channel_without_credentials_is_simulated_and_the_console_stays():
    made = channels(care_simulator="1")
    assert {name for name, one in made.items() if isinstance(one, SimulatedChannel)} == made.keys() - {"console"}
    assert {"sms", "whatsapp", "wechat", "push"} <= made.keys()
    assert all(one.enabled and one.name == name for name, one in made.items())


def test_one_that_is_configured_is_the_real_one():
    made = channels(care_simulator="1", **TWILIO)
    assert type(made["sms"]) is type(channels(**TWILIO)["sms"])


def test_without_the_simulator_none_is():
    assert not any(isinstance(one, SimulatedChannel) for one in channels().values())


@pytest.mark.parametrize("name", ["sms", "whatsapp", "wechat", "push"])
def test_what_decides_is_what_the_real_one_can_do(name: str):
    real, made = channels()[name].capabilities, channels(care_simulator="1")[name].capabilities
    for country in ("US", "CN", "HK"):
        left, right = real.in_country(country), made.in_country(country)
        for what in (
            "two_way",
            "receipts",
            "links",
            "window",
            "quota",
            "notices_only",
            "private",
            "segments",
            "max_bytes",
        ):
            assert getattr(left, what) == getattr(right, what), (name, country, what)
    assert not made.can_look_up


def test_the_windows_are_the_real_ones():
    made = channels(care_simulator="1")
    assert made["whatsapp"].capabilities.window == timedelta(hours=24)
    assert made["wechat"].capabilities.window == timedelta(hours=48)


def test_it_takes_every_message_and_names_it_by_ours():
    message = Outgoing(uuid4(), "sms", "demo-phone-1", "hello")
    sent = channels(care_simulator="1")["sms"].send(message)
    assert (sent.external_id, sent.delivered) == (f"simulated-{message.id}", False)


def test_nobody_can_call_it():
    sms = channels(care_simulator="1")["sms"]
    call = WebhookCall("POST", "/webhooks/twilio/sms", "", {}, b"Body=hi")
    with pytest.raises(NotAllowed):
        sms.verify(call)
    with pytest.raises(Invalid):
        sms.read(call, NOON)
    with pytest.raises(Invalid):
        sms.read_receipt(call)


def test_its_photo_is_a_picture_and_nothing_else_can_be_fetched():
    sms = SimulatedChannel("sms", channels()["sms"].capabilities)
    fetched = sms.fetch(Medium("image", f"{PHOTO}:1"))
    assert Image.open(io.BytesIO(fetched.content)).format == "JPEG"
    assert fetched == sms.fetch(Medium("image", f"{PHOTO}:1"))
    with pytest.raises(ChannelError):
        sms.fetch(Medium("image", "https://example.invalid/x.jpg"))
