"""Figures of a week: against hand-made values, published intervals, and simulated drift that must be found."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from care.domain.measure import Measure
from care.domain.monitoring import (
    Case,
    Figures,
    alarms,
    cusum_step,
    figures,
    in_the_large,
    poisson_interval,
    psi,
    slope,
    wilson,
)
from care.domain.outcome import OUTCOMES
from risk import metrics


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904), (100, 81.3640, 121.6268)]
)
def test_the_exact_interval_is_the_published_one(count: int, low: float, high: float):
    assert poisson_interval(count) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_the_monitor_reckons_as_the_gates_do():
    chance = random.Random(3)
    cases = []
    for _ in range(400):
        risk = chance.uniform(0.02, 0.6)
        cases.append(Case(risk, chance.random() < min(1.0, 1.4 * risk)))
    y = np.array([case.outcome for case in cases], dtype=float)
    p = np.array([case.risk for case in cases])
    assert slope(cases) == pytest.approx(metrics.slope(y, p), rel=1e-6)
    assert in_the_large(cases) == pytest.approx(metrics.in_the_large(y, p), rel=1e-6)
    for count in (0, 3, 40, 700):
        assert poisson_interval(count) == pytest.approx(metrics.poisson_interval(count), rel=1e-6, abs=1e-9)
    total = 0.0
    for observed, level in zip((3, 9, 2, 14), metrics.cusum((3, 9, 2, 14), (4.0, 5.0, 6.0, 7.0), 1.25), strict=True):
        expected = {3: 4.0, 9: 5.0, 2: 6.0, 14: 7.0}[observed]
        total = cusum_step(total, observed, expected, 1.25)
        assert total == pytest.approx(level, abs=1e-12)


def test_the_interval_of_a_share_is_the_published_one():
    """Newcombe 1998, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for count, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(count, of) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def drawn(chance: random.Random, n: int, ratio: float = 1.0) -> list[Case]:
    """Predictions whose outcomes come at `ratio` times what was predicted."""
    risks = [chance.betavariate(1, 9) for _ in range(n)]
    return [Case(risk, chance.random() < risk * ratio) for risk in risks]


def test_calibration_by_hand():
    half = [Case(0.5, True), Case(0.5, True), Case(0.5, True), Case(0.5, False)]
    assert in_the_large(half) == pytest.approx(1.0986, abs=1e-4)  # log(3)
    assert in_the_large([Case(0.5, True)]) is None
    steep = [Case(0.2, False)] * 9 + [Case(0.2, True)] + [Case(0.8, True)] * 9 + [Case(0.8, False)]
    assert slope(steep) == pytest.approx(1.5850, abs=1e-4)  # log(9) / log(4)
    assert slope([Case(0.3, True), Case(0.3, False)]) is None
    assert slope([Case(0.2, False), Case(0.8, True)]) is None


def test_a_week_by_hand():
    cases = [Case(0.5, True), Case(0.25, False), Case(0.25, True), Case(0.5, False)]
    week = figures(cases, 0.4)
    assert (week.n, week.observed, week.expected, week.ratio, week.sensitivity) == (4, 2, 1.5, 2 / 1.5, 0.5)
    assert week.up == pytest.approx(2 * 0.22314 - 1.5 * 0.25, abs=1e-4)
    assert week.down == 0
    assert figures([], None).ratio is None


def weeks_until_alarm(chance: random.Random, ratio: float, most: int, n: int = 50) -> int:
    """How many weeks of `n` predictions pass before the cumulative sum alarms."""
    before: list[Figures] = []
    for week in range(most):
        now = figures(drawn(chance, n, ratio), None, before[-1] if before else None)
        if "observed-expected" in alarms(now, before):
            return week
        before = [now]
    return most


def test_the_sum_finds_a_model_that_is_wrong_and_leaves_a_right_one_alone():
    chance = random.Random(12)
    right = [weeks_until_alarm(chance, 1.0, 150) for _ in range(9)]
    doubled = [weeks_until_alarm(chance, 2.0, 60) for _ in range(9)]
    halved = [weeks_until_alarm(chance, 0.5, 60) for _ in range(9)]
    assert sorted(right)[4] > 100
    assert sorted(doubled)[4] <= 8
    assert sorted(halved)[4] <= 14


def quiet(**other: object) -> Figures:
    """A week in which nothing is wrong."""
    week = Figures(500, 50, 50, 1.0, 0.74, 1.32, 0.0, 1.0, 0.3, 0.8)
    return replace(week, **other)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "before", "found"),
    [
        (quiet(), (), ()),
        (quiet(up=4.0), (), ("observed-expected",)),
        (quiet(down=4.0), (), ("observed-expected",)),
        (quiet(in_the_large=0.3, low=1.1), (), ()),
        (quiet(in_the_large=0.3, low=1.1), (quiet(in_the_large=0.25, low=1.05),), ("calibration-in-the-large",)),
        (quiet(in_the_large=0.3, low=1.1), (quiet(in_the_large=-0.3, high=0.9),), ()),
        (quiet(in_the_large=0.3), (quiet(in_the_large=0.3),), ()),
        (quiet(slope=0.79), (), ("slope",)),
        (quiet(slope=1.26), (), ("slope",)),
        (quiet(slope=0.5, observed=49), (), ()),
        (quiet(sensitivity=0.5), (), ("sensitivity",)),
        (quiet(sensitivity=0.7), (), ()),
        (quiet(psi=9.0), (), ()),
    ],
)
def test_what_is_an_alarm_and_what_is_chance(now: Figures, before: tuple[Figures, ...], found: tuple[str, ...]):
    assert alarms(now, before, 0.8) == found


def test_a_shift_is_seen_and_no_shift_is_none():
    chance = random.Random(3)
    before = [chance.random() for _ in range(1_000)]
    same, moved = [chance.random() for _ in range(500)], [chance.random() ** 3 for _ in range(500)]
    assert psi(before, same) < 0.1 < psi(before, moved)  # type: ignore[operator]
    assert psi(before[:50], same) is None


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "value", "unit", "hours", "seen"),
    [
        ("2339-0", 69.0, "mg/dL", 24, True),
        ("2339-0", 70.0, "mg/dL", 24, False),
        ("2339-0", 60.0, "mg/dL", 1, None),
        ("2339-0", 60.0, "mg/dL", 48, None),
        ("2339-0", 3.0, "mmol/L", 24, None),
        ("hypoglycaemia-symptom", 1.0, "", 24, True),
        ("hypoglycaemia-symptom", 0.0, "", 24, None),
        ("29463-7", 60.0, "kg", 24, None),
    ],
)
def test_a_low_on_the_next_day_is_what_was_predicted(code: str, value: float, unit: str, hours: int, seen: bool | None):
    rule = OUTCOMES["hypoglycaemia-next-day"]
    assert rule.seen([Measure("1", code, value, unit, NOON + timedelta(hours=hours))], NOON, "America/New_York") is seen
