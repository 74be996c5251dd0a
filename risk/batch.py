"""Many reports at once, by column: the same answers as one by one, to the last bit, made into objects when asked for.

A column is one feature of all reports, in the feature's own unit (as `features.extract` gives it before the missing
policy) or in one that its source accepts. What is refused is refused with the same reason as alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from care.domain.assessment import Assessment, Contribution
from care.errors import AssessmentError
from risk.features import Floats, Row
from risk.manifest import Feature, Missing
from risk.scoring import Scorer, add_up, totals_of

Doubles = NDArray[np.float64]
Marks = NDArray[np.bool_]
Places = NDArray[np.int64]
UP, DOWN = 3, 1
RANGED = frozenset({"last", "mean", "min", "max"})  # aggregates that stay inside their source's ranges


@dataclass(frozen=True)
class Column:
    """One feature of all reports: values (n; NaN without data), their unit, and their ages in civil days (n, or all
    of today)."""

    values: Doubles
    unit: str = ""
    days: NDArray[np.int64] | None = None


class Batch:
    """The answers to many reports as arrays: `risk` (n), `band` (n, places in the head's bands), `refused` (n, '' where
    there is a score), `up` (n, 3) and `down` (n, 1): the features that raise and lower each most, -1 where there is
    none. `assessment` makes the object for one."""

    def __init__(self, scorer: Scorer, columns: Mapping[str, Column]) -> None:
        self._scorer = scorer
        features = scorer.bundle.manifest.features
        self.refused = np.zeros(len(columns[features[0].name].values), dtype="U12")
        self.values = np.column_stack([self._read(feature, columns[feature.name]) for feature in features])
        self.unknown: Marks = np.isnan(self.values)
        self._abstain()
        self.vectors: Floats = self._vectors().astype(np.float32)
        told, self.shares, logits = scorer.run(self.vectors)
        head = scorer.bundle.manifest.head
        totals = totals_of(head.base, self.shares)
        self._refuse(~add_up(told, totals, logits), "graph-output")
        self.risk: Doubles = 0.5 * (1.0 + np.tanh(totals / 2.0))
        self.band: Places = np.searchsorted([band.ge for band in head.bands], self.risk, side="right") - 1
        self.up, self.down = self._reasons()

    def assessment(self, row: int) -> Assessment | AssessmentError:
        """One report's Assessment, or why there is none."""
        manifest = self._scorer.bundle.manifest
        if self.refused[row]:
            return AssessmentError(str(self.refused[row]), "not scored")
        band = manifest.head.bands[int(self.band[row])]
        values = self.values[row].tolist()
        unknown = self.unknown[row].tolist()
        shares = self.shares[row].tolist()
        parts = tuple(
            Contribution(feature.name, feature.label, None if gone else value, share, _policy(feature) if gone else "")
            for feature, value, gone, share in zip(manifest.features, values, unknown, shares, strict=True)
        )
        missing = tuple(part.name for part in parts if part.value is None)
        return Assessment(
            manifest.id,
            self._scorer.bundle.sha256,
            float(self.risk[row]),
            band.id,
            band.priority,
            parts,
            missing,
            tuple(self.vectors[row].tolist()),
            (),
        )

    def alone(self, row: int) -> Row:
        """The row of one report as `Scorer.assessment` reads it."""
        made = self.assessment(row)
        if isinstance(made, AssessmentError):
            raise made
        values = tuple(share.value for share in made.contributions)
        filled = tuple(share.filled for share in made.contributions)
        return Row(values, self.vectors[row], made.missing, (), (), filled)

    def _refuse(self, marks: Marks, reason: str) -> None:
        if marks.any():  # comparing words row by row is slow, and mostly there are none
            self.refused[marks & (self.refused == "")] = reason

    def _read(self, feature: Feature, column: Column) -> Doubles:
        """The column in its source's unit, inside its ranges; NaN where it is too old."""
        source = self._scorer.bundle.manifest.sources[feature.source]
        values = column.values
        if feature.window.aggregate in RANGED and source.kind != "event":
            present = ~np.isnan(values)
            if column.unit != source.unit:
                factor = source.accept.get(column.unit)
                if factor is None:
                    self._refuse(present, "unit")
                    return values
                values = values * factor
            hard, soft = source.hard or (0.0, 0.0), source.soft or (0.0, 0.0)
            self._refuse(present & ~((values >= hard[0]) & (values <= hard[1])), "hard-range")
            values = np.clip(values, max(soft[0], hard[0]), min(soft[1], hard[1]))
        if column.days is not None and source.kind != "attribute":
            oldest = max(feature.window.days, feature.missing.max_age_days or 0)
            values = np.where(column.days < oldest, values, np.nan)
        return values

    def _abstain(self) -> None:
        most = self._scorer.bundle.manifest.abstain.max_missing
        gone = self.unknown.sum(axis=1)
        limit = len(self.values[0]) - 1 if len(self.values) else 0
        self._refuse(gone > (limit if most is None else min(limit, most)), "missing")

    def _vectors(self) -> Doubles:
        """The values with what the missing policies put in their place, as the graph reads them."""
        found = self.values.copy()
        names = [feature.name for feature in self._scorer.bundle.manifest.features]
        for place, feature in enumerate(self._scorer.bundle.manifest.features):
            gaps = self.unknown[:, place]
            if gaps.any():
                self._fill(found[:, place], gaps, feature.missing, names)
            if feature.transform != "none":
                with np.errstate(divide="ignore", invalid="ignore"):
                    told = np.log(found[:, place]) if feature.transform == "log" else np.log1p(found[:, place])
                impossible = ~np.isfinite(told) & np.isfinite(found[:, place])
                self._refuse(impossible, "value")
                found[:, place] = told
        return found

    def _fill(self, column: Doubles, gaps: Marks, policy: Missing | None, names: list[str]) -> None:
        """Put one feature's missing policies into its gaps, in the order in which they are tried."""
        left = gaps.copy()
        while policy is not None and left.any():
            if policy.policy == "abstain":
                break
            if policy.policy == "model_native":
                return
            if policy.policy == "typical":
                column[left] = policy.value
                return
            if policy.policy == "impute" and policy.impute is not None:
                total = np.full(len(column), policy.impute.intercept)
                for name, weight in policy.impute.coefficients.items():
                    total += weight * self.values[:, names.index(name)]
                known = left & ~np.isnan(total)
                column[known] = total[known]
                left &= ~known
            policy = policy.then
        self._refuse(left, "missing")

    def _reasons(self) -> tuple[Places, Places]:
        """The places of the three shares that raise each most and of the one that lowers it most."""
        # features by rows: the largest of each column is found for many reports at a time
        left = np.where(self.unknown, np.float32(0), self.shares).T.copy()
        rows = np.arange(left.shape[1])
        worst = left.argmin(axis=0)
        down = np.where(left[worst, rows] < 0, worst, -1).reshape(-1, DOWN)
        up = np.full((left.shape[1], UP), -1, dtype=np.int64)
        for rank in range(min(UP, len(left))):
            best = left.argmax(axis=0)
            up[:, rank] = np.where(left[best, rows] > 0, best, -1)
            left[best, rows] = -np.inf
        return up, down


def _policy(feature: Feature) -> str:
    """The policy that fills the feature in where only one is possible, else the first."""
    return next((way for way in feature.missing.ways() if way != "carry_forward"), "")
