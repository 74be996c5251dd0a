"""From a patient's measures to the model's vector, all of it declared in the manifest.

The recipes compute their training rows with this same code, so that what is served is what was learned.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from care.domain.measure import Measure
from care.errors import AssessmentError
from risk.manifest import Feature, Impute, Manifest, Missing, Source, Window

Floats = NDArray[np.float32]
# One used measure: (days before the day of scoring, value in the source's unit, id, seconds since the epoch)
Point = tuple[int, float, str, float]
_YEAR = 365.25 * 86400
_EVER = 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row for the graph: `values` as a clinician reads them (None: no data), `vector` as the graph reads them.

    `missing` are the features without data; `carried` those that an older value of the patient's own stands for.
    """

    values: tuple[float | None, ...]
    vector: Floats
    missing: tuple[str, ...]
    inputs: tuple[str, ...]
    carried: tuple[str, ...] = ()


def extract(manifest: Manifest, measures: Sequence[Measure], at: datetime, zone: str) -> Row:
    """The row of one patient at the aware moment `at` in their civil time `zone`.

    Measures later than `at`, older than the widest window or of other codes are not read; their order is of no
    consequence. Raises AssessmentError (reason: zone, time, unit, value, hard-range, too-few, missing, stale) where the
    manifest says to abstain.
    """
    points = _points(manifest, measures, at, zone)
    for need in manifest.requires:
        if sum(1 for point in points[need.source] if point[0] < need.days) < need.at_least:
            raise AssessmentError("too-few", f"fewer than {need.at_least} of {need.source} in {need.days} days")
    found = {feature.name: _value(manifest, feature, points) for feature in manifest.features}
    carried = []
    for feature in manifest.features:
        if found[feature.name] is None and feature.missing.policy == "carry_forward":
            found[feature.name] = _carried(feature, points)
            if found[feature.name] is not None:
                carried.append(feature.name)
    missing = tuple(name for name, value in found.items() if value is None)
    _check_enough(manifest, points, missing)
    numbers = [_number(feature, found[feature.name], found) for feature in manifest.features]
    used = sorted({point[2] for some in points.values() for point in some})
    vector = np.array(numbers, dtype=np.float32)
    return Row(tuple(found.values()), vector, missing, tuple(used), tuple(carried))


def _check_enough(manifest: Manifest, points: Mapping[str, list[Point]], missing: Sequence[str]) -> None:
    """Raise AssessmentError (missing, stale) where too little is known for any policy."""
    most, oldest = manifest.abstain.max_missing, manifest.abstain.max_age_days
    if len(missing) == len(manifest.features) or (most is not None and len(missing) > most):
        raise AssessmentError("missing", "too little is known of this patient")
    ages = [some[0] for name, found in points.items() if manifest.sources[name].kind != "attribute" for some in found]
    if oldest is not None and (not ages or min(ages) >= oldest):
        raise AssessmentError("stale", "nothing new enough is known of this patient")


def _value(manifest: Manifest, feature: Feature, points: Mapping[str, list[Point]]) -> float | None:
    window = feature.window
    days = window.days
    if manifest.sources[feature.source].kind == "attribute":
        days = _EVER
    chosen = [point for point in points[feature.source] if point[0] < days]
    if window.aggregate == "day_share":
        events = [point for point in points[window.or_event] if point[0] < days] if window.or_event else []
        return _day_share(window, chosen, events)
    if len(chosen) < window.min_points:
        return None
    return _aggregate(window, chosen)


def _carried(feature: Feature, points: Mapping[str, list[Point]]) -> float | None:
    """The patient's own last value, if it is not too old to stand for today's."""
    oldest = feature.missing.max_age_days or 0
    chosen = [point for point in points[feature.source] if point[0] < oldest]
    return max(chosen, key=_moment)[1] if chosen else None


def _number(feature: Feature, value: float | None, found: Mapping[str, float | None]) -> float:
    """The value as the graph reads it: the missing policy where there is none, then the transform."""
    policy: Missing | None = feature.missing
    while value is None and policy is not None:
        if policy.policy == "abstain":
            raise AssessmentError("missing", f"no data for {feature.name}")
        if policy.policy == "model_native":
            return math.nan
        if policy.policy == "typical":
            value = policy.value
        elif policy.policy == "impute" and policy.impute is not None:
            value = _imputed(policy.impute, found)
        policy = policy.then
    if value is None:
        raise AssessmentError("missing", f"no data for {feature.name}")
    if feature.transform == "none":
        return value
    try:
        return math.log(value) if feature.transform == "log" else math.log1p(value)
    except ValueError:
        raise AssessmentError("value", f"{feature.name} has no logarithm") from None


