"""rules: what two hundred rules cost one report, with a month of measures before it.

The rules are those that ship, repeated under other names until there are two hundred. A morning's report is weight,
pressure, pulse, saturation and three answers; the worst one has a value for every code that any of the rules reads.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from care.domain.measure import Measure
from care.domain.rules import History, Report, RuleSet, judge, read_rules
from care.domain.rules.checking import codes_in, units_in

LIBRARY = Path(__file__).resolve().parent.parent / "care" / "library" / "rules"
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
RULES = 200
MORNING = {
    ("29463-7", "kg"): 80.0,
    ("8480-6", "mm[Hg]"): 128.0,
    ("8462-4", "mm[Hg]"): 78.0,
    ("8867-4", "/min"): 71.0,
    ("59408-5", "%"): 96.0,
    ("breathlessness", ""): 1.0,
    ("swelling", ""): 0.0,
    ("dizziness", ""): 0.0,
}


def run(quick: bool) -> dict[str, object]:
    """Microseconds a report, medians: without a past, with a month of it, and where every rule has to be tried."""
    rounds = 200 if quick else 3_000
    sets = two_hundred()
    morning = tuple(Measure(code, code, value, unit, NOW) for (code, unit), value in MORNING.items())
    codes = sorted({(code, dict(_units(sets)).get(code, "")) for one in sets for code in _codes(one)})
    every = tuple(Measure(f"{code}", code, _calm(code), unit, NOW) for code, unit in codes)
    days = [timedelta(days=day) for day in range(1, 31)]
    month = [
        replace(measure, id=f"{measure.id}{day.days}", at=NOW - day) for day in reversed(days) for measure in morning
    ]
    report, worst = Report("r", NOW, morning), Report("r", NOW, every)
    return {
        "rules": sum(len(one.rules) for one in sets),
        "measures": len(morning),
        "past_measures": len(month),
        "rules_tried": sum(len(one.concerning(report)) for one in sets),
        "report_us": _median(sets, morning, (), rounds),
        "report_with_past_us": _median(sets, morning, month, rounds),
        "worst_measures": len(every),
        "worst_rules_tried": sum(len(one.concerning(worst)) for one in sets),
        "worst_us": _median(sets, every, (), rounds),
    }


def two_hundred() -> tuple[RuleSet, ...]:
    """The rule sets that ship, each with its rules again and again under other names, two hundred in all."""
    documents = [json.loads(path.read_text("utf-8")) for path in sorted(LIBRARY.glob("*.json"))]
    rules: dict[str, list[object]] = {document["id"]: [] for document in documents}
    shipped = [(document["id"], rule) for document in documents for rule in document["rules"]]
    for number in range(RULES):
        name, rule = shipped[number % len(shipped)]
        rules[name].append({**rule, "id": f"{rule['id']}-{number}"})
    return tuple(read_rules({**one, "rules": rules[one["id"]]}, one["id"]) for one in documents)


def _codes(rule_set: RuleSet) -> set[str]:
    return {code for rule in rule_set.rules for code in codes_in(rule.written)}


def _units(sets: Sequence[RuleSet]) -> list[tuple[str, str]]:
    return [pair for one in sets for rule in one.rules for pair in units_in(rule.written)]


def _calm(code: str) -> float:
    """A value of which no rule speaks, so that what is measured is the looking."""
    calm = {code: value for (code, _), value in MORNING.items()}
    return calm.get(code, {"2339-0": 110.0, "9279-1": 16.0, "8310-5": 36.8}.get(code, 0.0))


def _median(sets: Sequence[RuleSet], own: tuple[Measure, ...], past: Sequence[Measure], rounds: int) -> float:
    """Of whole judgements: the report and its past are put in order anew each time, as for a report that has come."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        judge(sets, Report("r", NOW, own), History(past, in_order=True))
        took.append(time.perf_counter() - began)
    return round(statistics.median(took) * 1e6, 1)
