"""A trained model as an ONNX graph with its contributions inside, and a bundle's files, hashed and written."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from risk.bundle import SUMS, canonical_list

IR, OPSET, ML_OPSET = 9, 17, 3


@dataclass(frozen=True)
class Logistic:
    """risk = expit(base + sum(slope * weight * (x - centre))); `slope` is Platt's, `base` has his intercept in it."""

    centre: NDArray[np.float64]
    weight: NDArray[np.float64]
    slope: float
    base: float

    def contributions(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each feature's share of the logit, (n, features), in float64."""
        return np.asarray(self.slope * self.weight * (x - self.centre))

    def risk(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The calibrated risk, (n), in float64."""
        return np.asarray(1 / (1 + np.exp(-(self.contributions(x).sum(axis=1) + self.base))))


@dataclass(frozen=True)
class Trees:
    """Trees of one feature each, node by node: the attributes of TreeEnsembleRegressor, one target a feature."""

    nodes: Mapping[str, Sequence[Any]]
    centre: NDArray[np.float64]
    slope: float
    base: float


def logistic_graph(model: Logistic) -> bytes:
    """x (n, features) float32 -> risk (n), contributions (n, features), logit (n); contributions + base = logit."""
    nodes = [
        helper.make_node("Sub", ["x", "centre"], ["centred"]),
        helper.make_node("Mul", ["centred", "weight"], ["raw"]),
    ]
    return _built("logistic", nodes, model.centre, model.slope, model.base, [_constant("weight", model.weight)])


def additive_graph(model: Trees) -> bytes:
    """The same outputs from trees: each feature's trees add up to its target, less what they give on average."""
    features = len(model.centre)
    trees = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["shape"],
        domain="ai.onnx.ml",
        n_targets=features,
        aggregate_function="SUM",
        post_transform="NONE",
        **model.nodes,
    )
    nodes = [trees, helper.make_node("Sub", ["shape", "centre"], ["raw"])]
    return _built("additive", nodes, model.centre, model.slope, model.base, [])


def _built(
    name: str,
    nodes: list[onnx.NodeProto],
    centre: NDArray[np.float64],
    slope: float,
    base: float,
    constants: list[onnx.TensorProto],
) -> bytes:
    """The graph of `nodes` (x -> raw), calibrated and added up."""
    features = len(centre)
    constants = [
        _constant("centre", centre),
        *constants,
        _constant("platt_slope", [slope]),
        _constant("base", [base]),
        helper.make_tensor("axes", TensorProto.INT64, [1], np.array([1], dtype="<i8").tobytes(), raw=True),
    ]
    nodes = [
        *nodes,
        helper.make_node("Mul", ["raw", "platt_slope"], ["contributions"]),
        helper.make_node("ReduceSum", ["contributions", "axes"], ["total"], keepdims=0),
        helper.make_node("Add", ["total", "base"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["risk"]),
    ]
    floats = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", floats, ["n", features])],
        [
            helper.make_tensor_value_info("risk", floats, ["n"]),
            helper.make_tensor_value_info("contributions", floats, ["n", features]),
            helper.make_tensor_value_info("logit", floats, ["n"]),
        ],
        constants,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    if any(node.domain for node in nodes):
        opsets.append(helper.make_opsetid("ai.onnx.ml", ML_OPSET))
    built = helper.make_model(graph, opset_imports=opsets, ir_version=IR)
    onnx.checker.check_model(built, full_check=True)
    return built.SerializeToString(deterministic=True)


def write_bundle(
    out: Path,
    manifest: Mapping[str, Any],
    model: bytes,
    golden: Sequence[Mapping[str, Any]],
    pages: Mapping[str, bytes] | None = None,
    **documents: Any,
) -> None:
    """Write the files of a bundle into `out` (an earlier bundle there is replaced) with SHA256SUMS over all of them.

    `documents` become JSON files; `pages` (name -> content) are written as they are.
    """
    graph = dict(manifest["graph"], sha256=hashlib.sha256(model).hexdigest())
    files = {
        "manifest.json": _json(dict(manifest, graph=graph)),
        "model.onnx": model,
        "golden.jsonl": "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in golden).encode(),
        **{f"{name}.json": _json(document) for name, document in documents.items()},
        **(pages or {}),
    }
    if (out / SUMS).exists():
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    (out / SUMS).write_text(canonical_list(files), encoding="utf-8")


def _json(document: Any) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _constant(name: str, values: Any) -> onnx.TensorProto:
    numbers = np.asarray(values, dtype="<f4")
    return helper.make_tensor(name, TensorProto.FLOAT, list(numbers.shape), numbers.tobytes(), raw=True)
