"""A score in [0, 1] whose reasons add up, or a refusal; never anything between."""

import struct
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.assessment import Assessment
from care.domain.measure import Measure
from care.errors import AssessmentError
from risk.bands import band_of
from risk.bundle import load
from risk.golden import verify
from risk.scoring import Scorer
from tests.conftest import ROOT
from tests.risk.conftest import DIRECTORY, EVENING, diary, glucose

BUNDLE = load(DIRECTORY)
SCORER = Scorer(BUNDLE)
WEEK = diary(90, 120, 60, 140, 100, 88, 110)
LOWS = [glucose(value, day + part / 10) for day in range(14) for part, value in enumerate((45, 180, 60, 150, 55))]


def with_base(value: float):
    """A change of the graph: its base, a float32 among the initializers."""
    old = struct.pack("<f", BUNDLE.manifest.head.base)
    assert BUNDLE.model.count(old) == 1
    return lambda model: model.replace(old, struct.pack("<f", value))


def test_every_golden_row_comes_out_as_the_training_library_gave_it(bundle):
    found = verify(bundle)
    assert found.ok
    assert found.golden >= 50
    assert found.max_abs_diff <= 1e-5


def test_golden_rows_reach_every_band_and_every_refusal_of_the_feature_step(bundle):
    told = [row["expect"] for row in bundle.golden]
    assert {row.get("band") for row in told} >= {"low", "raised", "high"}
    assert {row.get("reason") for row in told} >= {"too-few", "unit", "hard-range", "value"}


def test_a_golden_row_that_was_changed_is_found(tampered):
    found = verify(load(tampered(golden=lambda text: text.replace('"band":"low"', '"band":"raised"', 1))))
    assert not found.ok
    assert len(found.wrong) == 1


def test_contributions_and_base_are_the_logit_and_the_logit_is_the_risk(scorer, bundle):
    found = scorer.assess(LOWS, EVENING, "UTC")
    logit = sum(share.logit for share in found.contributions) + bundle.manifest.head.base
    assert found.risk == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-5)
    _, shares, raw = scorer.run(np.array([found.vector], dtype=np.float32))
    assert float(shares.sum()) + bundle.manifest.head.base == pytest.approx(float(raw[0]), abs=1e-5)


def test_a_week_of_lows_is_a_higher_risk_than_a_steady_week(scorer):
    assert scorer.assess(LOWS, EVENING, "UTC").risk > scorer.assess(diary(*[130] * 14), EVENING, "UTC").risk + 0.3


def test_only_the_high_band_asks_for_a_place_on_the_worklist(scorer):
    high = scorer.assess(LOWS, EVENING, "UTC")
    low = scorer.assess(diary(*[150, 180, 160] * 4), EVENING, "UTC")
    assert (high.band, high.priority) == ("high", "routine")
    assert (low.band, low.priority) == ("low", None)


def test_a_risk_at_the_edge_of_a_band_is_in_it():
    edges = [band_of(BUNDLE.manifest.head.bands, risk).id for risk in (0, 0.3999999, 0.4, 0.5999999, 0.6, 1)]
    assert edges == ["low", "low", "raised", "raised", "high", "high"]


def test_the_same_vector_gives_the_same_risk_bit_for_bit(scorer):
    found = scorer.assess(WEEK, EVENING, "UTC")
    again = scorer.assess(list(reversed(WEEK)), EVENING, "UTC")
    assert (again.risk, again.contributions) == (found.risk, found.contributions)
    risk, shares, _ = scorer.run(np.array([found.vector], dtype=np.float32))
    assert [share.logit for share in found.contributions] == shares[0].tolist()
    assert found.risk == pytest.approx(float(risk[0]), abs=1e-7)


@pytest.mark.parametrize("measures", [[], [glucose(None, n, comparator="") for n in range(8)]])
def test_nothing_known_is_never_a_score(scorer, measures):
    with pytest.raises(AssessmentError):
        scorer.assess(measures, EVENING, "UTC")


