"""What rules are, what they are given, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any

from care.domain.codes import Priority
from care.domain.measure import Measure

if TYPE_CHECKING:
    from care.domain.rules.history import History
    from care.domain.rules.picking import Plan

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
    _plans: dict[frozenset[str], Plan] = field(init=False, repr=False, compare=False)

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
        object.__setattr__(self, "_plans", {})
        object.__setattr__(self, "_any", tuple(p for p, rule in enumerate(self.rules) if rule.needs.anything))

    def concerning(self, report: Report) -> Sequence[Rule]:
        """The rules whose inputs the report has, in the order of the set; reports of one form share the answer."""
        found = self._chosen.get(report.named)
        if found is None:
            if len(self._chosen) >= REMEMBERED:
                self._chosen.clear()
            found = self._chosen[report.named] = self._choose(report.named)
        return found

    def plan(self, report: Report) -> Plan:
        """What is to be tried on a report; those of one form share it."""
        found = self._plans.get(report.named)
        if found is None:
            from care.domain.rules.picking import Plan  # it reads conditions, which are made of what is above

            if len(self._plans) >= REMEMBERED:
                self._plans.clear()
            found = self._plans[report.named] = Plan(self.concerning(report), self.units, report.named)
        return found

    def _choose(self, codes: frozenset[str]) -> Sequence[Rule]:
        places = set(self._any)
        for code in codes:
            places.update(self._by_code.get(code, ()))
        places.update(p for one, p in self._by_prefix if any(code.startswith(one) for code in codes))
        return tuple(self.rules[place] for place in sorted(places))


def readable(measure: Measure) -> bool:
    """Whether the measure has a number that can be compared."""
    return measure.value is not None and isfinite(measure.value)
