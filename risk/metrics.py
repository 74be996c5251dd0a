"""Discrimination, calibration, usefulness and drift of predictions. numpy only: the gates and the monitor read it too.

y is 0 or 1, p the predicted risk, who the person of each row; arrays of one length. An interval is (estimate, lower,
upper) at 95 %. What can't be reckoned (one class only, nobody) is NaN, never a number that looks good.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Names = NDArray[Any]
Measured = Callable[[Numbers, Numbers], float]
Interval = tuple[float, float, float]
Z95 = 1.959963984540054
NAN = float("nan")


def auc(y: Numbers, p: Numbers) -> float:
    """Area under the ROC curve; ties count half."""
    _, where, counts = np.unique(p, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[where]
    positive = y == 1
    n1, n0 = positive.sum(), (~positive).sum()
    return float((ranks[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)) if n1 and n0 else NAN


def auc_interval(y: Numbers, p: Numbers) -> Interval:
    """AUC with DeLong's interval (Biometrics 1988; by mid-ranks, Sun and Xu 2014), for rows of different people."""
    positive = y == 1
    ones, noughts = p[positive], p[~positive]
    if len(ones) < 2 or len(noughts) < 2:
        return auc(y, p), NAN, NAN
    every = _midranks(np.concatenate([ones, noughts]))
    above = (every[: len(ones)] - _midranks(ones)) / len(noughts)
    below = 1 - (every[len(ones) :] - _midranks(noughts)) / len(ones)
    error = math.sqrt(float(above.var(ddof=1) / len(ones) + below.var(ddof=1) / len(noughts)))
    found = float(above.mean())
    return found, max(0.0, found - Z95 * error), min(1.0, found + Z95 * error)


def _midranks(values: Numbers) -> Numbers:
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[where], dtype=np.float64)


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
    slope, intercept, _ = _logistic(y, z)
    return slope, intercept


def _logistic(y: Numbers, z: Numbers) -> tuple[float, float, Numbers]:
    """Slope, intercept and the information matrix at the maximum."""
    if not 0 < y.mean() < 1:
        return NAN, NAN, np.full((2, 2), NAN)
    slope, intercept = 0.0, float(logit(np.array([y.mean()]))[0])  # from here Newton's method does not overshoot
    hessian = np.full((2, 2), NAN)
    for _ in range(50):
        p = expit(slope * z + intercept)
        w = p * (1 - p)
        gradient = np.array([np.sum((y - p) * z), np.sum(y - p)])
        hessian = np.array([[np.sum(w * z * z), np.sum(w * z)], [np.sum(w * z), np.sum(w)]])
        if np.linalg.cond(hessian) > 1e14:  # one class, one value, or a value that separates the classes
            return NAN, NAN, np.full((2, 2), NAN)
        step = np.linalg.solve(hessian, gradient)
        slope, intercept = slope + step[0], intercept + step[1]
        if np.max(np.abs(step)) < 1e-10:
            break
    return float(slope), float(intercept), hessian


def slope(y: Numbers, p: Numbers) -> float:
    """Calibration slope: 1 is right, below 1 the predictions are too extreme."""
    return platt(y, logit(p))[0]


def slope_interval(y: Numbers, p: Numbers) -> Interval:
    """Calibration slope with Wald's interval, for rows of different people."""
    found, _, information = _logistic(y, logit(p))
    if math.isnan(found):
        return NAN, NAN, NAN
    error = math.sqrt(float(np.linalg.inv(information)[0, 0]))
    return found, found - Z95 * error, found + Z95 * error


def in_the_large(y: Numbers, p: Numbers) -> float:
    """Calibration in the large: the intercept that would make mean risk and mean outcome agree; 0 is right."""
    return in_the_large_interval(y, p)[0]


def in_the_large_interval(y: Numbers, p: Numbers) -> Interval:
    """Calibration in the large with Wald's interval, for rows of different people."""
    if not 0 < y.mean() < 1:
        return NAN, NAN, NAN
    z, shift, information = logit(p), 0.0, NAN
    for _ in range(50):
        q = expit(z + shift)
        information = float(np.sum(q * (1 - q)))
        step = float(np.clip(np.sum(y - q) / information, -2.0, 2.0))
        shift += step
        if abs(step) < 1e-10:
            break
    error = 1 / math.sqrt(information)
    return shift, shift - Z95 * error, shift + Z95 * error


def smoothed(y: Numbers, p: Numbers, span: float = 0.75, points: int = 30) -> Numbers:
    """The share of outcomes near each prediction, by a loess curve (local lines, tricube weights)."""
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
    return np.asarray(np.interp(p, grid, fitted))


def ici(y: Numbers, p: Numbers, span: float = 0.75, points: int = 30) -> float:
    """Integrated calibration index: mean distance of the predictions from a loess curve of the outcomes."""
    return float(np.mean(np.abs(smoothed(y, p, span, points) - p)))


def calibration_errors(y: Numbers, p: Numbers) -> dict[str, float]:
    """ICI, E50, E90 and Emax: mean, median, 90th centile and largest distance (Austin and Steyerberg 2019)."""
    return distances(np.abs(smoothed(y, p) - p))


def distances(away: Numbers) -> dict[str, float]:
    """The same four of any distances between predicted and observed."""
    found = [np.mean(away), np.quantile(away, 0.5), np.quantile(away, 0.9), np.max(away)]
    return {name: float(value) for name, value in zip(("ici", "e50", "e90", "emax"), found, strict=True)}


