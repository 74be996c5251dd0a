"""The conditions that look at a course of values, each compiled from data to a closure.

slope    the line through the values of some days rises or falls by so much a day
streak   the last so many values are all beyond a threshold
missing  a value that used to come has not come for some hours
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import fsum
from typing import Any

from care.domain.measure import Measure
from care.domain.rules.conditions import OPERATIONS, beyond, signed
from care.domain.rules.history import History, known
from care.domain.rules.shown import most_extreme, number, shown, worth
from care.domain.rules.values import Condition, Hit, Report


def slope(when: Mapping[str, Any]) -> Condition:
    """Holds when the least-squares line through the values of the window changes by so much a day.

    The window ends with the report's latest value; fewer values than `at_least` say nothing.
    """
    code, unit, op, threshold = when["code"], when.get("unit", ""), when["op"], float(when["threshold"])
    window, enough = timedelta(hours=when["within_hours"]), int(when["at_least"])
    key = f"slope {code} {unit} {window}"  # a text remembers its hash
    passes = OPERATIONS[op]

    def check(report: Report, history: History) -> Hit | None:
        last = latest(report, code, unit)
        if last is None:
            return None
        at = last.id, key
        if at not in history.worked_out:
            course = known(report, history, code, unit, last.at - window, last.at)
            course = [m for m in course if not m.comparator]
            history.worked_out[at] = course, _per_day(course)
        found, change = history.worked_out[at]
        if len(found) < enough or change is None or not passes(round(change, 9), threshold):
            return None
        params = {**shown(last, when), "slope": number(change), "days": number(when["within_hours"] / 24)}
        return Hit({**params, "count": number(len(found))}, ids(found), signed(change, op))

    return check


def streak(when: Mapping[str, Any]) -> Condition:
    """Holds when the report's latest value and the ones right before it, `at_least` together, are all beyond."""
    code, unit, op, threshold = when["code"], when.get("unit", ""), when["op"], float(when["threshold"])
    window, enough = timedelta(hours=when["within_hours"]), int(when["at_least"])

    def check(report: Report, history: History) -> Hit | None:
        last = latest(report, code, unit)
        if last is None or not beyond(last, op, threshold):
            return None
        run = known(report, history, code, unit, last.at - window, last.at)[-enough:]
        if len(run) < enough or not all(beyond(m, op, threshold) for m in run):
            return None
        worst = most_extreme(run, op)
        params = {**shown(worst, when), "threshold": number(threshold), "count": number(len(run))}
        return Hit(params, ids(run), signed(worth(worst), op))

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


def latest(report: Report, code: str, unit: str) -> Measure | None:
    """The last of a report's own values of a code; None without one."""
    own = report.of(code, unit)
    return own[0] if len(own) == 1 else max(own, key=lambda m: (m.at, m.id), default=None)


def ids(found: Sequence[Measure]) -> tuple[str, ...]:
    """What a finding rests on."""
    return tuple(m.id for m in found)
