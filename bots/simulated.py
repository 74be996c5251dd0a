"""Simulated channels: a phone in the browser instead of a provider. For demonstrations, and never in production.

A simulated channel has the name and the capabilities of the real one, so that everything that is decided by them is
decided as it would be with the provider. What it was handed is read from the outbox by whoever shows the phones: the
processes share a database and nothing else.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from care.domain.message import Capabilities, Channel, Fetched, Incoming, Medium, Outgoing, Receipt, Sent, WebhookCall
from care.errors import ChannelError, Invalid, NotAllowed

PHOTO = "simulated:photo"
_SIDE = 240


class SimulatedChannel:
    """A provider that takes every message. It has nothing that could be looked up, and no webhook."""

    enabled = True

    def __init__(self, name: str, capabilities: Capabilities) -> None:
        self.name = name
        self.capabilities = replace(capabilities, can_look_up=False, rate=0.0)

    def send(self, message: Outgoing) -> Sent:
        """Take it. Where the real provider confirms nothing later, taking is all that is ever known."""
        return Sent(f"simulated-{message.id}")

    def fetch(self, medium: Medium) -> Fetched:
        """The picture that a simulated phone sends: made here, and the same every time for the same reference.

        Raises ChannelError (permanent) for any other reference.
        """
        if not medium.reference.startswith(PHOTO):
            raise ChannelError("permanent", "no-medium", "a simulated phone sends pictures only")
        return Fetched(_picture(medium.reference), "image/jpeg")

    def verify(self, call: WebhookCall) -> None:
        """Nobody calls from outside: always NotAllowed."""
        raise NotAllowed("no-webhook", "a simulated channel has no webhook")

    def read(self, call: WebhookCall, now: datetime) -> Incoming:
        """Always Invalid."""
        raise Invalid("no-webhook", "a simulated channel has no webhook")

    def read_receipt(self, call: WebhookCall) -> Receipt:
        """Always Invalid."""
        raise Invalid("no-webhook", "a simulated channel has no webhook")


def simulated(channels: Mapping[str, Channel]) -> dict[str, Channel]:
    """These channels, with a simulated one in the place of each that is not configured. The console stays."""
    return {
        name: channel if channel.enabled or name == "console" else SimulatedChannel(name, channel.capabilities)
        for name, channel in channels.items()
    }


def _picture(reference: str) -> bytes:
    """A plainly invented picture: a red patch on skin, where the reference says."""
    from PIL import Image, ImageDraw, ImageFilter  # a Care without a demonstration never draws one

    seed = zlib.crc32(reference.encode())
    left, top = 60 + seed % 60, 60 + (seed >> 8) % 60
    image = Image.new("RGB", (_SIDE, _SIDE), (226, 188, 164))
    draw = ImageDraw.Draw(image)
    draw.ellipse((left, top, left + 90, top + 70), fill=(196, 96, 88))
    draw.ellipse((left + 24, top + 18, left + 66, top + 52), fill=(170, 62, 60))
    kept = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(6)).save(kept, "JPEG", quality=85)
    return kept.getvalue()