def observed_expected(observed: int, expected: float) -> Interval:
    """Observed over expected outcomes, with the exact Poisson interval (Garwood 1936) of the observed count."""
    if expected <= 0:
        return NAN, NAN, NAN
    low, high = poisson_interval(observed)
    return observed / expected, low / expected, high / expected


def poisson_interval(count: int, alpha: float = 0.05) -> tuple[float, float]:
    """The exact interval of a Poisson mean of which `count` were seen."""
    widest = count + 10 * math.sqrt(count + 1) + 10
    low = 0.0 if count == 0 else _solve(lambda m: 1 - _poisson_cdf(count - 1, m), alpha / 2, widest)
    return low, _solve(lambda m: 1 - _poisson_cdf(count, m), 1 - alpha / 2, widest)


def _solve(rising: Callable[[float], float], target: float, high: float) -> float:
    low = 0.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return (low + high) / 2


def _poisson_cdf(count: int, mean: float) -> float:
    """P(X <= count), from the logarithms of its terms, so that large counts neither vanish nor overflow."""
    if mean <= 0:
        return 1.0
    first = max(0, int(mean - 40 * math.sqrt(mean)) - 40)
    if first > count:
        return 0.0
    ratios = np.log(mean / np.arange(first + 1, count + 1)) if count > first else np.empty(0)
    start = first * math.log(mean) - mean - math.lgamma(first + 1)
    return float(min(1.0, np.sum(np.exp(start + np.concatenate([[0.0], np.cumsum(ratios)])))))


def proportion_interval(count: int, of: int) -> Interval:
    """A share with Wilson's interval."""
    if of == 0:
        return NAN, NAN, NAN
    share, z2 = count / of, Z95 * Z95
    centre = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z95 / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return share, max(0.0, centre - half), min(1.0, centre + half)


def net_benefit(y: Numbers, p: Numbers, threshold: float) -> float:
    """True alerts less false ones at the threshold's exchange rate, a row (Vickers and Elkin 2006)."""
    alert = at_or_above(p, threshold)
    false_cost = threshold / (1 - threshold)
    return float(np.sum(alert & (y == 1)) / len(y) - np.sum(alert & (y == 0)) / len(y) * false_cost)


def at_or_above(p: Numbers, threshold: float) -> NDArray[np.bool_]:
    """Who is alerted; a threshold of 0 means any risk above 0, as in dcurves."""
    return np.asarray(p > 0 if threshold == 0 else p >= threshold)


def decision_curve(y: Numbers, p: Numbers, thresholds: Sequence[float]) -> list[dict[str, float]]:
    """Net benefit of the model, of alerting everybody and of alerting nobody, by threshold."""
    every = np.ones_like(p)
    return [
        {"threshold": t, "model": net_benefit(y, p, t), "treat_all": net_benefit(y, every, t), "treat_none": 0.0}
        for t in thresholds
    ]


def alerts(y: Numbers, p: Numbers, threshold: float) -> dict[str, Any]:
    """At a live threshold: alert rate, sensitivity and PPV with intervals, and NNE, the alerts to evaluate for one."""
    alert, events = at_or_above(p, threshold), y == 1
    hits, fired = int(np.sum(alert & events)), int(alert.sum())
    return {
        "threshold": threshold,
        "alert_rate": fired / len(y) if len(y) else NAN,
        "sensitivity": proportion_interval(hits, int(events.sum())),
        "ppv": proportion_interval(hits, fired),
        "nne": fired / hits if hits else NAN,
    }


def by_people(measured: Callable[[NDArray[np.intp]], float], who: Names, draws: int = 500, seed: int = 0) -> Interval:
    """What `measured(row numbers)` gives, with a percentile interval over draws of whole people (a bootstrap)."""
    chance = np.random.default_rng(seed)
    _, place, counts = np.unique(who, return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")
    rows_of = np.split(order, np.cumsum(counts)[:-1])
    people = len(rows_of)
    found = [
        measured(np.concatenate([rows_of[one] for one in chance.integers(0, people, people)])) for _ in range(draws)
    ]
    whole = measured(np.arange(len(who)))
    if np.isnan(found).all():
        return whole, NAN, NAN
    low, high = np.nanquantile(found, [0.025, 0.975])
    return whole, float(low), float(high)


def cusum(observed: Sequence[float], expected: Sequence[float], ratio: float) -> list[float]:
    """The path of a Poisson log-likelihood CUSUM that looks for O/E = `ratio` (above or below 1) against 1.

    Each step adds observed * ln(ratio) - (ratio - 1) * expected, and never falls below 0 (Steiner 2000, Rogerson 2004).
    """
    path, level = [], 0.0
    for seen, thought in zip(observed, expected, strict=True):
        level = max(0.0, level + seen * math.log(ratio) - (ratio - 1) * thought)
        path.append(level)
    return path


def psi(shares: Sequence[float], edges: Sequence[float], values: Numbers) -> float:
    """Population stability index of `values` against reference shares between inner `edges`: a hint, not an alarm."""
    counts = np.bincount(np.searchsorted(np.asarray(edges), values, side="right"), minlength=len(edges) + 1)
    now = np.clip(counts / max(len(values), 1), 1e-4, None)
    then = np.clip(np.asarray(shares, dtype=np.float64), 1e-4, None)
    return float(np.sum((now - then) * np.log(now / then)))


MEASURES: Mapping[str, Measured] = {
    "auc": auc,
    "brier": brier,
    "slope": slope,
    "in_the_large": in_the_large,
    "ici": ici,
}
