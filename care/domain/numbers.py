"""Numbers: does a team keep up, are its alerts right? Counts that add up, and shares that say how sure they are.

What is not known is counted beside what is, and never among it: an alert whose patient could not be reached is neither
right nor wrong, and a task that nobody was asked is neither answered nor missed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from care.domain.codes import Outcome
from care.domain.monitoring import Z, wilson

RIGHT = frozenset({Outcome.PHONED, Outcome.ACTED, Outcome.ADJUSTED, Outcome.SENT_TO_EMERGENCY})
"""An alert was right when somebody did something for the patient because of it: an actionable alarm leads to an
intervention or a consultation (Bonafide et al., J Hosp Med 2015;10:345-351)."""
WRONG = frozenset({Outcome.NO_ACTION_NEEDED, Outcome.FALSE_ALARM})
"""It was wrong when it was false, and when it was true and nothing had to be done: the same source counts both as
nonactionable."""
UNCLEAR = frozenset({Outcome.COULD_NOT_REACH})
"""Closed, and nobody knows: it counts neither way and is shown."""

SMALL = 30
"""Ours: below so many, a share of a half is unsure by eighteen percentage points and more either way."""

PAUSE, ALONE = timedelta(minutes=5), timedelta(minutes=1)
"""Nurse minutes: from one recorded act to the next of the same person; where that takes longer than PAUSE they did
something that leaves no trace, and the act counts for ALONE. Ours: studies of audit logs differ in both numbers
(Rule, Chiang, Hribar, J Am Med Inform Assoc 2020;27:480-490), so it is for comparing weeks, not for paying wages."""

WEEKS = (4, 12, 26, 52)
"""How many weeks can be looked at."""

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of`, with the 95 % interval (Wilson 1927); all None when there is nothing to divide by."""

    count: int
    of: int
    value: float | None
    low: float | None
    high: float | None

    @property
    def small(self) -> bool:
        """Whether there are too few to say much."""
        return 0 < self.of < SMALL


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` for every hundred of `of`, with the 95 % interval of a count (Byar's approximation)."""

    count: int
    of: int
    value: float | None
    low: float | None
    high: float | None

    @property
    def small(self) -> bool:
        """Whether there are too few to say much."""
        return 0 < self.of < SMALL


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one cell (a week of a team's patients of one language, say); they add up."""

    answered: int = 0
    unanswered: int = 0
    not_asked: int = 0
    not_over: int = 0
    reports: int = 0
    alerts: int = 0
    right: int = 0
    wrong: int = 0
    unclear: int = 0
    undecided: int = 0
    in_time: int = 0
    late: int = 0
    waiting: int = 0
    acts: int = 0
    seconds: int = 0

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Tally)))

    @property
    def response(self) -> Share:
        """Answered, of what was asked and is over."""
        return share(self.answered, self.answered + self.unanswered)

    @property
    def per_hundred(self) -> Rate:
        """Alerts for every hundred reports."""
        return rate(self.alerts, self.reports)

    @property
    def precision(self) -> Share:
        """Right, of what is known to be right or wrong."""
        return share(self.right, self.right + self.wrong)

    @property
    def seen(self) -> Share:
        """Looked at in time, of those whose time is over or that were looked at."""
        return share(self.in_time, self.in_time + self.late)

    @property
    def minutes(self) -> int:
        """Nurse minutes, rounded."""
        return round(self.seconds / 60)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole weeks, Monday to Sunday on the hospital's wall clock, the running one last: since <= t < until."""

    first: date
    weeks: int
    since: datetime
    until: datetime


def period(now: datetime, zone: ZoneInfo, weeks: int) -> Period:
    """The running week and those before it, `weeks` in all."""
    today = now.astimezone(zone).date()
    first = today - timedelta(days=today.weekday(), weeks=weeks - 1)
    return Period(first, weeks, datetime.combine(first, time(), zone), now)


def mondays(of: Period) -> list[date]:
    """The first day of each week, oldest first: a week in which nothing happened is there too."""
    return [of.first + timedelta(weeks=number) for number in range(of.weeks)]


def share(count: int, of: int) -> Share:
    """`count` of `of`; of nothing, nothing is known."""
    return Share(count, of, count / of, *wilson(count, of)) if of else Share(count, of, None, None, None)


def rate(count: int, of: int) -> Rate:
    """`count` for every hundred of `of`; of nothing, nothing is known."""
    if not of:
        return Rate(count, of, None, None, None)
    low, high = _count_interval(count)
    return Rate(count, of, 100 * count / of, 100 * low / of, 100 * high / of)


def _count_interval(count: int) -> tuple[float, float]:
    """Byar's approximation to the exact interval of a count (Breslow and Day 1987): as quick for 100,000 as for one."""
    more = count + 1
    low = count * (1 - 1 / (9 * count) - Z / (3 * math.sqrt(count))) ** 3 if count else 0.0
    return max(0.0, low), more * (1 - 1 / (9 * more) + Z / (3 * math.sqrt(more))) ** 3


def summed(cells: Iterable[tuple[K, Tally]]) -> Mapping[K, Tally]:
    """Cells with the same key together, in the order in which the keys came."""
    found: dict[K, Tally] = {}
    for key, tally in cells:
        found[key] = found.get(key, Tally()) + tally
    return found
