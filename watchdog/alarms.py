"""Alarms: what is wrong, and when to say so: at once, again while it lasts, and once more when it is over.

Values in, values out; moments are seconds of a clock that only goes forward.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

SETTLED = 60.0  # seconds without it after which an alarm is over, so that one that flickers does not chatter


@dataclass(frozen=True, slots=True)
class Alarm:
    """`code` is stable and in docs/operations.md; `subject` tells two of a code apart; `text` is for a person."""

    code: str
    subject: str
    text: str

    @property
    def key(self) -> tuple[str, str]:
        """What makes two sightings the same alarm."""
        return self.code, self.subject


@dataclass(slots=True)
class _Standing:
    alarm: Alarm
    seen_at: float
    told_at: float | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What is to be said now."""

    alarms: tuple[Alarm, ...] = ()
    over: tuple[Alarm, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.alarms or self.over)


@dataclass(slots=True)
class Book:
    """Which alarms stand, and when each was last told. `repeat` is the pause before it is told again."""

    repeat: float
    _standing: dict[tuple[str, str], _Standing] = field(default_factory=dict)
    _over: dict[tuple[str, str], Alarm] = field(default_factory=dict)

    def note(self, seen: Iterable[Alarm], at: float) -> News:
        """Take in what a look has seen; what is to be said of it. Whoever says it calls `told`."""
        for alarm in seen:
            standing = self._standing.setdefault(alarm.key, _Standing(alarm, at))
            standing.alarm, standing.seen_at = alarm, at
            self._over.pop(alarm.key, None)
        for key, standing in list(self._standing.items()):
            if at - standing.seen_at >= SETTLED:
                del self._standing[key]
                if standing.told_at is not None:
                    self._over[key] = standing.alarm
        due = (
            one.alarm
            for one in self._standing.values()
            if one.told_at is None or (one.seen_at == at and at - one.told_at >= self.repeat)
        )
        return News(tuple(due), tuple(self._over.values()))

    def told(self, news: News, at: float) -> None:
        """Somebody has been told. Without this call the same news comes again at the next look."""
        for alarm in news.alarms:
            if alarm.key in self._standing:
                self._standing[alarm.key].told_at = at
        for alarm in news.over:
            self._over.pop(alarm.key, None)


def words(name: str, news: News) -> str:
    """The news as one short text."""
    lines = [f"ALARM {alarm.code}: {alarm.text}" for alarm in news.alarms]
    lines += [f"over: {alarm.code} {alarm.subject}".rstrip() for alarm in news.over]
    return f"{name} watchdog. " + ". ".join(lines) + ("." if lines else "")
