"""The smallest change of one feature that would leave the band, found by trying it on the model itself.

Every feature that can change is tried on a grid over its range, all in one run of the graph; the nearest that leaves
the band is narrowed down by halves, and what is told is run once more as it is told. An attribute (age, sex) and a
feature without data of its own are not tried. It says what the model would say, never what would help a patient.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from care.domain.assessment import Assessment, Counterfactual
from risk.bands import band_of
from risk.features import Floats
from risk.manifest import Feature, Manifest
from risk.scoring import Scorer, adds_up, totals_of

GRID, HALVINGS = 24, 12


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
    vector = np.array(found.vector, dtype=np.float32)
    tries = _first_outside(scorer, found, vector)
    for _ in range(HALVINGS):
        tries = _halved(scorer, found, vector, tries)
    for one in sorted(tries, key=lambda one: abs(one.outside - one.now) / one.width):
        told = _told(one)
        for value in (told, one.outside):
            if (band := _left(scorer, found, vector, [(one.place, value)])[0]) is not None:
                feature = manifest.features[one.place]
                return Counterfactual(feature.name, feature.label, one.now, value, band)
    return None


def _first_outside(scorer: Scorer, found: Assessment, vector: Floats) -> list[_Try]:
    """Of each feature the grid's value nearest to its own, on either side, that leaves the band."""
    candidates: list[tuple[int, float]] = []
    steps: list[tuple[int, float, float, float]] = []
    for place, (feature, share) in enumerate(zip(scorer.bundle.manifest.features, found.contributions, strict=True)):
        limits = _range(scorer.bundle.manifest, feature)
        if share.value is None or share.filled or limits is None:
            continue
        low, high = limits
        for end in (low, high):
            for step in range(1, GRID + 1):
                candidates.append((place, share.value + (end - share.value) * step / GRID))
            steps.append((place, share.value, end, high - low))
    bands = _left(scorer, found, vector, candidates)
    tries = []
    for number, (place, now, end, width) in enumerate(steps):
        own = bands[number * GRID : (number + 1) * GRID]
        found_at = next((step for step, band in enumerate(own, start=1) if band is not None), None)
        if found_at is not None and end != now:
            inside, outside = (now + (end - now) * step / GRID for step in (found_at - 1, found_at))
            tries.append(_Try(place, now, inside, outside, width))
    return tries


def _halved(scorer: Scorer, found: Assessment, vector: Floats, tries: list[_Try]) -> list[_Try]:
    middles = [(one.place, (one.inside + one.outside) / 2) for one in tries]
    bands = _left(scorer, found, vector, middles)
    return [
        _Try(one.place, one.now, one.inside, middle, one.width)
        if band is not None
        else _Try(one.place, one.now, middle, one.outside, one.width)
        for one, (_, middle), band in zip(tries, middles, bands, strict=True)
    ]


def _left(scorer: Scorer, found: Assessment, vector: Floats, candidates: list[tuple[int, float]]) -> list[str | None]:
    """For each (feature, value): the lower band it would be, or None where the band stays or nothing comes out."""
    if not candidates:
        return []
    rows = np.repeat(vector.reshape(1, -1), len(candidates), axis=0)
    possible = []
    for number, (place, value) in enumerate(candidates):
        try:
            rows[number, place] = scorer.plan.number(place, value)
            possible.append(True)
        except ValueError:  # no logarithm: the range's end is not in reach
            possible.append(False)
    told, shares, logits = scorer.run(rows)
    head = scorer.bundle.manifest.head
    order = [band.id for band in head.bands]
    here = order.index(found.band)
    totals = totals_of(head.base, shares)
    risks = 0.5 * (1.0 + np.tanh(totals / 2.0))
    lower: list[str | None] = []
    for may, risk, *one in zip(possible, risks.tolist(), told.tolist(), totals.tolist(), logits.tolist(), strict=True):
        band = band_of(head.bands, risk, found.band, head.clear_factor).id
        lower.append(band if may and adds_up(*one) and order.index(band) < here else None)
    return lower


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
