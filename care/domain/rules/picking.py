"""Which rules of a set have to be tried on a report: those that its values could make hold, found by code.

Most conditions can hold only if a value of the report reaches a threshold, or has moved far enough away from the lowest
or the highest of the patient's past. Those limits are put in order once for all reports that name the same codes; a
report's values are then held against the nearest limit, and mostly no rule is tried at all. What is picked may be more
than holds, never less: the rule itself is what judges.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from care.domain.rules.compound import FORM_SCORES

if TYPE_CHECKING:
    from care.domain.measure import Measure
    from care.domain.rules.history import History
    from care.domain.rules.values import Report, Rule

_ALMOST = 1e-6  # what rounding may give back to a change that is on its limit
_REACH = {"compare": "threshold", "count": "threshold", "streak": "threshold", "rise": "to_at_least"}
_MOVE = {"delta": "gain", "fall": "drop", "usual": "by"}


@dataclass(frozen=True, slots=True)
class Limit:
    """What one value of this code must come to: `sign` times it at least `least`; or, where it is `moved`, its change
    from the lowest (the highest, for a sign of -1) of the past in this unit."""

    code: str
    sign: int
    least: float
    moved: bool = False
    unit: str = ""


def limits(written: Mapping[str, Any], named: frozenset[str]) -> list[Limit] | None:
    """The limits of which one has to be reached for the condition to hold; None where nothing can be said.

    `named` are the codes of the report: without any limit the condition never holds of such a report.
    """
    test = written.get("test")
    if test == "score" and written["of"] in FORM_SCORES:
        return _reach({**written, "code": FORM_SCORES[written["of"]]}, written["threshold"], named)
    if test in _REACH:
        return _reach(written, written[_REACH[test]], named)
    if test in _MOVE:
        sign = -1 if test == "fall" or written.get("side") == "below" else 1
        least, unit = float(written[_MOVE[test]]), written.get("unit", "")
        return [Limit(code, sign, least, True, unit) for code in _codes(written, named)]
    if test == "missing":
        return [] if written["code"] in named else None
    if test in ("all", "any"):
        parts = [limits(part, named) for part in written["of"]]
        known = [part for part in parts if part is not None]
        if test == "any":
            return [one for part in known for one in part] if len(known) == len(parts) else None
        # any of them has to hold, so the one that is the cheapest to look at: no code at all, then no past needed
        return min(known, key=lambda part: (len(part) > 0, any(one.moved for one in part)), default=None)
    return None


def _reach(written: Mapping[str, Any], threshold: float, named: frozenset[str]) -> list[Limit]:
    sign = -1 if written.get("op") in ("<", "<=") else 1
    return [Limit(code, sign, sign * float(threshold)) for code in _codes(written, named)]


def _codes(written: Mapping[str, Any], named: frozenset[str]) -> Iterator[str]:
    code, prefix = written.get("code"), written.get("code_prefix")
    return (one for one in named if one == code or (prefix is not None and one.startswith(prefix)))


@dataclass(slots=True)
class _Code:
    """The limits on one code, each kind in order, with the places of their rules."""

    up: list[tuple[float, int]] = field(default_factory=list)
    down: list[tuple[float, int]] = field(default_factory=list)
    moved: dict[tuple[str, int], list[tuple[float, int]]] = field(default_factory=dict)

    def near(self) -> tuple[float, float]:
        """The least that a value, and that its negative, must come to for anything to be reached."""
        return min((one[0] for one in self.up), default=float("inf")), min(
            (one[0] for one in self.down), default=float("inf")
        )


class Plan:
    """The rules of a set for reports that name these codes; `rules` are those whose inputs such a report has."""

    __slots__ = ("_always", "_codes", "_rules", "_usual", "idle", "units")

    def __init__(self, rules: Sequence[Rule], units: Mapping[str, str], named: frozenset[str]) -> None:
        self._rules = rules
        self.units = {code: unit for code, unit in units.items() if code in named}
        self._always: list[int] = []
        by_code: dict[str, _Code] = {}
        for place, rule in enumerate(rules):
            found = limits(rule.written, named)
            if found is None:
                self._always.append(place)
                continue
            for one in found:
                own = by_code.setdefault(one.code, _Code())
                if one.moved:
                    own.moved.setdefault((one.unit, one.sign), []).append((one.least, place))
                else:
                    (own.up if one.sign > 0 else own.down).append((one.least, place))
        for own in by_code.values():
            for listed in (own.up, own.down, *own.moved.values()):
                listed.sort()
        self._codes = [(code, own, *own.near()) for code, own in by_code.items()]
        self._usual = [rules[place] for place in self._always]
        self.idle = not (self.units or self._codes or self._always)  # nothing of such a report concerns it

    def tried(self, report: Report, history: History) -> Sequence[Rule]:
        """The rules that could hold of the report, in the order of the set."""
        places = self._always
        own_of = report.of
        for code, limit, up, down in self._codes:
            own = own_of(code)
            if not own:
                continue
            if len(own) == 1:
                low = high = own[0].value or 0.0
            else:
                values = [one.value or 0.0 for one in own]
                low, high = min(values), max(values)
            if high >= up:
                places = places + [place for _, place in limit.up[: _reached(limit.up, high)]]
            if -low >= down:
                places = places + [place for _, place in limit.down[: _reached(limit.down, -low)]]
            if limit.moved:
                places = places + _moved(limit, own, history, code)
        if places is self._always:
            return self._usual
        return [self._rules[place] for place in sorted(set(places))]


def _reached(listed: list[tuple[float, int]], value: float) -> int:
    return bisect_right(listed, value, key=_least)


def _least(one: tuple[float, int]) -> float:
    return one[0]


def _moved(limit: _Code, own: Sequence[Measure], history: History, code: str) -> list[int]:
    """The places of the rules about a change that could hold: a single value has only the past to change from."""
    if len(own) > 1:
        return [place for listed in limit.moved.values() for _, place in listed]
    found: list[int] = []
    value = own[0].value or 0.0
    for (unit, sign), listed in limit.moved.items():
        ends = history.ends(code, unit)
        if ends is not None:
            change = value - ends[0] if sign > 0 else ends[1] - value
            if change >= listed[0][0] - _ALMOST:
                found += [place for least, place in listed if change >= least - _ALMOST]
    return found
