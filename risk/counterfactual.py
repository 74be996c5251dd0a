"""The smallest change of one feature that would leave the band, found by trying it on the model itself.

Every feature that can change is tried on a grid over its range, all in one run of the graph; the nearest that leaves
the band is narrowed down by halves, and what is told is run once more as it is told. An attribute (age, sex) and a
feature without data of its own are not tried. It says what the model would say, never what would help a patient.

A run costs more than the few rows in it, less so where the graph is of trees: so several halvings are tried in one,
with every value that they could come to, and those that they did not come to are thrown away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from care.domain.assessment import Assessment, Counterfactual
from risk.features import Floats
from risk.manifest import Feature, Manifest
from risk.scoring import Scorer, add_up, totals_of

GRID, HALVINGS = 24, 12
AT_ONCE, AT_ONCE_OF_TREES = 4, 2  # halvings in one run; divisors of HALVINGS
_TREES = "ai.onnx.ml:TreeEnsembleRegressor"
_STEPS = np.arange(1, GRID + 1)
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Try:
    """One feature at `place`: the value that it has, one that keeps the band, one that leaves it, its range's width."""

    place: int
    now: float
    inside: float
    outside: float
    width: float


def counterfactual(scorer: Scorer, found: Assessment) -> Counterfactual | None:
    """What would bring `found` into a lower band, or None: in the lowest band, or where no one feature does it."""
    manifest = scorer.bundle.manifest
    bands = manifest.head.bands
    if found.band == bands[0].id:
        return None
    asked = _Asked(scorer, found)
    tries = asked.first_outside()
    at_once = AT_ONCE_OF_TREES if _TREES in manifest.graph.ops else AT_ONCE
    for _ in range(HALVINGS // at_once):
        tries = asked.halved(tries, at_once)
    for one in sorted(tries, key=lambda one: abs(one.outside - one.now) / one.width):
        for value in (_told(one), one.outside):
            band = int(asked.lower([one.place], np.array([[value]]))[0, 0])
            if band >= 0:
                feature = manifest.features[one.place]
                return Counterfactual(feature.name, feature.label, one.now, value, bands[band].id)
    return None


class _Asked:
    """One assessment, and the model that made it."""

    def __init__(self, scorer: Scorer, found: Assessment) -> None:
        self._scorer, self._found = scorer, found
        head = scorer.bundle.manifest.head
        self._base = head.base
        self._vector: Floats = np.array(found.vector, dtype=np.float32)
        self._here = [band.id for band in head.bands].index(found.band)
        # as `bands.band_of` with the band that it has: each edge that was crossed has to be cleared
        self._edges = [band.ge * (head.clear_factor if n <= self._here else 1) for n, band in enumerate(head.bands)]

    def first_outside(self) -> list[_Try]:
        """Of each feature the grid's value nearest to its own, on either side, that leaves the band."""
        manifest = self._scorer.bundle.manifest
        steps: list[tuple[int, float, float, float]] = []
        for place, (feature, share) in enumerate(zip(manifest.features, self._found.contributions, strict=True)):
            limits = _range(manifest, feature)
            if share.value is not None and not share.filled and limits is not None:
                steps += [(place, share.value, end, limits[1] - limits[0]) for end in limits]
        if not steps:
            return []
        begins = np.array([[step[1]] for step in steps])
        grid = begins + (np.array([[step[2]] for step in steps]) - begins) * _STEPS / GRID
        left = self.lower([step[0] for step in steps], grid) >= 0
        tries = []
        for own, (place, now, end, width) in zip(left.tolist(), steps, strict=True):
            if True in own and end != now:
                found_at = own.index(True) + 1
                inside, outside = (now + (end - now) * step / GRID for step in (found_at - 1, found_at))
                tries.append(_Try(place, now, inside, outside, width))
        return tries

    def halved(self, tries: Sequence[_Try], times: int) -> list[_Try]:
        """Each try's range halved so many times, in one run of the graph."""
        if not tries:
            return []
        inside = np.array([[one.inside] for one in tries])
        outside = np.array([[one.outside] for one in tries])
        middles = []
        for _ in range(times):
            middle = (inside + outside) / 2
            middles.append(middle)
            # of each middle the half that ends there, then the one that begins there
            inside, outside = _by_turns(inside, middle), _by_turns(middle, outside)
        values = np.concatenate(middles, axis=1)
        left = self.lower([one.place for one in tries], values) >= 0
        pairs = zip(tries, values.tolist(), left.tolist(), strict=True)
        return [_walked(one, own, marks, times) for one, own, marks in pairs]

    def lower(self, places: Sequence[int], values: Doubles) -> NDArray[np.int64]:
        """For each feature and each of its values: the place of the lower band it would be in, or -1 where the band
        stays or nothing comes out."""
        numbers = values.copy()
        for at, place in enumerate(places):
            self._scorer.plan.numbers(place, numbers[at])
        rows = np.repeat(self._vector.reshape(1, -1), values.size, axis=0)
        rows[np.arange(values.size), np.repeat(places, values.shape[1])] = numbers.ravel()
        told, shares, logits = self._scorer.run(rows)
        totals = totals_of(self._base, shares)
        risks = 0.5 * (1.0 + np.tanh(totals / 2.0))
        bands = np.searchsorted(self._edges[1:], risks, side="right")
        there = (bands < self._here) & add_up(told, totals, logits)
        found: NDArray[np.int64] = np.where(
            there.reshape(values.shape) & ~np.isnan(numbers), bands.reshape(values.shape), -1
        )
        return found


def _by_turns(first: Doubles, second: Doubles) -> Doubles:
    found = np.empty((len(first), 2 * first.shape[1]))
    found[:, 0::2], found[:, 1::2] = first, second
    return found


def _walked(one: _Try, values: Sequence[float], left: Sequence[bool], times: int) -> _Try:
    """What the halvings come to one after the other: `values` are the middles of all of them, level by level."""
    inside, outside, node = one.inside, one.outside, 0
    for level in range(times):
        at = (1 << level) - 1 + node
        if left[at]:
            outside, node = values[at], 2 * node
        else:
            inside, node = values[at], 2 * node + 1
    return _Try(one.place, one.now, inside, outside, one.width)


def _told(one: _Try) -> float:
    """The value with three figures, rounded away from what it is now, so that it is easily said and still leaves."""
    size = max(abs(one.outside), 1e-6)
    unit = 10.0 ** (math.floor(math.log10(size)) - 2)
    steps = one.outside / unit
    return (math.floor(steps) if one.outside < one.now else math.ceil(steps)) * unit


def _range(manifest: Manifest, feature: Feature) -> tuple[float, float] | None:
    """From where to where a feature is tried: its source's soft range, or what its aggregate makes of it."""
    source = manifest.sources[feature.source]
    aggregate = feature.window.aggregate
    if aggregate == "day_share":
        return 0.0, 100.0
    if source.kind != "quantity" or source.soft is None or aggregate == "count_per_day":
        return None  # measuring more or less often is no change of the patient's state
    low, high = source.soft
    if aggregate == "sd":
        return 0.0, (high - low) / 2
    if aggregate == "slope_per_year":
        return low - high, high - low
    return low, high
