"""How a model does by subgroup, people whose group is not known being a group of their own. numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from risk.metrics import Names, Numbers, alerts, auc_interval, in_the_large_interval, observed_expected, slope_interval

MISSING = "missing"
FAIR_OE = (0.8, 1.25)
FAIR_SENSITIVITY, FAIR_EVENTS = 0.10, 50


def subgroups(y: Numbers, p: Numbers, labels: Names, threshold: float) -> list[dict[str, Any]]:
    """One row a group: n, events, prevalence, AUC, O/E, slope, in the large, alert rate, sensitivity, PPV, intervals.

    An empty label, None or NaN is the group "missing". `flags` says what calls for a look: an O/E whose interval lies
    outside 0.8 to 1.25, a sensitivity that is more than 10 points from the rest where both have 50 outcomes or more.
    """
    kept = np.array([named(label) for label in labels])
    return [{"group": str(name), **_of(y, p, kept == name, threshold)} for name in np.unique(kept)]


def named(label: Any) -> str:
    """The label as text; what is not known is "missing"."""
    unknown = label is None or (isinstance(label, float) and np.isnan(label))
    return MISSING if unknown or str(label).strip() in ("", "?", "nan", "NA") else str(label).strip()


def _of(y: Numbers, p: Numbers, inside: NDArray[np.bool_], threshold: float) -> dict[str, Any]:
    ours, theirs = alerts(y[inside], p[inside], threshold), alerts(y[~inside], p[~inside], threshold)
    ratio = observed_expected(int(y[inside].sum()), float(p[inside].sum()))
    enough = min(y[inside].sum(), y[~inside].sum()) >= FAIR_EVENTS
    flags = []
    if ratio[1] > FAIR_OE[1] or ratio[2] < FAIR_OE[0]:
        flags.append("observed/expected")
    if enough and abs(ours["sensitivity"][0] - theirs["sensitivity"][0]) > FAIR_SENSITIVITY:
        flags.append("sensitivity")
    return {
        "n": int(inside.sum()),
        "events": int(y[inside].sum()),
        "prevalence": float(y[inside].mean()),
        "auc": auc_interval(y[inside], p[inside]),
        "observed_expected": ratio,
        "slope": slope_interval(y[inside], p[inside]),
        "in_the_large": in_the_large_interval(y[inside], p[inside]),
        **{name: ours[name] for name in ("alert_rate", "sensitivity", "ppv")},
        "flags": flags,
    }
