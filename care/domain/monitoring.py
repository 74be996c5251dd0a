"""Monitoring: whether a model that is in use is still right, in figures of one week. Standard library only.

Observed over expected with the exact interval (Garwood 1936), the cumulative sum of its log-likelihood (Steiner et al.,
Biostatistics 2000), calibration in the large and slope (Cox 1958), sensitivity at the live threshold, precision of
alerts by what nurses made of them. A shift of the inputs (PSI) is a hint to look and never an alarm: it missed real
drift, and cried at none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

RATIO = 1.25  # of observed to expected, up or down: what the cumulative sum is to find
LIMIT = 4.0  # of the sum: a right model of 5 events a week crosses it in the median after more than two years (tests)
LARGE, STEEP = 0.2, (0.8, 1.25)  # |calibration in the large| and slope, as at the gate
ENOUGH = 50  # events from which on a slope or a sensitivity is more than noise
Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Case:
    """One prediction whose outcome is known. `alerted`: it raised an alert; `groups` name what it belongs to."""

    risk: float
    outcome: bool
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """One group's week. What cannot be reckoned is None; intervals are 95 %."""

    n: int
    observed: int
    expected: float
    ratio: float | None
    low: float | None
    high: float | None
    in_the_large: float | None
    slope: float | None
    threshold: float | None
    sensitivity: float | None
    alerts: int = 0
    judged: int = 0
    right: int = 0
    precision: float | None = None
    up: float = 0.0
    down: float = 0.0
    psi: float | None = None
    hints: tuple[str, ...] = field(default=())

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def figures(cases: Sequence[Case], threshold: float | None, before: Figures | None = None, **more: Any) -> Figures:
    """The week's figures of these cases; the sums go on from those of the week `before`."""
    observed, expected = sum(case.outcome for case in cases), math.fsum(case.risk for case in cases)
    low, high = poisson_interval(observed)
    known = expected > 0
    hits = [case.risk >= threshold for case in cases if case.outcome] if threshold is not None else []
    up, down = (before.up, before.down) if before else (0.0, 0.0)
    return Figures(
        n=len(cases),
        observed=observed,
        expected=expected,
        ratio=observed / expected if known else None,
        low=low / expected if known else None,
        high=high / expected if known else None,
        in_the_large=in_the_large(cases),
        slope=slope(cases),
        threshold=threshold,
        sensitivity=sum(hits) / len(hits) if hits else None,
        up=cusum_step(up, observed, expected, RATIO),
        down=cusum_step(down, observed, expected, 1 / RATIO),
        **more,
    )


def alarms(now: Figures, before: Sequence[Figures], floor: float | None = None) -> tuple[str, ...]:
    """What is wrong with a version: codes, none when nothing is. `before` are the weeks before, oldest first.

    `floor` is the sensitivity that was promised. One week's calibration in the large is chance; two are not.
    """
    found = []
    if now.up >= LIMIT or now.down >= LIMIT:
        found.append("observed-expected")
    last = before[-1] if before else None
    if last is not None and _far(now) and _far(last) and (now.in_the_large or 0) * (last.in_the_large or 0) > 0:
        found.append("calibration-in-the-large")
    if now.slope is not None and now.observed >= ENOUGH and not STEEP[0] <= now.slope <= STEEP[1]:
        found.append("slope")
    if floor is not None and now.sensitivity is not None and now.observed >= ENOUGH:
        hits = round(now.sensitivity * now.observed)
        found += ["sensitivity"] if wilson(hits, now.observed)[1] < floor else []
    return tuple(found)


def _far(week: Figures) -> bool:
    """Too far from calibration in the large, beyond what chance explains."""
    interval = week.low is not None and week.high is not None and not week.low <= 1 <= week.high
    return interval and week.in_the_large is not None and abs(week.in_the_large) > LARGE


def cusum_step(total: float, observed: int, expected: float, ratio: float) -> float:
    """One step of the sum that grows when counts come at `ratio` times what was expected; it never falls below 0."""
    return max(0.0, total + observed * math.log(ratio) - expected * (ratio - 1))


