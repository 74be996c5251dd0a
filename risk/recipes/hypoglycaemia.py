"""Next-day hypoglycaemia from glucose diaries: a calibrated logistic model with its contributions inside the graph.

Row: one civil day of a diary, read twice, at noon and at the day's end, since a report may come at either. Outcome: on
the next civil day any glucose below 70 mg/dL (3.9 mmol/L, level 1 of the ADA Standards of Care; a meter's Lo counts) or
told symptoms; days whose next day has no glucose reading have no outcome and are left out. Features: the patient's own
last 14 civil days, by `risk.features`.

    python -m risk.recipes.hypoglycaemia --data diary_raw.csv.gz --out risk/bundles/hypoglycaemia-next-day/1.0.0
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from care.domain.measure import Measure
from care.errors import AssessmentError
from risk.bands import band_of
from risk.bundle import load
from risk.features import extract
from risk.golden import verify
from risk.manifest import Manifest
from risk.metrics import MEASURES, net_benefit
from risk.recipes.aim94 import GLUCOSE, SYMPTOM, merged, people, read_diaries
from risk.recipes.export import Logistic, logistic_graph, write_bundle
from risk.recipes.fitting import cross_validate, fit_additive, fit_calibrated, fit_own_share
from risk.recipes.hypoglycaemia_words import card, draft, trained
from risk.recipes.made_up import golden_rows
from risk.recipes.validation import over_repeats, with_intervals
from risk.scoring import Scorer

LOW, DRAWS, FOLDS, REPEATS = 70.0, 200, 5, 5
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
MOMENTS = {"noon": time(12), "evening": time(23, 59, 59)}


@dataclass(frozen=True)
class Report:
    """What training gave: the bundle's folder and hash, and its metrics."""

    out: Path
    sha256: str
    metrics: Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """Training rows: x (n, features; NaN where nothing is known), outcome, whose, read when, and what was left out."""

    x: Any
    y: Any
    who: Any
    moment: Any
    abstained: Counter[str]


def train(data: Path, out: Path, seed: int = 0, draws: int = DRAWS) -> Report:
    """Train, validate, export and verify; the bundle is written to `out`. The same data and seed give the same numbers.

    `draws` is the number of bootstrap samples behind the intervals. Raises AssessmentError (bundle-golden) when the
    exported graph is not the trained model.
    """
    files, left_out = read_diaries(data)
    same, person = people(files)
    diaries, plan = merged(files, same), Manifest.model_validate(draft())
    table = rows(plan, diaries, person)
    final = fit_calibrated(table.x, table.y, table.who, seed)
    metrics = {
        "data": _counts(table, files, same, left_out),
        **_validation(table, plan, seed, draws),
        "split_by_file_as_published": _as_published(files, seed),
    }
    manifest = trained(
        typical=dict(zip((f.name for f in plan.features), final.typical.tolist(), strict=True)),
        base=float(np.float32(final.model.base)),
        platt=(final.model.slope, final.intercept),
        provenance=_provenance(data, metrics["data"], seed),
    )
    golden, model = golden_rows(Manifest.model_validate(manifest), final.model, seed), logistic_graph(final.model)
    write_bundle(out, manifest, model, golden, metrics=metrics, card={})  # parity is measured on the bundle as written
    parity = metrics["parity"] = _parity(out, diaries, person, final.model)
    write_bundle(out, manifest, model, golden, metrics=metrics, card=card(metrics))
    checked = verify(load(out))
    if not checked.ok or parity["band_changes"] or parity["max_abs_diff"] > 1e-5:
        raise AssessmentError("bundle-golden", "the exported graph is not the trained model")
    return Report(out, checked.sha256, metrics)


def rows(manifest: Manifest, diaries: Mapping[str, list[Measure]], person: Mapping[str, str]) -> Table:
    """The training rows of these diaries: each day that has an outcome and can be scored, at each of the moments."""
    x, y, who, moments, abstained = [], [], [], [], Counter[str]()
    for name, measures in diaries.items():
        for day, outcome in _outcomes(measures).items():
            for moment, at in MOMENTS.items():
                index = datetime.combine(day - timedelta(days=1), at, UTC)
                recent = [m for m in measures if index - timedelta(days=15) < m.at <= index]
                if not any(m.at.date() == index.date() for m in measures):
                    continue
                try:
                    row = extract(manifest, recent, index, "UTC")
                except AssessmentError as error:
                    abstained[error.reason] += 1
                    continue
                x.append([np.nan if value is None else value for value in row.values])
                y.append(outcome)
                who.append(person[name])
                moments.append(moment)
    values, outcomes = np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)
    return Table(values, outcomes, np.array(who), np.array(moments), abstained)


def _outcomes(measures: list[Measure]) -> dict[Any, int]:
    """By civil day with a glucose reading: whether one was low or symptoms were told."""
    low = {m.at.date() for m in measures if m.code == SYMPTOM or (m.code == GLUCOSE and _is_low(m))}
    return {m.at.date(): int(m.at.date() in low) for m in measures if m.code == GLUCOSE}


def _is_low(measure: Measure) -> bool:
    return measure.comparator == "<" or (measure.value is not None and measure.value < LOW)