def _imputed(rule: Impute, found: Mapping[str, float | None]) -> float | None:
    total = rule.intercept
    for name, weight in rule.coefficients.items():
        known = found.get(name)
        if known is None:
            return None
        total += weight * known
    return total


def _moment(point: Point) -> tuple[float, str]:
    return point[3], point[2]


def _slope(points: Sequence[Point]) -> float:
    """Least-squares slope per year of 365.25 days; 0 where all points are of one moment."""
    first = min(point[3] for point in points)
    years = [(point[3] - first) / _YEAR for point in points]
    mean_x = math.fsum(years) / len(points)
    mean_y = math.fsum(point[1] for point in points) / len(points)
    spread = math.fsum((x - mean_x) ** 2 for x in years)
    if spread == 0:
        return 0.0
    return math.fsum((x - mean_x) * (point[1] - mean_y) for x, point in zip(years, points, strict=True)) / spread


def _aggregate(window: Window, points: list[Point]) -> float:
    if window.aggregate == "last":
        return max(points, key=_moment)[1]
    if window.aggregate == "slope_per_year":
        return _slope(points)
    if window.aggregate == "min":
        return min(point[1] for point in points)
    if window.aggregate == "max":
        return max(point[1] for point in points)
    if window.aggregate == "count_per_day":
        return len(points) / len({point[0] for point in points})
    mean = math.fsum(point[1] for point in points) / len(points)
    if window.aggregate == "mean":
        return mean
    squares = math.fsum((point[1] - mean) ** 2 for point in points)
    return math.sqrt(squares / max(len(points) - 1, 1))


def _day_share(window: Window, points: list[Point], events: list[Point]) -> float | None:
    """Per cent of the recorded days on which a value was below the threshold, or the event was told."""
    below = window.below or 0.0
    told = {point[0] for point in events}
    recorded = {point[0] for point in points} | told
    if len(recorded) < window.min_points:
        return None
    low = {point[0] for point in points if point[1] < below} | told
    return 100.0 * len(low) / len(recorded)


def _points(manifest: Manifest, measures: Sequence[Measure], at: datetime, zone: str) -> dict[str, list[Point]]:
    """The measures the manifest reads, by source, in the source's unit, within the widest window."""
    points: dict[str, list[Point]] = {name: [] for name in manifest.sources}
    by_code = {code: (points[name], source) for name, source in manifest.sources.items() for code in source.codes}
    starts = _day_starts(at, zone, _widest(manifest))
    oldest, newest, today = starts[0], at.timestamp(), len(starts)
    known_code = by_code.get
    for measure in measures:
        known = known_code(measure.code)
        if known is None:
            continue
        moment = measure.at
        if moment.tzinfo is None:
            raise AssessmentError("time", "a measure's time has no zone")
        seconds = moment.timestamp()
        found, source = known
        if oldest <= seconds <= newest or (source.kind == "attribute" and seconds <= newest):
            value = measure.value
            if source.kind != "event":
                value = _checked(source, measure)
            elif value == 0:
                continue
            ago = today - bisect_right(starts, seconds)
            found.append((ago, 1.0 if value is None else value, measure.id, seconds))
    return points


def _checked(source: Source, measure: Measure) -> float:
    """The value in the source's unit, inside its ranges."""
    value = measure.value
    if value is None:
        limit = {"<": source.censored.get("<"), ">": source.censored.get(">")}.get(measure.comparator)
        if limit is None:
            raise AssessmentError("value", f"a measure of {measure.code} has no value")
        value = limit
    elif measure.unit != source.unit:
        factor = source.accept.get(measure.unit)
        if factor is None:
            raise AssessmentError("unit", f"a measure of {measure.code} is in a unit that the model does not accept")
        value *= factor
    hard, soft = source.hard, source.soft
    if hard is None or soft is None:
        return value
    if not hard[0] <= value <= hard[1]:  # also true of NaN
        raise AssessmentError("hard-range", f"a measure of {measure.code} is outside the possible range")
    return min(max(value, soft[0]), soft[1])


def _widest(manifest: Manifest) -> int:
    carried = [feature.missing.max_age_days or 0 for feature in manifest.features]
    return max([f.window.days for f in manifest.features] + [need.days for need in manifest.requires] + carried)


def _day_starts(at: datetime, zone: str, days: int) -> tuple[float, ...]:
    """When each of the last `days` civil days began, oldest first, as seconds since the epoch."""
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
