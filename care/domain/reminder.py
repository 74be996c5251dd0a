"""Reminder: whether a patient is reminded of a task now, later, or no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache

from care.domain.civil import instant, local, zone_of
from care.domain.codes import TaskStatus


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The hours in which a patient is not written to, in their own zone; may wrap midnight. Equal ends: none."""

    start: time = time(21)
    end: time = time(8)

    def covers(self, at: time) -> bool:
        """Whether this wall-clock time is quiet: from `start` on, up to but not including `end`."""
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end

    def over_at(self, now: datetime, zone: str) -> datetime:
        """`now`, or the instant at which the quiet hours that it falls in are over. Raises Invalid("unknown-zone")."""
        return _over_at(self, now, zone)

    def _over(self, now: datetime, zone: str) -> datetime:
        own = zone_of(zone)
        here = local(now, own)
        if not self.covers(here.time()):
            return now
        day = here.date() + timedelta(days=1 if here.time() >= self.end else 0)
        over = instant(datetime.combine(day, self.end), own)
        # Clocks that go back can repeat the end of the quiet hours: then it is over already.
        return max(over, now) if over is not None else now


@lru_cache(maxsize=1024)
def _over_at(quiet: QuietHours, now: datetime, zone: str) -> datetime:
    """A batch asks the same of one moment and a few zones."""
    return quiet._over(now, zone)


NO_QUIET = QuietHours(time(0), time(0))


@dataclass(frozen=True, slots=True)
class Due:
    """What is known of a task that may need a reminder. `remind_after` counts from `due_at`; times are aware, UTC.

    `overtaken`: after an outage, a newer task of the same action is due as well, and only that one is asked for.
    """

    status: TaskStatus
    due_at: datetime
    expires_at: datetime
    reminders_sent: int
    remind_after: tuple[timedelta, ...]
    answered: bool
    overtaken: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """Remind now; look again at `next_at` (the next nudge, or the expiry)."""

    next_at: datetime


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing now; look again at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Close:
    """The task is over. `reason`: answered, expired, no-consent (expired unasked) or already-closed."""

    status: TaskStatus
    reason: str


Decision = Send | Wait | Close


def decide(due: Due, now: datetime, zone: str, quiet: QuietHours, consented: bool) -> Decision:
    """Whether to remind now. Every answer but Close names the next moment to look.

    An outage is not made up for by a burst: a late reminder moves the nudge after it. Without consent the task stays
    open, since the patient may come back or answer in the app, but nothing is said. Raises Invalid("unknown-zone").
    """
    if due.status not in (TaskStatus.READY, TaskStatus.IN_PROGRESS):
        return Close(due.status, "already-closed")
    if due.answered:
        return Close(TaskStatus.COMPLETED, "answered")
    if now >= due.expires_at:
        return Close(TaskStatus.FAILED, "expired" if consented or due.reminders_sent else "no-consent")
    if not consented or due.overtaken or due.reminders_sent >= len(due.remind_after):
        return Wait(due.expires_at)
    moment = due.due_at + due.remind_after[due.reminders_sent]
    if now < moment:
        return Wait(min(moment, due.expires_at))
    allowed = quiet.over_at(now, zone)
    if allowed > now:
        return Wait(min(allowed, due.expires_at))
    return Send(_next_look(due, now))


def _next_look(due: Due, now: datetime) -> datetime:
    sent = due.reminders_sent
    if sent + 1 >= len(due.remind_after):
        return due.expires_at
    return min(now + due.remind_after[sent + 1] - due.remind_after[sent], due.expires_at)
