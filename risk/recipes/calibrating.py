"""Fits of a table's rows that give calibrated risks: logistic regression, Cox regression, additive boosting.

All are called alike, `fit(table, rows, seed)`. Platt's slope and intercept come from an inner cross-validation by
person, so that a risk is calibrated on people whom the fit had not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from risk.metrics import platt
from risk.recipes.additive import Additive, Boosting, boost, calibrated
from risk.recipes.export import Logistic, logistic_graph
from risk.survival import fit_cox

INNER = 5


@dataclass(frozen=True)
class Table:
    """Training rows: `x` as the graph reads them, `values` as a clinician does (NaN: not known), outcome, whose.

    `time` is the follow-up, for an outcome that needs it; it is never a feature. `by` are subgroup labels, `versus` the
    columns that each comparator is fitted on, `also` those of other models to be reported beside it.
    """

    x: Any
    values: Any
    y: Any
    who: Any
    by: Mapping[str, Any] = field(default_factory=dict)
    versus: Mapping[str, Any] = field(default_factory=dict)
    also: Mapping[str, Any] = field(default_factory=dict)
    time: Any = None
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Linear:
    """A linear predictor with Platt's numbers; what is not known is taken as the mean."""

    model: Logistic
    intercept: float

    @property
    def slope(self) -> float:
        return self.model.slope

    @property
    def base(self) -> float:
        return self.model.base

    def predict(self, x: Any) -> Any:
        return self.model.risk(np.where(np.isnan(x), self.model.centre, x))

    risk = predict

    def contributions(self, x: Any) -> Any:
        return self.model.contributions(np.asarray(x, dtype=np.float64))

    def graph(self) -> bytes:
        return logistic_graph(self.model)

    def edges(self) -> Iterator[tuple[int, float]]:
        return iter(())


Fitted = Linear | Additive
Fit = Callable[[Table, Any, int], Fitted]
Raw = Callable[[Table, Any], tuple[Any, Any, float]]


def logistic(table: Table, rows: Any, seed: int) -> Linear:
    """Ridge logistic regression on standardised features."""
    return _linear(table, rows, _raw_logistic)


def cox(table: Table, rows: Any, seed: int) -> Linear:
    """Cox regression: follow-up is part of the outcome, and the log hazard is calibrated to the share with an event."""
    return _linear(table, rows, _raw_cox)


def seen_by(table: Table, name: str) -> Table:
    """The table as the comparator or other model of this name sees it: its own columns."""
    return replace(table, x={**table.versus, **table.also}[name])


def additive(how: Boosting) -> Fit:
    """Boosting with one feature a tree."""

    def fit(table: Table, rows: Any, seed: int) -> Additive:
        def raw(inside: Any) -> Any:
            return boost(table.x[inside], table.y[inside], how, seed)

        logits = np.empty(len(rows))
        for seen, unseen in _inner(table, rows):
            logits[unseen] = raw(rows[seen]).predict(table.x[rows[unseen]], raw_score=True)
        slope, intercept = (float(f"{value:.6g}") for value in platt(table.y[rows], logits))
        return calibrated(raw(rows), slope, intercept)

    return fit


def _linear(table: Table, rows: Any, raw: Raw) -> Linear:
    logits = np.empty(len(rows))
    for seen, unseen in _inner(table, rows):
        centre, weight, base = raw(table, rows[seen])
        x = table.x[rows[unseen]]
        logits[unseen] = np.where(np.isnan(x), 0.0, x - centre) @ weight + base
    slope, intercept = platt(table.y[rows], logits)
    centre, weight, base = raw(table, rows)
    centre, weight = (np.array([float(f"{value:.6g}") for value in numbers]) for numbers in (centre, weight))
    slope, intercept, base = (float(f"{value:.6g}") for value in (slope, intercept, base))
    return Linear(Logistic(centre, weight, slope, slope * base + intercept), intercept)


def _inner(table: Table, rows: Any) -> Any:
    return GroupKFold(INNER).split(table.x[rows], table.y[rows], table.who[rows])


def _scaled(x: Any) -> tuple[Any, Any, Any]:
    centre, spread = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
    return centre, spread, np.where(np.isnan(x), 0.0, (x - centre) / spread)


def _raw_logistic(table: Table, rows: Any) -> tuple[Any, Any, float]:
    centre, spread, scaled = _scaled(np.asarray(table.x[rows], dtype=np.float64))
    fitted = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(scaled, table.y[rows])
    return centre, fitted.coef_[0] / spread, float(fitted.intercept_[0])


def _raw_cox(table: Table, rows: Any) -> tuple[Any, Any, float]:
    centre, spread, scaled = _scaled(np.asarray(table.x[rows], dtype=np.float64))
    fitted = fit_cox(scaled, table.time[rows], table.y[rows])
    return centre, fitted.coefficients / spread, 0.0


def folds_of(table: Table, folds: int, repeats: int, seed: int) -> list[Any]:
    """The fold of each row, once a repeat: a person in one of them, outcomes spread over all."""
    found = []
    for repeat in range(repeats):
        number = np.empty(len(table.y), dtype=np.int64)
        split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed * 1000 + repeat)
        for fold, (_, unseen) in enumerate(split.split(table.x, table.y, table.who)):
            number[unseen] = fold
        found.append(number)
    return found


def out_of_fold(table: Table, fit: Fit, folds: list[Any], seed: int) -> list[Any]:
    """The risk of each row by a fit that did not see its fold, once a repeat."""
    found = []
    for number in folds:
        risks = np.empty(len(table.y))
        for fold in np.unique(number):
            unseen = np.flatnonzero(number == fold)
            risks[unseen] = fit(table, np.flatnonzero(number != fold), seed).predict(table.x[unseen])
        found.append(risks)
    return found
