"""What every recipe goes through: refuse, validate by person, train, export, compare with the library, write, verify.

The same data and seed give the same numbers. A recipe brings a Study; this module brings everything else.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from care.errors import AssessmentError
from risk import cards, gates, metrics
from risk.bands import band_of
from risk.bundle import Bundle, load
from risk.gates import Evidence, Gate
from risk.golden import verify
from risk.graph import read_graph
from risk.manifest import Manifest
from risk.promotion import without_each
from risk.recipes.calibrating import Fit, Fitted, Table, folds_of, logistic, out_of_fold, seen_by
from risk.recipes.export import write_bundle
from risk.recipes.made_up import made_rows
from risk.scoring import Scorer

SOFTWARE = ("numpy", "scikit-learn", "lightgbm", "onnx", "onnxruntime")


@dataclass(frozen=True)
class Study:
    """One recipe's own part: the draft manifest, its rows, its fit, what it is compared with, and its words."""

    draft: Mapping[str, Any]
    table: Table
    fit: Fit
    recipe: str
    data: str
    licence: str
    decision_range: tuple[float, float]
    made: Mapping[str, tuple[float, float]]
    card: Callable[[Mapping[str, Any]], dict[str, Any]]
    folds: int = 5
    repeats: int = 5
    also: Mapping[str, float] | None = None
    alternatives: Mapping[str, Fit] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What training gave: the bundle's folder and hash, and its metrics."""

    out: Path
    sha256: str
    metrics: Mapping[str, Any]


def carry_out(study: Study, data: Path, out: Path, seed: int, draws: int = 200, rows_to: Path | None = None) -> Report:
    """Train, validate, export and verify; the bundle is written to `out`, the rows that were judged to `rows_to`.

    Raises AssessmentError (leakage) before any fit, or (bundle-golden) when the graph is not the trained model.
    """
    table, plan = study.table, Manifest.model_validate(study.draft)
    names = [feature.name for feature in plan.features]
    folds = folds_of(table, study.folds, study.repeats, seed)
    first = [gates.split(table.who, folds), gates.leakage(dict(zip(names, table.values.T, strict=True)), table.y)]
    refuse(first)
    risks = out_of_fold(table, study.fit, folds, seed)
    others = {name: out_of_fold(seen_by(table, name), logistic, folds, seed) for name in (*table.versus, *table.also)}
    others |= {name: out_of_fold(table, fit, folds, seed) for name, fit in study.alternatives.items()}
    versus = {name: others[name] for name in table.versus}
    final = study.fit(table, np.arange(len(table.y)), seed)
    evidence = Evidence(
        table.y,
        table.who,
        risks,
        folds,
        {name: np.mean(p, axis=0) for name, p in versus.items()},
        table.by,
        draws=draws,
    )
    found = _metrics(study, evidence, others, plan)
    manifest, model = _manifest(study, final, data, seed), final.graph()
    golden = made_rows(Manifest.model_validate(manifest), final, study.made, seed)
    facts = read_graph(model)
    manifest["graph"] |= {"ir": facts.ir, "opset": facts.opset, "ops": list(facts.ops)}
    reference = _reference(names, table, final)
    write_bundle(out, manifest, model, golden, metrics=found, card={}, reference=reference)
    bundle = load(out)
    found["parity"] = _parity(bundle, final, table)
    found["gates"] = [gate.told() for gate in [*first, *_gates(bundle, evidence, table, found)]]
    found["promotable"] = all(gate["pass"] for gate in found["gates"])
    card = study.card(found)
    pages = {
        "card.md": cards.as_markdown(card).encode(),
        "card.html": cards.as_html(card).encode(),
        "card.xml": cards.as_xml(card),
    }
    write_bundle(out, manifest, model, golden, pages, metrics=found, card=card, reference=reference)
    if rows_to is not None:
        _write_rows(rows_to, names, table, evidence, versus, final)
    checked = verify(load(out))
    if not checked.ok or not gates.parity(**_told(found["parity"])).passed:
        raise AssessmentError("bundle-golden", "the exported graph is not the trained model")
    return Report(out, checked.sha256, found)


