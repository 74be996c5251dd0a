"""The channels of this installation, by name. One that is not configured is there, disabled, and says so."""

from __future__ import annotations

from bots.console import ConsoleChannel, Sink, to_screen
from bots.sms import TwilioSms
from care.domain.message import Channel
from care.settings import Settings


def make_channels(settings: Settings, sink: Sink = to_screen) -> dict[str, Channel]:
    """Every channel we have. The console is enabled in development only; `sink` is where its messages go."""
    console = ConsoleChannel(sink, enabled=settings.care_environment == "development")
    sms = TwilioSms(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        previous_token=settings.twilio_auth_token_previous.get_secret_value(),
        sender=settings.twilio_sender,
        public_url=settings.public_url,
        base_url=settings.twilio_base_url,
        rate=settings.twilio_rate,
    )
    return {console.name: console, sms.name: sms}