def poisson_interval(count: int, alpha: float = 0.05) -> tuple[float, float]:
    """The exact interval of a Poisson mean of which `count` were seen."""
    top = count + 10 * math.sqrt(count + 1) + 20
    low = 0.0 if count == 0 else _solve(lambda mean: 1 - _at_most(count - 1, mean), alpha / 2, top)
    return low, _solve(lambda mean: -_at_most(count, mean), -alpha / 2, top)


def wilson(count: int, of: int) -> tuple[float, float]:
    """The interval of a share (Wilson 1927). `of` is above 0."""
    share, add = count / of, Z * Z / of
    middle = (share + add / 2) / (1 + add)
    half = Z * math.sqrt(share * (1 - share) / of + add / (4 * of)) / (1 + add)
    return max(0.0, middle - half), min(1.0, middle + half)


def in_the_large(cases: Sequence[Case]) -> float | None:
    """What has to be added to every logit so that as many are expected as were observed; None: all or none had it."""
    if not 0 < sum(case.outcome for case in cases) < len(cases):
        return None
    observed, logits = sum(case.outcome for case in cases), [logit(case.risk) for case in cases]
    return _solve(lambda shift: math.fsum(expit(one + shift) for one in logits) - observed, 0.0, 40.0, -40.0)


def slope(cases: Sequence[Case], rounds: int = 50) -> float | None:
    """How steeply outcomes rise with the logit (1: as the model says); None where it cannot be found."""
    if not 0 < sum(case.outcome for case in cases) < len(cases):
        return None
    a, b = 0.0, 1.0
    points = [(logit(case.risk), float(case.outcome)) for case in cases]
    for _ in range(rounds):
        fitted = [expit(a + b * x) for x, _ in points]
        weights = [p * (1 - p) for p in fitted]
        s0, s1 = math.fsum(weights), math.fsum(w * x for w, (x, _) in zip(weights, points, strict=True))
        s2 = math.fsum(w * x * x for w, (x, _) in zip(weights, points, strict=True))
        g0 = math.fsum(y - p for p, (_, y) in zip(fitted, points, strict=True))
        g1 = math.fsum((y - p) * x for p, (x, y) in zip(fitted, points, strict=True))
        flat = s0 * s2 - s1 * s1
        if flat <= 1e-12:
            return None
        da, db = (s2 * g0 - s1 * g1) / flat, (s0 * g1 - s1 * g0) / flat
        a, b = a + da, b + db
        if not (math.isfinite(b) and abs(b) < 100):
            return None
        if abs(da) + abs(db) < 1e-10:
            return b
    return None


def psi(before: Sequence[float], now: Sequence[float], bins: int = 10) -> float | None:
    """Population stability of the risks against those of before, in their tenths; None with too few of either."""
    if len(before) < 10 * bins or len(now) < bins:
        return None
    ordered = sorted(before)
    edges = [ordered[len(ordered) * place // bins] for place in range(1, bins)]
    old, new = (_shares(values, edges) for values in (before, now))
    return math.fsum((n - o) * math.log(n / o) for o, n in zip(old, new, strict=True))


def _shares(values: Sequence[float], edges: Sequence[float]) -> list[float]:
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[sum(value >= edge for edge in edges)] += 1
    return [max(count / len(values), 1e-4) for count in counts]


def logit(risk: float) -> float:
    """The log-odds, of a risk kept away from 0 and 1."""
    kept = min(max(risk, 1e-9), 1 - 1e-9)
    return math.log(kept / (1 - kept))


def expit(value: float) -> float:
    """The risk of a log-odds."""
    return 0.5 * (1 + math.tanh(value / 2))


def _at_most(count: int, mean: float) -> float:
    if mean <= 0:
        return 1.0
    return math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1))


def _solve(rising: Callable[[float], float], target: float, high: float, low: float = 0.0) -> float:
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return (low + high) / 2
