"""The conditions that look at single values, each compiled from data to a closure.

compare   a value of this report against a threshold
count     so many values beyond a threshold within some hours, one of them in this report
delta     at least so much above the lowest value of the hours before
fall      at least so much below the highest value of the hours before
rise      at least so much above the value of the last report, and now at least at some level
reported  an event is reported
answer    an answer equals a value, or is at least a number
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from care.domain.measure import Measure
from care.domain.rules.history import History, known
from care.domain.rules.shown import most_extreme, named, number, shown, worth
from care.domain.rules.values import Condition, Hit, Report

OPERATIONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
OPERATORS = tuple(OPERATIONS)
_TICK = timedelta(microseconds=1)
_ALMOST = 1e-6  # what rounding may give back to a change that is on its limit


def beyond(measure: Measure, op: str, threshold: float) -> bool:
    """Whether the measured value is surely beyond the threshold.

    A meter's Lo ('<' with the meter's limit) lies below its limit, a Hi ('>') above it, whatever the limit is.
    """
    if measure.value is None:
        return False
    if measure.comparator == "<":
        return op in ("<", "<=") and measure.value <= threshold
    if measure.comparator == ">":
        return op in (">", ">=") and measure.value >= threshold
    return OPERATIONS[op](measure.value, threshold)


def chosen(when: Mapping[str, Any]) -> Callable[[Report], Sequence[Measure]]:
    """What picks the measures of a report that a rule is about and that can be compared in its unit."""
    code, prefix, unit = when.get("code"), str(when.get("code_prefix")), when.get("unit", "")
    if code:
        return lambda report: report.of(code, unit)
    return lambda report: [
        m for name in report.codes if name.startswith(prefix) for m in report.of(name, unit)
    ]  # fmt: skip


def signed(value: float, op: str) -> float:
    """A level in which more is worse, for a threshold of this direction."""
    return -value if op in ("<", "<=") else value


def compare(when: Mapping[str, Any]) -> Condition:
    """Holds when a value of the report is beyond the threshold; the most extreme one is named."""
    op, threshold, pick = when["op"], float(when["threshold"]), chosen(when)
    passes, code, unit = OPERATIONS[op], when.get("code"), when.get("unit", "")

    def check(report: Report, history: History) -> Hit | None:
        found: list[Measure] | None = None
        for m in report.of(code, unit) if code else pick(report):
            if beyond(m, op, threshold) if m.comparator else passes(m.value, threshold):  # type: ignore[arg-type]
                found = [m] if found is None else [*found, m]
        if found is None:
            return None
        worst = most_extreme(found, op)
        params = {**shown(worst, when), **named(found, worst, when), "threshold": number(threshold)}
        return Hit(params, tuple(m.id for m in found), signed(worth(worst), op))

    return check


def count(when: Mapping[str, Any]) -> Condition:
    """Holds when a value of the report and enough others of the hours before it are beyond the threshold."""
    op, threshold, enough, pick = when["op"], float(when["threshold"]), int(when["at_least"]), chosen(when)
    window, unit = timedelta(hours=when["within_hours"]), when.get("unit", "")

    def check(report: Report, history: History) -> Hit | None:
        for last in pick(report):
            if not beyond(last, op, threshold):
                continue
            near = known(report, history, last.code, unit, last.at - window, last.at)
            around = [m for m in near if beyond(m, op, threshold)]
            if len(around) >= enough:
                worst = most_extreme(around, op)
                params = {**shown(worst, when), "threshold": number(threshold), "count": number(len(around))}
                refs = tuple(m.id for m in around)
                return Hit({**params, "hours": number(when["within_hours"])}, refs, signed(worth(worst), op))
        return None

    return check


def delta(when: Mapping[str, Any]) -> Condition:
    """Holds when a value of the report is at least so much above the lowest of the hours before it."""
    return _changed(when, float(when["gain"]), 1)


def fall(when: Mapping[str, Any]) -> Condition:
    """Holds when a value of the report is at least so much below the highest of the hours before it."""
    return _changed(when, float(when["drop"]), -1)


def _changed(when: Mapping[str, Any], enough: float, sign: int) -> Condition:
    """A change against the value of the window from which it is greatest: the lowest for a gain."""
    window, unit, pick = timedelta(hours=when["within_hours"]), when.get("unit", ""), chosen(when)

    def order(measure: Measure) -> tuple[float, Any, str]:
        return sign * worth(measure), measure.at, measure.id

    lowest = min if sign > 0 else max

    def check(report: Report, history: History) -> Hit | None:
        best: tuple[float, Measure, Measure] | None = None
        for now in pick(report):
            if now.comparator:
                continue
            if len(report.of(now.code)) == 1:  # nothing of its own comes before it
                ends = history.ends(now.code, unit)
                if ends is None or sign * (worth(now) - lowest(ends)) < enough - _ALMOST:
                    continue
                before = history.between(now.code, unit, now.at - window, now.at - _TICK)
            else:
                before = known(report, history, now.code, unit, now.at - window, now.at - _TICK)
            values = [m.value for m in before if not m.comparator and m.value is not None]
            if not values or round(sign * (worth(now) - lowest(values)), 6) < enough:
                continue
            start = min((m for m in before if not m.comparator), key=order)
            change = round(sign * (worth(now) - worth(start)), 6)
            if best is None or change > best[0]:
                best = change, now, start
        if best is None:
            return None
        change, now, start = best
        params = {**shown(now, when), "delta": number(change, now.unit), "days": number(when["days"])}
        return Hit({**params, "from": number(worth(start), start.unit)}, (now.id, start.id), change)

    return check


def rise(when: Mapping[str, Any]) -> Condition:
    """Holds when a value of the report is at least so much above the last one before it, and at least at a level."""
    by, level, pick, unit = float(when["by"]), float(when["to_at_least"]), chosen(when), when.get("unit", "")

    def check(report: Report, history: History) -> Hit | None:
        found: list[tuple[Measure, Measure]] = []
        for now in pick(report):
            if worth(now) < level:
                continue
            last = _last_before(report, history, now, unit)
            if last is not None and worth(now) - worth(last) >= by:
                found.append((now, last))
        if not found:
            return None
        now, before = max(found, key=lambda pair: worth(pair[0]) - worth(pair[1]))
        risen = [measure for measure, _ in found]
        params = {**shown(now, when), **named(risen, now, when), "from": number(worth(before))}
        return Hit(params, tuple(m.id for pair in found for m in pair), worth(now))

    return check


def _last_before(report: Report, history: History, now: Measure, unit: str) -> Measure | None:
    """The last value before this one, whether it was sent with it or earlier."""
    own = [m for m in report.of(now.code, unit) if m.at < now.at]
    earlier = history.of(now.code, unit)
    place = len(earlier)
    while place and earlier[place - 1].at >= now.at:
        place -= 1
    if place:
        own.append(earlier[place - 1])
    return max(own, key=lambda m: (m.at, m.id), default=None)


def reported(when: Mapping[str, Any]) -> Condition:
    """Holds when the event is in the report (an explicit 0 says that it did not happen)."""
    code = when["code"]

    def check(report: Report, history: History) -> Hit | None:
        found = [m.id for m in report.all_of(code) if m.value != 0]
        return Hit({}, tuple(found)) if found else None

    return check


def answer(when: Mapping[str, Any]) -> Condition:
    """Holds when an answer to the item equals a value or is at least a number."""
    link_id, equals, at_least = when["link_id"], when.get("equals"), when.get("at_least")

    def check(report: Report, history: History) -> Hit | None:
        given = report.answers.get(link_id, ())
        for one in given if isinstance(given, tuple | list) else (given,):
            value = getattr(one, "value", one)
            if equals is not None and value == equals and isinstance(value, bool) == isinstance(equals, bool):
                return Hit({"value": str(value)}, ())
            if at_least is not None and isinstance(value, int | float) and value >= at_least:
                return Hit({"value": number(value)}, (), float(value))
        return None

    return check
