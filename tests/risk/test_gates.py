"""Each gate lets a good model through and stops one made to fail it, and says why."""

import csv
import gzip

import numpy as np
import pytest

from risk import gates
from risk.gates import Evidence
from risk.metrics import expit
from tests.conftest import shared


def good(n=3000, seed=0, **changes):
    """A calibrated model of 600 people with five rows each, better than its comparator."""
    chance = np.random.default_rng(seed)
    who = np.repeat(np.arange(n // 5), 5)
    z = chance.normal(-1.2, 1.4, n)
    y = (chance.random(n) < expit(z)).astype(float)
    crude = expit(-1.2 + 0.3 * (z + 1.2))
    told = {"y": y, "who": who, "risks": [expit(z)], "folds": [who % 5], "versus": {"crude": crude}, "draws": 40}
    return Evidence(**{**told, **changes})


def failed(found):
    return [gate.name for gate in found if not gate.passed]


def test_a_good_model_passes():
    assert failed(gates.of_predictions(good(), (0.1, 0.4))) == []
    assert gates.split(good().who, good().folds).passed


def test_people_in_two_folds_are_refused():
    found = gates.split(good().who, [np.arange(3000) % 5])
    assert not found.passed
    assert found.value == 600
    assert "600 of 600 people" in found.why
    assert not gates.split(np.array(["a", "a", "b"]), [np.array([0, 0, 1]), np.array([0, 1, 1])]).passed


def test_parkinson_with_random_folds_is_refused_and_with_folds_of_patients_is_not():
    with gzip.open(shared("data/parkinson_telemonitoring/parkinsons_updrs.csv.gz"), "rt", encoding="utf-8") as file:
        who = np.array([row["subject#"] for row in csv.DictReader(file)])
    random = np.random.default_rng(0).integers(0, 10, len(who))
    found = gates.split(who, [random])
    assert not found.passed
    assert found.why == "42 of 42 people have rows in more than one fold"
    patients = np.unique(who, return_inverse=True)[1] % 10
    assert gates.split(who, [patients]).passed


def test_heart_failure_with_its_follow_up_time_is_refused_and_without_it_is_not():
    path = shared("data/heart_failure/heart_failure_clinical_records.csv")
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    columns = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    y = columns.pop("DEATH_EVENT")
    found = gates.leakage(columns, y)
    assert not found.passed
    assert found.why == "time: follow-up or outcome posing as a feature"
    columns.pop("time")
    assert gates.leakage(columns, y).passed


@pytest.mark.parametrize("name", ["time", "futime", "follow_up_days", "time_to_death", "DEATH_EVENT", "os_months"])
def test_what_is_known_only_afterwards_is_refused_by_its_name(name):
    y = np.array([0.0, 1.0] * 50)
    assert not gates.leakage({name: np.zeros(100)}, y).passed


@pytest.mark.parametrize("name", ["age", "days_in_hospital", "test_time", "timeliness", "prior_deaths_in_family"])
def test_what_only_sounds_like_it_is_not(name):
    y = np.array([0.0, 1.0] * 50)
    assert gates.leakage({name: np.zeros(100)}, y).passed


def test_a_column_that_tells_the_outcome_alone_is_refused_in_either_direction():
    chance = np.random.default_rng(0)
    y = (chance.random(500) < 0.3).astype(float)
    for sign in (1, -1):
        found = gates.leakage({"innocent": sign * (y + chance.normal(0, 0.2, 500))}, y)
        assert not found.passed
        assert "innocent: tells the outcome alone" in found.why


def test_a_feature_measured_after_the_prediction_is_refused():
    y, index = np.array([0.0, 1.0] * 50), np.arange(100.0)
    late = index.copy()
    late[3] += 0.5
    assert gates.leakage({"x": np.ones(100)}, y, index, {"x": index}).passed
    found = gates.leakage({"x": np.ones(100)}, y, index, {"x": late})
    assert found.why == "x: measured after the moment of prediction in 1 rows"


def distorted(by):
    """The good model, its logits changed."""
    fine = good()
    logit = np.log(fine.risks[0] / (1 - fine.risks[0]))
    return good(risks=[expit(by(logit))])


def test_predictions_that_are_too_extreme_or_too_timid_fail_the_slope():
    for factor, word in ((2.0, "too extreme"), (0.5, "too timid")):
        found = gates.slope(distorted(lambda z, f=factor: -1.2 + f * (z + 1.2)))
        assert not found.passed
        assert word in found.why


def test_predictions_that_are_all_too_high_fail_in_the_large_and_the_calibration_curve():
    found = gates.of_predictions(distorted(lambda z: z + 0.6), (0.1, 0.4))
    assert {"in_the_large", "ici"} <= set(failed(found))


def test_a_model_no_better_than_its_comparator_fails_unless_it_says_so():
    fine = good()
    same = good(versus={"same": fine.risks[0]})
    assert failed(gates.added_value(same)) == ["added_value:same"]
    assert failed(gates.added_value(same, gates.NO_ADDED_VALUE)) == []
    assert failed(gates.added_value(good(versus={}))) == ["added_value"]


def test_a_model_that_is_worth_no_more_than_alerting_nobody_fails():
    fine = good()
    shuffled = np.random.default_rng(1).permutation(fine.risks[0])
    assert not gates.net_benefit(good(risks=[shuffled]), 0.3, 0.5).passed
    assert not gates.net_benefit(fine, 0.0, 0.0).passed


def test_a_bundle_that_is_biased_without_an_input_fails_and_one_that_abstains_does_not():
    assert gates.required_inputs({"a": "abstains", "b": -0.29}).passed
    found = gates.required_inputs({"a": "abstains", "b": 1.16})
    assert not found.passed
    assert "biased without b" in found.why
    assert not gates.required_inputs({"b": float("nan")}).passed
    assert not gates.required_inputs({}).passed


def test_a_graph_that_is_not_the_model_fails():
    assert gates.parity(1e-6, 0, 100, 10).passed
    assert not gates.parity(2e-5, 0, 100, 10).passed
    assert not gates.parity(1e-6, 1, 100, 10).passed
    assert not gates.parity(0.0, 0, 0, 0).passed


def test_a_table_by_subgroup_keeps_those_of_no_known_group():
    fine = good()
    found = gates.subgroup_table(good(by={"sex": np.array(["f", "m", ""] * 1000)}), 0.3)
    assert found.passed
    assert [row["group"] for row in found.value["sex"]] == ["f", "m", "missing"]
    assert not gates.subgroup_table(fine, 0.3).passed


def test_a_gate_is_told_as_it_is_printed():
    assert gates.parity(1e-6, 0, 100, 10).told() == {
        "gate": "parity",
        "value": {"max_abs_diff": 1e-6, "band_changes": 0, "rows": 100, "probes": 10},
        "limit": {"max_abs_diff": 1e-5, "band_changes": 0},
        "pass": True,
    }
    assert "why" in gates.split(np.array(["a", "a"]), [np.array([0, 1])]).told()
