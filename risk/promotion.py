"""All the gates of one bundle on one file of rows: what `flask risk validate` runs. numpy and onnxruntime only.

The file is a CSV with one row a prediction: a column of people, `outcome` (0 or 1), the features by the manifest's
names (as a clinician reads them; empty: not known), and, where there are any, `fold` and `risk` (what a model that had
not seen this person said; `fold_1`, `risk_1`, … for repeats), `versus_…` (a comparator's risk), `by_…` (a subgroup),
`…_at` (when a feature was measured) and `library` (the training library's risk of the bundle's own model).
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from care.errors import Invalid
from risk import gates, metrics
from risk.bands import band_of
from risk.bundle import Bundle
from risk.gates import Evidence, Gate
from risk.manifest import Feature, Missing
from risk.metrics import Names, Numbers
from risk.scoring import Scorer

Columns = Mapping[str, Names]
_PREDICTED, _FOLD = re.compile(r"^risk(_\d+)?$"), re.compile(r"^fold(_\d+)?$")


def examine(
    bundle: Bundle, data: Path, group: str, time: str | None = None, outcome: str = "outcome", draws: int = 200
) -> list[Gate]:
    """Every gate, in order. Raises Invalid where the file lacks the columns of people, time or outcome."""
    columns = read(data)
    for name in (group, outcome, *([time] if time else [])):
        if name not in columns:
            raise Invalid("data", f"the file has no column {name!r}")
    y = numbers(columns[outcome], outcome)
    if not np.isin(y, (0, 1)).all():
        raise Invalid("data", f"the column {outcome!r} is not 0 or 1 in every row")
    folds = [columns[name] for name in columns if _FOLD.match(name)]
    inputs = _inputs(columns, {group, outcome, *([time] if time else [])}, bundle)
    at = numbers(columns[time], time) if time else None
    measured = {name[:-3]: numbers(columns[name], name) for name in columns if name.endswith("_at")}
    sha = hashlib.sha256(data.read_bytes()).hexdigest()
    found = [
        gates.split(columns[group], folds),
        gates.new_people(bundle.manifest.provenance.data_sha256, sha, folds),
        gates.leakage(inputs, y, at, measured),
    ]
    lacking = [feature.name for feature in bundle.manifest.features if feature.name not in columns]
    found.append(Gate("columns", len(lacking), 0, not lacking, f"lacks {', '.join(lacking)}" if lacking else ""))
    return found if lacking else found + _of_rows(bundle, columns, y, columns[group], folds, draws)


def _inputs(columns: Columns, others: set[str], bundle: Bundle) -> dict[str, Numbers]:
    """Columns that are, or could be taken for, features: the numeric ones that nothing else explains."""
    known = re.compile(r"^(fold(_\d+)?|risk(_\d+)?|library|(versus|by)_.*|.*_at)$")
    features = {feature.name for feature in bundle.manifest.features}
    found = {}
    for name, values in columns.items():
        if name in features or (name not in others and not known.match(name)):
            try:
                found[name] = numbers(values, name)
            except Invalid:
                if name in features:
                    raise
    return found


def _of_rows(
    bundle: Bundle, columns: Columns, y: Numbers, who: Names, folds: Sequence[Names], draws: int
) -> list[Gate]:
    scorer, features = Scorer(bundle), bundle.manifest.features
    values = {feature.name: numbers(columns[feature.name], feature.name) for feature in features}
    risk = _risk(scorer, vectors(features, values))
    out_of_fold = [numbers(columns[name], name) for name in columns if _PREDICTED.match(name)]
    if bool(out_of_fold) != bool(folds) or len(out_of_fold) != len(folds):
        raise Invalid("data", "every column of risks needs its column of folds, and the other way round")
    if np.isnan(risk).any() and not out_of_fold:
        kept = ~np.isnan(risk)  # the bundle abstains there
        y, who, risk = y[kept], who[kept], risk[kept]
        columns = {name: column[kept] for name, column in columns.items()}
        values = {name: column[kept] for name, column in values.items()}
    versus = {name[7:]: numbers(columns[name], name) for name in columns if name.startswith("versus_")}
    by = {name[3:]: columns[name] for name in columns if name.startswith("by_")}
    evidence = Evidence(y, who, out_of_fold or [risk], folds, versus, by, draws=draws)
    told = bundle.metrics
    low, high = told.get("decision_range", (0.0, 0.0))
    edge = bundle.manifest.head.bands[1].ge if len(bundle.manifest.head.bands) > 1 else 0.5
    library = numbers(columns["library"], "library") if "library" in columns else None
    return [
        *gates.of_predictions(evidence, (low, high), told.get("added_value", "")),
        gates.required_inputs(without_each(scorer, values, y)),
        gates.subgroup_table(evidence, edge),
        _parity(bundle, risk, library),
    ]


def without_each(scorer: Scorer, values: Mapping[str, Numbers], y: Numbers) -> dict[str, float | str]:
    """By source: the bundle's calibration in the large when nothing is known of that source, or "abstains"."""
    manifest = scorer.bundle.manifest
    found: dict[str, float | str] = {}
    for source in dict.fromkeys(feature.source for feature in manifest.features):
        gone = {f.name: np.full_like(values[f.name], np.nan) for f in manifest.features if f.source == source}
        risk = _risk(scorer, vectors(manifest.features, {**values, **gone}))
        kept = ~np.isnan(risk)
        required = any(need.source == source for need in manifest.requires)
        found[source] = "abstains" if required or not kept.any() else metrics.in_the_large(y[kept], risk[kept])
    return found


