"""What rules are, what they are given, and what they find."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite
from operator import attrgetter
from typing import Any

from care.domain.codes import Priority
from care.domain.measure import Measure

_AT_AND_ID = attrgetter("at", "id")
REMEMBERED = 500
"""Sets of codes for which a rule set remembers the rules that they concern: forms have few."""
_NOTHING: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """One report as rules see it: its measures (canonical units) and its answers by linkId; `at` is aware, UTC."""

    id: str
    at: datetime
    measures: tuple[Measure, ...]
    answers: Mapping[str, Any] = field(default_factory=dict)
    named: frozenset[str] = field(init=False, repr=False, compare=False)
    _all: dict[str, list[Measure]] = field(init=False, repr=False, compare=False)
    _by_code: dict[str, list[Measure]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """The measures are put by their codes once, since many rules ask for them; `named` are all of the codes."""
        every: dict[str, list[Measure]] = {}
        by_code: dict[str, list[Measure]] = {}
        for measure in self.measures:
            every.setdefault(measure.code, []).append(measure)
            if measure.value is not None and isfinite(measure.value):
                by_code.setdefault(measure.code, []).append(measure)
        object.__setattr__(self, "_all", every)
        object.__setattr__(self, "_by_code", by_code)
        object.__setattr__(self, "named", frozenset(every))

    def all_of(self, code: str) -> Sequence[Measure]:
        """The measures of this code, readable or not, in whatever unit."""
        return self._all.get(code, _NOTHING)

    def of(self, code: str, unit: str = "") -> Sequence[Measure]:
        """The readable measures of this code, in this unit if one is given, as the report has them."""
        found = self._by_code.get(code)
        if found is None:
            return _NOTHING
        if not unit or (len(found) == 1 and found[0].unit == unit):
            return found
        return [m for m in found if m.unit == unit]

    @property
    def codes(self) -> Sequence[str]:
        """The codes of its readable measures."""
        return tuple(self._by_code)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of one report.

    `cause` groups escalations; `reason` is a key of the reason sentences and `params` fills it in. `refs` are the ids
    of the measures it rests on. `page_after` is the grace in which a repeated reading may put the page off, `reply` the
    key of what the patient is told at once. `cooldown`: how long after somebody closed it the same thing, no worse, is
    not raised again (None: the usual time for what is routine); `level` says how bad it is, more being worse.
    """

    rule_id: str
    rule_version: str
    cause: str
    priority: Priority
    reason: str
    params: Mapping[str, str | float]
    refs: tuple[str, ...]
    page_after: timedelta = timedelta()
    reply: str | None = None
    cooldown: timedelta | None = None
    level: float | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A condition that holds: what fills the reason in, the measures it rests on, and how bad it is (more is worse)."""

    params: Mapping[str, str | float]
    refs: tuple[str, ...]
    level: float | None = None


Condition = Callable[[Report, "History"], Hit | None]


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be in a report for a condition to hold at all: one of these codes, or a code with such a prefix.

    `anything`: it may hold of any report (an answer, or that something is missing).
    """

    codes: frozenset[str] = frozenset()
    prefixes: frozenset[str] = frozenset()
    anything: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One reviewed rule, compiled: `when` is its condition, `citation` and `licence` say where it comes from.

    `written` is the condition as data. `personal` names the numbers in it that a clinician may set for one patient, by
    their place ("threshold", "of.1.threshold"), with the lowest and the highest that may be set. `note`: doubts.
    """

    id: str
    version: str
    cause: str
    priority: Priority
    reason: str
    when: Condition
    citation: str
    url: str | None
    licence: str
    page_after: timedelta = timedelta()
    reply: str | None = None
    cooldown: timedelta | None = None
    note: str = ""
    written: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    needs: Needs = field(default=Needs(anything=True))

    def number(self, place: str) -> float:
        """The number at this place of its condition ("threshold", "of.1.threshold")."""
        part: Any = self.written
        for step in place.split("."):
            part = part[int(step)] if step.isdigit() else part[step]
        return float(part)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules that are published together. `units` is the one unit in which each numeric code is judged.

    `always`: a report with a measure of one of these codes is judged by the set whatever its protocol names.
    """

    id: str
    url: str
    version: str
    rules: tuple[Rule, ...]
    units: Mapping[str, str]
    sha256: str = ""
    always: frozenset[str] = frozenset()
    _by_code: dict[str, list[int]] = field(init=False, repr=False, compare=False)
    _by_prefix: tuple[tuple[str, int], ...] = field(init=False, repr=False, compare=False)
    _any: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _chosen: dict[frozenset[str], Sequence[Rule]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Which rules a code can concern is worked out once."""
        by_code: dict[str, list[int]] = {}
        for place, rule in enumerate(self.rules):
            for code in rule.needs.codes:
                by_code.setdefault(code, []).append(place)
        prefixes = tuple((one, place) for place, rule in enumerate(self.rules) for one in sorted(rule.needs.prefixes))
        object.__setattr__(self, "_by_code", by_code)
        object.__setattr__(self, "_by_prefix", prefixes)
        object.__setattr__(self, "_chosen", {})
        object.__setattr__(self, "_any", tuple(p for p, rule in enumerate(self.rules) if rule.needs.anything))

    def concerning(self, report: Report) -> Sequence[Rule]:
        """The rules whose inputs the report has, in the order of the set; reports of one form share the answer."""
        found = self._chosen.get(report.named)
        if found is None:
            if len(self._chosen) >= REMEMBERED:
                self._chosen.clear()
            found = self._chosen[report.named] = self._choose(report.named)
        return found

    def _choose(self, codes: frozenset[str]) -> Sequence[Rule]:
        places = set(self._any)
        for code in codes:
            places.update(self._by_code.get(code, ()))
        places.update(p for one, p in self._by_prefix if any(code.startswith(one) for code in codes))
        return tuple(self.rules[place] for place in sorted(places))


class History:
    """A patient's earlier measures; those of one code are picked out when they are first asked for.

    `in_order`: they are given oldest first already (by time, then id), and need no sorting. `worked_out` is where
    conditions leave for each other what they worked out of it: one history belongs to one report.
    """

    __slots__ = ("_by_code", "_in_order", "_measures", "_sorted", "_times", "worked_out")

    def __init__(self, measures: Sequence[Measure], in_order: bool = False) -> None:
        self._measures, self._in_order = measures, in_order
        self._by_code: dict[str, list[Measure]] | None = None
        self._sorted: dict[tuple[str, str], list[Measure]] = {}
        self._times: dict[tuple[str, str], list[datetime]] = {}
        self.worked_out: dict[object, Any] = {}

    def of(self, code: str, unit: str) -> list[Measure]:
        """The readable measures of this code in this unit, oldest first. An empty unit means a count or a grade."""
        found = self._sorted.get((code, unit))
        if found is None:
            if self._by_code is None:
                self._by_code = _grouped(self._measures)
            same = self._by_code.get(code, ())
            found = [m for m in same if m.value is not None and isfinite(m.value) and (not unit or m.unit == unit)]
            if not self._in_order:
                found.sort(key=_AT_AND_ID)
            self._sorted[code, unit] = found
        return found

    def ends(self, code: str, unit: str) -> tuple[float, float] | None:
        """The lowest and the highest of them all, so that most changes need no further looking; None without any."""
        at = "ends", code, unit
        if at not in self.worked_out:
            values = [m.value for m in self.of(code, unit) if m.value is not None]
            self.worked_out[at] = (min(values), max(values)) if values else None
        found: tuple[float, float] | None = self.worked_out[at]
        return found

    def between(self, code: str, unit: str, since: datetime, until: datetime) -> list[Measure]:
        """Those of them with since <= at <= until, oldest first."""
        found = self.of(code, unit)
        times = self._times.get((code, unit))
        if times is None:
            times = self._times[code, unit] = [m.at for m in found]
        return found[bisect_left(times, since) : bisect_right(times, until)]


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


def readable(measure: Measure) -> bool:
    """Whether the measure has a number that can be compared."""
    return measure.value is not None and isfinite(measure.value)
