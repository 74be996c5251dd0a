"""Trends as the page draws them: with the patient's own usual band and thresholds, and gaps that are shown as gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from care.domain import trend
from care.domain.rules import RuleSet
from care.domain.trend import GLUCOSE, MGDL_PER_MMOLL, Chart, Point
from care.records.patient_thresholds import PatientThreshold, thresholds_of
from care.services import content

LATELY = timedelta(days=3)
"""The usual band is what was before these days, so that a new course stands out of it."""
LEAST_GAP = timedelta(hours=36)
_UNITS = {"kg": "kg", "Cel": "°C", "mm[Hg]": "mm[Hg]", "%": "%"}


@dataclass(frozen=True)
class Gap:
    """A time in which nothing was measured although something used to be. `open`: it lasts until now."""

    since: datetime
    until: datetime
    open: bool = False

    @property
    def days(self) -> int:
        """Its length in whole days, one at least."""
        return max(1, (self.until - self.since) // timedelta(days=1))


@dataclass(frozen=True)
class Own:
    """A number of a rule that counts for this patient alone. `line`: where it stands on a chart, if it is a level."""

    rule: str
    field: str
    reviewed: float
    value: float
    unit: str
    code: str
    set_at: datetime
    line: float | None = None


@dataclass(frozen=True)
class About:
    """What a chart shows beside its points."""

    usual: tuple[float, float] | None
    gaps: tuple[Gap, ...]
    own: tuple[Own, ...]


def about(charts: Sequence[Chart], own: Sequence[Own], now: datetime) -> dict[str, About]:
    """For each chart, by its code: the usual band, the gaps and the patient's own levels."""
    return {
        chart.code: About(
            None if chart.top is not None else trend.usual(chart.points, now - LATELY),
            gaps(chart.points, now),
            tuple(_on(chart, one) for one in own if one.code == chart.code and one.field.endswith("threshold")),
        )
        for chart in charts
    }


def gaps(points: Sequence[Point], now: datetime) -> tuple[Gap, ...]:
    """Times without a reading that are three times as long as usual, and a day and a half at least."""
    times = [point.at for point in points]
    steps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    least = max(LEAST_GAP, 3 * timedelta(seconds=median(steps))) if steps else LEAST_GAP
    found = [Gap(a, b) for a, b in pairwise(times) if b - a > least]
    if times and now - times[-1] > least:
        found.append(Gap(times[-1], now, open=True))
    return tuple(found)


def own_numbers(session: Session, patient_id: UUID, now: datetime) -> list[Own]:
    """What a clinician set for this patient, as far as a rule still has it."""
    rows = thresholds_of(session, [patient_id], now).get(patient_id, [])
    if not rows:
        return []
    sets = {one.url: one for one in content.newest_rule_sets(session)}
    return [found for row in rows if (found := _own(row, sets)) is not None]


def _own(row: PatientThreshold, sets: Mapping[str, RuleSet]) -> Own | None:
    known = sets.get(row.rule_set)
    rule = next((one for one in known.rules if one.id == row.rule), None) if known else None
    if rule is None or row.field not in rule.personal or row.value is None:
        return None
    part: Any = rule.written
    for step in row.field.split(".")[:-1]:
        part = part[int(step)] if step.isdigit() else part[step]
    unit, code = str(part.get("unit", "")), str(part.get("code", ""))
    return Own(rule.reason, row.field, rule.number(row.field), row.value, unit, code, row.at)


def _on(chart: Chart, one: Own) -> Own:
    """The level in the chart's unit; without a line where the units cannot be told to be the same."""
    line: float | None = None
    if chart.code == GLUCOSE and one.unit == "mg/dL":
        line = round(one.value / MGDL_PER_MMOLL, 1) if chart.unit == "mmol/L" else one.value
    elif _UNITS.get(one.unit, one.unit) == chart.unit:
        line = one.value
    return Own(one.rule, one.field, one.reviewed, one.value, one.unit, one.code, one.set_at, line)
