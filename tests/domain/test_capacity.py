"""Thresholds by capacity: worked by hand, and the promise of the floor kept on random draws."""

from __future__ import annotations

import random
from statistics import mean

import pytest

from care.domain.capacity import (
    NOBODY,
    asked_for,
    budget_threshold,
    live_threshold,
    number_needed,
    sensitivity_floor,
)

TEN = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]


@pytest.mark.parametrize(
    ("positives", "missed", "floor"),
    [
        (TEN[:9], 0.1, 0.1),  # 0.1 * 10 = 1: none may be missed, so the lowest is the floor
        (TEN[:9], 0.2, 0.2),  # 0.2 * 10 = 2: one may be missed
        (TEN[:9], 0.25, 0.2),  # 2.5 is no third miss
        (TEN[:9], 0.3, 0.3),
        (TEN[:8], 0.1, None),  # with eight people 10 % cannot be promised
        ([], 0.2, None),
        ([0.7] * 9, 0.3, 0.7),
        ([0.9, 0.1, 0.5, 0.3], 0.4, 0.3),  # the order in which they come is of no matter
    ],
)
def test_the_floor_is_the_score_of_the_last_person_who_may_not_be_missed(
    positives: list[float], missed: float, floor: float | None
):
    assert sensitivity_floor(positives, missed) == floor


@pytest.mark.parametrize(
    ("risks", "per_day", "days", "threshold"),
    [
        (TEN, 1, 2, 0.9),
        (TEN, 0.5, 2, 1.0),
        (TEN, 5, 2, 0.0),
        (TEN, 0, 2, NOBODY),
        (TEN, 4.5, 2, 0.2),
        ([0.5] * 10, 1, 2, NOBODY),  # ten equal ones are too many: none is raised
        ([0.9, 0.5, 0.5, 0.5], 1, 2, 0.9),
        ([], 1, 2, 0.0),
    ],
)
def test_the_budget_is_a_quantile_of_the_days_before(risks: list[float], per_day: float, days: int, threshold: float):
    assert budget_threshold(risks, per_day, days) == threshold


def test_the_floor_wins_over_the_budget():
    found = live_threshold(TEN, 1, TEN[:9], 0.2, days=2)
    assert (found.threshold, found.floor, found.by, found.alerts_a_day) == (0.2, 0.2, "floor", 4.5)
    found = live_threshold(TEN, 4.75, [0.9] * 9, 0.2, days=2)
    assert (found.threshold, found.floor, found.by, found.alerts_a_day) == (0.2, 0.9, "budget", 4.5)
    assert live_threshold(TEN, 9, [], days=2, band=0.6).threshold == 0.6
    assert live_threshold(TEN, 9, [], days=2, band=0.6).by == "band"
    assert live_threshold(TEN, 9, TEN[:9], 0.2, days=2, band=0.6).threshold == 0.2


def test_never_is_the_threshold_above_the_floor_nor_the_load_above_the_capacity_without_need():
    chance = random.Random(4)
    for _ in range(500):
        risks = [round(chance.random(), 2) for _ in range(chance.randrange(80))]
        positives = [round(chance.random(), 2) for _ in range(chance.randrange(40))]
        per_day, missed = chance.random() * 3, chance.choice([0.1, 0.2, 0.3])
        found = live_threshold(risks, per_day, positives, missed)
        floor = sensitivity_floor(positives, missed)
        assert floor is None or found.threshold <= floor
        assert found.by == "floor" or found.alerts_a_day <= per_day + 1e-9
        missing = sum(score < found.threshold for score in positives)
        assert floor is None or (missing + 1) / (len(positives) + 1) <= missed + 1e-9


def test_of_people_not_seen_before_no_more_are_missed_than_was_said():
    chance = random.Random(7)
    shares = []
    for _ in range(1_000):
        floor = sensitivity_floor([chance.gauss(0, 1) for _ in range(49)], 0.2)
        assert floor is not None
        shares.append(mean(chance.gauss(0, 1) < floor for _ in range(100)))
    assert 0.17 <= mean(shares) <= 0.2


def test_how_many_are_looked_at_for_one_that_is_right():
    assert number_needed(12, 4) == 3
    assert number_needed(5, 0) is None


@pytest.mark.parametrize(
    ("priority", "risk", "threshold", "expected"),
    [
        ("routine", 0.5, None, "routine"),
        ("routine", 0.5, 0.6, None),
        ("routine", 0.6, 0.6, "routine"),
        (None, 0.5, 0.4, "routine"),
        (None, 0.3, 0.4, None),
        ("urgent", 0.1, 0.9, "urgent"),
        (None, 0.9, None, None),
    ],
)
def test_the_live_threshold_moves_routine_alerts_alone(
    priority: str | None, risk: float, threshold: float | None, expected: str | None
):
    assert asked_for(priority, risk, threshold) == expected
