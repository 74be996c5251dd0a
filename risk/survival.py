"""Cox regression and what a prediction of survival is judged by: C, Uno's C and AUC, Brier, O/E, calibration. numpy.

time and event (1, or 0 for censored) are float arrays of one length; marker and risk rise with danger. Formulas:
Harrell 1982; Uno 2007 and 2011; Graf 1999; Vickers 2008; in the order of McLernon and others, Ann Intern Med 2023.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk.metrics import Z95, Interval, Numbers, at_or_above, distances


@dataclass(frozen=True)
class Cox:
    """A fitted Cox model: coefficients and their standard errors, and the cumulative hazard of x = 0 by event time."""

    coefficients: Numbers
    errors: Numbers
    times: Numbers
    hazard: Numbers

    def linear(self, x: Numbers) -> Numbers:
        """The linear predictor of each row."""
        return np.asarray(x @ self.coefficients)

    def risk(self, x: Numbers, at: float) -> Numbers:
        """The probability of an event by time `at`."""
        place = int(np.searchsorted(self.times, at, side="right")) - 1
        hazard = float(self.hazard[place]) if place >= 0 else 0.0
        return np.asarray(1 - np.exp(-hazard * np.exp(self.linear(x))))


def fit_cox(x: Numbers, time: Numbers, event: Numbers, tolerance: float = 1e-14) -> Cox:
    """Cox's partial likelihood by Newton's method, ties and baseline hazard after Efron.

    It stops when the log likelihood changes by a share of `tolerance` or less. (R's coxph stops at 1e-9, rms::cph at
    1e-4, which shows in the fourth digit: a table made with either is reproduced by asking for the same.)
    """
    centre = x.mean(axis=0)
    order = np.argsort(-time, kind="stable")  # so that a sum so far is a sum over those still at risk
    x, time, event = x[order] - centre, time[order], event[order]
    beta = np.zeros(x.shape[1])
    gradient, information, likelihood, times, steps = _efron(x, time, event, beta)
    for _ in range(50):
        beta, earlier = beta + np.linalg.solve(information, gradient), likelihood
        gradient, information, likelihood, times, steps = _efron(x, time, event, beta)
        if abs(1 - earlier / likelihood) <= tolerance:
            break
    hazard = np.cumsum(steps) * np.exp(-float(centre @ beta))
    return Cox(beta, np.sqrt(np.diag(np.linalg.inv(information))), times, hazard)


def _efron(
    x: Numbers, time: Numbers, event: Numbers, beta: Numbers
) -> tuple[Numbers, Numbers, float, Numbers, Numbers]:
    """Gradient, information, log likelihood, event times and the hazard's steps, of rows sorted latest first."""
    danger = np.exp(x @ beta)
    sums0, sums1 = np.cumsum(danger), np.cumsum(danger[:, None] * x, axis=0)
    sums2 = np.cumsum(danger[:, None, None] * x[:, :, None] * x[:, None, :], axis=0)
    gradient, information = np.zeros(x.shape[1]), np.zeros((x.shape[1], x.shape[1]))
    times = np.unique(time[event == 1])
    steps, likelihood = np.zeros(len(times)), 0.0
    for number, moment in enumerate(times):
        last = int(np.searchsorted(-time, -moment, side="right")) - 1
        dying = np.flatnonzero((time == moment) & (event == 1))
        d0, d1 = danger[dying].sum(), danger[dying] @ x[dying]
        d2 = (danger[dying, None] * x[dying]).T @ x[dying]
        gradient += x[dying].sum(axis=0)
        likelihood += float(np.sum(x[dying] @ beta))
        for share in np.arange(len(dying)) / len(dying):
            s0, s1, s2 = sums0[last] - share * d0, sums1[last] - share * d1, sums2[last] - share * d2
            mean = s1 / s0
            gradient -= mean
            likelihood -= float(np.log(s0))
            information += s2 / s0 - np.outer(mean, mean)
            steps[number] += 1 / s0
    return gradient, information, likelihood, times, steps


def kaplan_meier(time: Numbers, event: Numbers) -> tuple[Numbers, Numbers]:
    """The event times in order and the survival just after each."""
    times = np.unique(time[event == 1])
    ordered = np.sort(time)
    dying = np.array([np.sum((time == t) & (event == 1)) for t in times], dtype=np.float64)
    at_risk = len(time) - np.searchsorted(ordered, times, side="left")
    return times, np.asarray(np.cumprod(1 - dying / at_risk), dtype=np.float64)


def survival_at(time: Numbers, event: Numbers, at: Numbers | float, before: bool = False) -> Numbers:
    """Kaplan-Meier survival at each moment, or (`before`) just before it."""
    times, kept = kaplan_meier(time, event)
    places = np.searchsorted(times, np.atleast_1d(np.asarray(at, dtype=np.float64)), side="left" if before else "right")
    return np.asarray(np.concatenate([[1.0], kept])[places])


