"""The smallest change of one feature that would leave the band, and it does when it is tried."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.assessment import Assessment
from risk.bands import band_of
from risk.batch import Batch
from risk.counterfactual import counterfactual
from risk.manifest import Band
from risk.registry import load_bundles
from risk.scoring import Scorer, expit, totals_of
from tests.risk.test_batch import columns

SCORERS = {name: Scorer(bundle) for name, bundle in load_bundles().items()}
BANDS = [Band(id=name, ge=edge, label={"en": name}) for name, edge in (("low", 0), ("raised", 0.4), ("high", 0.6))]


def with_value(scorer: Scorer, made: Assessment, name: str, value: float) -> str:
    """The band when one feature has another value."""
    place = [share.name for share in made.contributions].index(name)
    vector = np.array([made.vector], dtype=np.float32)
    vector[0, place] = scorer.plan.number(place, value)
    _, shares, _ = scorer.run(vector)
    head = scorer.bundle.manifest.head
    return band_of(head.bands, expit(float(totals_of(head.base, shares)[0])), made.band, head.clear_factor).id


@pytest.mark.parametrize("name", SCORERS)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_it_says_would_leave_the_band_leaves_it(name: str, seed: int) -> None:
    scorer = SCORERS[name]
    manifest = scorer.bundle.manifest
    order = [band.id for band in manifest.head.bands]
    batch = Batch(scorer, columns(scorer, seed, 5, 0.05))
    for row in range(5):
        made = batch.assessment(row)
        if not isinstance(made, Assessment):
            continue
        found = counterfactual(scorer, made)
        if found is None:
            continue
        assert with_value(scorer, made, found.name, found.now) == made.band
        assert with_value(scorer, made, found.name, found.value) == found.band
        assert order.index(found.band) < order.index(made.band)
        (feature,) = [feature for feature in manifest.features if feature.name == found.name]
        assert manifest.sources[feature.source].kind != "attribute"


def test_in_the_lowest_band_there_is_nothing_to_leave() -> None:
    scorer = SCORERS["hypoglycaemia-next-day"]
    batch = Batch(scorer, columns(scorer, 3, 50, 0.0))
    lowest = [row for row in range(50) if batch.band[row] == 0]
    assert lowest
    for row in lowest:
        made = batch.assessment(row)
        assert isinstance(made, Assessment)
        assert counterfactual(scorer, made) is None


def test_what_was_filled_in_is_never_what_would_have_to_change() -> None:
    scorer = SCORERS["hypoglycaemia-next-day"]
    batch = Batch(scorer, columns(scorer, 5, 80, 0.0))
    row = int(np.argmax(batch.risk))
    made = batch.assessment(row)
    assert isinstance(made, Assessment)
    found = counterfactual(scorer, made)
    assert found is not None
    shares = tuple(
        share._replace(filled="carry_forward") if share.name == found.name else share for share in made.contributions
    )
    other = counterfactual(scorer, replace(made, contributions=shares))
    assert other is None or other.name != found.name


@pytest.mark.parametrize(
    ("risk", "before", "band"),
    [
        (0.41, None, "raised"),
        (0.39, None, "low"),
        (0.39, "raised", "raised"),
        (0.3199, "raised", "low"),
        (0.33, "high", "raised"),
        (0.49, "high", "high"),
        (0.47, "high", "raised"),
        (0.61, "raised", "high"),
        (0.59, "raised", "raised"),
        (0.1, "high", "low"),
        (0.39, "no such band", "low"),
    ],
)
def test_a_band_is_left_only_when_its_edge_is_cleared(risk: float, before: str | None, band: str) -> None:
    assert band_of(BANDS, risk, before, 0.8).id == band
