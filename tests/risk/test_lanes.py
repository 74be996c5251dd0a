"""A report alone goes through memory that is used again: its answer is its own, to the last bit, or it has none."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.errors import AssessmentError
from risk.bundle import load
from risk.lanes import Heads
from risk.registry import load_bundles
from risk.scoring import Scorer
from tests.risk.conftest import DIRECTORY
from tests.risk.onnx_bytes import Node, model
from tests.risk.test_policies import TYPICAL, manifest

SCORERS = {name: Scorer(bundle) for name, bundle in load_bundles().items()}


def bits(heads: Heads) -> list[bytes]:
    return [np.array([risk, *shares, logit]).tobytes() for risk, shares, logit in heads]


@pytest.mark.parametrize("name", SCORERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_straight_way_is_the_slow_one_bit_for_bit(name: str, data: Any) -> None:
    scorer = SCORERS[name]
    width = len(scorer.bundle.manifest.features)
    some = st.one_of(st.floats(-1e6, 1e6), st.just(math.nan))
    numbers = data.draw(st.lists(some, min_size=width, max_size=width))
    vector, heads = scorer._straight(numbers)
    slow = np.array(numbers, dtype=np.float32)
    assert np.array(vector).tobytes() == np.array(slow.tolist()).tobytes()
    assert bits(heads) == bits(scorer._alone(slow))


def test_threads_that_score_other_reports_do_not_write_into_each_other() -> None:
    scorer = Scorer(load_bundles()["pbc-visit"])
    width = len(scorer.bundle.manifest.features)
    rows = [np.random.default_rng(n).uniform(0.5, 5, width).tolist() for n in range(6)]
    told = [SCORERS["pbc-visit"]._straight(row)[1] for row in rows]
    wrong: list[int] = []

    def again(n: int) -> None:
        wrong.extend(n for _ in range(300) if scorer._straight(rows[n])[1] != told[n])

    threads = [threading.Thread(target=again, args=(n,)) for n in range(len(rows))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def with_shares(keepdims: int) -> Scorer:
    """A graph of the right answers; with `keepdims` its risk and logit have another shape than they should."""
    constants: dict[str, Any] = {"w": (0.5, -0.25, 0.01), "base": [-2.0], "axes": 1}
    nodes: list[Node] = [
        ("Mul", ["x", "w"], ["contributions"], {}),
        ("ReduceSum", ["contributions", "axes"], ["total"], {"keepdims": keepdims}),
        ("Add", ["total", "base"], ["logit"], {}),
        ("Sigmoid", ["logit"], ["risk"], {}),
    ]
    outputs = {"risk": None, "contributions": 3, "logit": None}
    shipped = load(DIRECTORY)
    about = shipped.manifest.head.model_copy(update={"base": -2.0}).model_dump()
    made = manifest(TYPICAL, heads=[about])
    return Scorer(replace(shipped, manifest=made, model=model(nodes, {"x": 3}, outputs, constants)))


def test_an_answer_of_another_shape_is_refused_and_never_the_answer_before_it() -> None:
    _, [(_, shares, logit)] = with_shares(0)._straight([1.0, 2.0, 4.0])
    assert (shares, logit) == ([0.5, -0.5, pytest.approx(0.04)], pytest.approx(-1.96))
    broken = with_shares(1)
    for _ in range(3):
        with pytest.raises(AssessmentError) as refused:
            broken._straight([1.0, 2.0, 3.0])
        assert refused.value.reason == "graph-output"