def _validation(table: Table, manifest: Manifest, seed: int, draws: int) -> dict[str, Any]:
    """Person-grouped 5 x 5 cross-validation of the model, its comparators and the stronger alternative."""
    x, y, who = table.x, table.y, table.who
    fits = {"model": fit_calibrated, "own_share_recalibrated": fit_own_share, "additive_boosting": fit_additive}
    found = {name: cross_validate(x, y, who, fit, FOLDS, REPEATS, seed) for name, fit in fits.items()}
    found["own_share_raw"] = [x[:, 0] / 100]
    model = found["model"]
    return {
        "validation": {
            "scheme": f"{REPEATS} x {FOLDS} folds, a person's days in one of them, calibration fitted in the others",
            "intervals": f"95 %, {draws} draws of people with replacement",
            **with_intervals(y, who, found, draws, seed),
        },
        "by_moment": {name: _points(y, model, table.moment == name) for name in MOMENTS},
        "decision_curve": [_net_benefit(y, found, threshold) for threshold in THRESHOLDS],
        "bands": [_band(manifest, band.id, y, model) for band in manifest.head.bands],
    }


def _points(y: Any, repeats: list[Any], chosen: Any) -> dict[str, float]:
    """Each measure, without interval, on the chosen rows."""
    kept = [p[chosen] for p in repeats]
    return {name: round(over_repeats(y[chosen], kept, measure), 4) for name, measure in MEASURES.items()}


def _net_benefit(y: Any, found: Mapping[str, list[Any]], threshold: float) -> dict[str, float]:
    names = ("model", "own_share_recalibrated", "own_share_raw")
    curve = {name: round(float(np.mean([net_benefit(y, p, threshold) for p in found[name]])), 4) for name in names}
    return {"threshold": threshold, **curve, "treat_all": round(net_benefit(y, np.ones_like(y), threshold), 4)}


def _band(manifest: Manifest, name: str, y: Any, repeats: list[Any]) -> dict[str, Any]:
    """How many days fall in a band, and what happened after them."""
    bands = manifest.head.bands
    inside = np.concatenate([[band_of(bands, risk).id == name for risk in p] for p in repeats])
    outcome = np.tile(y, len(repeats))
    days, events = int(inside.sum()), float(outcome[inside].sum())
    share = days / len(inside)
    return {
        "band": name,
        "per_100_rows": round(100 * share, 2),
        "observed": round(events / days, 4) if days else None,
        "of_all_events": round(events / float(outcome.sum()), 4),
    }


def _as_published(files: Mapping[str, list[Measure]], seed: int) -> dict[str, Any]:
    """The set as it is usually read: every file a patient, at the day's end, any day with one reading before it."""
    loose = draft()
    loose["requires"] = [dict(need, at_least=1) for need in loose["requires"]]
    table = rows(Manifest.model_validate(loose), files, {name: name for name in files})
    evening = table.moment == "evening"
    x, y, who = table.x[evening], table.y[evening], table.who[evening]
    repeats = cross_validate(x, y, who, fit_calibrated, FOLDS, REPEATS, seed)
    return {
        "rows": len(y),
        "outcome_share": round(float(y.mean()), 4),
        "model": {name: round(over_repeats(y, repeats, measure), 4) for name, measure in MEASURES.items()},
        "own_share_raw": {name: round(measure(y, x[:, 0] / 100), 4) for name, measure in MEASURES.items()},
    }


def _parity(out: Path, diaries: Any, person: Any, model: Logistic) -> dict[str, Any]:
    """The written graph against the library's float64 numbers, on every training row."""
    bundle = load(out)
    x = rows(bundle.manifest, diaries, person).x
    typical = np.array([f.missing.value for f in bundle.manifest.features], dtype=np.float64)
    x = np.where(np.isnan(x), typical, x)
    risk, shares, _ = Scorer(bundle).run(x.astype(np.float32))
    ours, bands = model.risk(x), bundle.manifest.head.bands
    return {
        "rows": len(x),
        "max_abs_diff": float(f"{np.max(np.abs(risk - ours)):.2g}"),
        "max_abs_diff_contributions": float(f"{np.max(np.abs(shares - model.contributions(x))):.2g}"),
        "band_changes": sum(band_of(bands, a).id != band_of(bands, b).id for a, b in zip(risk, ours, strict=True)),
    }


def _counts(table: Table, files: Any, same: Any, left_out: Counter[str]) -> dict[str, Any]:
    return {
        "files": len(files),
        "diaries": len(set(same.values())),
        "people_in_folds": len(set(table.who)),
        "rows": len(table.y),
        "rows_with_outcome": int(table.y.sum()),
        "rows_by_moment": {name: int(np.sum(table.moment == name)) for name in MOMENTS},
        "rows_not_scored": dict(sorted(table.abstained.items())),
        "entries_left_out": dict(sorted(left_out.items())),
    }


def _provenance(data: Path, counts: Mapping[str, Any], seed: int) -> dict[str, Any]:
    return {
        "recipe": "risk/recipes/hypoglycaemia.py",
        "recipe_version": "1.0.0",
        "data": "AIM-94 diabetes diaries (UCI Machine Learning Repository, data set 34)",
        "data_sha256": hashlib.sha256(data.read_bytes()).hexdigest(),
        "data_licence": "CC BY 4.0",
        "n_rows": counts["rows"],
        "n_groups": counts["people_in_folds"],
        "split": "StratifiedGroupKFold(5) x 5 by person",
        "seed": seed,
        "software": {name: version(name) for name in ("numpy", "scikit-learn", "lightgbm", "onnx", "onnxruntime")},
    }


def main() -> None:
    """Run the recipe from the command line; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="diary_raw.csv.gz of the AIM-94 set")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder; a bundle there is replaced")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    report = train(given.data, given.out, given.seed)
    print(json.dumps({"out": str(report.out), "sha256": report.sha256, "metrics": report.metrics}))


if __name__ == "__main__":
    main()
