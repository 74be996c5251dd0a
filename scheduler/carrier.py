"""The carrier: Dramatiq on RabbitMQ or Redis. Its messages hold a job's name and the ids of rows, and nothing else.

Imported only where CARE_BROKER_URL is set. Nothing rests on a message: the row is the truth and is claimed anew by
whoever gets the message, so a lost one costs time and a doubled one nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from uuid import UUID

import dramatiq
import redis
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from redis.backoff import NoBackoff
from redis.retry import Retry

from care.logs import logger
from scheduler.publisher import ROADS, Road

ACTOR = "work"
SECONDS_TO_CONNECT = 2
SECONDS_TO_ANSWER = 5
# A worker on Redis that is silent for so long is dead, and what it had fetched is put back. How many commands in a
# million look for that: by default so few that messages wait for a minute and more.
SILENT_MILLISECONDS = 15_000
LOOKS_IN_A_MILLION = 100_000
SECONDS_OF_SILENCE = 60.0

Act = Callable[[str, list[str]], None]


def broker_at(url: str, prefix: str) -> dramatiq.Broker:
    """A broker at this address (amqp, amqps, redis, rediss), not yet connected; `prefix` begins all names on it.

    It has no middleware: nothing is retried, delayed, timed or dropped there. The rows and the sweep see to that.
    """
    if url.startswith(("redis://", "rediss://")):
        client = redis.Redis.from_url(
            url,
            socket_connect_timeout=SECONDS_TO_CONNECT,
            socket_timeout=SECONDS_TO_ANSWER,
            retry=Retry(NoBackoff(), 1),
        )
        return RedisBroker(
            client=client,
            namespace=prefix,
            heartbeat_timeout=SILENT_MILLISECONDS,
            maintenance_chance=LOOKS_IN_A_MILLION,
            middleware=[],
        )
    # With confirmations a queue that has gone is made again, and a message that was not kept is known at once.
    broker = RabbitmqBroker(url=url, confirm_delivery=True, middleware=[])
    for one in broker.parameters if isinstance(broker.parameters, list) else [broker.parameters]:
        one.socket_timeout = SECONDS_TO_CONNECT
        one.stack_timeout = 2 * SECONDS_TO_CONNECT
        one.blocked_connection_timeout = SECONDS_TO_ANSWER
    return broker


def queue_name(prefix: str, road: Road) -> str:
    """What a road is called on the broker."""
    return f"{prefix}.{road}"


class Carrier:
    """The publishing end. One thread at a time may use it."""

    def __init__(self, broker: dramatiq.Broker, prefix: str) -> None:
        self._broker = broker
        self._prefix = prefix
        for road in ROADS:
            broker.declare_queue(queue_name(prefix, road))

    def send(self, road: Road, job: str, ids: Sequence[UUID]) -> None:
        """Hand one message to the broker. Raises what the broker's library raises when it is away."""
        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=queue_name(self._prefix, road),
            actor_name=ACTOR,
            args=(job, [str(one) for one in ids]),
            kwargs={},
            options={},
        )
        self._broker.enqueue(message)

    def close(self) -> None:
        """Let go of the connections."""
        self._broker.close()


def crew(broker: dramatiq.Broker, prefix: str, road: Road, act: Act, threads: int) -> dramatiq.Worker:
    """Workers for one road, not started: `act(job, ids)` is called for each message, in one of `threads` threads.

    The broker must be this crew's own: what else is declared on it would be worked too.
    """
    dramatiq.actor(actor_name=ACTOR, queue_name=queue_name(prefix, road), broker=broker)(act)
    return dramatiq.Worker(broker, worker_threads=threads, worker_timeout=200)


class Quietly(logging.Handler):
    """The broker libraries' own log, as one of ours: the words of their templates, never what was put into them.

    The same words come once a minute at most: a broker that is away is told of again and again, by every thread.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it, unless it was told just now."""
        words = str(record.msg).partition("\n")[0]
        now = time.monotonic()
        if now - self._told.get(words, -SECONDS_OF_SILENCE) < SECONDS_OF_SILENCE:
            return
        self._told[words] = now
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        logger().warning("broker", kind=record.name, reason=words, error=error)


def log_quietly() -> None:
    """Send what the broker libraries log, from warnings up, through our own log."""
    for name in ("dramatiq", "pika", "redis"):
        theirs = logging.getLogger(name)
        theirs.handlers = [Quietly()]
        theirs.propagate = False
        theirs.setLevel(logging.WARNING)
