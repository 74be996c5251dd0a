"""Small charts for paper: a patient's last values as points, joined only where no days are missing between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from care.domain.trend import Chart

WIDTH, HEIGHT = 120.0, 40.0
GAP = timedelta(days=3)
"""Ours: over a longer gap no line is drawn, since nobody knows what was between."""


@dataclass(frozen=True, slots=True)
class Mini:
    """One chart in a box of WIDTH and HEIGHT, y from the top. `limits` are heights of thresholds; `low` and `high` are
    the ends of what was measured.
    """

    title: str
    last: str
    lines: tuple[tuple[tuple[float, float], ...], ...]
    points: tuple[tuple[float, float], ...]
    limits: tuple[float, ...]
    low: str
    high: str


def mini(chart: Chart, title: str, since: datetime, until: datetime) -> Mini:
    """The chart between two moments."""
    points = [point for point in chart.points if since <= point.at <= until]
    ends = [point.value for point in points] + [end for end in (chart.low, chart.high) if end is not None]
    low, high = min(ends), max(ends)
    span, width = (high - low) or 1.0, (until - since).total_seconds() or 1.0

    def y(value: float) -> float:
        return round(HEIGHT - (value - low) / span * HEIGHT if high > low else HEIGHT / 2, 1)

    placed = [(round((p.at - since).total_seconds() / width * WIDTH, 1), y(p.value)) for p in points]
    lines: list[list[tuple[float, float]]] = []
    for number, point in enumerate(points):
        if number == 0 or point.at - points[number - 1].at > GAP:
            lines.append([])
        lines[-1].append(placed[number])
    last = points[-1]
    return Mini(
        title,
        f"{last.comparator}{last.value:g} {chart.unit}".strip(),
        tuple(tuple(one) for one in lines if len(one) > 1),
        tuple(placed),
        tuple(y(end) for end in (chart.low, chart.high) if end is not None),
        f"{min(point.value for point in points):g}",
        f"{max(point.value for point in points):g}",
    )
