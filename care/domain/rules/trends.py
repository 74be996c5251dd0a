"""The conditions that look at a course of values, each compiled from data to a closure.

slope    the line through the values of some days rises or falls by so much a day
streak   the last so many values are all beyond a threshold
usual    a value lies so far from the patient's own usual one, the median of an earlier time
ewma     a weighted mean of the last values leaves the patient's own range (Roberts 1959)
cusum    small departures from the patient's own mean have added up (Page 1954)
missing  a value that used to come has not come for some hours
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
from care.domain.rules.conditions import beyond, signed
from care.domain.rules.shown import most_extreme, number, shown, worth
from care.domain.rules.values import Condition, History, Hit, Report, known

_AT = attrgetter("at")
_ALMOST = 1e-9  # what floating point may lose of a number that is on its limit


def slope(when: Mapping[str, Any]) -> Condition:
    """Holds when the least-squares line through the values of the window changes by so much a day.

    The window ends with the report's latest value; fewer values than `at_least` say nothing.
    """
    code, unit, op, threshold = when["code"], when.get("unit", ""), when["op"], float(when["threshold"])
    window, enough = timedelta(hours=when["within_hours"]), int(when["at_least"])
    key = (code, unit, window)

    def check(report: Report, history: History) -> Hit | None:
        last = _latest(report, code, unit)
        if last is None:
            return None
        at = last.id, key
        if at not in history.worked_out:
            course = known(report, history, code, unit, last.at - window, last.at)
            course = [m for m in course if not m.comparator]
            history.worked_out[at] = course, _per_day(course)
        found, change = history.worked_out[at]
        if len(found) < enough or change is None or not beyond(_as(last, round(change, 9)), op, threshold):
            return None
        params = {**shown(last, when), "slope": number(change), "days": number(when["within_hours"] / 24)}
        return Hit({**params, "count": number(len(found))}, _ids(found), signed(change, op))

    return check


def streak(when: Mapping[str, Any]) -> Condition:
    """Holds when the report's latest value and the ones right before it, `at_least` together, are all beyond."""
    code, unit, op, threshold = when["code"], when.get("unit", ""), when["op"], float(when["threshold"])
    window, enough = timedelta(hours=when["within_hours"]), int(when["at_least"])

    def check(report: Report, history: History) -> Hit | None:
        last = _latest(report, code, unit)
        if last is None or not beyond(last, op, threshold):
            return None
        run = known(report, history, code, unit, last.at - window, last.at)[-enough:]
        if len(run) < enough or not all(beyond(m, op, threshold) for m in run):
            return None
        worst = most_extreme(run, op)
        params = {**shown(worst, when), "threshold": number(threshold), "count": number(len(run))}
        return Hit(params, _ids(run), signed(worth(worst), op))

    return check


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
        return Hit(params, (last.id, *_ids(course.before)), away)

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
        return Hit(params, _ids([*course.before, *course.recent]), away)

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
            total = max(0.0, total + sign * ((measure.value or 0.0) - centre) / spread - slack)
        if total < limit - _ALMOST:
            return None
        params = {**shown(last, when), "usual": number(centre, last.unit), "count": number(len(course.recent))}
        return Hit(params, _ids([*course.before, *course.recent]), total)

    return check


def missing(when: Mapping[str, Any]) -> Condition:
    """Holds when the value came at least `at_least` times before, and not in the last hours nor in this report."""
    code, unit, enough = when["code"], when.get("unit", ""), int(when["at_least"])
    window = timedelta(hours=when["for_hours"])

    def check(report: Report, history: History) -> Hit | None:
        if code in report.named:
            return None
        before = [m for m in history.of(code, unit) if m.at <= report.at]
        if len(before) < enough or before[-1].at > report.at - window:
            return None
        return Hit({"days": number(round((report.at - before[-1].at) / timedelta(days=1), 1))}, (before[-1].id,))

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
    key = (code, unit, whole, recent)

    def find(report: Report, history: History) -> _Course | None:
        last = _latest(report, code, unit)
        if last is None:
            return None
        at = last.id, key
        if at in history.worked_out:
            found: _Course | None = history.worked_out[at]
        else:
            found = history.worked_out[at] = _divided(last, report, history, *key)
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


def _per_day(found: Sequence[Measure]) -> float | None:
    """The slope of the least-squares line, a day; None when all were measured at one moment."""
    if not found:
        return None
    first, count = found[0].at, len(found)
    days = [(m.at - first).total_seconds() / 86_400 for m in found]
    if days[-1] <= 0:
        return None
    values = [m.value or 0.0 for m in found]
    middle, mean = fsum(days) / count, fsum(values) / count
    over = fsum([(day - middle) * (value - mean) for day, value in zip(days, values, strict=True)])
    return over / fsum([(day - middle) ** 2 for day in days])


def _latest(report: Report, code: str, unit: str) -> Measure | None:
    own = report.of(code, unit)
    return own[0] if len(own) == 1 else max(own, key=lambda m: (m.at, m.id), default=None)


def _as(measure: Measure, value: float) -> Measure:
    return Measure(measure.id, measure.code, value, measure.unit, measure.at)


def _sign(when: Mapping[str, Any]) -> int:
    return 1 if when["side"] == "above" else -1


def _ids(found: Sequence[Measure]) -> tuple[str, ...]:
    return tuple(m.id for m in found)
