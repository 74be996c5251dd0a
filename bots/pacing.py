"""Pacing in Redis: the same bucket as the database's, without a row that every sender waits for."""

from __future__ import annotations

from typing import Any

from care.domain.pacing import burst_of
from care.logs import logger
from care.services import pacing

TIMEOUT = 0.5  # seconds: a Redis that is slower is worse than none
_KEEP = 3600  # seconds after which the bucket of a sender that says nothing is forgotten (it is full by then)
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local rate, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = burst
if held[1] then
  tokens = math.min(burst, tonumber(held[1]) + math.max(0, now - tonumber(held[2])) * rate)
end
local granted = wanted
if ARGV[4] == '0' then granted = math.max(0, math.min(wanted, math.floor(tokens))) end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens - granted), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], ARGV[5])
return granted
"""


class RedisPacer:
    """A bucket a sender in the Redis at `url`. While Redis is away the database counts."""

    def __init__(self, url: str) -> None:
        import redis

        self._away = redis.RedisError
        client: Any = redis.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)
        self._take = client.register_script(_TAKE)

    def __call__(self, session: Any, sender: str, rate: float, wanted: int, overdraw: bool) -> int:
        """Take up to `wanted` tokens of `sender` (all when `overdraw`); returns how many there were."""
        try:
            return int(
                self._take(keys=[f"care:pace:{sender}"], args=[rate, burst_of(rate), wanted, int(overdraw), _KEEP])
            )
        except self._away as error:
            logger().warning("redis away, the database counts", error=type(error).__name__)
            return pacing.take(session, sender, rate, wanted, overdraw)
