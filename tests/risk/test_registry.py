"""A folder of bundles becomes the `assess` that Runtime carries."""

import shutil

import pytest

from care.errors import AssessmentError
from risk.registry import load_bundles, make_assess
from tests.risk.conftest import EVENING, HYPOGLYCAEMIA, diary

WEEK = diary(90, 120, 60, 140, 100, 88, 110)


def test_the_shipped_bundles_load_and_answer_by_id():
    found = make_assess(load_bundles())(HYPOGLYCAEMIA, WEEK, EVENING, "Asia/Shanghai")
    assert found.bundle_id == HYPOGLYCAEMIA


def test_a_protocol_that_names_an_unknown_model_goes_to_a_nurse():
    with pytest.raises(AssessmentError) as refused:
        make_assess(load_bundles())("no-such-model", WEEK, EVENING, "UTC")
    assert refused.value.reason == "bundle-unavailable"


def test_an_empty_folder_is_no_bundles(tmp_path):
    assert load_bundles(tmp_path) == {}


def test_a_changed_bundle_stops_the_start_unless_someone_is_told(copy):
    (copy / "card.json").write_text("{}")
    with pytest.raises(AssessmentError):
        load_bundles(copy.parent.parent)
    told = []
    bundles = load_bundles(copy.parent.parent, lambda name, error: told.append((name, error.reason)))
    assert bundles == {}
    assert told == [(f"{HYPOGLYCAEMIA}/1.0.0", "bundle-hash")]
    with pytest.raises(AssessmentError):
        make_assess(bundles)(HYPOGLYCAEMIA, WEEK, EVENING, "UTC")


def test_golden_rows_that_do_not_come_out_refuse_the_bundle(tampered):
    path = tampered(golden=lambda text: text.replace('"band":"low"', '"band":"raised"', 1))
    with pytest.raises(AssessmentError) as refused:
        load_bundles(path.parent.parent)
    assert refused.value.reason == "bundle-golden"


def test_a_bundle_in_the_folder_of_another_version_is_refused(copy):
    shutil.move(copy, copy.parent / "1.0.10")
    with pytest.raises(AssessmentError) as refused:
        load_bundles(copy.parent.parent)
    assert refused.value.reason == "bundle-manifest"


def test_the_highest_version_answers_and_a_broken_one_is_not_replaced_by_an_older(copy, tampered):
    old = shutil.copytree(copy, copy.parent / "0.9.0")
    assert old.exists()
    (old / "card.json").write_text("never read")
    assert load_bundles(copy.parent.parent)[HYPOGLYCAEMIA].manifest.version == "1.0.0"
    (copy / "card.json").write_text("{}")
    assert load_bundles(copy.parent.parent, lambda *_: None) == {}
