"""From a patient's measures to the model's vector, all of it declared in the manifest.

The recipes compute their training rows with this same code, so that what is served is what was learned.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from care.domain.measure import Measure
from care.errors import AssessmentError
from risk.manifest import Feature, Manifest, Source, Window

Floats = NDArray[np.float32]
# One used measure: (days before the day of scoring, value in the source's unit, id)
Point = tuple[int, float, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One row for the graph: `values` as a clinician reads them (None: no data), `vector` as the graph reads them."""

    values: tuple[float | None, ...]
    vector: Floats
    missing: tuple[str, ...]
    inputs: tuple[str, ...]


def extract(manifest: Manifest, measures: Sequence[Measure], at: datetime, zone: str) -> Row:
    """The row of one patient at the aware moment `at` in their civil time `zone`.

    Measures later than `at`, older than the widest window or of other codes are not read; their order is of no
    consequence. Raises AssessmentError (reason: zone, time, unit, value, hard-range, too-few, missing) where the
    manifest says to abstain.
    """
    points = _points(manifest, measures, at, zone)
    for need in manifest.requires:
        if sum(1 for point in points[need.source] if point[0] < need.days) < need.at_least:
            raise AssessmentError("too-few", f"fewer than {need.at_least} of {need.source} in {need.days} days")
    values: list[float | None] = []
    numbers: list[float] = []
    missing: list[str] = []
    for feature in manifest.features:
        value = _value(feature, points)
        values.append(value)
        if value is None:
            missing.append(feature.name)
        numbers.append(_number(feature, value))
    if len(missing) == len(numbers):
        raise AssessmentError("missing", "nothing is known of this patient")
    used = sorted({point[2] for found in points.values() for point in found})
    return Row(tuple(values), np.array(numbers, dtype=np.float32), tuple(missing), tuple(used))


def _value(feature: Feature, points: dict[str, list[Point]]) -> float | None:
    window = feature.window
    days = window.days
    chosen = [point for point in points[feature.source] if point[0] < days]
    if window.aggregate == "day_share":
        events = [point for point in points[window.or_event] if point[0] < days] if window.or_event else []
        return _day_share(window, chosen, events)
    if len(chosen) < window.min_points:
        return None
    return _aggregate(window, chosen)


def _number(feature: Feature, value: float | None) -> float:
    """The value as the graph reads it: the missing policy where there is none."""
    if value is not None:
        return value
    if feature.missing.policy == "abstain" or feature.missing.value is None:
        raise AssessmentError("missing", f"no data for {feature.name}")
    return feature.missing.value


def _aggregate(window: Window, points: list[Point]) -> float:
    if window.aggregate == "min":
        return min(point[1] for point in points)
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
        if oldest <= seconds <= newest:
            found, source = known
            value = measure.value
            if source.kind == "quantity":
                value = _checked(source, measure)
            elif value == 0:
                continue
            found.append((today - bisect_right(starts, seconds), 1.0 if value is None else value, measure.id))
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
    return max([f.window.days for f in manifest.features] + [need.days for need in manifest.requires])


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
