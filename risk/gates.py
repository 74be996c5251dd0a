"""What a bundle must show before it may be promoted: each gate has a value, a limit, and says why it fails. numpy only.

The limits are the project's (docs/models.md); a bundle can't declare its own, except the range of thresholds in which
it is meant to decide.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from risk import metrics
from risk.metrics import Names, Numbers

SLOPE, IN_THE_LARGE, ICI, PARITY = (0.8, 1.25), 0.2, 0.03, 1e-5
REMOVED, TELLING = 0.3, 0.95
NO_ADDED_VALUE = "no added value"
# Columns that say how long a patient was watched, or what became of them: known only after the outcome
AFTERWARDS = re.compile(
    r"^(time|futime|fu_?(time|days|years)|follow_?up.*|(time|days|months|years)_(to|until|till)_.+|time_?in_?study"
    r"|surv(ival)?_?(time|days|months|years)?|[dr]time|rfs_?time|os_?(time|days|months)|tt(e|event|death|cancer)"
    r"|status|event|outcome|death(_event)?|died|dead|censor(ed|ing)?|readmitted)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Gate:
    """One gate: what was measured, what is allowed, whether it passes, and why not."""

    name: str
    value: Any
    limit: Any
    passed: bool
    why: str = ""

    def told(self) -> dict[str, Any]:
        """As `flask risk validate` prints it."""
        found = {"gate": self.name, "value": self.value, "limit": self.limit, "pass": self.passed}
        return found | ({"why": self.why} if self.why else {})


@dataclass(frozen=True)
class Evidence:
    """Rows with what was predicted for them and what came of it.

    `risks` are one or more predictions for each row by models that did not see its person, `folds` the fold of each
    row for each of them (none where the whole file is new to the model). `versus` are the predictions of comparators,
    `by` the subgroup labels, `measured_at` when each column was measured, `index_at` when the prediction was made.
    """

    y: Numbers
    who: Names
    risks: Sequence[Numbers]
    folds: Sequence[Names] = ()
    versus: Mapping[str, Numbers] = field(default_factory=dict)
    by: Mapping[str, Names] = field(default_factory=dict)
    index_at: Numbers | None = None
    measured_at: Mapping[str, Numbers] = field(default_factory=dict)
    draws: int = 200
    seed: int = 0

    def mean(self, measure: metrics.Measured, rows: Any = slice(None)) -> float:
        """A measure's mean over the predictions."""
        return float(np.mean([measure(self.y[rows], p[rows]) for p in self.risks]))


def split(who: Names, folds: Sequence[Names]) -> Gate:
    """Nobody's rows are in more than one fold: else the model was tested on people it had learned."""
    both = {str(person) for fold in folds for person in _in_two(who, fold)}
    why = f"{len(both)} of {len(np.unique(who))} people have rows in more than one fold" if both else ""
    return Gate("split", len(both), 0, not both, why)


def _in_two(who: Names, fold: Names) -> list[Any]:
    people, place = np.unique(who, return_inverse=True)
    kinds, number = np.unique(fold, return_inverse=True)
    seen = np.zeros((len(people), len(kinds)), dtype=bool)
    seen[place, number] = True
    return list(people[seen.sum(axis=1) > 1])


def new_people(trained_on: str, data_sha256: str, folds: Sequence[Names]) -> Gate:
    """The file is not the very one that was learned from, unless its predictions are out of fold."""
    same = trained_on == data_sha256 and not folds
    why = "the model learned from this very file, and it names no folds" if same else ""
    return Gate("unseen", "training data" if same else "unseen", "unseen", not same, why)


def leakage(
    columns: Mapping[str, Numbers],
    y: Numbers,
    index_at: Numbers | None = None,
    measured_at: Mapping[str, Numbers] | None = None,
) -> Gate:
    """No column that is known only afterwards: by its name, by when it was measured, by telling the outcome alone."""
    reasons = [f"{name}: follow-up or outcome posing as a feature" for name in columns if AFTERWARDS.match(name)]
    for name, values in columns.items():
        known = ~np.isnan(values)
        alone = metrics.auc(y[known], values[known])
        if max(alone, 1 - alone) > TELLING:
            reasons.append(f"{name}: tells the outcome alone (AUC {max(alone, 1 - alone):.3f})")
    for name, times in (measured_at or {}).items():
        late = int(np.sum(times > index_at)) if index_at is not None else 0
        if late:
            reasons.append(f"{name}: measured after the moment of prediction in {late} rows")
    return Gate("leakage", len(reasons), 0, not reasons, "; ".join(reasons))


def slope(evidence: Evidence) -> Gate:
    """Calibration slope within 0.8 to 1.25; the interval is told and does not decide."""
    found = _interval(evidence, metrics.slope)
    return _within("slope", found, *SLOPE, "too extreme" if found[0] < 1 else "too timid")


def in_the_large(evidence: Evidence) -> Gate:
    """Calibration in the large within 0.2 of 0."""
    found = _interval(evidence, metrics.in_the_large)
    which = "more happens than is predicted" if found[0] > 0 else "less happens than is predicted"
    return _within("in_the_large", found, -IN_THE_LARGE, IN_THE_LARGE, which)


