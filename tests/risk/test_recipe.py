"""What the recipe measured is within its limits, and training again gives the same numbers."""

import hashlib
import importlib.util
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from care.domain.measure import Measure
from tests.conftest import require, shared
from tests.risk.conftest import DIRECTORY

TRAINING = ("pandas", "sklearn", "lightgbm", "onnx")
DIARIES = "data/diabetes_diary_aim94/diary_raw.csv.gz"


@pytest.fixture(scope="session")
def metrics():
    return json.loads((DIRECTORY / "metrics.json").read_text())


def test_the_model_is_calibrated_within_the_limits_and_discriminates_as_others_found(metrics):
    model = metrics["validation"]["model"]
    assert model["auc"][0] == pytest.approx(0.69, abs=0.01)
    assert 0.8 <= model["slope"][0] <= 1.25
    assert abs(model["in_the_large"][0]) <= 0.2
    assert model["ici"][0] <= 0.03
    for moment in metrics["by_moment"].values():
        assert 0.8 <= moment["slope"] <= 1.25
        assert moment["ici"] <= 0.03


def test_split_by_file_the_published_figures_come_out(metrics):
    usual = metrics["split_by_file_as_published"]
    assert usual["outcome_share"] == pytest.approx(0.368, abs=0.005)
    assert usual["own_share_raw"]["auc"] == pytest.approx(0.690, abs=0.01)
    assert usual["model"]["auc"] == pytest.approx(0.694, abs=0.01)


def test_it_adds_calibration_and_not_discrimination(metrics):
    checked = metrics["validation"]
    assert checked["own_share_raw"]["slope"][2] < 0.8 < checked["model"]["slope"][0]
    assert abs(checked["own_share_raw"]["auc"][0] - checked["model"]["auc"][0]) < 0.02


def test_the_band_that_reaches_the_worklist_is_worth_its_burden(metrics):
    curve = {point["threshold"]: point for point in metrics["decision_curve"]}
    assert curve[0.6]["model"] > max(0, curve[0.6]["treat_all"])
    assert metrics["bands"][-1]["per_100_rows"] < 10


def test_the_graph_is_the_library_on_every_training_row(metrics):
    assert metrics["parity"]["max_abs_diff"] <= 1e-5
    assert metrics["parity"]["band_changes"] == 0


def test_pieces_of_one_diary_are_one_person_and_repeated_entries_count_once():
    pytest.importorskip("pandas")
    from risk.recipes.aim94 import merged, people

    start = datetime(1990, 7, 1, 8, tzinfo=UTC)
    diary = [Measure(str(n), "2339-0", 100.0 + n, "mg/dL", start + timedelta(days=n)) for n in range(20)]
    other = [replace(measure, value=250.0) for measure in diary[5:15]]
    later = [replace(measure, at=measure.at + timedelta(days=20)) for measure in other]
    files = {"1": diary[:12], "2": diary[8:], "3": other, "4": later}
    same, person = people(files)
    assert same == {"1": "1", "2": "1", "3": "3", "4": "4"}
    assert person == {"1": "1", "2": "1", "3": "3", "4": "3"}
    assert merged(files, same)["1"] == diary


def test_training_again_gives_the_same_bundle(tmp_path, metrics):
    lacking = [name for name in TRAINING if importlib.util.find_spec(name) is None]
    require(not lacking, f"requirements-train.txt is not installed ({', '.join(lacking)})")
    data = shared(DIARIES)
    from risk.recipes.hypoglycaemia import train

    report = train(data, tmp_path / "again", draws=2)
    assert hashlib.sha256((report.out / "model.onnx").read_bytes()).hexdigest() == (
        hashlib.sha256((DIRECTORY / "model.onnx").read_bytes()).hexdigest()
    )
    assert (report.out / "golden.jsonl").read_bytes() == (DIRECTORY / "golden.jsonl").read_bytes()
    estimates = {name: found[0] for name, found in report.metrics["validation"]["model"].items()}
    assert estimates == {name: metrics["validation"]["model"][name][0] for name in estimates}


def test_the_bundle_was_trained_on_the_file_it_names(metrics):
    data = shared(DIARIES)
    told = json.loads((DIRECTORY / "manifest.json").read_text())["provenance"]["data_sha256"]
    require(data.exists(), "the diaries")
    assert hashlib.sha256(data.read_bytes()).hexdigest() == told
