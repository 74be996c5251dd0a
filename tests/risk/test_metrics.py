"""The measures of a prediction against numbers that others computed, and against their own definitions."""

import csv
import math

import numpy as np
import pytest

from risk import metrics
from tests.conftest import shared


def _columns(path, *names):
    rows = list(csv.DictReader(shared(path).open(encoding="utf-8")))
    return [np.array([row[name] for row in rows]) for name in names]


def _curve(path, variable):
    found = csv.DictReader(shared(path).open(encoding="utf-8"))
    return [(float(r["threshold"]), float(r["net_benefit"])) for r in found if r["variable"] == variable]


def test_the_decision_curve_is_that_of_dcurves():
    told, family = _columns("data/dca_vectors/df_binary.csv", "cancer", "famhistory")
    y, p = (told == "TRUE").astype(float), family.astype(float)
    for variable, column in (("famhistory", "model"), ("all", "treat_all"), ("none", "treat_none")):
        expected = _curve("data/dca_vectors/r_dca_famhistory.csv", variable)
        found = metrics.decision_curve(y, p, [threshold for threshold, _ in expected])
        assert len(expected) == 100
        assert [point[column] for point in found] == pytest.approx([b for _, b in expected], abs=1e-12)


def test_the_area_under_the_curve_is_the_share_of_pairs_in_order():
    chance = np.random.default_rng(0)
    y = (chance.random(300) < 0.3).astype(float)
    p = np.round(chance.random(300) * 0.5 + y * 0.2, 2)  # rounded, so that there are ties
    ones, noughts = p[y == 1][:, None], p[y == 0][None, :]
    pairs = np.mean((ones > noughts) + 0.5 * (ones == noughts))
    assert metrics.auc(y, p) == pytest.approx(pairs, abs=1e-12)
    assert metrics.auc_interval(y, p)[0] == pytest.approx(pairs, abs=1e-12)


def test_delongs_interval_covers_the_truth_about_95_times_in_100():
    chance = np.random.default_rng(3)
    truth = 0.5 * math.erfc(-0.5)  # two normal distributions one standard deviation apart
    inside = 0
    for _ in range(400):
        y = np.repeat([1.0, 0.0], [60, 120])
        _, low, high = metrics.auc_interval(y, chance.standard_normal(180) + y)
        inside += low <= truth <= high
    assert 0.92 <= inside / 400 <= 0.975


def test_calibration_finds_the_slope_and_the_shift_that_were_put_in():
    chance = np.random.default_rng(1)
    z = chance.normal(-1, 1.2, 40_000)
    y = (chance.random(len(z)) < metrics.expit(z)).astype(float)
    too_extreme = metrics.expit(2 * z)
    too_high = metrics.expit(z + 0.5)
    found, low, high = metrics.slope_interval(y, too_extreme)
    assert low < 0.5 < high
    assert found == pytest.approx(0.5, abs=0.02)
    shift, low, high = metrics.in_the_large_interval(y, too_high)
    assert low < -0.5 < high
    assert shift == metrics.in_the_large(y, too_high)
    right = metrics.calibration_errors(y, metrics.expit(z))
    wrong = metrics.calibration_errors(y, too_high)
    assert right["ici"] < 0.01 < 0.05 < wrong["ici"]
    assert wrong["e50"] <= wrong["e90"] <= wrong["emax"]
    assert wrong["ici"] == metrics.ici(y, too_high)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [  # Garwood's exact limits, from the quantiles of chi-squared
        (0, 0.0, 3.688879454),
        (1, 0.025317808, 5.571643391),
        (5, 1.623486390, 11.668332079),
        (37, 26.051414568, 50.999626142),
        (1000, 938.973018408, 1063.952136016),
        (20000, 19723.767600607, 20279.133627926),
    ],
)
def test_a_count_has_its_exact_interval(count, low, high):
    assert metrics.poisson_interval(count) == pytest.approx((low, high), rel=1e-8)
    ratio = metrics.observed_expected(count, 10.0)
    assert ratio == pytest.approx((count / 10, low / 10, high / 10), rel=1e-8)


def test_a_share_has_wilsons_interval():
    assert metrics.proportion_interval(8, 10) == pytest.approx((0.8, 0.4901625, 0.9433178), abs=1e-6)
    assert metrics.proportion_interval(0, 20)[1] == 0.0
    assert all(math.isnan(value) for value in metrics.proportion_interval(0, 0))


def test_alerts_are_counted_at_and_above_the_threshold():
    y, p = np.array([1.0, 1, 0, 0, 0]), np.array([0.9, 0.1, 0.5, 0.2, 0.1])
    found = metrics.alerts(y, p, 0.5)
    assert (found["alert_rate"], found["sensitivity"][0], found["ppv"][0], found["nne"]) == (0.4, 0.5, 0.5, 2.0)
    assert math.isnan(metrics.alerts(y, p, 0.95)["nne"])


def test_an_interval_by_people_is_wider_than_one_by_rows_when_rows_repeat():
    chance = np.random.default_rng(2)
    who = np.repeat(np.arange(50), 20)
    y = np.repeat((chance.random(50) < 0.4).astype(float), 20)
    rows = metrics.by_people(lambda kept: float(y[kept].mean()), np.arange(1000), draws=200)
    people = metrics.by_people(lambda kept: float(y[kept].mean()), who, draws=200)
    assert rows[0] == people[0] == y.mean()
    assert people[2] - people[1] > 3 * (rows[2] - rows[1])
    assert people == metrics.by_people(lambda kept: float(y[kept].mean()), who, draws=200)


def test_a_cusum_stays_low_while_expected_comes_and_climbs_when_more_does():
    quiet = metrics.cusum([10] * 30, [10.0] * 30, 1.25)
    loud = metrics.cusum([10] * 10 + [14] * 20, [10.0] * 30, 1.25)
    fewer = metrics.cusum([7] * 20, [10.0] * 20, 0.8)
    assert max(quiet) == 0.0
    assert loud[9] == 0.0
    assert loud[-1] == pytest.approx(20 * (14 * math.log(1.25) - 2.5), abs=1e-9)
    assert fewer[-1] > 4


def test_the_stability_index_is_0_for_the_same_and_more_for_what_moved():
    chance = np.random.default_rng(5)
    edges = [-1.0, 0.0, 1.0]
    then = chance.standard_normal(20_000)
    shares = np.bincount(np.searchsorted(edges, then, side="right"), minlength=4) / len(then)
    assert metrics.psi(shares, edges, then) == pytest.approx(0.0, abs=1e-9)
    assert metrics.psi(shares, edges, then + 0.5) > 0.1


def test_what_can_not_be_reckoned_is_nan_and_not_a_good_number():
    y, p = np.zeros(5), np.linspace(0.1, 0.5, 5)
    assert math.isnan(metrics.auc(y, p))
    assert math.isnan(metrics.slope(y, p))
    assert math.isnan(metrics.in_the_large(y, p))
    assert math.isnan(metrics.observed_expected(3, 0.0)[0])
