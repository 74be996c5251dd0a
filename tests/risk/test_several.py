"""A graph of two inputs and two heads: one run, each head with its own bands, and the main one decides."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from care.domain.assessment import Assessment
from care.errors import AssessmentError
from risk.bundle import Bundle, load
from risk.graph import read_graph
from risk.manifest import Manifest
from risk.scoring import Scorer
from tests.risk.conftest import DIRECTORY
from tests.risk.onnx_bytes import Node, model
from tests.risk.test_policies import AT, OLD, TYPICAL, manifest, measure

SHIPPED = load(DIRECTORY)
BASES = {"": -2.0, "_b": 1.0}
WEIGHTS = {"": (0.5, -0.25, 0.01), "_b": (-0.1, 0.3, 0.02)}


def head(about: dict[str, Any], suffix: str) -> dict[str, Any]:
    names = {name: f"{name}{suffix}" for name in ("risk", "contributions", "logit")}
    return {**about, **names, "name": f"head{suffix}", "base": BASES[suffix], "clear_factor": 0.8}


def two(base_b: float = BASES["_b"]) -> Bundle:
    """Tensors `lab` (albumin, bilirubin) and `who` (age); the contributions are in the order of the features."""
    constants: dict[str, Any] = {"axes": 1}
    # the two inputs stand in another order than the features: each head weighs them apart and joins them again
    nodes: list[Node] = []
    for suffix, weights in WEIGHTS.items():
        constants |= {f"w{suffix}": weights, f"base{suffix}": [BASES[suffix] if suffix == "" else base_b]}
        nodes += [
            ("Concat", ["lab", "who"], [f"x{suffix}"], {"axis": 1}),
            ("Mul", [f"x{suffix}", f"w{suffix}"], [f"contributions{suffix}"], {}),
            ("ReduceSum", [f"contributions{suffix}", "axes"], [f"total{suffix}"], {"keepdims": 0}),
            ("Add", [f"total{suffix}", f"base{suffix}"], [f"logit{suffix}"], {}),
            ("Sigmoid", [f"logit{suffix}"], [f"risk{suffix}"], {}),
        ]
    outputs = {
        f"{name}{suffix}": 3 if name == "contributions" else None
        for suffix in WEIGHTS
        for name in ("risk", "contributions", "logit")
    }
    about = SHIPPED.manifest.head.model_dump()
    several: Manifest = manifest(
        TYPICAL,
        heads=[head(about, suffix) for suffix in WEIGHTS],
        tensors=[{"name": "lab", "features": ["bilirubin", "albumin"]}, {"name": "who", "features": ["age"]}],
    )
    return replace(SHIPPED, manifest=several, model=model(nodes, {"lab": 2, "who": 1}, outputs, constants))


def logit(suffix: str, *values: float) -> float:
    return BASES[suffix] + sum(a * b for a, b in zip(WEIGHTS[suffix], values, strict=True))


def test_the_graph_holds_only_what_is_allowed() -> None:
    assert read_graph(two().model).ops == ("Add", "Concat", "Mul", "ReduceSum", "Sigmoid")


def test_each_head_answers_and_the_main_one_decides() -> None:
    found = Scorer(two()).assess([OLD, measure("1975-2", 4, 1), measure("1751-7", 2, 1)], AT, "UTC")
    assert found.risk == pytest.approx(1 / (1 + math.exp(-logit("", 4, 2, 61))), abs=1e-6)
    (other,) = found.heads
    assert other.risk == pytest.approx(1 / (1 + math.exp(-logit("_b", 4, 2, 61))), abs=1e-6)
    assert (other.name, other.band, found.band) == ("head_b", "high", "raised")


def test_a_second_head_that_does_not_add_up_spoils_the_first() -> None:
    with pytest.raises(AssessmentError) as refused:
        Scorer(two(base_b=float("nan"))).assess([OLD, measure("1975-2", 4, 1)], AT, "UTC")
    assert (refused.value.reason, refused.value.bundle_sha256) == ("graph-output", SHIPPED.sha256)


def test_a_band_is_held_by_what_was_said_before_by_the_same_version_only() -> None:
    scorer = Scorer(two())
    edge = scorer.bundle.manifest.head.bands[1].ge
    wanted = math.log(edge * 0.9 / (1 - edge * 0.9))
    bilirubin = (wanted - BASES[""] + 0.25 * 2 - 0.61) / 0.5
    measures = [OLD, measure("1975-2", bilirubin, 1), measure("1751-7", 2, 1)]
    first = scorer.assess(measures, AT, "UTC")
    assert first.band == "low"
    before = replace(first, band="raised").before()
    assert scorer.assess(measures, AT, "UTC", before).band == "raised"
    assert scorer.assess(measures, AT, "UTC", replace(before, bundle_sha256="0" * 64)).band == "low"


def test_what_changed_is_told_in_the_order_of_its_weight() -> None:
    scorer = Scorer(two())
    first = scorer.assess([OLD, measure("1975-2", 4, 9), measure("1751-7", 2, 9)], AT, "UTC")
    later: Assessment = scorer.assess(
        [OLD, measure("1975-2", 8, 1), measure("1751-7", 3, 1)], AT, "UTC", first.before()
    )
    told = [(change.name, change.before, change.now) for change in later.changes]
    assert told == [("bilirubin", 4, 8), ("albumin", 2, 3)]
    assert [change.logit for change in later.changes] == pytest.approx([2.0, -0.25])