def ici(evidence: Evidence) -> Gate:
    """Mean distance from the calibration curve at most 0.03."""
    found = evidence.mean(metrics.ici)
    why = "" if found <= ICI else f"predictions are {found:.3f} from what happens, on average"
    return Gate("ici", rounded(found), ICI, found <= ICI, why)


def added_value(evidence: Evidence, label: str = "") -> list[Gate]:
    """A lower Brier score than each comparator, with an interval above 0; or the bundle says that it adds nothing."""
    limit = f"interval above 0, or labelled {NO_ADDED_VALUE!r}"
    if not evidence.versus:
        return [Gate("added_value", None, limit, False, "the file names no comparator (columns versus_…)")]
    found, ours = [], np.mean(evidence.risks, axis=0)  # a comparator's risk is its mean over the repeats too
    for name, theirs in evidence.versus.items():

        def less_by(rows: NDArray[np.intp], theirs: Numbers = theirs) -> float:
            y = evidence.y[rows]
            return metrics.brier(y, theirs[rows]) - metrics.brier(y, ours[rows])

        gain = metrics.by_people(less_by, evidence.who, evidence.draws, evidence.seed)
        passed = gain[1] > 0 or label == NO_ADDED_VALUE
        why = "" if gain[1] > 0 else f"not shown to be better than {name}"
        found.append(Gate(f"added_value:{name}", rounded(gain), limit, passed, why))
    return found


def net_benefit(evidence: Evidence, low: float, high: float) -> Gate:
    """More net benefit than alerting everybody and nobody, at every hundredth of the declared range."""
    if not 0 < low <= high < 1:
        return Gate("net_benefit", None, "a declared range", False, "the bundle declares no range of thresholds")
    every = np.ones_like(evidence.y)
    least, where = math.inf, low
    for threshold in np.round(np.arange(low, high + 1e-9, 0.01), 4):
        ours = evidence.mean(lambda y, p, t=threshold: metrics.net_benefit(y, p, t))  # type: ignore[misc]
        more = ours - max(0.0, metrics.net_benefit(evidence.y, every, float(threshold)))
        if more < least:
            least, where = more, float(threshold)
    why = "" if least > 0 else f"at {where:.2f} it is no better than alerting everybody or nobody"
    return Gate("net_benefit", {"least_gain": rounded(least), "at": where}, f"> 0 from {low} to {high}", least > 0, why)


def required_inputs(removed: Mapping[str, float | str]) -> Gate:
    """Each input taken away in turn: the bundle abstains ("abstains"), or stays within 0.3 in the large."""
    wrong = [name for name, value in removed.items() if value != "abstains" and not _small(value)]
    told = {name: value if isinstance(value, str) else rounded(value) for name, value in removed.items()}
    why = f"biased without {', '.join(wrong)}" if wrong else ""
    return Gate("required_inputs", told, REMOVED, bool(removed) and not wrong, why or ("" if removed else "not tried"))


def _small(value: float | str) -> bool:
    return not isinstance(value, str) and abs(value) <= REMOVED  # NaN is not small


def subgroup_table(evidence: Evidence, threshold: float) -> Gate:
    """That there is a table by subgroup, "missing" kept as a group; what it flags is for the two who approve."""
    from risk.subgroups import subgroups

    risk = np.mean(evidence.risks, axis=0)
    found = {name: rounded(subgroups(evidence.y, risk, labels, threshold)) for name, labels in evidence.by.items()}
    why = "" if found else "the file names no subgroup (columns by_…)"
    return Gate("subgroups", found, "a table", bool(found), why)


def parity(difference: float, band_changes: int, rows: int, probes: int) -> Gate:
    """The graph is the library's model: differences up to 1e-5, no other band, on all rows and 1 ulp off each edge."""
    passed = difference <= PARITY and band_changes == 0 and rows > 0
    value = {"max_abs_diff": difference, "band_changes": band_changes, "rows": rows, "probes": probes}
    why = "" if passed else "the exported graph is not the trained model"
    return Gate("parity", value, {"max_abs_diff": PARITY, "band_changes": 0}, passed, why)


def of_predictions(evidence: Evidence, decision_range: tuple[float, float], label: str = "") -> list[Gate]:
    """The gates that need outcomes and predictions only."""
    return [
        slope(evidence),
        in_the_large(evidence),
        ici(evidence),
        *added_value(evidence, label),
        net_benefit(evidence, *decision_range),
    ]


def _interval(evidence: Evidence, measure: Callable[[Numbers, Numbers], float]) -> metrics.Interval:
    """The measure's mean over the predictions; its interval draws people and looks at the first prediction."""
    first = evidence.risks[0]

    def measured(rows: NDArray[np.intp]) -> float:
        return measure(evidence.y[rows], first[rows])

    _, low, high = metrics.by_people(measured, evidence.who, evidence.draws, evidence.seed)
    return evidence.mean(measure), low, high


def _within(name: str, found: metrics.Interval, low: float, high: float, which: str) -> Gate:
    passed = low <= found[0] <= high
    return Gate(name, rounded(found), [low, high], passed, "" if passed else f"{found[0]:.3f}: {which}")


def rounded(value: Any) -> Any:
    """Numbers to four digits after the point; NaN as None, which JSON has."""
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 4)
    if isinstance(value, tuple | list):
        return [rounded(one) for one in value]
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    return value
