"""Incoming, Outgoing, Sent, Receipt and the Channel protocol: every channel is the same to the heart.

What a channel can do differs by country, so what is decided by it is decided by `Capabilities.in_country`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol
from uuid import UUID

from care.errors import ChannelErrorKind


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """One HTTP call by a provider, as it came: nothing decoded or stripped, so that a signature can be checked.

    `read` is where a channel keeps what it has made of the body, so that verifying and reading parse it once.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    read: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


MediumKind = Literal["image", "voice", "video", "file", "location", "link", "other"]


@dataclass(frozen=True, slots=True)
class Medium:
    """Something that came with a text, and is a person's to look at: it is never read as an answer.

    `reference` is where its channel gets it from (an address, a media id); "" where there is nothing to get, and `note`
    says it all (a place, a link's title, what a provider made of a voice).
    """

    kind: MediumKind
    reference: str = ""
    content_type: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a channel got for a Medium: the bytes, and their type as the sender's provider names it."""

    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """One text by a person. Identity is (channel, sender): an opaque address, never "the phone number".

    `event` is for what a person does without a text: "followed", "unfollowed", "menu:<key>"; then `text` is "".
    `raw_note` says what is odd about the text as it came ("maybe-base64"); a person is told.
    """

    channel: str
    sender: str
    text: str
    external_id: str
    received_at: datetime
    recipient: str = ""
    media: tuple[Medium, ...] = ()
    event: str = ""
    raw_note: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message ready to leave. `id` is ours and travels in the callback address, so that a receipt always joins.

    `notice` is the key of the library's text when the message is one of its constant notices (what a template or a push
    may carry), and "" when the words are its own. `window_open` is False when the channel has a window (see
    Capabilities.window) and it has closed: then only a template may leave.
    """

    id: UUID
    channel: str
    to: str
    text: str
    notice: str = ""
    language: str = ""
    window_open: bool = True


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
    """What a provider says later about a message: our `id` if it came back, the provider's id, its status word.

    `kind` is what its `error_code` means (see ChannelError), "" where it has none or nobody knows: an opt-out that is
    heard of only now is recorded like one that is heard of at once.
    """

    channel: str
    external_id: str
    status: str
    id: UUID | None = None
    error_code: str = ""
    kind: ChannelErrorKind | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do; `in_country` says it for one country.

    `receipts`: whether delivery is ever confirmed. `max_length` in characters, `max_bytes` in UTF-8 (0: not counted),
    `segments` in SMS parts, which are paid one by one (0: the channel does not count them). `media_in`, `media_out`:
    whether pictures can come and go. `window`: how long after the patient's last text free words may be sent (None: at
    any time); after it only a `notice` leaves, as a template. `quota`: how many messages may follow one text of the
    patient within the window (0: any). `notices_only`: never anything but a notice. `private`: what it shows stands
    behind a sign-in, not on a lock screen. `reaches`: False where what it sends does not arrive on most phones.
    `data_location`: ISO 3166 alpha-2 of where the provider keeps what is sent. `can_look_up`: whether the provider can
    be asked for a message. `rate`: messages a second its sender may hand over; 0 is no limit. `by_country`: what
    differs there, by ISO 3166 alpha-2.
    """

    two_way: bool = True
    receipts: bool = False
    links: bool = True
    max_length: int = 1600
    max_bytes: int = 0
    segments: int = 0
    media_in: bool = False
    media_out: bool = False
    window: timedelta | None = None
    quota: int = 0
    notices_only: bool = False
    private: bool = False
    reaches: bool = True
    data_location: str = ""
    can_look_up: bool = False
    rate: float = 0.0
    by_country: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def in_country(self, country: str) -> Capabilities:
        """The capabilities for a patient there."""
        differs = self.by_country.get(country)
        return replace(self, by_country={}, **differs) if differs else self


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


class Fetching(Channel, Protocol):
    """A channel with `capabilities.media_in`: it can get what came with a text."""

    def fetch(self, medium: Medium) -> Fetched:
        """Get it from the provider's own hosts only, within limits of size and time.

        Raises ChannelError: `retryable` when the provider is away, `permanent` when it is gone, too large or no medium.
        """


class Askable(Channel, Protocol):
    """A channel with `capabilities.can_look_up`: its provider can be asked what it has."""

    def look_up(self, message: Outgoing, since: datetime) -> list[Sent]:
        """What the provider took for us since then that looks like this message, oldest first.

        Empty: it certainly has none. Two messages of ours may look alike, so the caller leaves out those it knows.
        Raises ChannelError when the provider cannot be asked.
        """
