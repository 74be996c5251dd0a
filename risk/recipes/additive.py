"""Boosting with one feature a tree, calibrated: as strong as most, and its contributions are exact and in the graph.

A feature's contribution is what its own trees add, less what they add on average over the training rows: that is its
Shapley value, since no tree holds two features. NaN goes where LightGBM learned that it goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import lightgbm
import numpy as np

from risk.metrics import expit
from risk.recipes.export import Trees, additive_graph

SETTINGS: Mapping[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.04,
    "lambda_l2": 5.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "seed": 0,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Additive:
    """A booster of one-feature trees with Platt's slope and intercept."""

    booster: lightgbm.Booster
    slope: float
    intercept: float
    centre: Any = field(repr=False)

    @property
    def base(self) -> float:
        """The logit of a patient all of whose contributions are 0."""
        return self.slope * float(self.centre.sum()) + self.intercept

    def contributions(self, x: Any) -> Any:
        """Each feature's share of the logit, (n, features), by the library's own exact method."""
        return self.slope * self.booster.predict(x, pred_contrib=True)[:, :-1]

    def risk(self, x: Any) -> Any:
        """The calibrated risk, (n)."""
        return expit(self.slope * self.booster.predict(x, raw_score=True) + self.intercept)

    predict = risk

    def graph(self) -> bytes:
        """The ONNX graph of it."""
        return additive_graph(Trees(_nodes(self.booster), self.centre, self.slope, self.base))

    def edges(self) -> Iterator[tuple[int, float]]:
        """Every (feature, threshold) of its trees, as float32 reads it."""
        for node in _every(self.booster):
            if "threshold" in node:
                yield node["split_feature"], _at_most(node["threshold"])


@dataclass(frozen=True)
class Boosting:
    """How to boost: trees, their leaves, rows a leaf at least, and the share of the rows that each tree sees.

    With `masked` > 0 every row comes twice, and in the second that share of its values is taken out, so that the model
    has met patients of whom less is known. `directions` says for each feature whether the risk may only rise with it
    (1), only fall (-1), or do either (0): a model that can't say the contrary of what is known of a disease.
    """

    rounds: int
    least: int
    leaves: int = 4
    masked: float = 0.0
    seen: float = 1.0
    directions: tuple[int, ...] = ()

    def settings(self, features: int) -> dict[str, Any]:
        """LightGBM's settings for so many features, one of them a tree."""
        return {
            **SETTINGS,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.least * (2 if self.masked else 1),
            "interaction_constraints": [[column] for column in range(features)],
            **({"bagging_fraction": self.seen, "bagging_freq": 1} if self.seen < 1 else {}),
            **({"monotone_constraints": list(self.directions)} if self.directions else {}),
        }


def boost(x: Any, y: Any, how: Boosting, seed: int) -> lightgbm.Booster:
    """Train on float32 values."""
    x = np.asarray(x, dtype=np.float32)
    if how.masked:
        hidden = np.array(x)
        hidden[np.random.default_rng(seed).random(x.shape) < how.masked] = np.nan
        x, y = np.vstack([x, hidden]), np.concatenate([y, y])
    return lightgbm.train(how.settings(x.shape[1]), lightgbm.Dataset(x, y), num_boost_round=how.rounds)


def calibrated(booster: lightgbm.Booster, slope: float, intercept: float) -> Additive:
    """The booster with Platt's numbers, centred on what each feature adds on average."""
    centre = np.zeros(booster.num_feature())
    for tree in booster.dump_model()["tree_info"]:
        leaves = [node for node in _walk(tree["tree_structure"]) if "leaf_value" in node]
        rows = sum(leaf.get("leaf_count", 1) for leaf in leaves)
        mean = sum(leaf["leaf_value"] * leaf.get("leaf_count", 1) for leaf in leaves) / rows
        centre[_feature(tree["tree_structure"])] += mean
    return Additive(booster, slope, intercept, centre)


def _walk(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for side in ("left_child", "right_child"):
        if side in node:
            yield from _walk(node[side])


def _every(booster: lightgbm.Booster) -> Iterator[Mapping[str, Any]]:
    for tree in booster.dump_model()["tree_info"]:
        yield from _walk(tree["tree_structure"])


def _feature(tree: Mapping[str, Any]) -> int:
    """The one feature of a tree (0 for a tree that is a constant)."""
    used = {node["split_feature"] for node in _walk(tree) if "split_feature" in node}
    if len(used) > 1:
        raise ValueError("a tree holds more than one feature: its contributions would not be exact")
    return used.pop() if used else 0


def _at_most(threshold: float) -> float:
    """The largest float32 that is not above the threshold: a float32 x is <= one where it is <= the other."""
    nearest = np.float32(threshold)
    return float(np.nextafter(nearest, np.float32(-np.inf)) if float(nearest) > threshold else nearest)


def _nodes(booster: lightgbm.Booster) -> dict[str, list[Any]]:
    """The attributes of TreeEnsembleRegressor."""
    names = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
    found: dict[str, list[Any]] = {f"nodes_{name}": [] for name in (*names, "missing_value_tracks_true")}
    found |= {f"target_{name}": [] for name in ("treeids", "nodeids", "ids", "weights")}
    for number, tree in enumerate(booster.dump_model()["tree_info"]):
        every = list(_walk(tree["tree_structure"]))
        place = {id(node): at for at, node in enumerate(every)}
        target = _feature(tree["tree_structure"])
        for at, node in enumerate(every):
            leaf = "leaf_value" in node
            left, right = (0, 0) if leaf else (place[id(node["left_child"])], place[id(node["right_child"])])
            limit = 0.0 if leaf else _at_most(node["threshold"])
            row = (number, at, 0 if leaf else target, limit, "LEAF" if leaf else "BRANCH_LEQ", left, right)
            for name, value in zip(names, row, strict=True):
                found[f"nodes_{name}"].append(value)
            found["nodes_missing_value_tracks_true"].append(0 if leaf else int(_nan_goes_left(node, limit)))
            if leaf:
                for name, value in (("treeids", number), ("nodeids", at), ("ids", target)):
                    found[f"target_{name}"].append(value)
                found["target_weights"].append(float(node["leaf_value"]))
    return found


def _nan_goes_left(node: Mapping[str, Any], limit: float) -> bool:
    """Where no NaN was met in training LightGBM reads it as 0."""
    return bool(node["default_left"]) if node["missing_type"] == "NaN" else limit >= 0.0
