"""From a patient's measures to the model's vector, all of it declared in the manifest.

The recipes compute their training rows with this same code, so that what is served is what was learned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from care.domain.assessment import Carried
from care.domain.measure import Measure
from care.errors import AssessmentError
from risk.aggregates import Points, reader
from risk.manifest import Feature, Impute, Manifest, Missing
from risk.points import MeasureReader

Floats = NDArray[np.float32]
Found = Sequence[float | None]
Fill = Callable[[Found], tuple[float, str]]


class Row(NamedTuple):
    """One row for the graph: `values` as a clinician reads them (None: no data), `vector` as the graph reads them.

    `missing` are the features without data; `carried` those that an older value of the patient's own stands for;
    `filled` says for each feature how it came about where it was not measured in time ('' where it was).
    """

    values: tuple[float | None, ...]
    vector: Floats
    missing: tuple[str, ...]
    inputs: tuple[str, ...]
    carried: tuple[Carried, ...] = ()
    filled: tuple[str, ...] = ()


class Known(NamedTuple):
    """As a Row, before the graph: `numbers` are what it is to read, in double precision."""

    values: tuple[float | None, ...]
    numbers: Sequence[float | None]
    missing: tuple[str, ...]
    inputs: tuple[str, ...]
    carried: tuple[Carried, ...]
    filled: tuple[str, ...]


class Plan:
    """A manifest compiled: what is done to a patient's measures, with nothing looked up twice."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self._reader = MeasureReader(manifest)
        places = {name: place for place, name in enumerate(manifest.sources)}
        features = manifest.features
        self._names = tuple(feature.name for feature in features)
        self._nothing_filled = ("",) * len(features)
        self._features = [
            reader(
                feature.window,
                places[feature.source],
                places[feature.window.or_event] if feature.window.or_event else None,
                manifest.sources[feature.source].kind == "attribute",
                self._reader.widest,
            )
            for feature in features
        ]
        self._carry = [
            (number, places[feature.source], feature.missing.max_age_days or 0)
            for number, feature in enumerate(features)
            if feature.missing.policy == "carry_forward"
        ]
        self._fills = [_fill(feature, self._names) for feature in features]
        self._logs = [
            (number, math.log if feature.transform == "log" else math.log1p)
            for number, feature in enumerate(features)
            if feature.transform != "none"
        ]
        self._log_of = dict(self._logs)
        self._requires = [(places[need.source], need.at_least, need.days, need.source) for need in manifest.requires]
        self._most_missing = manifest.abstain.max_missing
        self._oldest = manifest.abstain.max_age_days
        self._aging = [places[name] for name, source in manifest.sources.items() if source.kind != "attribute"]

    def row(self, measures: Sequence[Measure], at: datetime, zone: str) -> Row:
        """The row of one patient; see `extract`."""
        known = self.known(measures, at, zone)
        vector = np.array(known.numbers, dtype=np.float32)
        return Row(known.values, vector, known.missing, known.inputs, known.carried, known.filled)

    def known(self, measures: Sequence[Measure], at: datetime, zone: str) -> Known:
        """The row of one patient as plain numbers; raises as `extract`."""
        points = self._reader.points(measures, at, zone)
        if self._requires:
            self._check_required(points)
        values = [read(points) for read in self._features]
        filled = self._nothing_filled
        missing: tuple[str, ...] = ()
        carried: tuple[Carried, ...] = ()
        numbers: list[float] | list[float | None] = values
        if None in values:
            how = [""] * len(values)
            carried = self._carried(points, values, how, zone)
            missing = tuple(name for name, value in zip(self._names, values, strict=True) if value is None)
            self._check_enough(missing)
            numbers = self._filled(values, how) if missing else values
            filled = tuple(how)
        if self._oldest is not None:
            self._check_age(points, self._oldest)
        used = sorted([point[2] for some in points for point in some])
        told = self._transformed(numbers) if self._logs else numbers
        return Known(tuple(values), told, missing, tuple(used), carried, filled)

    def number(self, place: int, value: float) -> float:
        """What the graph reads for `value` of the feature at `place`."""
        logarithm = self._log_of.get(place)
        return value if logarithm is None else logarithm(value)

    def numbers(self, place: int, values: NDArray[np.float64]) -> None:
        """Many values of the feature at `place`, each put as the graph reads it; NaN where it has no logarithm.

        One after the other: an array's own logarithm is not the same to the last bit.
        """
        logarithm = self._log_of.get(place)
        if logarithm is not None:
            above = 0.0 if logarithm is math.log else -1.0
            values[:] = [logarithm(value) if value > above else math.nan for value in values.tolist()]

    def _check_required(self, points: Points) -> None:
        for place, at_least, days, source in self._requires:
            near = 0
            for point in points[place]:
                if point[0] < days:
                    near += 1
            if near < at_least:
                raise AssessmentError("too-few", f"fewer than {at_least} of {source} in {days} days")

    def _check_enough(self, missing: Sequence[str]) -> None:
        most = self._most_missing
        if len(missing) == len(self._names) or (most is not None and len(missing) > most):
            raise AssessmentError("missing", "too little is known of this patient")

    def _check_age(self, points: Points, oldest: int) -> None:
        if not any(point[0] < oldest for place in self._aging for point in points[place]):
            raise AssessmentError("stale", "nothing new enough is known of this patient")

    def _carried(self, points: Points, values: list[float | None], how: list[str], zone: str) -> tuple[Carried, ...]:
        """Put the patient's own last value where there is none, if it is not too old to stand for today's."""
        carried = []
        for number, place, oldest in self._carry:
            if values[number] is not None:
                continue
            chosen = [point for point in points[place] if point[0] < oldest]
            if chosen:
                last = max(chosen, key=lambda point: (point[3], point[2]))
                values[number], how[number] = last[1], "carry_forward"
                carried.append(Carried(self._names[number], _day(last[3], zone)))
        return tuple(carried)

    def _filled(self, values: Found, how: list[str]) -> list[float]:
        """The values with the missing policies' instead of None; `how` is told which."""
        numbers = []
        for place, value in enumerate(values):
            if value is None:
                value, how[place] = self._fills[place](values)
            numbers.append(value)
        return numbers

    def _transformed(self, numbers: Sequence[float | None]) -> list[float | None]:
        found, place = list(numbers), 0
        try:
            for place, logarithm in self._logs:
                value = found[place]
                found[place] = None if value is None else logarithm(value)
        except ValueError:
            raise AssessmentError("value", f"{self._names[place]} has no logarithm") from None
        return found


