"""Hours of a week on the wall clock: when a team is at work, and when somebody is on call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from care.errors import Invalid

DAY = 24 * 60
WEEK = 7 * DAY
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start` until `end` on these days (0 is Monday); an `end` that is not after `start` is the next day's.

    Start and end at the same time are a whole day. Raises Invalid without a day, with one that is none, and with
    seconds, which no rota has.
    """

    days: tuple[int, ...]
    start: time
    end: time

    def __post_init__(self) -> None:
        """Hours that mean nothing cannot be made."""
        if not self.days or any(day not in range(7) for day in self.days):
            raise Invalid("hours", "choose at least one day of the week", place="days")
        if any(at.second or at.microsecond or at.tzinfo for at in (self.start, self.end)):
            raise Invalid("hours", "hours are written as hours and minutes", place="start")

    def minutes(self) -> frozenset[int]:
        """The minutes of the week (0 is Monday 00:00) that they hold; Sunday's night runs into Monday's morning."""
        first, length = self._span()
        return frozenset((day * DAY + first + one) % WEEK for day in self.days for one in range(length))

    def hold(self, minute: int) -> bool:
        """Whether a minute of the week lies within them."""
        first, length = self._span()
        return any((minute - day * DAY - first) % WEEK < length for day in self.days)

    def _span(self) -> tuple[int, int]:
        """The minute of the day at which they begin, and how many there are."""
        first = _minute(self.start)
        return first, (_minute(self.end) - first) % DAY or DAY


def minute_of_week(wall: datetime) -> int:
    """The minute of the week of a naive wall-clock time; what exists twice when clocks go back is one minute here."""
    return wall.weekday() * DAY + wall.hour * 60 + wall.minute


def minutes_of(hours: Iterable[Hours]) -> frozenset[int]:
    """All minutes of the week that any of them holds."""
    found: frozenset[int] = frozenset()
    for one in hours:
        found |= one.minutes()
    return found


def stretches(minutes: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Minutes of the week as stretches (first, end), in order; the end is not part of it and may be WEEK."""
    found: list[list[int]] = []
    for minute in sorted(minutes):
        if found and found[-1][1] == minute:
            found[-1][1] = minute + 1
        else:
            found.append([minute, minute + 1])
    return tuple((first, end) for first, end in found)


def said(minute: int) -> str:
    """A minute of the week in words: 'Monday 07:30'."""
    day, rest = divmod(minute % WEEK, DAY)
    return f"{DAYS[day]} {rest // 60:02d}:{rest % 60:02d}"


def document_of(hours: Hours) -> dict[str, Any]:
    """As it is kept."""
    return {"days": list(hours.days), "start": f"{hours.start:%H:%M}", "end": f"{hours.end:%H:%M}"}


def hours_of(document: Mapping[str, Any]) -> Hours:
    """As it was kept. Raises Invalid."""
    try:
        start, end = time.fromisoformat(document["start"]), time.fromisoformat(document["end"])
    except (KeyError, TypeError, ValueError):
        raise Invalid("hours", "write hours as 07:30", place="start") from None
    return Hours(tuple(document.get("days", ())), start, end)


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute
