"""Doubts: messages of which nobody knows whether the provider took them. Each ends resolved, or where a nurse sees it.

A receipt may settle one at any time. Where the provider can be asked it is asked, soon and once more; a message is sent
again only after that, and only if it is one that is better sent twice than not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from care.domain.codes import Purpose
from care.domain.delivery import ATTEMPTS, LOOK_AFTER, SURE_AFTER, UNASKED, sent_again
from care.runtime import Runtime
from care.services.claiming import Leaving
from care.services.departures import Later

MARGIN = timedelta(minutes=5)  # what the provider's clock and ours may differ by
_SHORTEST = timedelta(seconds=5)
_ANSWERED = ("accepted", "completed")


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the provider what it has taken since then."""

    since: datetime


@dataclass(frozen=True, slots=True)
class Again:
    """Send it again: it was not taken, or nobody can say, and it is better sent twice."""


@dataclass(frozen=True, slots=True)
class Lose:
    """Never again by itself; a nurse is told. `reason` is a code."""

    reason: str


Verdict = Ask | Later | Again | Lose


def doubt(rt: Runtime, message: Leaving, now: datetime) -> Verdict:
    """What to do about a message that was handed over without an answer: marked unknown, or its sender died."""
    asked_of = rt.channels.get(message.channel)
    since = message.handed_at or now - MARGIN
    again = sent_again(Purpose(message.purpose))
    if asked_of is not None and asked_of.capabilities.can_look_up:
        line = rt.lines.line(message.channel)
        if asked_of.enabled and line.state() != "open":
            return Ask(since - MARGIN)
        if _elapsed(message, now) < UNASKED[again]:
            return Later(now + max(_SHORTEST, timedelta(seconds=line.wait())))
    elif again and _elapsed(message, now) < SURE_AFTER:
        return Later(since + SURE_AFTER)  # a receipt may still come
    return sentence(message, "sender-died" if message.delivery == "sending" else "no-answer")


def not_taken(message: Leaving, now: datetime) -> Verdict:
    """The provider has no such message. At first that may only mean: not in its list yet."""
    if _elapsed(message, now) < SURE_AFTER:
        return Later((message.handed_at or now) + SURE_AFTER)
    return sentence(message, "not-taken")


def not_told(message: Leaving, now: datetime) -> Verdict:
    """The provider could not be asked."""
    if _elapsed(message, now) < UNASKED[sent_again(Purpose(message.purpose))]:
        return Later(now + LOOK_AFTER)
    return sentence(message, "no-answer")


def sentence(message: Leaving, reason: str) -> Again | Lose:
    """By policy: pages that nobody has answered and emergency replies again, anything else never."""
    again = sent_again(Purpose(message.purpose)) and message.attempts < ATTEMPTS
    return Again() if again and message.escalation not in _ANSWERED else Lose(reason)


def _elapsed(message: Leaving, now: datetime) -> timedelta:
    """Time since it was handed over, by a clock that may have been put back meanwhile."""
    return abs(now - message.handed_at) if message.handed_at else timedelta.max
