"""Discrimination, calibration and net benefit of predictions, with intervals that resample whole people. numpy only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Interval = list[float]  # estimate, lower and upper 95 % limit


def auc(y: Numbers, p: Numbers) -> float:
    """Area under the ROC curve; ties count half."""
    _, where, counts = np.unique(p, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[where]
    positive = y == 1
    n1, n0 = positive.sum(), (~positive).sum()
    return float((ranks[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)) if n1 and n0 else float("nan")


def brier(y: Numbers, p: Numbers) -> float:
    """Mean squared difference of prediction and outcome."""
    return float(np.mean((p - y) ** 2))


def logit(p: Numbers) -> Numbers:
    """Log odds; 0 and 1 are taken as 0.001 and 0.999, so that a crude share can be compared."""
    kept = np.clip(p, 0.001, 0.999)
    return np.asarray(np.log(kept / (1 - kept)))


def expit(z: Numbers) -> Numbers:
    """The inverse of logit."""
    return np.asarray(1 / (1 + np.exp(-z)))


def platt(y: Numbers, z: Numbers) -> tuple[float, float]:
    """Slope and intercept of a logistic regression of the outcome on the raw logit (Newton's method)."""
    slope, intercept = 0.0, float(logit(np.array([y.mean()]))[0])  # from here Newton's method does not overshoot
    for _ in range(50):
        p = expit(slope * z + intercept)
        w = p * (1 - p)
        gradient = np.array([np.sum((y - p) * z), np.sum(y - p)])
        hessian = np.array([[np.sum(w * z * z), np.sum(w * z)], [np.sum(w * z), np.sum(w)]])
        step = np.linalg.solve(hessian, gradient)
        slope, intercept = slope + step[0], intercept + step[1]
        if np.max(np.abs(step)) < 1e-10:
            break
    return float(slope), float(intercept)


def slope(y: Numbers, p: Numbers) -> float:
    """Calibration slope: 1 is right, below 1 the predictions are too extreme."""
    return platt(y, logit(p))[0]


def in_the_large(y: Numbers, p: Numbers) -> float:
    """Calibration in the large: the intercept that would make mean risk and mean outcome agree; 0 is right."""
    z, shift = logit(p), 0.0
    for _ in range(50):
        q = expit(z + shift)
        step = float(np.sum(y - q) / np.sum(q * (1 - q)))
        shift += step
        if abs(step) < 1e-10:
            break
    return shift


def ici(y: Numbers, p: Numbers, span: float = 0.75, points: int = 30) -> float:
    """Integrated calibration index: mean distance of the predictions from a loess curve of the outcomes."""
    grid = np.unique(np.quantile(p, np.linspace(0, 1, points)))
    near = max(int(span * len(p)), 2)
    fitted = []
    for x in grid:
        distance = np.abs(p - x)
        reach = max(float(np.partition(distance, near - 1)[near - 1]), 1e-9)
        w = np.clip(1 - (distance / reach) ** 3, 0, None) ** 3
        centre, mean = np.average(p, weights=w), np.average(y, weights=w)
        spread = np.sum(w * (p - centre) ** 2)
        tilt = np.sum(w * (p - centre) * (y - mean)) / spread if spread > 1e-12 else 0.0
        fitted.append(mean + tilt * (x - centre))
    return float(np.mean(np.abs(np.interp(p, grid, fitted) - p)))


def net_benefit(y: Numbers, p: Numbers, threshold: float) -> float:
    """True alerts less false ones at the threshold's exchange rate, a patient-day (Vickers and Elkin 2006)."""
    alert = p >= threshold
    false_cost = threshold / (1 - threshold)
    return float((np.sum(alert & (y == 1)) - np.sum(alert & (y == 0)) * false_cost) / len(y))


MEASURES: Mapping[str, Callable[[Numbers, Numbers], float]] = {
    "auc": auc,
    "brier": brier,
    "slope": slope,
    "in_the_large": in_the_large,
    "ici": ici,
}


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
