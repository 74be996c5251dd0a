"""Departure: whether a message's own words may leave by a channel now, or only a notice that says nothing of them.

A phone shows what comes on its lock screen, to whoever holds it. So what nobody asked for leaves as a notice wherever a
channel does not stand behind a sign-in, and the words wait in the app. Channels with a window (WhatsApp, WeChat) take
free words only for a time after the patient's last text, and WeChat only so many for one text.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from care.domain.codes import Purpose
from care.domain.message import Capabilities

Leaves = Literal["words", "notice", "later", "never"]

LATELY = timedelta(hours=24)
"""How long after their own text a patient may be shown a nurse's words: they are in conversation there."""

MARGIN = timedelta(minutes=1)
"""A window counts as closed so much earlier: between our clock and the provider's lie a queue and a line."""

WANTS_ANSWER = frozenset({Purpose.REMINDER, Purpose.QUESTION, Purpose.REPLY})
"""What may hold a question, so that its words need a way back."""

_WAITS = frozenset({Purpose.QUESTION, Purpose.REPLY})
_NOTICES = {
    Purpose.REMINDER: "notice-reminder",
    Purpose.QUESTION: "notice-message",
    Purpose.REPLY: "notice-message",
    Purpose.NURSE: "notice-message",
}


def notice_for(purpose: Purpose, notice: str | None = None) -> str | None:
    """The key of what may stand for a message's words: its own notice, else its purpose's; None: nothing may.

    Nothing stands for an emergency reply, a code, or a page: it is the words or another way.
    """
    return notice or _NOTICES.get(purpose)


def window_open(able: Capabilities, spoke_at: datetime | None, now: datetime) -> bool:
    """Whether free words may be sent; `spoke_at` is when somebody last wrote to us from that address."""
    if able.window is None:
        return True
    return spoke_at is not None and now < spoke_at + able.window - MARGIN


def leaves_as(
    able: Capabilities,
    purpose: Purpose,
    notice: str | None,
    spoke_at: datetime | None,
    answered_since: int,
    now: datetime,
    *,
    links: bool = False,
) -> Leaves:
    """What leaves of a message by a channel that is `able` (in the patient's country).

    `notice` is what may stand for it, `spoke_at` the patient's last text from that address, `answered_since` how many
    of our messages have followed it, `links` whether the words hold a link. "later" is what has to wait for the
    patient's next text, "never" what must go another way or fail where a nurse sees it.
    """
    stands_in: Leaves = "notice" if notice else "never"
    if able.notices_only or not window_open(able, spoke_at, now):
        return stands_in
    if able.window is not None and able.quota and answered_since >= able.quota:
        return "later" if purpose in _WAITS else stands_in
    if (links and not able.links) or (purpose in WANTS_ANSWER and not able.two_way):
        return stands_in
    if able.private or not _unasked(purpose, spoke_at, now):
        return "words"
    return stands_in


def depends_on_texts(able: Capabilities, purpose: Purpose) -> bool:
    """Whether `spoke_at` and `answered_since` are needed at all; they cost a look at the conversation."""
    if able.notices_only:
        return False
    return able.window is not None or (purpose is Purpose.NURSE and not able.private)


def _unasked(purpose: Purpose, spoke_at: datetime | None, now: datetime) -> bool:
    """Whether a message comes by itself: a reminder does, and a nurse's words to who has not written lately."""
    if purpose is Purpose.NURSE:
        return spoke_at is None or now >= spoke_at + LATELY
    return purpose is Purpose.REMINDER
