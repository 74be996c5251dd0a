"""score: what a report costs beyond the bare run of its model's graph, in the same process, floor and subject in turn.

A report has one measure for each code that the bundle reads. `one` goes from measures to an assessment and what
raises and lowers it most, `one_in_words` to the sentences that say so; `stored` to the columns of the row that is kept,
by the service's own way, the smallest change that would leave the band not counted: `counterfactual_us` is that, where
the report is above the lowest band. `json` is from a line of JSON to a line of JSON, as `flask risk score` writes it.
`batch` is 10,000 reports by column, with two hundred rules and the reasons of each: nothing in the service has its
reports by column, which come with their patients' pasts and are written row by row. Times are the thread's on its core.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.rules import two_hundred
from care.domain.assessment import Assessment
from care.domain.explanation import reasons, strongest
from care.domain.measure import Measure
from care.domain.rules import RuleSet
from care.domain.twins import maker
from care.records.risk_assessments import columns
from risk.batch import Batch, Column
from risk.bundle import Bundle
from risk.counterfactual import counterfactual
from risk.manifest import Manifest
from risk.registry import load_bundles
from risk.scoring import Scorer
from risk.screening import judge_many

NOW = datetime(2026, 3, 2, 20, tzinfo=UTC)
ROUNDS = 7
_measure = maker(Measure)


def run(quick: bool) -> dict[str, object]:
    """Ratios to the bare run, medians of seven rounds, for each bundle that is shipped; times in microseconds."""
    found: dict[str, object] = {}
    rule_sets = two_hundred()
    for name, bundle in sorted(load_bundles().items()):
        found |= {f"{name}.{key}": value for key, value in _measured(bundle, rule_sets, quick).items()}
    return found


def _measured(bundle: Bundle, rule_sets: tuple[RuleSet, ...], quick: bool) -> dict[str, float]:
    scorer = Scorer(bundle)
    measures = a_report(bundle)
    line = json.dumps({"at": NOW.isoformat(), "zone": "UTC", "measures": [_listed(one) for one in measures]})
    made = scorer.assess(measures, NOW, "UTC")
    vector = np.array([made.vector], dtype=np.float32)
    session, feed = scorer._ready(), scorer._fed(vector)
    times = 300 if quick else 2_000
    floor, one, words, stored, text = _in_turn(
        times,
        lambda: session.run(scorer._outputs, feed),
        lambda: strongest(scorer.assess(measures, NOW, "UTC")),
        lambda: reasons(scorer.assess(measures, NOW, "UTC"), "en"),
        lambda: columns(scorer.assess(measures, NOW, "UTC")),
        lambda: answered(scorer, line),
    )
    rows = 1_000 if quick else 10_000
    made_up = _columns(scorer, made, rows)
    batch_feed = scorer._fed(Batch(scorer, made_up).vectors)
    raw, batch = _in_turn(
        2 if quick else 10,
        lambda: session.run(scorer._outputs, batch_feed),
        lambda: many(scorer, made_up, rule_sets),
    )
    (change,) = _in_turn(20 if quick else 200, lambda: counterfactual(scorer, made))
    return {
        "measures": len(measures),
        "features": len(made.vector),
        "raw_us": round(floor * 1e6, 1),
        "one_us": round(one * 1e6, 1),
        "one_ratio": round(one / floor, 2),
        "one_in_words_ratio": round(words / floor, 2),
        "stored_ratio": round(stored / floor, 2),
        "json_ratio": round(text / floor, 2),
        "rows": rows,
        "raw_batch_ms": round(raw * 1e3, 2),
        "batch_ms": round(batch * 1e3, 2),
        "batch_ratio": round(batch / raw, 2),
        "counterfactual_us": round(change * 1e6, 1),
    }


def answered(scorer: Scorer, line: str) -> str:
    """One line of JSON to another, as `flask risk score` does it."""
    told = json.loads(line)
    measures = [
        _measure(str(place), code, value, unit, datetime.fromisoformat(at), "", "")
        for place, (code, value, unit, at) in enumerate(told["measures"])
    ]
    found = scorer.assess(measures, datetime.fromisoformat(told["at"]), told["zone"])
    shares = [{"name": one.name, "value": one.value, "logit": one.logit} for one in found.contributions]
    values = {"risk": found.risk, "band": found.band, "contributions": shares, "missing": found.missing}
    return json.dumps(values | {"status": "scored"}, ensure_ascii=False)


def many(scorer: Scorer, columns: Mapping[str, Column], rule_sets: tuple[RuleSet, ...]) -> Batch:
    """All reports: scores with their reasons by column, and the findings of those that any rule could concern."""
    batch = Batch(scorer, columns)
    judge_many(rule_sets, _by_code(scorer.bundle.manifest, columns), NOW)
    return batch


def _by_code(manifest: Manifest, columns: Mapping[str, Column]) -> dict[str, tuple[NDArray[np.float64], str]]:
    """What the reports themselves measured: the features that are a last value."""
    found = {}
    for feature in manifest.features:
        source = manifest.sources[feature.source]
        if feature.window.aggregate in ("last", "min"):
            found[source.codes[0]] = columns[feature.name].values, source.unit
    return found


def a_report(bundle: Bundle) -> list[Measure]:
    """A measure of each quantity that the bundle reads, and as many more as it requires."""
    needs = {need.source: need.at_least for need in bundle.manifest.requires}
    least = {feature.source: feature.window.min_points for feature in bundle.manifest.features}
    measures = []
    for name, source in bundle.manifest.sources.items():
        if source.kind == "event" or source.soft is None:
            continue
        middle = (source.soft[0] * source.soft[1]) ** 0.5 if source.soft[0] > 0 else sum(source.soft) / 2
        for number in range(max(needs.get(name, 1), least.get(name, 1))):
            at = NOW - timedelta(hours=5 * number, minutes=1)
            measures.append(Measure(f"{name}{number}", source.codes[0], middle, source.unit, at))
    return measures


def _listed(one: Measure) -> list[Any]:
    return [one.code, one.value, one.unit, one.at.isoformat()]


def _columns(scorer: Scorer, made: Assessment, rows: int) -> dict[str, Column]:
    """Columns around one report's values, the same every time; one in fifty is not known where a policy allows."""
    rng = np.random.default_rng(0)
    columns = {}
    for feature, share in zip(scorer.bundle.manifest.features, made.contributions, strict=True):
        source = scorer.bundle.manifest.sources[feature.source]
        values = (share.value or 0.0) * rng.uniform(0.8, 1.2, rows)
        if feature.missing.ways()[-1] != "abstain":
            values[rng.random(rows) < 0.02] = np.nan
        columns[feature.name] = Column(values, source.unit)
    return columns


def _in_turn(times: int, *subjects: Callable[[], object]) -> list[float]:
    """Seconds of the core a call of each subject, median of seven rounds in which they take turns."""
    took: list[list[float]] = [[] for _ in subjects]
    for _ in range(ROUNDS):
        for subject, seconds in zip(subjects, took, strict=True):
            began = time.thread_time()
            for _ in range(times):
                subject()
            seconds.append((time.thread_time() - began) / times)
    return [statistics.median(seconds) for seconds in took]
