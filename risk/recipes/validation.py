"""Measures over the repeats of a cross-validation, with intervals that resample whole people. numpy only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from risk.metrics import MEASURES, Numbers

Interval = list[float]  # estimate, lower and upper 95 % limit


def over_repeats(y: Numbers, repeats: Sequence[Numbers], measure: Callable[[Numbers, Numbers], float]) -> float:
    """The mean of a measure over the repeats of a cross-validation."""
    return float(np.mean([measure(y, p) for p in repeats]))


def with_intervals(
    y: Numbers, people: NDArray[np.str_], candidates: Mapping[str, Sequence[Numbers]], draws: int, seed: int
) -> dict[str, dict[str, Interval]]:
    """Each measure of each candidate with a 95 % percentile interval; the draws are of people and the same for all.

    Adds to each candidate but the first `brier_less_by`: how much lower the first one's Brier score is.
    """
    chance = np.random.default_rng(seed)
    rows_of = {name: np.flatnonzero(people == name) for name in np.unique(people)}
    names = np.array(list(rows_of))
    rows = [np.arange(len(y))]
    rows += [np.concatenate([rows_of[n] for n in chance.choice(names, len(names))]) for _ in range(draws)]
    first = next(iter(candidates))
    drawn: dict[str, dict[str, list[float]]] = {
        name: {
            key: [over_repeats(y[kept], [p[kept] for p in repeats], measure) for kept in rows]
            for key, measure in MEASURES.items()
        }
        for name, repeats in candidates.items()
    }
    for name in candidates:
        if name != first:
            pairs = zip(drawn[name]["brier"], drawn[first]["brier"], strict=True)
            drawn[name]["brier_less_by"] = [theirs - ours for theirs, ours in pairs]
    return {name: {key: _interval(values) for key, values in found.items()} for name, found in drawn.items()}


def _interval(values: list[float]) -> Interval:
    low, high = np.nanquantile(values[1:], [0.025, 0.975])
    return [round(float(number), 4) for number in (values[0], low, high)]
