"""Outcomes: what a model predicted, and what was then measured. Only what a patient's own values can show is here:
a readmission or a death is told by no observation, and such a model is watched by its alerts alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from care.domain.measure import Measure


@dataclass(frozen=True, slots=True)
class NextDay:
    """On the next civil day of the patient: a value of `code` below `below` (in `unit`), or one of `events`.

    A day without any value of the code and without an event is not known, and counts neither way.
    """

    code: str
    unit: str
    below: float
    events: frozenset[str]

    def window(self, at: datetime, zone: str) -> tuple[datetime, datetime]:
        """The day that is looked at: [since, until), aware."""
        place = ZoneInfo(zone)
        day = at.astimezone(place).date() + timedelta(days=1)
        since, until = (datetime(d.year, d.month, d.day, tzinfo=place) for d in (day, day + timedelta(days=1)))
        return since, until

    def seen(self, measures: Iterable[Measure], at: datetime, zone: str) -> bool | None:
        """Whether it came true; None while nobody knows."""
        since, until = self.window(at, zone)
        known = False
        for one in measures:
            if one.value is None or not since <= one.at < until:
                continue
            if one.code in self.events and one.value > 0:
                return True
            if one.code == self.code and one.unit == self.unit:
                if one.value < self.below and one.comparator != ">":
                    return True
                known = True
        return False if known else None


OUTCOMES = {
    "hypoglycaemia-next-day": NextDay("2339-0", "mg/dL", 70.0, frozenset({"hypoglycaemia-symptom"})),
}
"""By bundle id; a bundle that is not here has no outcome that can be seen."""
