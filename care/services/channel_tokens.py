"""Tokens of channels: got by one process at a time, sealed in the database, and known to all.

A provider that gives out one valid token at a time invalidates the one before: two processes that each get their own
would take turns in breaking the other's. So there is a lock, and who waited for it uses what the other got.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from care.errors import ChannelError
from care.records.channel_tokens import ChannelToken, token_of

EARLY = timedelta(minutes=5)
"""So long before its end a token is renewed; the old one is good for as long beside the new one."""

APART = timedelta(seconds=30)
"""How long after a new token was insisted on it may be done again: WeChat's own limit, and ours on a storm."""

_LOCK = text("SELECT pg_advisory_xact_lock(CAST(:key AS bigint))")


@dataclass(frozen=True, slots=True)
class Fresh:
    """A token as its provider gave it, and how many seconds it is good for."""

    token: str
    seconds: float


Get = Callable[[bool], Fresh]
"""Asks the provider: get(force). Raises ChannelError."""


class Tokens(Protocol):
    """Where a channel's token is kept."""

    def token(self, account: str, now: datetime, get: Get, refused: str = "") -> str:
        """A token that is good now, and another one than `refused`. Raises ChannelError (retryable) without one."""


class OwnTokens:
    """Tokens of this process alone: for a process without a database, and for tests."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, datetime]] = {}
        self._forced: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def token(self, account: str, now: datetime, get: Get, refused: str = "") -> str:
        with self._lock:
            token, until = self._known.get(account, ("", now))
            if token and until > now and token != refused:
                return token
            fresh, forced = _renewed(get, refused, self._forced.get(account), now)
            if forced is not None:
                self._forced[account] = forced
            self._known[account] = fresh.token, _good_until(fresh, now)
            return fresh.token


class StoredTokens:
    """Tokens in the database, shared by all processes; this one remembers what it read until it is renewed."""

    def __init__(self, open_session: Callable[[], AbstractContextManager[Session]]) -> None:
        self._open = open_session
        self._known: dict[str, tuple[str, datetime]] = {}

    def token(self, account: str, now: datetime, get: Get, refused: str = "") -> str:
        token, until = self._known.get(account, ("", now))
        if token and until > now and token != refused:
            return token
        try:
            with self._open() as session:
                token, until = self._shared(session, account, now, get, refused)
        except SQLAlchemyError:
            # The message has not left: it is tried again when the database is back.
            raise ChannelError("retryable", "no-database", "the channel's token cannot be read now") from None
        self._known[account] = token, until
        return token

    def _shared(self, session: Session, account: str, now: datetime, get: Get, refused: str) -> tuple[str, datetime]:
        """What the database has, if it is good; else a new one, got while everybody else waits; commits."""
        row = token_of(session, account)
        if row is None or not _good(row, now, refused):
            # Held over the provider's answer, which has its deadline: it happens once in two hours.
            session.execute(_LOCK, {"key": _key(account)})
            row = token_of(session, account)
        if row is None or not _good(row, now, refused):
            fresh, forced = _renewed(get, refused, row.forced_at if row else None, now)
            if row is None:
                row = ChannelToken(account=account)
                session.add(row)
            row.token, row.expires_at = fresh.token, _good_until(fresh, now)
            row.forced_at = forced or row.forced_at
        found = str(row.token), row.expires_at
        session.commit()
        return found


def _good(row: ChannelToken, now: datetime, refused: str) -> bool:
    return row.expires_at > now and str(row.token) != refused


def _good_until(fresh: Fresh, now: datetime) -> datetime:
    return now + max(timedelta(seconds=fresh.seconds) - EARLY, timedelta(seconds=fresh.seconds / 2))


def _renewed(get: Get, refused: str, forced_at: datetime | None, now: datetime) -> tuple[Fresh, datetime | None]:
    """A new token, and now if it had to be insisted on: where the provider still gives out the one that it refuses.

    Raises ChannelError("retryable") when that was done a moment ago: insisting more often helps nobody.
    """
    fresh = get(False)
    if fresh.token != refused:
        return fresh, None
    if forced_at is not None and now - forced_at < APART:
        raise ChannelError(
            "retryable", "token", "the provider refuses its own token", retry_after=APART.total_seconds()
        )
    return get(True), now


def _key(account: str) -> int:
    return int.from_bytes(hashlib.sha256(f"channel-token:{account}".encode()).digest()[:8], "big", signed=True)