_PLANS: dict[int, Plan] = {}
_MOST_PLANS = 64


def plan_of(manifest: Manifest) -> Plan:
    """The manifest compiled, once for each that is in use."""
    known = _PLANS.get(id(manifest))
    if known is not None and known.manifest is manifest:
        return known
    if len(_PLANS) >= _MOST_PLANS:
        _PLANS.clear()
    made = _PLANS[id(manifest)] = Plan(manifest)
    return made


def extract(manifest: Manifest, measures: Sequence[Measure], at: datetime, zone: str) -> Row:
    """The row of one patient at the aware moment `at` in their civil time `zone`.

    Measures later than `at`, older than the widest window or of other codes are not read; their order is of no
    consequence. Raises AssessmentError (reason: zone, time, unit, value, hard-range, too-few, missing, stale) where the
    manifest says to abstain.
    """
    return plan_of(manifest).row(measures, at, zone)


def _fill(feature: Feature, names: Sequence[str]) -> Fill:
    """The missing policies of a feature, one after the other, as a function from what is known to (value, policy)."""
    steps: list[tuple[str, float | None, list[tuple[int, float]]]] = []
    policy: Missing | None = feature.missing
    while policy is not None:
        if policy.policy != "carry_forward":
            steps.append((policy.policy, *_constants(policy.value, policy.impute, names)))
        policy = policy.then

    def fill(found: Found) -> tuple[float, str]:
        for kind, constant, weights in steps:
            if kind == "model_native":
                return math.nan, kind
            known = [found[place] for place, _ in weights]
            if kind == "abstain" or constant is None or None in known:
                continue
            pairs = zip(weights, known, strict=True)
            return constant + sum(weight * value for (_, weight), value in pairs if value is not None), kind
        raise AssessmentError("missing", f"no data for {feature.name}")

    return fill


def _constants(
    value: float | None, rule: Impute | None, names: Sequence[str]
) -> tuple[float | None, list[tuple[int, float]]]:
    if rule is None:
        return value, []
    return rule.intercept, [(names.index(name), weight) for name, weight in rule.coefficients.items()]


def _day(seconds: float, zone: str) -> date:
    return datetime.fromtimestamp(seconds, ZoneInfo(zone)).date()
