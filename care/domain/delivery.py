"""Delivery: what is known of an outgoing message, and what a new piece of news changes.

What is known only ever grows: news that comes late, twice or out of order changes nothing, so any order of the same
news ends in one state. That a message arrived is the last word, because then it did, whatever was believed before.
"""

from __future__ import annotations

from datetime import timedelta

from care.domain.codes import CommunicationStatus, Delivery, Purpose

ATTEMPTS = 20
"""How often a message that a provider could not take is tried: almost four hours with the pauses below."""

LAST_WORD = timedelta(hours=24)
"""How long a receipt of delivery is waited for. Providers give a message up sooner than that."""

LOOK_AFTER = timedelta(seconds=20)
"""When a provider is first asked for a message of which it is not known whether it was taken."""

SURE_AFTER = timedelta(seconds=60)
"""From when on "I have no such message" is believed: before, it may not be in the provider's list yet."""

UNASKED = {True: timedelta(minutes=2), False: timedelta(minutes=15)}
"""How long a provider that cannot be asked is waited for; by whether the message is one that is sent again."""

_LONGEST_PAUSE = timedelta(minutes=15)
_EMERGENCY_ATTEMPTS, _EMERGENCY_PAUSE = 6, timedelta(minutes=1)

_KNOWN = {
    Delivery.QUEUED: 0,
    Delivery.SENDING: 1,
    Delivery.UNKNOWN: 2,
    Delivery.SENT_UNCONFIRMED: 3,
    Delivery.SENT: 4,
    Delivery.STOPPED: 5,
    Delivery.FAILED: 6,
    Delivery.DELIVERED: 7,
}
_STATUS = {
    Delivery.QUEUED: CommunicationStatus.PREPARATION,
    Delivery.SENT: CommunicationStatus.COMPLETED,
    Delivery.SENT_UNCONFIRMED: CommunicationStatus.COMPLETED,
    Delivery.DELIVERED: CommunicationStatus.COMPLETED,
    Delivery.FAILED: CommunicationStatus.NOT_DONE,
    Delivery.STOPPED: CommunicationStatus.NOT_DONE,
}
# Providers' words for what became of a message. Any other word tells nothing. That it waits at the provider says that
# it was taken, which is news where nobody had answered us.
_WORDS = {
    "accepted": Delivery.SENT,
    "scheduled": Delivery.SENT,
    "queued": Delivery.SENT,
    "sending": Delivery.SENT,
    "sent": Delivery.SENT,
    "delivered": Delivery.DELIVERED,
    "read": Delivery.DELIVERED,
    "undelivered": Delivery.FAILED,
    "failed": Delivery.FAILED,
    "canceled": Delivery.FAILED,
}


def is_news(known: Delivery, news: Delivery) -> bool:
    """Whether `news` says more than is `known` already."""
    return _KNOWN[news] > _KNOWN[known]


def settled(known: Delivery) -> bool:
    """Whether enough is known of a message that it need not be sent (again)."""
    return _KNOWN[known] > _KNOWN[Delivery.UNKNOWN]


def sent_again(purpose: Purpose) -> bool:
    """Whether a message that may have been lost is sent again: better a page twice than no page."""
    return purpose in (Purpose.PAGE, Purpose.EMERGENCY)


def never_waits(purpose: Purpose, priority: int) -> bool:
    """Whether a message overtakes what waits for the same address, and routine work altogether."""
    return priority > 0 or purpose in (Purpose.PAGE, Purpose.EMERGENCY, Purpose.SIGN_IN)


def status_of(known: Delivery) -> CommunicationStatus:
    """FHIR's status for it."""
    return _STATUS.get(known, CommunicationStatus.IN_PROGRESS)


def read_word(word: str) -> Delivery | None:
    """What a provider's word means; None when it tells nothing that we did not know."""
    return _WORDS.get(word.strip().lower())


def attempts_for(purpose: Purpose) -> int:
    """How often a message is tried. After some minutes a nurse must know that a patient in danger was not reached."""
    return _EMERGENCY_ATTEMPTS if purpose is Purpose.EMERGENCY else ATTEMPTS


def pause_after(attempts: int, asked: float | None, purpose: Purpose = Purpose.REPLY) -> timedelta:
    """How long to wait after so many failed attempts; `asked` is what the provider asked for, in seconds.

    An emergency reply waits a minute at most, whatever was asked.
    """
    if purpose is Purpose.EMERGENCY:
        return _EMERGENCY_PAUSE
    pause = min(timedelta(seconds=15 * 2 ** min(attempts, 10)), _LONGEST_PAUSE)
    return max(pause, timedelta(seconds=min(asked or 0.0, 86_400.0)))
