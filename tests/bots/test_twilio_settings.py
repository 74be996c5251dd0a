"""Twilio's channels as they are configured: the templates are read at start, or the start says what is wrong."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from bots.channels import make_channels
from care.settings import Settings
from tests.care_api.serving import settings

CONTENT = "HX" + "a" * 32
TEMPLATES = {"notice-message": {"en": CONTENT}}


def configured(monkeypatch: pytest.MonkeyPatch, templates: str) -> Settings:
    monkeypatch.setenv("TWILIO_WHATSAPP_TEMPLATES", templates)
    return settings("postgresql://nobody@127.0.0.1:1/none")


@pytest.mark.parametrize("templates", ["", "{}", json.dumps(TEMPLATES)])
def test_templates_are_json_or_nothing(monkeypatch: pytest.MonkeyPatch, templates: str) -> None:
    found = configured(monkeypatch, templates).twilio_whatsapp_templates
    assert found == (json.loads(templates) if templates else {})


@pytest.mark.parametrize(
    "templates", ["{", "[]", '"x"', '{"notice-message": "HX"}', '{"notice-message": {"en": "HX1"}}', "null"]
)
def test_what_names_no_template_stops_the_start(monkeypatch: pytest.MonkeyPatch, templates: str) -> None:
    with pytest.raises(ValidationError, match="twilio_whatsapp_templates"):
        configured(monkeypatch, templates)


def test_one_account_has_both_channels_each_enabled_by_its_own_sender() -> None:
    account = {"twilio_account_sid": "AC1", "twilio_auth_token": "secret"}
    for senders, enabled in (
        ({}, (False, False)),
        ({"twilio_sender": "+1"}, (True, False)),
        ({"twilio_whatsapp_sender": "+1"}, (False, True)),
        ({"twilio_sender": "+1", "twilio_whatsapp_sender": "+1"}, (True, True)),
    ):
        channels = make_channels(settings("postgresql://nobody@127.0.0.1:1/none", **account, **senders))
        assert (channels["sms"].enabled, channels["whatsapp"].enabled) == enabled
