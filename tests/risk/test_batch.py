"""By column or one by one: the same answers, to the last bit, and the same refusals."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.explanation import strongest
from care.domain.measure import Measure
from care.domain.rules import Report, judge, read_rules
from care.errors import AssessmentError
from risk.batch import Batch, Column
from risk.registry import load_bundles
from risk.scoring import Scorer
from risk.screening import judge_many
from tests.conftest import ROOT

SPANS = {"day_share": (0, 100), "sd": (0, 80), "count_per_day": (1, 6), "slope_per_year": (-1, 1)}
NOW = datetime(2026, 3, 2, 20, tzinfo=UTC)
RULES = tuple(
    read_rules(json.loads(path.read_text("utf-8"))) for path in sorted((ROOT / "care/library/rules").glob("*.json"))
)
SCORERS = {name: Scorer(bundle) for name, bundle in load_bundles().items()}


def columns(scorer: Scorer, seed: int, rows: int, gaps: float) -> dict[str, Column]:
    """Made-up columns inside the soft ranges, with gaps."""
    rng = np.random.default_rng(seed)
    found = {}
    for feature in scorer.bundle.manifest.features:
        source = scorer.bundle.manifest.sources[feature.source]
        low, high = source.soft or (0.0, 1.0)
        low, high = SPANS.get(feature.window.aggregate, (max(low, 0.01), min(high, 10 * max(low, 1.0))))
        values = rng.uniform(low, high, rows)
        values[rng.random(rows) < gaps] = np.nan
        found[feature.name] = Column(values, source.unit)
    return found


@pytest.mark.parametrize("name", SCORERS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.integers(1, 40), gaps=st.sampled_from([0.0, 0.1, 0.5]))
def test_each_row_of_a_batch_is_the_report_alone_bit_for_bit(name: str, seed: int, rows: int, gaps: float) -> None:
    scorer = SCORERS[name]
    batch = Batch(scorer, columns(scorer, seed, rows, gaps))
    for row in range(rows):
        made = batch.assessment(row)
        if isinstance(made, AssessmentError):
            continue
        alone = scorer.assessment(batch.alone(row))
        assert (alone.risk, alone.band, alone.contributions) == (made.risk, made.band, made.contributions)
        assert np.array(alone.vector).tobytes() == np.array(made.vector).tobytes()
        up, down = strongest(alone)
        names = [feature.name for feature in scorer.bundle.manifest.features]
        logits = {share.name: share.logit for share in alone.contributions}
        told = [logits[names[place]] for place in batch.up[row] if place >= 0]
        assert told == [share.logit for share in up]
        assert [logits[names[place]] for place in batch.down[row] if place >= 0] == [share.logit for share in down]


@pytest.mark.parametrize("name", SCORERS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_contributions_and_base_are_the_logit_of_the_risk(name: str, seed: int) -> None:
    scorer = SCORERS[name]
    batch = Batch(scorer, columns(scorer, seed, 64, 0.1))
    _, shares, logits = scorer.run(batch.vectors)
    base = scorer.bundle.manifest.head.base
    scored = batch.refused == ""
    assert scored.any()
    assert np.allclose((shares.sum(axis=1) + base)[scored], logits[scored], rtol=1e-5, atol=1e-4)
    assert np.allclose(batch.risk[scored], 1 / (1 + np.exp(-logits[scored].astype(float))), atol=1e-5)


@pytest.mark.parametrize("name", SCORERS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_is_missing_is_refused_or_said_and_never_passes_in_silence(name: str, seed: int) -> None:
    scorer = SCORERS[name]
    whole = columns(scorer, seed, 1, 0.0)
    for feature in scorer.bundle.manifest.features:
        gone = {**whole, feature.name: Column(np.array([math.nan]), whole[feature.name].unit)}
        made = Batch(scorer, gone).assessment(0)
        if isinstance(made, AssessmentError):
            assert made.reason == "missing"
        else:
            assert made.missing == (feature.name,)
            (share,) = [share for share in made.contributions if share.name == feature.name]
            assert share.filled in ("typical", "impute", "model_native")


@pytest.mark.parametrize(
    ("value", "unit", "reason"),
    [(50.0, "mg/dL", ""), (5_000.0, "mg/dL", "hard-range"), (math.inf, "mg/dL", "hard-range"), (5.0, "g/L", "unit")],
)
def test_a_column_is_refused_row_by_row_for_the_reason_it_would_have_alone(
    value: float, unit: str, reason: str
) -> None:
    scorer = SCORERS["hypoglycaemia-next-day"]
    whole = columns(scorer, 1, 3, 0.0)
    values = whole["lowest_lately"].values.copy()
    values[1] = value
    if unit != "mg/dL":
        values[[0, 2]] = math.nan
    batch = Batch(scorer, {**whole, "lowest_lately": Column(values, unit)})
    assert batch.refused.tolist() == ["", reason, ""]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.floats(20, 400)), st.one_of(st.none(), st.floats(70, 220))),
        min_size=1,
        max_size=12,
    )
)
def test_the_findings_of_a_batch_are_those_of_each_report(rows: list[tuple[float | None, float | None]]) -> None:
    glucose = np.array([math.nan if one[0] is None else one[0] for one in rows])
    pressure = np.array([math.nan if one[1] is None else one[1] for one in rows])
    found = judge_many(RULES, {"2339-0": (glucose, "mg/dL"), "8480-6": (pressure, "mm[Hg]")}, NOW)
    for row, (one, two) in enumerate(rows):
        pairs = [("2339-0", one, "mg/dL"), ("8480-6", two, "mm[Hg]")]
        measures = tuple(
            Measure(f"{row}:{code}", code, value, unit, NOW) for code, value, unit in pairs if value is not None
        )
        assert found.get(row, ()) == judge(RULES, Report(str(row), NOW, measures))


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.floats(20, 400), min_size=2, max_size=8),
    past=st.lists(st.tuples(st.integers(0, 7), st.integers(1, 20), st.floats(20, 400)), max_size=20),
)
def test_a_row_with_a_past_is_judged_by_it_and_no_other_row_is(
    rows: list[float], past: list[tuple[int, int, float]]
) -> None:
    histories: dict[int, list[Measure]] = {}
    for number, (row, days, value) in enumerate(past):
        if row < len(rows):
            one = Measure(f"past{number}", "2339-0", value, "mg/dL", NOW - timedelta(days=days))
            histories.setdefault(row, []).append(one)
    found = judge_many(RULES, {"2339-0": (np.array(rows), "mg/dL")}, NOW, histories)
    for row, value in enumerate(rows):
        report = Report(str(row), NOW, (Measure(f"{row}:2339-0", "2339-0", value, "mg/dL", NOW),))
        assert found.get(row, ()) == judge(RULES, report, histories.get(row, ()))
