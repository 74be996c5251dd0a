"""`flask risk validate` on made-up rows: what passes, what is refused, and the words for it."""

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner

from care_api.commands.models import risk_group
from risk.bundle import load
from risk.promotion import vectors
from risk.registry import BUNDLES
from risk.scoring import Scorer

FOLDER = BUNDLES / "heart-failure-mortality" / "1.0.0"


def made(people=900, seed=0):
    """Made-up patients whose outcomes come as often as the bundle says: it is right about them."""
    chance = np.random.default_rng(seed)
    bundle = load(FOLDER)
    values = {
        "age": chance.uniform(40, 90, people),
        "ejection_fraction": chance.uniform(15, 65, people),
        "serum_creatinine": np.exp(chance.normal(0.2, 0.4, people)),
        "serum_sodium": chance.normal(136, 4, people),
    }
    rows = vectors(bundle.manifest.features, values)
    risk = Scorer(bundle).run(rows.astype(np.float32))[0].astype(float)
    table = {"patient": [f"p{number}" for number in range(people)]}
    table |= {"outcome": (chance.random(people) < risk).astype(int)}
    table |= {"versus_share": np.full(people, risk.mean()), "by_sex": chance.choice(["f", "m", ""], people)}
    return table | values


def written(path, table):
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(table)
        rows.writerows(zip(*table.values(), strict=True))
    return path


def validated(tmp_path, table, *more):
    data = written(tmp_path / "rows.csv", table)
    told = ["validate", str(FOLDER), "--data", str(data), "--group", "patient", "--draws", "40", "--json", *more]
    result = CliRunner().invoke(risk_group, told)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return result.exit_code, {line["gate"]: line for line in lines[:-1]}, lines[-1] if lines else {}


def test_a_bundle_that_is_right_about_new_patients_is_promotable(tmp_path):
    code, gates, last = validated(tmp_path, made())
    assert (code, last) == (0, {"promotable": True, "failed": []})
    assert set(gates) == {
        "split",
        "unseen",
        "leakage",
        "columns",
        "slope",
        "in_the_large",
        "ici",
        "added_value:share",
        "net_benefit",
        "required_inputs",
        "subgroups",
        "parity",
    }
    assert all(set(gate) >= {"gate", "value", "limit", "pass"} for gate in gates.values())
    assert [row["group"] for row in gates["subgroups"]["value"]["sex"]] == ["f", "m", "missing"]
    assert set(gates["required_inputs"]["value"].values()) == {"abstains"}


def test_a_bundle_that_is_wrong_about_them_is_not_and_says_why(tmp_path):
    table = made()
    table["outcome"] = 1 - table["outcome"]
    code, gates, last = validated(tmp_path, table)
    assert code == 1
    assert {"slope", "ici", "net_benefit", "added_value:share"} <= set(last["failed"])
    assert all(gates[name]["why"] for name in last["failed"])


def test_people_in_two_folds_are_refused(tmp_path):
    table = made()
    table["patient"] = [f"p{number // 2}" for number in range(900)]
    table |= {"fold": [number % 2 for number in range(900)], "risk": table["versus_share"]}
    code, gates, last = validated(tmp_path, table)
    assert code == 1
    assert "split" in last["failed"]
    assert gates["split"]["why"] == "450 of 450 people have rows in more than one fold"


def test_a_column_that_is_known_only_afterwards_is_refused(tmp_path):
    code, gates, _ = validated(tmp_path, made() | {"time": np.arange(900)})
    assert code == 1
    assert gates["leakage"]["why"].startswith("time: ")


def test_a_feature_measured_after_the_moment_of_prediction_is_refused(tmp_path):
    table = made() | {"index": np.arange(900), "serum_sodium_at": np.arange(900) + 1}
    code, gates, _ = validated(tmp_path, table, "--time", "index")
    assert code == 1
    assert gates["leakage"]["why"] == "serum_sodium: measured after the moment of prediction in 900 rows"
    table["serum_sodium_at"] = np.arange(900)
    assert validated(tmp_path, table, "--time", "index")[0] == 0


def test_another_librarys_risks_that_are_not_the_graphs_fail_parity(tmp_path):
    code, gates, _ = validated(tmp_path, made() | {"library": made()["versus_share"]})
    assert code == 1
    assert gates["parity"]["value"]["band_changes"] > 0


def test_a_file_without_the_features_is_refused(tmp_path):
    table = made()
    del table["serum_sodium"]
    code, gates, _ = validated(tmp_path, table)
    assert code == 1
    assert gates["columns"]["why"] == "lacks serum_sodium"


def test_rows_of_which_too_little_is_known_are_left_out_as_the_bundle_would(tmp_path):
    table = made()
    table["serum_sodium"] = [value if number % 3 else "" for number, value in enumerate(table["serum_sodium"])]
    assert validated(tmp_path, table)[0] == 0


@pytest.mark.parametrize("lacking", ["patient", "outcome"])
def test_a_file_without_people_or_outcomes_was_called_wrongly(tmp_path, lacking):
    table = made()
    table["other"] = table.pop(lacking)
    assert validated(tmp_path, table)[0] == 2
