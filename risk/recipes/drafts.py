"""The parts of a manifest before training, said shortly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

EMPTY_HASH = "0" * 64
BANDS = {
    "low": {"en": "low", "zh-Hans": "低", "zh-Hant": "低"},
    "raised": {"en": "raised", "zh-Hans": "升高", "zh-Hant": "升高"},
    "high": {"en": "high", "zh-Hans": "高", "zh-Hant": "高"},
}
ABSTAIN: Mapping[str, Any] = {"policy": "abstain"}
NATIVE: Mapping[str, Any] = {"policy": "model_native"}


def quantity(
    code: str,
    unit: str,
    hard: tuple[float, float],
    soft: tuple[float, float],
    accept: Mapping[str, float] | None = None,
    kind: str = "quantity",
) -> dict[str, Any]:
    """A source: its LOINC code (or one of our own where LOINC has none), unit, possible and usable range."""
    return {
        "kind": kind,
        "codes": [code],
        "unit": unit,
        "accept": dict(accept or {}),
        "hard": list(hard),
        "soft": list(soft),
    }


def carried(days: int, then: Mapping[str, Any]) -> dict[str, Any]:
    """The patient's own last value up to so many days old, else `then`."""
    return {"policy": "carry_forward", "max_age_days": days, "then": dict(then)}


def feature(
    name: str,
    source: str,
    days: int,
    missing: Mapping[str, Any],
    label: Sequence[str],
    aggregate: str = "last",
    transform: str = "none",
) -> dict[str, Any]:
    """A feature; its label in English, simplified and traditional Chinese."""
    points = {"min_points": 2} if aggregate == "slope_per_year" else {}
    return {
        "name": name,
        "source": source,
        "window": {"days": days, "aggregate": aggregate, **points},
        "missing": dict(missing),
        "label": dict(zip(("en", "zh-Hans", "zh-Hant"), label, strict=True)),
        "transform": transform,
    }


def draft(
    name: str,
    version: str,
    intended_use: str,
    sources: Mapping[str, Any],
    features: Sequence[Mapping[str, Any]],
    required: tuple[str, int],
    outcome: str,
    horizon: str,
    edges: tuple[float, float],
    masked: bool = False,
    max_missing: int | None = None,
) -> dict[str, Any]:
    """A whole manifest with gaps for what training gives. `edges`: from where a risk is raised, and high.

    `required`: a source and the days within which there must be one value of it.
    """
    bands = [
        {"id": "low", "ge": 0, "label": BANDS["low"]},
        {"id": "raised", "ge": edges[0], "label": BANDS["raised"]},
        {"id": "high", "ge": edges[1], "priority": "routine", "label": BANDS["high"]},
    ]
    platt = {"method": "platt", "in_graph": True, "slope": 1.0, "intercept": 0.0}
    head = {"outcome": outcome, "horizon": horizon, "base": 0.0, "calibration": platt, "bands": bands}
    return {
        "schema": "care.risk.bundle/1",
        "id": name,
        "version": version,
        "status": "research",
        "intended_use": intended_use,
        "sources": dict(sources),
        "features": [dict(one) for one in features],
        "requires": [{"source": required[0], "days": required[1], "at_least": 1}],
        "abstain": {} if max_missing is None else {"max_missing": max_missing},
        "heads": [{"name": name.replace("-", "_"), "clear_factor": 0.8, **head}],
        "graph": {"file": "model.onnx", "sha256": EMPTY_HASH, "input": "x", "ir": 9, "opset": {"": 17}, "ops": []},
        "golden": {"n": 64, "atol": 1e-5},
        "provenance": {
            "recipe": "",
            "recipe_version": version,
            "data": "",
            "data_sha256": EMPTY_HASH,
            "data_licence": "",
            "n_rows": 0,
            "n_groups": 0,
            "split": "",
            "seed": 0,
            "software": {},
            "mask_augmented": masked,
        },
    }