def refuse(found: list[Gate]) -> None:
    """Raise AssessmentError with the reasons of the gates that did not pass."""
    if failed := [gate for gate in found if not gate.passed]:
        raise AssessmentError(failed[0].name, "refused: " + "; ".join(f"{gate.name}: {gate.why}" for gate in failed))


def _told(parity: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "difference": parity["max_abs_diff"],
        "band_changes": parity["band_changes"],
        "rows": parity["rows"],
        "probes": parity["probes"],
    }


def _gates(bundle: Bundle, evidence: Evidence, table: Table, found: Mapping[str, Any]) -> list[Gate]:
    values = {f.name: column for f, column in zip(bundle.manifest.features, table.values.T, strict=True)}
    return [
        *gates.of_predictions(evidence, tuple(found["decision_range"]), found["added_value"]),
        gates.required_inputs(without_each(Scorer(bundle), values, table.y)),
        gates.parity(**_told(found["parity"])),
    ]


def _metrics(study: Study, evidence: Evidence, others: Mapping[str, Any], plan: Manifest) -> dict[str, Any]:
    table, y = study.table, study.table.y
    low, high = study.decision_range
    mean = np.mean(evidence.risks, axis=0)
    steps = [round(float(t), 4) for t in np.linspace(low, high, 6)]
    losses = [gate for gate in gates.added_value(evidence) if not gate.passed]
    subgroups = gates.subgroup_table(evidence, plan.head.bands[1].ge)
    return {
        "data": {
            "rows": len(y),
            "people": len(np.unique(table.who)),
            "rows_with_outcome": int(y.sum()),
            "left_out": dict(table.left_out),
        },
        "validation": {
            "scheme": f"{study.repeats} x {study.folds} folds by person, calibration fitted in the training folds",
            "intervals": f"95 %, {evidence.draws} draws of people with replacement",
            "model": _figures(evidence, evidence.risks),
            **{name: _figures(evidence, risks) for name, risks in others.items()},
        },
        **({"also": dict(study.also)} if study.also else {}),
        "decision_range": [low, high],
        "added_value": gates.NO_ADDED_VALUE if losses else "",
        "decision_curve": gates.rounded(metrics.decision_curve(y, mean, steps)),
        "alerts": [gates.rounded(metrics.alerts(y, mean, band.ge)) for band in plan.head.bands[1:]],
        "subgroups": subgroups.value,
    }


def _figures(evidence: Evidence, risks: list[Any]) -> dict[str, Any]:
    """Each measure's mean over the repeats, with its interval."""
    found = {}
    for name, measure in metrics.MEASURES.items():

        def measured(rows: Any, measure: Any = measure) -> float:
            return float(np.mean([measure(evidence.y[rows], p[rows]) for p in risks]))

        found[name] = gates.rounded(metrics.by_people(measured, evidence.who, evidence.draws, evidence.seed))
    return found


def _manifest(study: Study, final: Fitted, data: Path, seed: int) -> dict[str, Any]:
    manifest = {**study.draft, "heads": [dict(study.draft["heads"][0])], "graph": dict(study.draft["graph"])}
    head = manifest["heads"][0]
    head["base"] = float(np.float32(final.base))
    head["calibration"] = {**head["calibration"], "slope": final.slope, "intercept": final.intercept}
    manifest["provenance"] = {
        **study.draft["provenance"],
        "recipe": study.recipe,
        "data": study.data,
        "data_sha256": hashlib.sha256(data.read_bytes()).hexdigest(),
        "data_licence": study.licence,
        "n_rows": len(study.table.y),
        "n_groups": len(np.unique(study.table.who)),
        "split": f"StratifiedGroupKFold({study.folds}) x {study.repeats} by person",
        "seed": seed,
        "software": {name: version(name) for name in SOFTWARE},
    }
    return manifest


