"""Fits that give calibrated predictions, all called alike: fit(x, y, who, seed) -> something with `predict(x)`.

Calibration is Platt scaling on predictions for people who were not in the fit: an inner cross-validation by person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import lightgbm
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from risk.metrics import expit, platt
from risk.recipes.export import Logistic

INNER = 5


class Fitted(Protocol):
    """A fitted model: calibrated risks of rows in which NaN means nothing is known."""

    def predict(self, x: Any) -> Any: ...


Fit = Callable[[Any, Any, Any, int], Fitted]


@dataclass(frozen=True)
class Calibrated:
    """The logistic model with its Platt numbers, and what stands in for a missing value (the training mean)."""

    model: Logistic
    intercept: float
    typical: Any

    def predict(self, x: Any) -> Any:
        return self.model.risk(np.where(np.isnan(x), self.typical, x))


def fit_calibrated(x: Any, y: Any, who: Any, seed: int) -> Calibrated:
    """Ridge logistic regression on standardised features, then Platt scaling; kept to six digits, as float32 can."""
    a, b = platt(y, _inner_logits(x, y, who, _raw_logistic))
    centre, weight, base = _raw_logistic(x, y).parts
    typical = np.array([float(f"{value:.6g}") for value in centre])
    weight = np.array([float(f"{value:.6g}") for value in weight])
    a, b, base = (float(f"{value:.6g}") for value in (a, b, base))
    return Calibrated(Logistic(typical, weight, a, a * base + b), b, typical)


@dataclass(frozen=True)
class OwnShare:
    """The comparator's fit: it reads the first column only."""

    fitted: Calibrated

    def predict(self, x: Any) -> Any:
        return self.fitted.predict(x[:, :1])


def fit_own_share(x: Any, y: Any, who: Any, seed: int) -> OwnShare:
    """The comparator: the same fit on the patient's own share of low days alone (the first feature)."""
    return OwnShare(fit_calibrated(x[:, :1], y, who, seed))


@dataclass(frozen=True)
class _RawLogistic:
    parts: tuple[Any, Any, float]

    def logits(self, x: Any) -> Any:
        centre, weight, base = self.parts
        return np.where(np.isnan(x), 0.0, x - centre) @ weight + base


def _raw_logistic(x: Any, y: Any) -> _RawLogistic:
    centre = np.nanmean(x, axis=0)
    spread = np.nanstd(x, axis=0)
    scaled = np.where(np.isnan(x), 0.0, (x - centre) / spread)
    fitted = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(scaled, y)
    return _RawLogistic((centre, fitted.coef_[0] / spread, float(fitted.intercept_[0])))


@dataclass(frozen=True)
class _Boosted:
    booster: lightgbm.Booster
    slope: float = 1.0
    intercept: float = 0.0

    def logits(self, x: Any) -> Any:
        return self.booster.predict(x, raw_score=True)

    def predict(self, x: Any) -> Any:
        return expit(self.slope * self.logits(x) + self.intercept)


def fit_additive(x: Any, y: Any, who: Any, seed: int) -> _Boosted:
    """The stronger alternative: boosting with one feature a tree, so that its contributions would be exact too."""
    a, b = platt(y, _inner_logits(x, y, who, _raw_additive))
    return _Boosted(_raw_additive(x, y).booster, a, b)


def _raw_additive(x: Any, y: Any) -> _Boosted:
    settings = {
        "objective": "binary",
        "learning_rate": 0.05,
        "num_leaves": 4,
        "min_data_in_leaf": 60,
        "lambda_l2": 5.0,
        "interaction_constraints": [[column] for column in range(x.shape[1])],
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "seed": 0,
        "verbosity": -1,
    }
    return _Boosted(lightgbm.train(settings, lightgbm.Dataset(x, y), num_boost_round=120))


def _inner_logits(x: Any, y: Any, who: Any, raw: Callable[[Any, Any], Any]) -> Any:
    """Raw logits of every row from fits that did not see its person."""
    logits = np.empty(len(y))
    for seen, unseen in GroupKFold(INNER).split(x, y, who):
        logits[unseen] = raw(x[seen], y[seen]).logits(x[unseen])
    return logits


def cross_validate(x: Any, y: Any, who: Any, fit: Fit, folds: int, repeats: int, seed: int) -> list[Any]:
    """Out-of-fold risks of every row, once a repeat; refuses folds that share a person."""
    found = []
    for repeat in range(repeats):
        risks = np.empty(len(y))
        split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed * 1000 + repeat)
        for seen, unseen in split.split(x, y, who):
            if set(who[seen]) & set(who[unseen]):
                raise ValueError("a person is in the training and in the test fold")
            risks[unseen] = fit(x[seen], y[seen], who[seen], seed).predict(x[unseen])
        found.append(risks)
    return found