@pytest.mark.parametrize("base", [float("nan"), float("inf"), -0.25], ids=["NaN", "infinite", "not the declared base"])
def test_a_graph_whose_answer_does_not_add_up_is_refused(tampered, base):
    broken = load(tampered(model=with_base(base)))
    with pytest.raises(AssessmentError) as refused:
        Scorer(broken).assess(WEEK, EVENING, "UTC")
    assert refused.value.reason == "graph-output"
    assert not verify(broken).ok
    assert [error.reason for error in Scorer(broken).score_many([(WEEK, EVENING, "UTC")])] == ["graph-output"]


def test_a_graph_that_does_not_run_is_a_refusal_not_a_crash(bundle):
    broken = Scorer(replace(bundle, model=bundle.model[:40]))
    with pytest.raises(AssessmentError) as refused:
        broken.assess(WEEK, EVENING, "UTC")
    assert refused.value.reason == "graph-failed"
    many = broken.score_many([(WEEK, EVENING, "UTC"), ([], EVENING, "UTC")])
    assert [error.reason for error in many] == ["graph-failed", "too-few"]


def test_many_reports_are_scored_as_each_alone_and_a_bad_one_spoils_only_itself(scorer):
    reports = [(WEEK, EVENING, "UTC"), ([], EVENING, "UTC"), (LOWS, EVENING, "Asia/Shanghai")]
    first, second, third = scorer.score_many(reports)
    assert isinstance(second, AssessmentError)
    for found, report in ((first, reports[0]), (third, reports[2])):
        alone = scorer.assess(*report)
        assert found == alone  # to the last bit
    assert scorer.score_many([]) == []


def test_threads_share_one_scorer():
    fresh, found = Scorer(BUNDLE), []
    threads = [threading.Thread(target=lambda: found.append(fresh.assess(WEEK, EVENING, "UTC").risk)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


MOMENTS = st.datetimes(datetime(2026, 2, 10), datetime(2026, 3, 5), timezones=st.just(UTC))
MEASURES = st.builds(
    Measure,
    st.uuids().map(str),
    st.sampled_from(["2339-0", "2339-0", "2339-0", "hypoglycaemia-symptom", "insulin-regular"]),
    st.one_of(st.floats(20, 500), st.floats(20, 500), st.floats(), st.none()),
    st.sampled_from(["mg/dL", "mg/dL", "mg/dL", "mmol/L", "U", ""]),
    MOMENTS,
    st.sampled_from(["", "<", ">"]),
)
READINGS = st.builds(Measure, st.uuids().map(str), st.just("2339-0"), st.floats(20, 500), st.just("mg/dL"), MOMENTS)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.lists(MEASURES, max_size=12), st.lists(READINGS, max_size=30)),
    MOMENTS,
    st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Mars/Base"]),
)
def test_any_measures_give_a_score_in_0_to_1_whose_reasons_add_up_or_a_refusal(measures, at, zone):
    try:
        found = SCORER.assess(measures, at, zone)
    except AssessmentError:
        return
    assert isinstance(found, Assessment)
    assert 0 <= found.risk <= 1
    assert len(found.contributions) == len(found.vector) > len(found.missing)
    total = sum(share.logit for share in found.contributions) + BUNDLE.manifest.head.base
    assert found.risk == pytest.approx(1 / (1 + np.exp(-total)), abs=1e-4)


def test_scoring_three_hundred_measures_reads_each_of_them_once():
    class Counted(list):
        passes = 0

        def __iter__(self):
            Counted.passes += 1
            return super().__iter__()

    many = Counted(glucose(100 + n % 50, n / 25) for n in range(300))
    SCORER.assess(many, EVENING + timedelta(minutes=1), "UTC")
    assert Counted.passes == 1


def test_the_server_side_of_risk_pulls_in_no_training_library():
    code = (
        "import sys, risk.registry, risk.counterfactual; risk.registry.load_bundles();"
        "print(sorted({'pandas','sklearn','scipy','lightgbm','onnx','risk.recipes'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
