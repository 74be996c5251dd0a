"""Capacity: from which risk on a model's routine alert is raised, so that nurses can carry what is raised.

Rules come first and depend on none of this. Of the model's alerts a floor keeps how many may be missed (conformal risk
control; Angelopoulos et al., ICLR 2024), and the nurses' day says how many are raised: the quantile of the last
28 days' risks, which makes no patient's alert depend on who else reports that day. The floor wins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

DAYS = 28
MISSED = 0.2
"""Of the patients who will have the outcome, how many at most may be missed by the model's own alerts. Ours: rules and
the patient's own words stand beside it; a clinician may set another before a model is let in."""
NOBODY = 1.0000001
"""A threshold that no risk reaches."""
SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Budget:
    """A threshold with what it means: `floor` (None: no outcomes to reckon it from), alerts a day, and what won.

    `by` is budget, floor, or band (there is capacity for all that the bands ask for).
    """

    threshold: float
    floor: float | None
    alerts_a_day: float
    by: str


def sensitivity_floor(positives: Sequence[float], missed: float = MISSED) -> float | None:
    """The highest threshold at which at most a share `missed` of those with the outcome is expected below it.

    `positives` are risks of people who had the outcome, one a person. None: too few people to promise that.
    """
    allowed = math.floor(missed * (len(positives) + 1) + SLACK) - 1  # misses + 1 <= missed * (n + 1)
    return sorted(positives)[allowed] if allowed >= 0 else None


def budget_threshold(risks: Sequence[float], per_day: float, days: int = DAYS) -> float:
    """The lowest threshold at which the risks of `days` days would have raised no more than `per_day` alerts a day."""
    allowed = math.floor(per_day * days + SLACK)
    if allowed >= len(risks):
        return 0.0
    ordered = sorted(risks, reverse=True)
    above = [risk for risk in ordered[:allowed] if risk > ordered[allowed]]  # of equal risks all are raised, or none
    return above[-1] if above else NOBODY


def live_threshold(
    risks: Sequence[float],
    per_day: float,
    positives: Sequence[float],
    missed: float = MISSED,
    days: int = DAYS,
    band: float = 0.0,
) -> Budget:
    """The threshold of the nurses' capacity, brought down to the floor where it is higher.

    Capacity to spare does not bring it below `band`, where the reviewed bands of the model begin to ask for a look.
    """
    budget, floor = max(band, budget_threshold(risks, per_day, days)), sensitivity_floor(positives, missed)
    threshold = budget if floor is None else min(budget, floor)
    by = "floor" if threshold < budget else "band" if budget <= band else "budget"
    return Budget(threshold, floor, sum(risk >= threshold for risk in risks) / days, by)


def number_needed(alerts: int, right: int) -> float | None:
    """How many alerts a nurse looks at for one that is right (1 / precision); None where none was right yet."""
    return alerts / right if right else None


def asked_for(priority: str | None, risk: float, threshold: float | None) -> str | None:
    """The priority of a model's alert: a routine one begins at the live threshold, anything more is the band's own."""
    if threshold is None or priority not in (None, "routine"):
        return priority
    return "routine" if risk >= threshold else None
