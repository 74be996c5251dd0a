"""The console channel: messages go to whatever the caller hands in as a sink; taking is delivering.

It is the channel of demos, replays and a developer's terminal. It is off in production unless somebody turns it on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime

from care.domain.message import Capabilities, Incoming, Outgoing, Receipt, Sent, WebhookCall
from care.errors import ChannelError, Invalid, NotAllowed

Sink = Callable[[Outgoing], None]


def to_screen(message: Outgoing) -> None:
    """Show a message to the person in front of the terminal."""
    sys.stdout.write(f"[console] to {message.to}: {message.text}\n")
    sys.stdout.flush()


class ConsoleChannel:
    """A channel without a provider. `sink` gets every message; what it raises is not caught."""

    name = "console"
    capabilities = Capabilities(two_way=True, receipts=False, links=True, private=True)

    def __init__(self, sink: Sink = to_screen, enabled: bool = True) -> None:
        self.sink = sink
        self.enabled = enabled

    def verify(self, call: WebhookCall) -> None:
        """Nobody calls the console over the network: always NotAllowed."""
        raise NotAllowed("no-webhook", "the console has no webhook")

    def read(self, call: WebhookCall, now: datetime) -> Incoming:
        """The console has nothing to read from a call: always Invalid."""
        raise Invalid("no-webhook", "the console has no webhook")

    def read_receipt(self, call: WebhookCall) -> Receipt:
        """The console sends no receipts: always Invalid."""
        raise Invalid("no-webhook", "the console has no webhook")

    def send(self, message: Outgoing) -> Sent:
        """Hand the message to the sink. Raises ChannelError (refused) when the channel is disabled."""
        if not self.enabled:
            raise ChannelError("refused", "disabled", "the console channel is disabled")
        self.sink(message)
        return Sent(f"console-{message.id}", delivered=True)
