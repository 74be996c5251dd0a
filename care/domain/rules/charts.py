"""The conditions that hold a value against the patient's own, each compiled from data to a closure.

usual    it lies so far from the median of an earlier time
ewma     a weighted mean of the last values leaves the patient's own range (Roberts 1959)
cusum    small departures from the patient's own mean have added up (Page 1954)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import fsum
from operator import attrgetter
from typing import Any

from care.domain.measure import Measure
from care.domain.rules.history import History, known
from care.domain.rules.shown import number, shown, worth
from care.domain.rules.trends import ids, latest
from care.domain.rules.values import Condition, Hit, Report

_AT = attrgetter("at")
_ALMOST = 1e-9  # what floating point may lose of a number that is on its limit


def usual(when: Mapping[str, Any]) -> Condition:
    """Holds when the report's latest value is at least `by` above or below the median of the patient's own."""
    by, sign, find = float(when["by"]), _sign(when), _course(when)
    code, unit, lowest = when["code"], when.get("unit", ""), min if when["side"] == "above" else max

    def check(report: Report, history: History) -> Hit | None:
        own = report.of(code, unit)
        if len(own) == 1:  # far from no value at all, so not from their middle
            ends = history.ends(code, unit)
            if ends is None or sign * (worth(own[0]) - lowest(ends)) < by - _ALMOST:
                return None
        course = find(report, history)
        if course is None or course.last.comparator:
            return None
        last = course.last
        middle = _median([m.value or 0.0 for m in course.before])
        away = round(sign * (worth(last) - middle), 9)
        if away < by:
            return None
        params = {**shown(last, when), "usual": number(middle, last.unit), "delta": number(away, last.unit)}
        return Hit(params, (last.id, *ids(course.before)), away)

    return check


def ewma(when: Mapping[str, Any]) -> Condition:
    """Holds when the exponentially weighted mean of the recent values lies `limit` of its own deviations away.

    Centre and deviation are those of the patient's earlier values (the deviation at least `least_spread`); the weighted
    mean begins at the centre; its deviation is taken as it is in the long run, which is the wider one at the start.
    """
    weight, limit, least, sign = float(when["weight"]), float(when["limit"]), float(when["least_spread"]), _sign(when)
    narrowing, find = (weight / (2 - weight)) ** 0.5, _course(when)

    def check(report: Report, history: History) -> Hit | None:
        course = find(report, history)
        if course is None:
            return None
        last, centre, spread = course.last, course.mean, max(course.spread, least)
        smooth = centre
        for measure in course.recent:
            smooth += weight * ((measure.value or 0.0) - smooth)
        away = sign * (smooth - centre) / (spread * narrowing)
        if away < limit - _ALMOST:
            return None
        params = {**shown(last, when), "usual": number(centre, last.unit), "smooth": number(smooth, last.unit)}
        return Hit(params, ids([*course.before, *course.recent]), away)

    return check


def cusum(when: Mapping[str, Any]) -> Condition:
    """Holds when what recent values lie beyond `slack` deviations from the patient's own mean adds up to `limit`."""
    slack, limit, least, sign = float(when["slack"]), float(when["limit"]), float(when["least_spread"]), _sign(when)
    find = _course(when)

    def check(report: Report, history: History) -> Hit | None:
        course = find(report, history)
        if course is None:
            return None
        last, centre, spread = course.last, course.mean, max(course.spread, least)
        total = 0.0
        for measure in course.recent:
            total += sign * ((measure.value or 0.0) - centre) / spread - slack
            if not total > 0:
                total = 0.0
        if total < limit - _ALMOST:
            return None
        params = {**shown(last, when), "usual": number(centre, last.unit), "count": number(len(course.recent))}
        return Hit(params, ids([*course.before, *course.recent]), total)

    return check


@dataclass(frozen=True, slots=True)
class _Course:
    """A report's latest value, the patient's earlier ones, and the recent ones with it, oldest first."""

    last: Measure
    before: list[Measure]
    recent: list[Measure]
    mean: float
    spread: float


def _course(when: Mapping[str, Any]) -> Callable[[Report, History], _Course | None]:
    """What finds a report's course; None when there is no value in the report, or too few are known.

    Recent are the last `recent_hours`; earlier ones are within `baseline_hours`, and at least `at_least` of them.
    """
    code, unit, enough = when["code"], when.get("unit", ""), int(when["at_least"])
    whole, recent = timedelta(hours=when["baseline_hours"]), timedelta(hours=when["recent_hours"])
    key = f"course {code} {unit} {whole} {recent}"  # a text remembers its hash

    def find(report: Report, history: History) -> _Course | None:
        last = latest(report, code, unit)
        if last is None:
            return None
        at = last.id, key
        if at in history.worked_out:
            found: _Course | None = history.worked_out[at]
        else:
            found = history.worked_out[at] = _divided(last, report, history, code, unit, whole, recent)
        return found if found is not None and len(found.before) >= enough else None

    return find


def _divided(
    last: Measure, report: Report, history: History, code: str, unit: str, whole: timedelta, recent: timedelta
) -> _Course | None:
    course = known(report, history, code, unit, last.at - whole, last.at)
    edge = bisect_left(course, last.at - recent, key=_AT)
    before = [m for m in course[:edge] if not m.comparator]
    return _Course(last, before, course[edge:], *_own(before)) if before else None


def _median(values: list[float]) -> float:
    values.sort()
    half, odd = divmod(len(values), 2)
    return values[half] if odd else (values[half - 1] + values[half]) / 2


def _own(before: Sequence[Measure]) -> tuple[float, float]:
    """The patient's own mean and standard deviation (0 of a single value)."""
    values = [m.value or 0.0 for m in before]
    count = len(values)
    mean = fsum(values) / count
    return mean, (fsum([(value - mean) ** 2 for value in values]) / (count - 1)) ** 0.5 if count > 1 else 0.0


def _sign(when: Mapping[str, Any]) -> int:
    return 1 if when["side"] == "above" else -1
