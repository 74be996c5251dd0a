"""Every bundle that is shipped holds with what the server has: hashes, golden rows, parity, gates, figures."""

import json

import pytest

from risk.bundle import load
from risk.golden import verify
from risk.registry import BUNDLES, load_bundles

FOLDERS = sorted(path.parent for path in BUNDLES.glob("*/*/manifest.json"))
MADE_BY_THE_COURSE = [folder for folder in FOLDERS if (folder / "reference.json").exists()]


def named(folder):
    return f"{folder.parent.name}-{folder.name}"


def figures(name, version="1.0.0"):
    return json.loads((BUNDLES / name / version / "metrics.json").read_text(encoding="utf-8"))


def test_the_four_models_are_there_and_the_registry_loads_them():
    assert set(load_bundles()) >= {
        "hypoglycaemia-next-day",
        "pbc-visit",
        "readmission-30-day",
        "heart-failure-mortality",
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_the_golden_rows_come_out(folder):
    bundle = load(folder)
    found = verify(bundle)
    assert found.ok, found.wrong
    assert found.golden >= 50
    assert found.max_abs_diff <= 1e-5
    refusals = {row["expect"].get("reason") for row in bundle.golden}
    assert {"unit", "hard-range", "value"} <= refusals
    assert sum("risk" in row["expect"] for row in bundle.golden) >= 30


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_a_bundle_is_small_and_the_graph_was_the_library_on_every_training_row(folder):
    assert sum(path.stat().st_size for path in folder.iterdir()) < 300_000
    parity = load(folder).metrics["parity"]
    assert parity["max_abs_diff"] <= 1e-5
    assert parity["max_abs_diff_contributions"] <= 1e-5
    assert parity["band_changes"] == 0


@pytest.mark.parametrize("folder", MADE_BY_THE_COURSE, ids=named)
def test_it_passed_its_gates(folder):
    told = load(folder).metrics
    assert told["promotable"]
    assert [gate["gate"] for gate in told["gates"] if not gate["pass"]] == []
    assert told["parity"]["probes"] > 100
    names = {gate["gate"].split(":")[0] for gate in told["gates"]}
    assert names == {
        "split",
        "leakage",
        "slope",
        "in_the_large",
        "ici",
        "added_value",
        "net_benefit",
        "required_inputs",
        "parity",
    }


@pytest.mark.parametrize("folder", MADE_BY_THE_COURSE, ids=named)
def test_there_is_a_reference_for_every_feature_and_for_the_risk(folder):
    told = json.loads((folder / "reference.json").read_text(encoding="utf-8"))
    names = [feature.name for feature in load(folder).manifest.features]
    assert list(told["features"]) == names
    for spread in [*told["features"].values(), told["risk"]]:
        assert sum(spread["psi_shares"]) == pytest.approx(1.0, abs=1e-4)
        assert len(spread["psi_shares"]) == len(spread["psi_edges"]) + 1
        assert spread["psi_edges"] == sorted(set(spread["psi_edges"]))


def test_asked_again_at_each_visit_the_liver_model_sees_what_the_first_visit_could_not():
    told = figures("pbc-visit")["validation"]
    assert told["model"]["auc"][0] >= 0.895
    assert 0.9 <= told["model"]["slope"][0] <= 1.1
    assert told["first_visit"]["auc"][0] == pytest.approx(0.807, abs=0.005)
    assert figures("pbc-visit")["also"]["published_mayo_score_auc"] == pytest.approx(0.898, abs=0.0005)


def test_the_other_models_are_as_good_as_others_found_and_no_better():
    assert figures("heart-failure-mortality")["validation"]["model"]["auc"][0] == pytest.approx(0.769, abs=0.02)
    assert figures("readmission-30-day")["validation"]["model"]["auc"][0] == pytest.approx(0.663, abs=0.015)


def test_no_bundle_reads_how_long_a_patient_was_watched():
    for folder in FOLDERS:
        manifest = load(folder).manifest
        assert not {"time", "futime", "follow_up"} & {feature.name for feature in manifest.features}


def test_those_of_unknown_race_are_kept_as_a_group():
    groups = figures("readmission-30-day")["subgroups"]["race"]
    missing = next(row for row in groups if row["group"] == "missing")
    assert missing["n"] > 2000
    assert "sensitivity" in missing["flags"]
