"""The console channel."""

from __future__ import annotations

from uuid import UUID

import pytest

from bots.console import ConsoleChannel
from care.domain.message import Outgoing, WebhookCall
from care.errors import ChannelError, NotAllowed

MESSAGE = Outgoing(UUID(int=7), "console", "desk", "hello")


def test_taking_is_delivering():
    taken: list[Outgoing] = []
    sent = ConsoleChannel(taken.append).send(MESSAGE)
    assert taken == [MESSAGE]
    assert sent.delivered
    assert str(MESSAGE.id) in sent.external_id


def test_a_disabled_console_takes_nothing():
    taken: list[Outgoing] = []
    with pytest.raises(ChannelError) as caught:
        ConsoleChannel(taken.append, enabled=False).send(MESSAGE)
    assert (caught.value.kind, taken) == ("refused", [])


def test_nobody_calls_the_console_over_the_network():
    with pytest.raises(NotAllowed):
        ConsoleChannel().verify(WebhookCall("POST", "/", "", {}, b""))
