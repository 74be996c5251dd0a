"""An assessment reckoned once more from what was stored, and compared to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from care.domain.assessment import Assessment, Before
from care.domain.measure import Measure
from care.errors import AssessmentError
from risk.counterfactual import counterfactual
from risk.features import Row
from risk.scoring import Scorer


@dataclass(frozen=True, slots=True)
class Recomputed:
    """The risk that came out, and the parts of the assessment that came out otherwise than they were stored.

    `differing` holds names of Assessment's fields; `measures-` before one says that it was reckoned from the measures.
    """

    risk: float
    differing: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether every bit is the same."""
        return not self.differing


def recompute(
    scorer: Scorer, made: Assessment, measures: Sequence[Measure] | None, at: datetime, zone: str
) -> Recomputed:
    """`made` by its own bundle once more: from its vector, and from the measures that it read where they are there.

    Raises AssessmentError (bundle-unavailable) for another bundle's, and as `assess` does.
    """
    if made.bundle_sha256 != scorer.bundle.sha256:
        raise AssessmentError("bundle-unavailable", "the assessment was made by another bundle")
    before = Before(made.bundle_sha256, made.previous_band) if made.previous_band is not None else None
    row = Row(
        tuple(share.value for share in made.contributions),
        np.array(made.vector, dtype=np.float32),
        made.missing,
        made.inputs,
        made.carried,
        tuple(share.filled for share in made.contributions),
    )
    found = scorer.assessment(row, before)
    differing = [
        name for name in ("risk", "band", "contributions", "heads") if getattr(found, name) != getattr(made, name)
    ]
    if counterfactual(scorer, found) != made.counterfactual:
        differing.append("counterfactual")
    if measures is not None:
        differing += _from_measures(scorer, made, measures, at, zone)
    return Recomputed(found.risk, tuple(differing))


def _from_measures(scorer: Scorer, made: Assessment, measures: Sequence[Measure], at: datetime, zone: str) -> list[str]:
    row = scorer.plan.row(measures, at, zone)
    told = np.array(made.vector, dtype=np.float32)
    differing = ["measures-vector"] if row.vector.tobytes() != told.tobytes() else []
    for name, found in (("values", row.values), ("missing", row.missing), ("carried", row.carried)):
        stored = tuple(share.value for share in made.contributions) if name == "values" else getattr(made, name)
        if found != stored:
            differing.append(f"measures-{name}")
    return differing
