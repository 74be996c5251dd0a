"""Rules over many reports at once: a comparison by column says where a rule could hold, and only there it is tried.

The screen is generous: what it does not understand could hold. What it lets through is judged by the rules
themselves, so the findings are those of one report at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from care.domain.measure import Measure
from care.domain.rules import Finding, Report, RuleSet, judge
from care.domain.rules.picking import limits

Values = Mapping[str, tuple[NDArray[np.float64], str]]  # by code: the reports' values (NaN: none), in this unit
Marks = NDArray[np.bool_]
# Never of a patient of whom nothing is known before: one value of a code is no change, no line and no departure.
_OF_THE_PAST = frozenset({"missing", "delta", "fall", "rise", "usual", "slope", "ewma", "cusum"})


def judge_many(
    rule_sets: Sequence[RuleSet],
    values: Values,
    at: datetime,
    histories: Mapping[int, Sequence[Measure]] | None = None,
) -> dict[int, tuple[Finding, ...]]:
    """The findings by report's place, of those that have any; each report is what the columns hold in its row.

    `histories` are the earlier measures of those that have any, by place.
    """
    if not values:
        return {}
    every = _of_all(values, at)
    concerned = [one for one in rule_sets if one.concerning(every) or not one.units.keys().isdisjoint(values)]
    if not concerned:
        return {}
    rows = len(next(iter(values.values()))[0])
    marks, past = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool)
    past[list(histories or ())] = True
    for rule_set in concerned:
        marks |= _doubtful(rule_set, values)
        for rule in rule_set.concerning(every):
            marks |= _could(rule.written, values, past)
    found = {}
    for row in np.flatnonzero(marks).tolist():
        measures = tuple(
            Measure(f"{row}:{code}", code, float(column[row]), unit, at)
            for code, (column, unit) in values.items()
            if not np.isnan(column[row])
        )
        findings = judge(concerned, Report(str(row), at, measures), (histories or {}).get(row, ()))
        if findings:
            found[row] = findings
    return found


def _of_all(values: Values, at: datetime) -> Report:
    """A report that has something for every code: what could concern it could concern a row."""
    return Report("all", at, tuple(Measure(code, code, 1.0, unit, at) for code, (_, unit) in values.items()))


def _doubtful(rule_set: RuleSet, values: Values) -> Marks:
    """Where a measure is in a unit that the set does not read, or is no number."""
    marks = np.zeros(len(next(iter(values.values()))[0]), dtype=bool)
    for code, (column, unit) in values.items():
        expected = rule_set.units.get(code)
        if expected is not None:
            marks |= ~np.isnan(column) if unit != expected else np.isinf(column)
    return marks


def _could(written: Mapping[str, Any], values: Values, past: Marks) -> Marks:
    """Where a condition, as it is written, could hold."""
    rows = len(past)
    test = written.get("test")
    if test in _OF_THE_PAST:
        return past
    if test in ("all", "any"):
        parts = [_could(part, values, past) for part in written["of"]]
        marks: Marks = np.logical_and.reduce(parts) if test == "all" else np.logical_or.reduce(parts)
        return marks
    reached = limits(written, frozenset(values))
    if reached is None:
        return np.ones(rows, dtype=bool)
    found = np.zeros(rows, dtype=bool)
    for one in reached:
        found |= one.sign * values[one.code][0] >= one.least
    return found
