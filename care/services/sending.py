"""Sending: a batch of messages handed to their channels. No database here: none is held while a provider is slow."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from care.domain.message import Channel, Outgoing, Sent
from care.errors import ChannelError
from care.logs import logger

Outcome = Sent | ChannelError | None
"""What became of one message; None when its turn did not come, so that it can safely be tried later."""

WORKERS = 8
INSTANT = ("console",)  # nothing to wait for, so threads would only cost


def send_all(channels: Mapping[str, Channel], messages: Iterable[Outgoing], seconds: float) -> dict[UUID, Outcome]:
    """Send the messages, those to one address one after another, and say what became of each.

    Nothing is begun after `seconds`. When one can't be taken now, those behind it to the same address wait with it.
    """
    deadline = time.monotonic() + seconds
    chains: dict[tuple[str, str], list[Outgoing]] = {}
    for message in messages:
        chains.setdefault((message.channel, message.to), []).append(message)
    outcomes: dict[UUID, Outcome] = {}
    slow = []
    for (name, _), chain in chains.items():
        if name in INSTANT:
            outcomes.update(_send_chain(channels.get(name), chain, deadline))
        else:
            slow.append((channels.get(name), chain))
    if slow:
        with ThreadPoolExecutor(max_workers=min(WORKERS, len(slow))) as pool:
            for found in pool.map(lambda one: _send_chain(one[0], one[1], deadline), slow):
                outcomes.update(found)
    return outcomes


def _send_chain(channel: Channel | None, chain: list[Outgoing], deadline: float) -> dict[UUID, Outcome]:
    outcomes: dict[UUID, Outcome] = {}
    waiting = False
    for message in chain:
        if waiting or time.monotonic() > deadline:
            outcomes[message.id] = None
            continue
        outcome = _send(channel, message)
        outcomes[message.id] = outcome
        waiting = isinstance(outcome, ChannelError) and outcome.kind == "retryable"
    return outcomes


def _send(channel: Channel | None, message: Outgoing) -> Sent | ChannelError:
    if channel is None or not channel.enabled:
        return ChannelError("retryable", "no-channel")
    try:
        return channel.send(message)
    except ChannelError as error:
        return error
    except Exception as error:  # noqa: BLE001
        # An adapter's mistake: the provider may have the message, so it counts as unknown, not as failed.
        logger().error("a channel broke", channel=message.channel, communication_id=str(message.id), exc_info=error)
        return ChannelError("unknown", type(error).__name__)
