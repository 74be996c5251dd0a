"""The conditions a rule can be made of, each compiled from data to a closure.

compare   a value of this report against a threshold
count     so many values beyond a threshold within some hours, one of them in this report
delta     more than so much above the lowest value of the hours before
rise      at least so much above the value of the last report, and now at least at some level
reported  an event is reported
answer    an answer equals a value, or is at least a number
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from care.domain.measure import Measure
from care.domain.rules.values import Condition, History, Hit, Report, readable

_OPS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
OPERATORS = tuple(_OPS)


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
    return _OPS[op](measure.value, threshold)


def compare(when: Mapping[str, Any]) -> Condition:
    """Holds when a value of the report is beyond the threshold; the most extreme one is named."""
    op, threshold = when["op"], float(when["threshold"])

    def check(report: Report, history: History) -> Hit | None:
        found = [m for m in _chosen(report, when) if beyond(m, op, threshold)]
        if not found:
            return None
        worst = _most_extreme(found, op)
        params = {**_shown(worst, when), **_named(found, worst, when), "threshold": number(threshold)}
        return Hit(params, tuple(m.id for m in found))

    return check


def count(when: Mapping[str, Any]) -> Condition:
    """Holds when a value of the report and enough others of the hours before it are beyond the threshold."""
    op, threshold, enough = when["op"], float(when["threshold"]), int(when["at_least"])
    window = timedelta(hours=when["within_hours"])

    def check(report: Report, history: History) -> Hit | None:
        for last in _chosen(report, when):
            if not beyond(last, op, threshold):
                continue
            since, until = last.at - window, last.at
            near = [m for m in _and_own(report, history, last.code, when.get("unit", "")) if since <= m.at <= until]
            around = sorted((m for m in near if beyond(m, op, threshold)), key=lambda m: (m.at, m.id))
            if len(around) >= enough:
                shown = _shown(_most_extreme(around, op), when)
                params = {**shown, "threshold": number(threshold), "count": number(len(around))}
                return Hit({**params, "hours": number(when["within_hours"])}, tuple(m.id for m in around))
        return None

    return check


def delta(when: Mapping[str, Any]) -> Condition:
    """Holds when a value of the report is at least so much above the lowest of the hours before it."""
    gain_of, window = float(when["gain"]), timedelta(hours=when["within_hours"])

    def check(report: Report, history: History) -> Hit | None:
        hits: list[tuple[float, Measure, Measure]] = []
        for now in _chosen(report, when):
            since, known = now.at - window, _and_own(report, history, now.code, when.get("unit", ""))
            earlier = [m for m in known if since <= m.at < now.at and not m.comparator]
            if earlier and not now.comparator:
                low = min(earlier, key=lambda m: (_value(m), m.at, m.id))
                hits.append((round(_value(now) - _value(low), 6), now, low))
        hits = [hit for hit in hits if hit[0] >= gain_of]
        if not hits:
            return None
        gain, now, low = max(hits, key=lambda hit: hit[0])
        params = {**_shown(now, when), "delta": number(gain, now.unit), "days": number(when["days"])}
        return Hit({**params, "from": number(_value(low), low.unit)}, (now.id, low.id))

    return check


def rise(when: Mapping[str, Any]) -> Condition:
    """Holds when a value of the report is at least so much above the last one before it, and at least at a level."""
    by, level = float(when["by"]), float(when["to_at_least"])

    def check(report: Report, history: History) -> Hit | None:
        found: list[tuple[Measure, Measure]] = []
        for now in _chosen(report, when):
            earlier = [m for m in _and_own(report, history, now.code, when.get("unit", "")) if m.at < now.at]
            if not earlier:
                continue
            last = max(earlier, key=lambda m: (m.at, m.id))
            if _value(now) >= level and _value(now) - _value(last) >= by:
                found.append((now, last))
        if not found:
            return None
        now, before = max(found, key=lambda pair: _value(pair[0]) - _value(pair[1]))
        risen = [measure for measure, _ in found]
        params = {**_shown(now, when), **_named(risen, now, when), "from": number(_value(before))}
        return Hit(params, tuple(m.id for pair in found for m in pair))

    return check


def reported(when: Mapping[str, Any]) -> Condition:
    """Holds when the event is in the report (an explicit 0 says that it did not happen)."""
    code = when["code"]

    def check(report: Report, history: History) -> Hit | None:
        found = tuple(m.id for m in report.measures if m.code == code and m.value != 0)
        return Hit({}, found) if found else None

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
                return Hit({"value": number(value)}, ())
        return None

    return check


_DECIMALS = {"mg/dL": 0, "mmol/L": 1, "kg": 1, "Cel": 1}
"""What meters and scales show."""


def number(value: float, unit: str = "") -> str:
    """A number as a person writes it: 70, 2.1, 38.5; with a unit, as its devices show it."""
    return f"{round(float(value), _DECIMALS.get(unit, 2)):g}"


def _chosen(report: Report, when: Mapping[str, Any]) -> Iterator[Measure]:
    """The measures of the report that the rule is about and that can be compared in its unit."""
    code, prefix, unit = when.get("code"), when.get("code_prefix"), when.get("unit", "")
    for m in report.measures:
        if (
            (m.code == code if code else m.code.startswith(str(prefix)))
            and (not unit or m.unit == unit)
            and readable(m)
        ):
            yield m


def _and_own(report: Report, history: History, code: str, unit: str) -> list[Measure]:
    """The earlier measures of a code together with the report's own, in no order."""
    own = [m for m in report.measures if m.code == code and (not unit or m.unit == unit) and readable(m)]
    return [*history.of(code, unit), *own]


def _shown(measure: Measure, when: Mapping[str, Any]) -> dict[str, str | float]:
    shown: dict[str, str | float] = {"value": measure.comparator + _digits(measure, when), "unit": measure.unit}
    also = when.get("also")
    if also:  # the same value in the unit that other countries read
        digits = int(also["digits"])
        shown[also["name"]] = f"{measure.comparator}{_value(measure) / float(also['divide_by']):.{digits}f}"
    return shown


def _digits(measure: Measure, when: Mapping[str, Any]) -> str:
    """The value as its devices show it; with all its decimals where rounding would put it on the threshold."""
    shown, limit = number(_value(measure), measure.unit), when.get("threshold")
    return number(_value(measure)) if limit is not None and shown == number(float(limit)) else shown


def _named(found: list[Measure], worst: Measure, when: Mapping[str, Any]) -> dict[str, str]:
    """For a rule about many symptoms, their codes, the worst first: the reader's language has a label for each."""
    if "code_prefix" not in when:
        return {}
    return {"symptoms": ", ".join(dict.fromkeys([worst.code, *(m.code for m in found)]))}


def _most_extreme(found: list[Measure], op: str) -> Measure:
    return min(found, key=_value) if op in ("<", "<=") else max(found, key=_value)


def _value(measure: Measure) -> float:
    return float(measure.value or 0)


COMPILERS: Mapping[str, Callable[[Mapping[str, Any]], Condition]] = {
    "compare": compare,
    "count": count,
    "delta": delta,
    "rise": rise,
    "reported": reported,
    "answer": answer,
}
