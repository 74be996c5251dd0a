"""The channels of this installation, by name. One that is not configured is there, disabled, and says so."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bots.console import ConsoleChannel, Sink, to_screen
from bots.push import KeptRegistrations, PushChannel
from bots.push_provider import PushProvider, load_provider
from bots.simulated import simulated
from bots.sms import TwilioSms
from bots.wechat import WeChat
from bots.whatsapp import TwilioWhatsApp
from care.domain.message import Channel
from care.runtime import wall_clock
from care.services.channel_tokens import StoredTokens
from care.services.speaking import page
from care.settings import Settings

Sessions = Callable[[], AbstractContextManager[Session]]
"""Opens a session of one's own, for the channels that keep something in the database."""


def make_channels(
    settings: Settings,
    sink: Sink = to_screen,
    sessions: Sessions | None = None,
    clock: Callable[[], datetime] = wall_clock,
) -> dict[str, Channel]:
    """Every channel we have. The console is enabled in development only; `sink` is where its messages go.

    In a demonstration a simulated one stands in for each that is not configured.
    """
    console = ConsoleChannel(sink, enabled=settings.care_environment == "development")
    account: dict[str, Any] = {
        "account_sid": settings.twilio_account_sid,
        "auth_token": settings.twilio_auth_token.get_secret_value(),
        "previous_token": settings.twilio_auth_token_previous.get_secret_value(),
        "public_url": settings.public_url,
        "base_url": settings.twilio_base_url,
    }
    sms = TwilioSms(**account, sender=settings.twilio_sender, rate=settings.twilio_rate)
    whatsapp = TwilioWhatsApp(
        **account, sender=settings.twilio_whatsapp_sender, templates=settings.twilio_whatsapp_templates
    )
    push = PushChannel(_push_provider(settings), KeptRegistrations(sessions, clock) if sessions else None)
    channels: tuple[Channel, ...] = (console, sms, whatsapp, _wechat(settings, sessions), push)
    found = {channel.name: channel for channel in channels}
    return simulated(found) if settings.care_simulator else found


def _wechat(settings: Settings, sessions: Sessions | None) -> WeChat:
    """By the wall's clock, also in a demonstration: WeChat's calls and tokens are of this world's time."""
    return WeChat(
        app_id=settings.wechat_app_id,
        secret=settings.wechat_app_secret.get_secret_value(),
        token=settings.wechat_token.get_secret_value(),
        aes_key=settings.wechat_aes_key.get_secret_value(),
        previous_key=settings.wechat_aes_key_previous.get_secret_value(),
        mode=settings.wechat_mode,
        templates=settings.wechat_templates,
        page=page(settings.public_url),
        base_url=settings.wechat_base_url,
        tokens=StoredTokens(sessions) if sessions else None,
    )


def _push_provider(settings: Settings) -> PushProvider | None:
    """The provider that is configured. Raises CareError when it is not there; None for FCM without credentials."""
    if settings.push_provider != "fcm":
        return load_provider(settings.push_provider) if settings.push_provider else None
    from bots.push_fcm import FcmProvider, read_account

    credentials = settings.fcm_credentials.get_secret_value()
    return FcmProvider(read_account(credentials), settings.fcm_base_url) if credentials else None
