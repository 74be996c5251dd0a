"""Errands: one message to hand over, or to ask a provider for, and the post in which what became of it comes in."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

from care.domain.message import Askable, Channel, Outgoing, Sent
from care.errors import ChannelError
from care.logs import logger


@dataclass(frozen=True, slots=True)
class Found:
    """What a provider has that looks like the message it was asked for, oldest first."""

    sent: tuple[Sent, ...]


Outcome = Sent | Found | ChannelError | None
"""What became of an errand; None when its turn did not come, so that it can safely be tried later."""


@dataclass(slots=True, eq=False)
class Errand:
    """One message to hand over or, with `since`, to ask the provider for. `urgent` ones overtake the others.

    `turn` is the number of the claim: an outcome of an earlier one is not believed to be the latest news. A turn that
    did not come is given again, so `handed_at` tells the two apart.
    """

    message: Outgoing
    channel: Channel | None
    post: Post
    urgent: bool = False
    since: datetime | None = None
    turn: int = 0
    handed_at: datetime | None = None


@dataclass(slots=True, eq=False)
class Post:
    """Where the outcomes of what one caller handed over come in. `unwritten` are those not yet in the database."""

    out: int = 0
    unwritten: list[tuple[Errand, Outcome]] = field(default_factory=list)
    broken: BaseException | None = None
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    def bring(self, errand: Errand, outcome: Outcome, broken: BaseException | None = None) -> None:
        """Put an outcome in."""
        with self._arrived:
            self.out -= 1
            self.broken = self.broken or broken
            if broken is None:
                self.unwritten.append((errand, outcome))
            if self.out <= 0 or self.broken:
                self._arrived.notify_all()

    def expect(self, count: int) -> None:
        """So many more are out."""
        with self._arrived:
            self.out += count

    def take(self, seconds: float) -> list[tuple[Errand, Outcome]]:
        """What has come in and is not written yet: when all are in, or after `seconds`. Raises what ended one."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while self.out > 0 and not self.broken and (left := deadline - time.monotonic()) > 0:
                self._arrived.wait(left)
            if self.broken:
                broken, self.broken = self.broken, None
                raise broken
            return list(self.unwritten)

    def written(self, count: int) -> None:
        """The first `count` are in the database."""
        with self._arrived:
            del self.unwritten[:count]


def run(errand: Errand) -> Outcome:
    """Do one errand, here and now. Only what ends a process passes through."""
    channel, message = errand.channel, errand.message
    if channel is None or not channel.enabled:
        return ChannelError("retryable", "no-channel")
    try:
        if errand.since is None:
            return channel.send(message)
        asked: Askable = channel  # type: ignore[assignment]
        return Found(tuple(asked.look_up(message, errand.since)))
    except ChannelError as error:
        return error
    except Exception as error:  # noqa: BLE001
        # An adapter's mistake: the provider may have the message, so it counts as unknown, not as failed.
        logger().error("a channel broke", channel=message.channel, communication_id=str(message.id), exc_info=error)
        return ChannelError("unknown", type(error).__name__)
