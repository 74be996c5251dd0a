"""What a bundle's card says: words in JSON beside the recipe, their gaps `{path.in.metrics}` filled with figures."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_GAP = re.compile(r"\{([a-z_0-9.]+)\}")
_WHOLE = re.compile(r'"\{=([a-z_0-9.]+)\}"')


def card_of(recipe: str, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The card of a recipe; "{=path}" alone stands for the figure itself, {path} within a sentence for its text."""
    text = (_HERE / f"{recipe}_card.json").read_text(encoding="utf-8")
    text = _WHOLE.sub(lambda gap: json.dumps(found(metrics, gap[1])), text)
    filled: dict[str, Any] = json.loads(_GAP.sub(lambda gap: _figure(found(metrics, gap[1])), text))
    return filled


def found(metrics: Any, path: str) -> Any:
    """The figure at a path of names and numbers; a missing one is an error, never an empty place in a card."""
    for step in path.split("."):
        metrics = metrics[int(step)] if isinstance(metrics, list) else metrics[step]
    return metrics


def _figure(value: Any) -> str:
    if isinstance(value, list):
        estimate, low, high = value
        return f"{estimate:.3f} ({low:.3f} to {high:.3f})"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
