"""What a window makes of the measures in it: one function a feature, made once from the manifest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from risk.manifest import Window

# One used measure: (days before the day of scoring, value in the source's unit, id, seconds since the epoch)
Point = tuple[int, float, str, float]
Points = Sequence[Sequence[Point]]
Reader = Callable[[Points], float | None]
_YEAR = 365.25 * 86400
_EVER = 1_000_000  # days


def reader(window: Window, place: int, event: int | None, ever: bool, widest: int) -> Reader:
    """From the points of all sources to the feature's value; None without data.

    `place` and `event` are the sources' places; an attribute counts for `ever`; nothing older than `widest` is there.
    """
    days, whole = window.days, ever or window.days >= widest
    least = window.min_points
    if window.aggregate == "day_share":
        return _day_share(window, place, event)
    if window.aggregate == "last" and least == 1:
        return _latest(place, _EVER if whole else days)
    aggregate = _AGGREGATES[window.aggregate]

    def read(points: Points) -> float | None:
        chosen = points[place]
        if not whole:
            chosen = [point for point in chosen if point[0] < days]
        if len(chosen) < least:
            return None
        return aggregate(chosen)

    return read


def _latest(place: int, days: int) -> Reader:
    """The most common feature, in one pass."""

    def latest(points: Points) -> float | None:
        found = points[place]
        if len(found) == 1:
            return found[0][1] if found[0][0] < days else None
        best = None
        for point in found:
            if point[0] < days and (best is None or _moment(point) > _moment(best)):
                best = point
        return None if best is None else best[1]

    return latest


def _last(points: Sequence[Point]) -> float:
    if len(points) == 1:
        return points[0][1]
    return max(points, key=_moment)[1]


def _moment(point: Point) -> tuple[float, str]:
    return point[3], point[2]


def _slope(points: Sequence[Point]) -> float:
    """Least-squares slope per year of 365.25 days; 0 where all points are of one moment."""
    if len(points) == 2:
        (_, first_value, _, began), (_, last_value, _, ended) = points
        return 0.0 if began == ended else (last_value - first_value) / (ended - began) * _YEAR
    first = min(point[3] for point in points)
    years = [(point[3] - first) / _YEAR for point in points]
    mean_x = math.fsum(years) / len(points)
    mean_y = math.fsum(point[1] for point in points) / len(points)
    spread = math.fsum((x - mean_x) ** 2 for x in years)
    if spread == 0:
        return 0.0
    return math.fsum((x - mean_x) * (point[1] - mean_y) for x, point in zip(years, points, strict=True)) / spread


def _mean(points: Sequence[Point]) -> float:
    return math.fsum([point[1] for point in points]) / len(points)


def _sd(points: Sequence[Point]) -> float:
    mean = _mean(points)
    squares = math.fsum([(point[1] - mean) ** 2 for point in points])
    return math.sqrt(squares / max(len(points) - 1, 1))


_AGGREGATES: dict[str, Callable[[Sequence[Point]], float]] = {
    "last": _last,
    "slope_per_year": _slope,
    "mean": _mean,
    "sd": _sd,
    "min": lambda points: min([point[1] for point in points]),
    "max": lambda points: max([point[1] for point in points]),
    "count_per_day": lambda points: len(points) / len({point[0] for point in points}),
}


def _day_share(window: Window, place: int, event: int | None) -> Reader:
    """Per cent of the recorded days on which a value was below the threshold, or the event was told."""
    below, days, least = window.below or 0.0, window.days, window.min_points

    def share(points: Points) -> float | None:
        chosen = [point for point in points[place] if point[0] < days]
        told = {point[0] for point in points[event] if point[0] < days} if event is not None else set()
        recorded = {point[0] for point in chosen} | told
        if len(recorded) < least:
            return None
        low = {point[0] for point in chosen if point[1] < below} | told
        return 100.0 * len(low) / len(recorded)

    return share
