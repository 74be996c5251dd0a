"""A bundle's golden rows: made-up patients with the answers that the training library gave.

They are checked when a bundle is loaded, so that a changed library, platform or feature step is found before it scores
a patient.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from care.domain.measure import Measure
from care.errors import AssessmentError
from risk.bundle import Bundle
from risk.scoring import Scorer


@dataclass(frozen=True, slots=True)
class Verification:
    """What the golden rows showed: how many, the largest difference of any number, and whether all of it holds."""

    sha256: str
    golden: int
    max_abs_diff: float
    ok: bool
    wrong: tuple[int, ...]


def verify(bundle: Bundle) -> Verification:
    """Score every golden row: numbers within the manifest's tolerance, bands, gaps and refusals exact."""
    scorer = Scorer(bundle)
    widest, wrong = 0.0, []
    for number, row in enumerate(bundle.golden):
        difference = _difference(scorer, row)
        widest = max(widest, difference)
        if difference > bundle.manifest.golden.atol:
            wrong.append(number)
    return Verification(bundle.sha256, len(bundle.golden), widest, not wrong, tuple(wrong))


def measures_of(row: Mapping[str, Any]) -> list[Measure]:
    """The measures of a golden row, kept there as [code, value, unit, ISO time, comparator]."""
    return [
        Measure(f"golden-{number}", code, value, unit, datetime.fromisoformat(at), comparator)
        for number, (code, value, unit, at, comparator) in enumerate(row["measures"])
    ]


def _difference(scorer: Scorer, row: Mapping[str, Any]) -> float:
    """The largest difference from the row's numbers; infinite where a band, a gap or a refusal differs."""
    told: Mapping[str, Any] = row["expect"]
    try:
        found = scorer.assess(measures_of(row), datetime.fromisoformat(row["at"]), row["zone"])
    except AssessmentError as refusal:
        return 0.0 if told.get("reason") == refusal.reason else float("inf")
    if "reason" in told or found.band != told["band"] or list(found.missing) != told["missing"]:
        return float("inf")
    shares = [share.logit for share in found.contributions]
    widest = max(_widest(shares, told["contributions"]), _widest(found.vector, told["vector"]))
    return max(widest, abs(found.risk - float(told["risk"])))


def _widest(found: Sequence[float], told: Sequence[float | None]) -> float:
    """Largest difference; relative where numbers are large, since both are float32. None is told for NaN."""
    return max(_apart(a, b) for a, b in zip(found, told, strict=True))


def _apart(found: float, told: float | None) -> float:
    if told is None or math.isnan(found):
        return 0.0 if told is None and math.isnan(found) else math.inf
    return abs(found - told) / max(1.0, abs(told))
