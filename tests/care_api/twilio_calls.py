"""Webhooks as Twilio would call them, signed with a token made up here."""

from __future__ import annotations

from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bots.sms import TwilioSms
from bots.twilio_signature import expected
from bots.whatsapp import TwilioWhatsApp
from tests.care_api.serving import PHONE

ACCOUNT, TOKEN, PUBLIC, OURS = "AC" + "1" * 32, "a-token", "https://care.example.org", "+15550000"
FORM = "application/x-www-form-urlencoded"


def twilio() -> TwilioSms:
    """A configured channel that nobody delivers by."""
    return TwilioSms(ACCOUNT, TOKEN, OURS, PUBLIC)


def whatsapp() -> TwilioWhatsApp:
    """The same for WhatsApp."""
    return TwilioWhatsApp(ACCOUNT, TOKEN, OURS, PUBLIC)


def fields(text: str = "hello", sid: str = "SM" + "0" * 32, **other: str) -> dict[str, str]:
    """The fields of a text, blank ones among them."""
    known = {
        "ToState": "",
        "MessageSid": sid,
        "AccountSid": ACCOUNT,
        "Body": text,
        "FromCity": "",
        "From": PHONE,
        "To": OURS,
        "NumMedia": "0",
    }
    return known | other


def post(
    client: FlaskClient, values: dict[str, str], path: str = "/webhooks/twilio/sms", token: str = TOKEN
) -> TestResponse:
    """Call a webhook, signed over the public address, whatever address the test client has."""
    signature = expected(token, PUBLIC + path, {name: [value] for name, value in values.items()})
    return client.post(path, data=urlencode(values), content_type=FORM, headers={"X-Twilio-Signature": signature})
