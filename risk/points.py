"""A patient's measures as the manifest reads them: by source, in its unit, within its ranges, by civil day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from care.domain.measure import Measure
from care.errors import AssessmentError
from risk.aggregates import Point
from risk.manifest import Manifest, Source


class MeasureReader:
    """The sources of a manifest, by code. `widest` is how many civil days back anything is read."""

    def __init__(self, manifest: Manifest) -> None:
        self.widest = widest(manifest)
        self._sources = len(manifest.sources)
        # plain tuples: taking one apart is cheaper than asking an object for each of its parts
        self._by_code: dict[str, tuple[int, bool, bool, str, float, float, _Limits]] = {}
        for place, source in enumerate(manifest.sources.values()):
            one = _Limits(source)
            known = (place, one.event, one.ever, one.unit, one.low, one.high, one)
            self._by_code |= dict.fromkeys(source.codes, known)

    def points(self, measures: Sequence[Measure], at: datetime, zone: str) -> list[list[Point]]:
        """The measures that the manifest reads, by source, each source's in the order given."""
        points: list[list[Point]] = [[] for _ in range(self._sources)]
        starts = day_starts(at, zone, self.widest)
        oldest, midnight, newest, today = starts[0], starts[-1], at.timestamp(), len(starts)
        known_code = self._by_code.get
        for measure in measures:
            known = known_code(measure.code)
            if known is None:
                continue
            moment = measure.at
            if moment.tzinfo is None:
                raise AssessmentError("time", "a measure's time has no zone")
            seconds = moment.timestamp()
            place, event, ever, unit, low, high, limits = known
            if seconds > newest or (seconds < oldest and not ever):
                continue
            value = measure.value
            if not event:
                # what is in the unit and the ranges as it is needs no more than these comparisons, which are
                # false for NaN
                if value is None or measure.unit != unit or not low <= value <= high:
                    value = limits.checked(measure)
            elif value == 0:
                continue
            elif value is None:
                value = 1.0
            days = 0 if seconds >= midnight else today - bisect_right(starts, seconds)
            points[place].append((days, value, measure.id, seconds))
        return points


class _Limits:
    """A source's unit and ranges, as plain attributes: the manifest's own are slow to read."""

    __slots__ = ("accept", "censored", "event", "ever", "hard", "high", "low", "unit")

    def __init__(self, source: Source) -> None:
        self.event, self.ever = source.kind == "event", source.kind == "attribute"
        self.unit, self.accept, self.censored = source.unit, dict(source.accept), dict(source.censored)
        self.hard = source.hard or (0.0, 0.0)
        soft = source.soft or (0.0, 0.0)
        # only a value inside both ranges may pass as it is
        self.low, self.high = max(soft[0], self.hard[0]), min(soft[1], self.hard[1])

    def checked(self, measure: Measure) -> float:
        """The value in the source's unit, held at the soft range. AssessmentError (value, unit, hard-range)."""
        value = measure.value
        if value is None:
            limit = self.censored.get(measure.comparator)  # type: ignore[call-overload]
            if limit is None:
                raise AssessmentError("value", f"a measure of {measure.code} has no value")
            value = float(limit)
        elif measure.unit != self.unit:
            factor = self.accept.get(measure.unit)
            if factor is None:
                raise AssessmentError(
                    "unit", f"a measure of {measure.code} is in a unit that the model does not accept"
                )
            value *= factor
        if not self.hard[0] <= value <= self.hard[1]:  # also true of NaN
            raise AssessmentError("hard-range", f"a measure of {measure.code} is outside the possible range")
        return min(max(value, self.low), self.high)


def widest(manifest: Manifest) -> int:
    """How many civil days back anything but an attribute is read."""
    carried = [feature.missing.max_age_days or 0 for feature in manifest.features]
    limits = [manifest.abstain.max_age_days or 0]
    needs = [need.days for need in manifest.requires]
    return max([feature.window.days for feature in manifest.features] + needs + carried + limits)


def day_starts(at: datetime, zone: str, days: int) -> tuple[float, ...]:
    """When each of the last `days` civil days began, oldest first, as seconds since the epoch.

    AssessmentError (time, zone) where the moment has no zone, or the zone or the moment is not usable.
    """
    if at.tzinfo is None:
        raise AssessmentError("time", "the moment of scoring has no zone")
    try:
        return _starts(at.astimezone(ZoneInfo(zone)).date(), zone, days)
    except (LookupError, ValueError, OSError, OverflowError) as error:
        raise AssessmentError("zone", "the patient's time zone or the moment is not usable") from error


@lru_cache(maxsize=4096)
def _starts(today: date, zone: str, days: int) -> tuple[float, ...]:
    civil = ZoneInfo(zone)
    return tuple(
        datetime.combine(today - timedelta(days=ago), time(), civil).timestamp() for ago in range(days - 1, -1, -1)
    )
