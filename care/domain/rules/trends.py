"""The conditions that look at a course of values, each compiled from data to a closure.

slope    the line through the values of some days rises or falls by so much a day
streak   the last so many values are all beyond a threshold
usual    a value lies so far from the patient's own usual one, the median of an earlier time
ewma     a weighted mean of the last values leaves the patient's own range (Roberts 1959)
cusum    small departures from the patient's own mean have added up (Page 1954)
missing  a value that used to come has not come for some hours
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from care.domain.measure import Measure
from care.domain.rules.conditions import beyond, signed
from care.domain.rules.shown import most_extreme, number, shown, worth
from care.domain.rules.values import Condition, History, Hit, Report, known

_ALMOST = 1e-9  # what floating point may lose of a number that is on its limit


def slope(when: Mapping[str, Any]) -> Condition:
    """Holds when the least-squares line through the values of the window changes by so much a day.

    The window ends with the report's latest value; fewer values than `at_least` say nothing.
    """
    code, unit, op, threshold = when["code"], when.get("unit", ""), when["op"], float(when["threshold"])
    window, enough = timedelta(hours=when["within_hours"]), int(when["at_least"])

    def check(report: Report, history: History) -> Hit | None:
        last = _latest(report, code, unit)
        if last is None:
            return None
        found = [m for m in known(report, history, code, unit, last.at - window, last.at) if not m.comparator]
        change = _per_day(found) if len(found) >= enough else None
        if change is None or not beyond(_as(last, round(change, 9)), op, threshold):
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
    by, sign = float(when["by"]), _sign(when)

    def check(report: Report, history: History) -> Hit | None:
        last, before, _ = _apart(report, history, when)
        if last is None or last.comparator:
            return None
        middle = statistics.median(map(worth, before))
        away = round(sign * (worth(last) - middle), 9)
        if away < by:
            return None
        params = {**shown(last, when), "usual": number(middle, last.unit), "delta": number(away, last.unit)}
        return Hit(params, (last.id, *_ids(before)), away)

    return check


def ewma(when: Mapping[str, Any]) -> Condition:
    """Holds when the exponentially weighted mean of the recent values lies `limit` of its own deviations away.

    Centre and deviation are those of the patient's earlier values (the deviation at least `least_spread`); the weighted
    mean begins at the centre; its deviation is taken as it is in the long run, which is the wider one at the start.
    """
    weight, limit, least, sign = float(when["weight"]), float(when["limit"]), float(when["least_spread"]), _sign(when)
    narrowing = (weight / (2 - weight)) ** 0.5

    def check(report: Report, history: History) -> Hit | None:
        last, before, recent = _apart(report, history, when)
        if last is None:
            return None
        centre, spread = _own(before, least)
        smooth = centre
        for measure in recent:
            smooth += weight * (worth(measure) - smooth)
        away = sign * (smooth - centre) / (spread * narrowing)
        if away < limit - _ALMOST:
            return None
        params = {**shown(last, when), "usual": number(centre, last.unit), "smooth": number(smooth, last.unit)}
        return Hit(params, _ids([*before, *recent]), away)

    return check


def cusum(when: Mapping[str, Any]) -> Condition:
    """Holds when what recent values lie beyond `slack` deviations from the patient's own mean adds up to `limit`."""
    slack, limit, least, sign = float(when["slack"]), float(when["limit"]), float(when["least_spread"]), _sign(when)

    def check(report: Report, history: History) -> Hit | None:
        last, before, recent = _apart(report, history, when)
        if last is None:
            return None
        centre, spread = _own(before, least)
        total = 0.0
        for measure in recent:
            total = max(0.0, total + sign * (worth(measure) - centre) / spread - slack)
        if total < limit - _ALMOST:
            return None
        params = {**shown(last, when), "usual": number(centre, last.unit), "count": number(len(recent))}
        return Hit(params, _ids([*before, *recent]), total)

    return check


def missing(when: Mapping[str, Any]) -> Condition:
    """Holds when the value came at least `at_least` times before, and not in the last hours nor in this report."""
    code, unit, enough = when["code"], when.get("unit", ""), int(when["at_least"])
    window = timedelta(hours=when["for_hours"])

    def check(report: Report, history: History) -> Hit | None:
        if any(m.code == code for m in report.measures):
            return None
        before = [m for m in history.of(code, unit) if m.at <= report.at]
        if len(before) < enough or before[-1].at > report.at - window:
            return None
        return Hit({"days": number(round((report.at - before[-1].at) / timedelta(days=1), 1))}, (before[-1].id,))

    return check


def _apart(
    report: Report, history: History, when: Mapping[str, Any]
) -> tuple[Measure | None, list[Measure], list[Measure]]:
    """(the report's latest value, the patient's earlier ones, the recent ones with it); None when too few are known.

    Recent are the last `recent_hours`; earlier ones are within `baseline_hours`, and at least `at_least` of them.
    """
    code, unit = when["code"], when.get("unit", "")
    last = _latest(report, code, unit)
    if last is None:
        return None, [], []
    since = last.at - timedelta(hours=when["baseline_hours"])
    known_ones = known(report, history, code, unit, since, last.at)
    edge = last.at - timedelta(hours=when["recent_hours"])
    before = [m for m in known_ones if m.at < edge and not m.comparator]
    if len(before) < int(when["at_least"]):
        return None, [], []
    return last, before, [m for m in known_ones if m.at >= edge]


def _own(before: Sequence[Measure], least: float) -> tuple[float, float]:
    """The patient's own mean and deviation; a scale that repeats itself is not more exact than it is."""
    values = [worth(m) for m in before]
    return statistics.fmean(values), max(statistics.stdev(values) if len(values) > 1 else 0.0, least)


def _per_day(found: Sequence[Measure]) -> float | None:
    """The slope of the least-squares line, a day; None when all were measured at one moment."""
    days = [(m.at - found[0].at) / timedelta(days=1) for m in found]
    if days[-1] <= 0:
        return None
    middle, mean = statistics.fmean(days), statistics.fmean(map(worth, found))
    over = sum((day - middle) * (worth(m) - mean) for day, m in zip(days, found, strict=True))
    return over / sum((day - middle) ** 2 for day in days)


def _latest(report: Report, code: str, unit: str) -> Measure | None:
    return max(report.of(code, unit), key=lambda m: (m.at, m.id), default=None)


def _as(measure: Measure, value: float) -> Measure:
    return Measure(measure.id, measure.code, value, measure.unit, measure.at)


def _sign(when: Mapping[str, Any]) -> int:
    return 1 if when["side"] == "above" else -1


def _ids(found: Sequence[Measure]) -> tuple[str, ...]:
    return tuple(m.id for m in found)
