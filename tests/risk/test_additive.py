"""The additive boosting's graph is the library to 1e-5, with values missing and at every threshold."""

import importlib.util
import os

import numpy as np
import onnxruntime as ort
import pytest

TRAINING = ("sklearn", "lightgbm", "onnx")

if lacking := [name for name in TRAINING if importlib.util.find_spec(name) is None]:
    if os.environ.get("REQUIRE_ALL") == "1":
        raise RuntimeError(f"required here: requirements-train.txt ({', '.join(lacking)})")
    pytest.skip(f"requirements-train.txt is not installed ({', '.join(lacking)})", allow_module_level=True)

from risk.recipes.additive import Boosting, _at_most, boost, calibrated  # noqa: E402


@pytest.fixture(scope="module")
def trained():
    chance = np.random.default_rng(0)
    x = np.column_stack([chance.normal(size=2000), chance.integers(0, 4, 2000), chance.lognormal(size=2000)])
    x = x.astype(np.float32)
    z = x[:, 0] + (x[:, 1] == 2) - 0.5 * np.log(x[:, 2])
    y = (chance.random(2000) < 1 / (1 + np.exp(-z))).astype(float)
    return x, calibrated(boost(x, y, Boosting(80, 20, masked=0.2, directions=(1, 0, 0)), 0), 1.1, -0.2)


def answers(model, x):
    session = ort.InferenceSession(model.graph(), providers=["CPUExecutionProvider"])
    return session.run(["risk", "contributions", "logit"], {"x": x})


def test_risk_and_contributions_are_the_librarys_own(trained):
    x, model = trained
    holes = x.copy()
    holes[np.random.default_rng(1).random(x.shape) < 0.3] = np.nan
    for rows in (x, holes):
        risk, shares, logit = answers(model, rows)
        assert np.abs(risk - model.risk(rows)).max() <= 1e-5
        assert np.abs(shares - model.contributions(rows)).max() <= 1e-5
        assert np.abs(shares.sum(axis=1) + model.base - logit).max() <= 1e-5


def test_at_a_threshold_and_1_ulp_off_it_the_graph_goes_where_the_library_goes(trained):
    x, model = trained
    edges = sorted(set(model.edges()))
    assert len(edges) > 30
    for column, edge in edges:
        rows = np.repeat(x[:1], 3, axis=0)
        at = np.float32(edge)
        rows[:, column] = [np.nextafter(at, np.float32(-np.inf)), at, np.nextafter(at, np.float32(np.inf))]
        assert np.abs(answers(model, rows)[0] - model.risk(rows)).max() <= 1e-6


def test_a_direction_that_was_asked_for_is_kept(trained):
    x, model = trained
    rows = np.repeat(x[:1], 200, axis=0)
    rows[:, 0] = np.linspace(-4, 4, 200)
    assert (np.diff(model.risk(rows)) >= -1e-12).all()


def test_a_threshold_is_the_largest_float32_below_it():
    for value in (0.1, -0.1, 1.0000000180025095e-35, 3.5, 1e9 + 0.3):
        found = _at_most(value)
        assert found <= value < float(np.nextafter(np.float32(found), np.float32(np.inf)))
