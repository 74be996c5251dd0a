"""SMS through Twilio. What the heart sees is care.domain.message.Channel."""

from __future__ import annotations

from bots.twilio_channel import SMS, TIMEOUT, TwilioChannel
from care.domain.message import Capabilities

__all__ = ["SEGMENTS", "TIMEOUT", "TwilioSms"]

SEGMENTS = 3  # parts of one message: each is paid, and a longer one is less sure to arrive whole


class TwilioSms(TwilioChannel):
    """Texts to a phone, and MMS from one.

    To the mainland of China they go one way, and a link in one is filtered; to Hong Kong they go both ways, but a
    picture arrives as a link (https://www.twilio.com/en-us/guidelines/cn/sms, .../hk/sms).
    """

    name = SMS
    capabilities = Capabilities(
        two_way=True,
        receipts=True,
        links=True,
        segments=SEGMENTS,
        media_in=True,
        data_location="US",
        by_country={
            "CN": {"two_way": False, "links": False, "segments": 8, "media_in": False},
            "HK": {"media_in": False},
        },
        can_look_up=True,
    )
