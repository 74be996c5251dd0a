"""Incoming, Outgoing, Sent, Receipt and the Channel protocol: every channel is the same to the heart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """One HTTP call by a provider, as it came: nothing decoded or stripped, so that a signature can be checked."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Incoming:
    """One text by a person. Identity is (channel, sender): an opaque address, never "the phone number"."""

    channel: str
    sender: str
    text: str
    external_id: str
    received_at: datetime
    recipient: str = ""
    media: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message ready to leave. `id` is ours and travels in the callback address, so that a receipt always joins."""

    id: UUID
    channel: str
    to: str
    text: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took it. `delivered` is True only where taking is delivering (the console).

    `word` is the provider's word for what has become of it since, where a look-up told one.
    """

    external_id: str
    delivered: bool = False
    word: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider says later about a message: our `id` if it came back, the provider's id, its status word."""

    channel: str
    external_id: str
    status: str
    id: UUID | None = None
    error_code: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do. `receipts`: whether delivery is ever confirmed; `max_length` in characters, `segments` in
    SMS parts, which are paid one by one (0: the channel does not count them).

    `can_look_up`: whether the provider can be asked for a message. `rate`: messages a second its sender may hand over;
    0 is no limit.
    """

    two_way: bool = True
    receipts: bool = False
    links: bool = True
    max_length: int = 1600
    segments: int = 0
    countries_one_way: frozenset[str] = field(default_factory=frozenset)
    can_look_up: bool = False
    rate: float = 0.0


class Channel(Protocol):
    """A way to reach a person. Adapters live in `bots`; the heart sees only this."""

    name: str
    enabled: bool
    capabilities: Capabilities

    def verify(self, call: WebhookCall) -> None:
        """Raise NotAllowed unless the call was really made by the provider, for our account."""

    def read(self, call: WebhookCall, now: datetime) -> Incoming:
        """The text in a verified call. Raises Invalid."""

    def send(self, message: Outgoing) -> Sent:
        """Hand a message to the provider. Raises ChannelError with the kind that decides what happens next."""

    def read_receipt(self, call: WebhookCall) -> Receipt:
        """The receipt in a verified call. Raises Invalid."""


class Askable(Channel, Protocol):
    """A channel with `capabilities.can_look_up`: its provider can be asked what it has."""

    def look_up(self, message: Outgoing, since: datetime) -> list[Sent]:
        """What the provider took for us since then that looks like this message, oldest first.

        Empty: it certainly has none. Two messages of ours may look alike, so the caller leaves out those it knows.
        Raises ChannelError when the provider cannot be asked.
        """