def _reference(names: list[str], table: Table, final: Fitted) -> dict[str, Any]:
    """What the inputs and the risk looked like in training: what drift is measured against."""
    columns = {name: table.values[:, place] for place, name in enumerate(names)}
    return {
        "features": {name: _spread(column) for name, column in columns.items()},
        "risk": _spread(final.predict(table.x)),
    }


def _spread(column: Any) -> dict[str, Any]:
    known = column[~np.isnan(column)]
    edges = np.unique(np.quantile(known, np.linspace(0.1, 0.9, 9)))
    counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
    quantiles = np.quantile(known, [0.05, 0.25, 0.5, 0.75, 0.95])
    return {
        "mean": float(f"{known.mean():.6g}"),
        "missing": round(float(np.mean(np.isnan(column))), 4),
        "quantiles": {
            name: float(f"{v:.6g}") for name, v in zip(("p5", "p25", "p50", "p75", "p95"), quantiles, strict=True)
        },
        "psi_edges": [float(f"{edge:.6g}") for edge in edges],
        "psi_shares": [round(float(share), 6) for share in counts / len(known)],
    }


def _parity(bundle: Bundle, final: Fitted, table: Table) -> dict[str, Any]:
    """The written graph against the library, on every training row and on rows 1 ulp off every edge."""
    rows = np.asarray(table.x, dtype=np.float32)
    probes = _probes(rows, final, [band.ge for band in bundle.manifest.head.bands[1:]])
    x = np.vstack([rows, probes])
    risk, shares, _ = Scorer(bundle).run(x)
    ours, exact, bands = final.risk(x.astype(np.float64)), final.contributions(x), bundle.manifest.head.bands
    changed = sum(band_of(bands, float(a)).id != band_of(bands, float(b)).id for a, b in zip(risk, ours, strict=True))
    return {
        "rows": len(rows),
        "probes": len(probes),
        "max_abs_diff": float(f"{np.max(np.abs(risk - ours)):.2g}"),
        "max_abs_diff_contributions": float(f"{np.max(np.abs(shares - exact)):.2g}"),
        "band_changes": changed,
    }


def _probes(rows: Any, final: Fitted, bands: list[float]) -> Any:
    """Rows with one value at a tree's threshold and 1 ulp on either side; rows nearest a band's edge, nudged."""
    found, infinite = [rows[:0]], np.float32(np.inf)
    for number, (column, edge) in enumerate(sorted(set(final.edges()))):
        at = np.float32(edge)
        three = np.repeat(rows[number % len(rows)][None, :], 3, axis=0)
        three[:, column] = [np.nextafter(at, -infinite), at, np.nextafter(at, infinite)]
        found.append(three)
    risk = final.predict(rows.astype(np.float64))
    for band in bands:
        near = rows[np.argsort(np.abs(risk - band))[:50]]
        for column in range(rows.shape[1]):
            for way in (-infinite, infinite):
                nudged = near.copy()
                nudged[:, column] = np.nextafter(nudged[:, column], way)
                found.append(nudged)
    return np.vstack(found)


def _write_rows(
    path: Path, names: list[str], table: Table, evidence: Evidence, versus: Mapping[str, Any], final: Fitted
) -> None:
    """The judged rows as `flask risk validate` reads them."""
    columns: dict[str, Any] = {"person": table.who, "outcome": table.y.astype(int)}
    for number, (fold, risk) in enumerate(zip(evidence.folds, evidence.risks, strict=True), 1):
        columns |= {f"fold_{number}": fold, f"risk_{number}": risk}
    columns |= {f"versus_{name}": np.mean(p, axis=0) for name, p in versus.items()}
    columns |= {f"by_{name}": labels for name, labels in table.by.items()}
    columns |= {name: table.values[:, place] for place, name in enumerate(names)}
    columns["library"] = final.risk(np.asarray(table.x, dtype=np.float64))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow([_cell(value) for value in row])


def _cell(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else repr(float(value))
    return "" if value is None else str(value)
