"""What rules are, what they are given, and what they find."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from care.domain.codes import Priority
from care.domain.measure import Measure


@dataclass(frozen=True, slots=True)
class Report:
    """One report as rules see it: its measures (canonical units) and its answers by linkId; `at` is aware, UTC."""

    id: str
    at: datetime
    measures: tuple[Measure, ...]
    answers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of one report.

    `cause` groups escalations; `reason` is a key of the reason sentences and `params` fills it in. `refs` are the ids
    of the measures it rests on. `page_after` is the grace in which a repeated reading may put the page off, `reply` the
    key of what the patient is told at once.
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


@dataclass(frozen=True, slots=True)
class Hit:
    """A condition that holds: what fills the reason in, and the measures it rests on."""

    params: Mapping[str, str | float]
    refs: tuple[str, ...]


Condition = Callable[[Report, "History"], Hit | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One reviewed rule, compiled: `when` is its condition, `citation` and `licence` say where it comes from."""

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


class History:
    """A patient's earlier measures, in any order; those of one code are picked out when they are first asked for."""

    __slots__ = ("_by_code", "_measures")

    def __init__(self, measures: Sequence[Measure]) -> None:
        self._measures = measures
        self._by_code: dict[str, list[Measure]] = {}

    def of(self, code: str, unit: str) -> list[Measure]:
        """The readable measures of this code in this unit, in no order. An empty unit means a count or a grade."""
        found = self._by_code.get(code)
        if found is None:
            found = [m for m in self._measures if m.code == code and m.value is not None and math.isfinite(m.value)]
            self._by_code[code] = found
        return [m for m in found if m.unit == unit] if unit else found


def readable(measure: Measure) -> bool:
    """Whether the measure has a number that can be compared."""
    return measure.value is not None and math.isfinite(measure.value)