def harrell_c(time: Numbers, event: Numbers, marker: Numbers) -> float:
    """Of the pairs whose order is known, how many the marker orders rightly; equal markers count half."""
    good = known = 0.0
    for i in np.flatnonzero(event == 1):
        later = (time > time[i]) | ((time == time[i]) & (event == 0))
        known += later.sum()
        good += np.sum(later & (marker < marker[i])) + 0.5 * np.sum(later & (marker == marker[i]))
    return float(good / known) if known else float("nan")


def uno_c(time: Numbers, event: Numbers, marker: Numbers, until: float | None = None) -> float:
    """Harrell's C with each pair weighted by the censoring that it escaped, up to `until`."""
    weight = 1 / survival_at(time, 1 - event, time, before=True) ** 2
    good = known = 0.0
    for i in np.flatnonzero((event == 1) & ((time < until) if until is not None else True)):
        later = time > time[i]
        known += weight[i] * later.sum()
        good += weight[i] * (np.sum(later & (marker < marker[i])) + 0.5 * np.sum(later & (marker == marker[i])))
    return float(good / known)


def uno_auc(time: Numbers, event: Numbers, marker: Numbers, at: float) -> float:
    """Those with the event by `at` against those known to be without it after `at`, weighted by censoring."""
    weight = 1 / survival_at(time, 1 - event, time, before=True)
    cases, controls = np.flatnonzero((time <= at) & (event == 1)), marker[time > at]
    good = sum(weight[i] * (np.mean(controls < marker[i]) + 0.5 * np.mean(controls == marker[i])) for i in cases)
    return float(good / weight[cases].sum())


def brier_at(time: Numbers, event: Numbers, risk: Numbers, at: float) -> float:
    """The Brier score at `at`, with those censored before it stood for by others (Graf 1999)."""
    dead, alive = (time <= at) & (event == 1), time > at
    weight = np.zeros(len(time))
    weight[dead] = 1 / survival_at(time, 1 - event, time[dead], before=True)
    weight[alive] = 1 / survival_at(time, 1 - event, at)
    return float(np.mean(weight * (dead - risk) ** 2))


def scaled_brier(time: Numbers, event: Numbers, risk: Numbers, at: float) -> float:
    """Index of prediction accuracy: 1 less the Brier score over that of the Kaplan-Meier risk for everybody."""
    crude = np.full(len(time), 1 - survival_at(time, event, at)[0])
    return 1 - brier_at(time, event, risk, at) / brier_at(time, event, crude, at)


def observed_expected_at(time: Numbers, event: Numbers, risk: Numbers, at: float) -> Interval:
    """Kaplan-Meier risk over mean predicted risk; the interval as if only the count of events by `at` varied."""
    found = float((1 - survival_at(time, event, at)[0]) / risk.mean())
    spread = np.exp(Z95 / np.sqrt(np.sum((time <= at) & (event == 1))))
    return found, float(found / spread), float(found * spread)


def slope_at(time: Numbers, event: Numbers, linear: Numbers) -> Interval:
    """Calibration slope: the coefficient of the linear predictor in a Cox model of its own."""
    fitted = fit_cox(linear.reshape(-1, 1), time, event)
    found, error = float(fitted.coefficients[0]), float(fitted.errors[0])
    return found, found - Z95 * error, found + Z95 * error


def spline(x: Numbers, knots: NDArray[np.float64] | list[float]) -> Numbers:
    """The further columns of a restricted cubic spline (Harrell's, divided by the knots' range squared)."""
    k = np.asarray(knots, dtype=np.float64)
    last, before = k[-1], k[-2]

    def cubed(v: Numbers) -> Numbers:
        return np.asarray(np.clip(v, 0, None) ** 3)

    columns = [
        cubed(x - one)
        - cubed(x - before) * (last - one) / (last - before)
        + cubed(x - last) * (before - one) / (last - before)
        for one in k[:-2]
    ]
    return np.asarray(np.column_stack(columns) / (last - k[0]) ** 2, dtype=np.float64)


def calibration_errors_at(
    time: Numbers, event: Numbers, risk: Numbers, at: float, tolerance: float = 1e-14
) -> dict[str, float]:
    """ICI, E50, E90, Emax: the risk against a Cox model of its complementary log-log with a spline of three knots."""
    z = np.log(-np.log(1 - risk))
    x = np.column_stack([z, spline(z, np.quantile(z, [0.1, 0.5, 0.9]))])
    return distances(np.abs(fit_cox(x, time, event, tolerance).risk(x, at) - risk))


def net_benefit_at(time: Numbers, event: Numbers, risk: Numbers, at: float, threshold: float) -> float:
    """Net benefit of alerting at `threshold`, the outcomes of those alerted by Kaplan-Meier."""
    alert = at_or_above(risk, threshold)
    if not alert.any():
        return 0.0
    share, ill = float(alert.mean()), float(1 - survival_at(time[alert], event[alert], at)[0])
    return ill * share - (1 - ill) * share * threshold / (1 - threshold)