def vectors(features: Sequence[Feature], values: Mapping[str, Numbers]) -> Numbers:
    """The graph's rows (n, features), by each feature's policy for what is not known; a row of infinity: abstains."""
    columns = []
    for feature in features:
        column, policy = np.array(values[feature.name]), feature.missing
        step: Missing | None = policy
        while step is not None:
            unknown = np.isnan(column)
            if step.policy == "abstain":
                column[unknown] = np.inf
            elif step.policy == "typical":
                column[unknown] = step.value
            elif step.policy == "impute" and step.impute is not None:
                terms = [weight * values[name] for name, weight in step.impute.coefficients.items()]
                column[unknown] = (step.impute.intercept + np.sum(terms, axis=0))[unknown]
            step = step.then
        if feature.transform != "none":
            with np.errstate(divide="ignore", invalid="ignore"):
                column = np.log(column) if feature.transform == "log" else np.log1p(column)
        columns.append(column)
    return np.column_stack(columns)


def _risk(scorer: Scorer, rows: Numbers) -> Numbers:
    """The graph's risk of each row; NaN where the bundle abstains."""
    kept = ~np.isinf(rows).any(axis=1)
    found = np.full(len(rows), np.nan)
    if kept.any():
        found[kept] = scorer.run(rows[kept].astype(np.float32))[0]
    return found


def _parity(bundle: Bundle, risk: Numbers, library: Numbers | None) -> Gate:
    """What training measured on every row and probe, and, given the library's risks, the same once more here."""
    told: Mapping[str, Any] = bundle.metrics.get("parity", {})
    widest, changes = float(told.get("max_abs_diff", np.inf)), int(told.get("band_changes", 1))
    if library is not None:
        both = ~np.isnan(risk) & ~np.isnan(library)
        bands = bundle.manifest.head.bands
        pairs = list(zip(risk[both], library[both], strict=True))
        widest = max([widest, *(abs(float(a) - float(b)) for a, b in pairs)])
        changes += sum(band_of(bands, float(a)).id != band_of(bands, float(b)).id for a, b in pairs)
    return gates.parity(widest, changes, int(told.get("rows", 0)), int(told.get("probes", 0)))


def read(path: Path) -> dict[str, Names]:
    """A CSV's columns as text."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        names = next(rows, [])
        table = [row for row in rows if row]
    if not names or not table or any(len(row) != len(names) for row in table):
        raise Invalid("data", "the file is not a table with a header")
    return {name: np.array(column, dtype=object) for name, column in zip(names, zip(*table, strict=True), strict=True)}


def numbers(column: Names, name: str) -> Numbers:
    """The column as numbers; what is empty is NaN."""
    try:
        return np.array([float(text) if str(text).strip() else np.nan for text in column])
    except ValueError:
        raise Invalid("data", f"the column {name!r} is not a number in every row") from None
