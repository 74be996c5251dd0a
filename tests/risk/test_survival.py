"""A published external validation comes out to the digits that were published: Rotterdam's Cox model on GBSG.

The table is that of McLernon and others, Ann Intern Med 2023 (expected.json in ../shared). Theirs was made with R's
survival, riskRegression, timeROC and rms; ours needs numpy alone.
"""

import csv
import json

import numpy as np
import pytest

from risk import survival
from tests.conftest import shared

FOLDER, HORIZON = "data/breast_cox_external_validation", 5.0


def _read(path):
    rows = list(csv.DictReader(shared(path).open(encoding="utf-8")))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _number(table, name):
    return table[name].astype(float)


def _until(time, event):
    """Years and events, everybody's follow-up ended at the horizon."""
    return np.minimum(time, HORIZON), np.where(time > HORIZON, 0.0, event)


def _terms(middle, large, nodes, grade):
    few = np.minimum(nodes, 19.0)
    return np.column_stack([middle, large, few, survival.spline(few, [0, 1, 9])[:, 0], grade >= 3]).astype(float)


def _rotterdam():
    table = _read(f"{FOLDER}/rotterdam.csv")
    recur, death, years = (_number(table, name) for name in ("recur", "death", "rtime"))
    later = (death == 1) & (recur == 0) & (years < _number(table, "dtime"))  # died after being lost to recurrence
    years = np.where(later, _number(table, "dtime"), years) / 365.25
    x = _terms(table["size"] == "20-50", table["size"] == ">50", _number(table, "nodes"), _number(table, "grade"))
    return x, *_until(years, np.maximum(recur, death))


def _gbsg():
    table = _read(f"{FOLDER}/gbsg.csv")
    size = _number(table, "size")
    x = _terms((size > 20) & (size <= 50), size > 50, _number(table, "nodes"), _number(table, "grade"))
    return x, *_until(_number(table, "rfstime") / 365.25, _number(table, "status"))


@pytest.fixture(scope="module")
def told():
    return json.loads(shared(f"{FOLDER}/expected.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def fitted():
    return survival.fit_cox(*_rotterdam())


@pytest.fixture(scope="module")
def external(fitted):
    x, time, event = _gbsg()
    return time, event, fitted.linear(x), fitted.risk(x, HORIZON)


def test_the_model_is_the_published_one(told, fitted):
    x, _, event = _rotterdam()
    assert (len(x), event.sum()) == (told["n_dev"], told["events_dev"])
    assert fitted.coefficients == pytest.approx(list(told["coef"].values()), abs=6e-6)
    assert 1 - fitted.risk(np.zeros((1, 5)), HORIZON)[0] == pytest.approx(told["S0_5y"], abs=5e-4)


def test_discrimination(told, external):
    time, event, linear, _ = external
    published = told["external_gbsg"]
    found = survival.harrell_c(time, event, linear)
    assert found == pytest.approx(told["reproduced_in_python"]["harrell_C"], abs=5e-5)
    assert found == pytest.approx(published["harrell_C"], abs=5e-3)
    assert survival.uno_c(time, event, linear) == pytest.approx(published["uno_C"], abs=5e-3)
    assert survival.uno_c(time, event, linear) == pytest.approx(told["reproduced_in_python"]["uno_C"], abs=2e-4)
    found = survival.uno_auc(time, event, linear, 4.99)
    assert found == pytest.approx(published["uno_tdAUC_5y"][0], abs=5e-3)
    assert found == pytest.approx(told["reproduced_in_python"]["tdAUC"], abs=5e-5)


def test_calibration(told, external):
    time, event, linear, risk = external
    published = told["external_gbsg"]
    assert survival.observed_expected_at(time, event, risk, HORIZON) == pytest.approx(published["OE_5y"], abs=5e-8)
    assert survival.slope_at(time, event, linear) == pytest.approx(published["cal_slope"], abs=5e-7)
    # rms::cph, with which the table was made, stops at a relative change of 1e-4
    found = survival.calibration_errors_at(time, event, risk, HORIZON, tolerance=1e-4)
    names = {"ici": "ICI", "e50": "E50", "e90": "E90", "emax": "Emax"}
    assert found == pytest.approx({ours: published[theirs] for ours, theirs in names.items()}, abs=5e-9)
    settled = survival.calibration_errors_at(time, event, risk, HORIZON)
    assert settled["ici"] == pytest.approx(told["reproduced_in_python"]["ICI"], abs=5e-6)


def test_overall(told, external):
    time, event, _, risk = external
    published, ours = told["external_gbsg"], told["reproduced_in_python"]
    found = survival.brier_at(time, event, risk, 4.99)
    assert found == pytest.approx(published["brier_5y"], abs=5e-3)
    assert found == pytest.approx(ours["brier_4.99y"], abs=2e-4)
    assert survival.scaled_brier(time, event, risk, 4.99) == pytest.approx(ours["IPA"], abs=1e-4)
    benefit = survival.net_benefit_at(time, event, risk, HORIZON, 0.23)
    assert benefit == pytest.approx(published["net_benefit_thr_0.23"], abs=5e-8)


def test_the_decision_curve_of_survival_is_that_of_dcurves():
    table = _read("data/dca_vectors/df_surv.csv")
    time, event, p = _number(table, "ttcancer"), (table["cancer"] == "TRUE").astype(float), _number(table, "famhistory")
    curve = list(csv.DictReader(shared("data/dca_vectors/r_simple_surv_dca_result_df.csv").open(encoding="utf-8")))
    for variable, who in (("famhistory", p), ("all", np.ones_like(p)), ("none", np.zeros_like(p))):
        expected = [(float(r["threshold"]), float(r["net_benefit"])) for r in curve if r["variable"] == variable]
        found = [survival.net_benefit_at(time, event, who, 1.5, threshold) for threshold, _ in expected]
        assert len(expected) == 100
        assert found == pytest.approx([benefit for _, benefit in expected], abs=1e-12)


def test_survival_by_hand():
    time, event = np.array([1.0, 2, 2, 3, 4]), np.array([1.0, 1, 0, 1, 0])
    assert survival.kaplan_meier(time, event)[1] == pytest.approx([0.8, 0.6, 0.3])
    assert survival.survival_at(time, event, [0.5, 2, 3.5]) == pytest.approx([1.0, 0.6, 0.3])
    assert survival.survival_at(time, event, [2.0], before=True) == pytest.approx([0.8])
    assert survival.harrell_c(time, event, np.array([5.0, 4, 3, 2, 1])) == 1.0
    assert survival.harrell_c(time, event, np.array([1.0, 2, 3, 4, 5])) == 0.0
    assert survival.harrell_c(time, event, np.ones(5)) == 0.5
