"""A patient's past, as rules ask for it: picked out by code, in order, and worked out once for many rules."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from math import inf
from operator import attrgetter
from typing import Any

from care.domain.measure import Measure
from care.domain.rules.values import Report

_LOW, _HIGH = -inf, inf  # between them lies every number that can be compared
_AT = attrgetter("at")
_AT_AND_ID = attrgetter("at", "id")


class History:
    """A patient's earlier measures; those of one code are picked out when they are first asked for.

    `in_order`: they are given oldest first already (by time, then id), and need no sorting. `worked_out` is where
    conditions leave for each other what they worked out of it: one history belongs to one report.
    """

    __slots__ = ("_by_code", "_ends", "_in_order", "_measures", "_sorted", "worked_out")

    def __init__(self, measures: Sequence[Measure], in_order: bool = False) -> None:
        self._measures, self._in_order = measures, in_order
        self._by_code: dict[str, list[Measure]] | None = None
        self._sorted: dict[tuple[str, str], list[Measure]] = {}
        self._ends: dict[tuple[str, str], tuple[float, float] | None] = {}
        self.worked_out: dict[object, Any] = {}

    def of(self, code: str, unit: str) -> list[Measure]:
        """The readable measures of this code in this unit, oldest first. An empty unit means a count or a grade."""
        found = self._sorted.get((code, unit))
        if found is None:
            if self._by_code is None:
                self._by_code = _grouped(self._measures)
            same = self._by_code.get(code, ())
            if unit:
                found = [m for m in same if (v := m.value) is not None and _LOW < v < _HIGH and m.unit == unit]
            else:
                found = [m for m in same if (v := m.value) is not None and _LOW < v < _HIGH]
            if not self._in_order:
                found.sort(key=_AT_AND_ID)
            self._sorted[code, unit] = found
        return found

    def ends(self, code: str, unit: str) -> tuple[float, float] | None:
        """The lowest and the highest of them all, so that most changes need no further looking; None without any."""
        at = code, unit
        if at not in self._ends:
            values = [m.value for m in self.of(code, unit) if m.value is not None]
            self._ends[at] = (min(values), max(values)) if values else None
        return self._ends[at]

    def between(self, code: str, unit: str, since: datetime, until: datetime) -> list[Measure]:
        """Those of them with since <= at <= until, oldest first."""
        found = self.of(code, unit)
        last = len(found) if not found or found[-1].at <= until else bisect_right(found, until, key=_AT)
        return found[bisect_left(found, since, key=_AT) : last]


def _grouped(measures: Sequence[Measure]) -> dict[str, list[Measure]]:
    by_code: defaultdict[str, list[Measure]] = defaultdict(list)
    for measure in measures:
        by_code[measure.code].append(measure)
    return by_code


def known(report: Report, history: History, code: str, unit: str, since: datetime, until: datetime) -> list[Measure]:
    """The earlier measures and the report's own with since <= at <= until, oldest first."""
    found = history.between(code, unit, since, until)
    own = [m for m in report.of(code, unit) if since <= m.at <= until]
    if not own:
        return found
    late = not found or found[-1].at < own[0].at
    found += own
    if len(own) > 1 or not late:
        found.sort(key=_AT_AND_ID)
    return found
