"""What the hypoglycaemia bundle declares and says of itself: a draft manifest and a card with gaps for figures."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def draft() -> dict[str, Any]:
    """The manifest before training: its sources, features, limits and bands are what training rows are made with."""
    found: dict[str, Any] = json.loads((_HERE / "hypoglycaemia_manifest.json").read_text(encoding="utf-8"))
    return found


def trained(
    typical: Mapping[str, float], base: float, platt: tuple[float, float], provenance: Mapping[str, Any]
) -> dict[str, Any]:
    """The manifest with what training gave: typical values, base, Platt's slope and intercept, provenance."""
    manifest = draft()
    for feature in manifest["features"]:
        if feature["missing"]["policy"] == "typical":
            feature["missing"]["value"] = typical[feature["name"]]
    slope, intercept = platt
    manifest["head"]["base"] = base
    manifest["head"]["calibration"].update(slope=slope, intercept=intercept)
    manifest["provenance"] = provenance
    return manifest


def card(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The model card, in the sections of CHAI's applied model card. A gap `{path.in.metrics}` gets that figure."""
    text = (_HERE / "hypoglycaemia_card.json").read_text(encoding="utf-8")
    filled: dict[str, Any] = json.loads(re.sub(r"\{([a-z_0-9.]+)\}", lambda gap: _figure(metrics, gap[1]), text))
    return filled


def _figure(metrics: Any, path: str) -> str:
    found = metrics
    for step in path.removesuffix("_percent").split("."):
        found = found[int(step)] if isinstance(found, list) else found[step]
    if isinstance(found, list):
        estimate, low, high = found
        return f"{estimate:.3f} ({low:.3f} to {high:.3f})"
    return f"{100 * found:.0f}" if path.endswith("_percent") else str(found)
