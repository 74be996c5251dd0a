"""Rules raise: nothing that a model, another rule or another rule set says takes an alarm away or makes it less."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.assessment import Assessment
from care.domain.codes import Priority
from care.domain.measure import Measure
from care.domain.rules import Finding, Report, judge, read_rules
from care.domain.triage import triage

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LIBRARY = Path(__file__).parent.parent.parent / "care" / "library" / "rules"
SETS = [read_rules(json.loads(path.read_text("utf-8")), path.stem) for path in sorted(LIBRARY.glob("*.json"))]

causes = st.sampled_from(["glucose-low", "weight-gain", "crisis", "unscorable", "a-model"])
priorities = st.sampled_from(list(Priority))
findings = st.lists(
    st.builds(
        Finding,
        rule_id=st.just("r"),
        rule_version=st.just("1"),
        cause=causes,
        priority=priorities,
        reason=st.just("r"),
        params=st.just({}),
        refs=st.just(()),
        page_after=st.sampled_from([timedelta(), timedelta(minutes=20)]),
        reply=st.sampled_from([None, "low-glucose-repeat"]),
        cooldown=st.sampled_from([None, timedelta(hours=24)]),
        level=st.one_of(st.none(), st.floats(-1e3, 1e3)),
    ),
    max_size=5,
    unique_by=lambda finding: finding.cause,
)
assessments = st.one_of(
    st.none(),
    st.builds(
        Assessment,
        bundle_id=st.just("a-model"),
        bundle_sha256=st.just("ab"),
        risk=st.one_of(st.floats(), st.floats(0, 1)),
        band=st.sampled_from(["low", "high"]),
        priority=st.sampled_from([None, "routine", "urgent", "asap", "stat", "none", "calm"]),
        contributions=st.just(()),
        missing=st.just(()),
        vector=st.just(()),
        inputs=st.just(()),
    ),
)
failures = st.one_of(st.none(), st.sampled_from(["missing-input", "crashed", "no-plan"]))


@given(findings, assessments, failures)
@settings(max_examples=400, deadline=None)
def test_whatever_a_model_says_every_finding_is_an_alarm_as_pressing_as_it_was(
    found: list[Finding], assessment: Assessment | None, failure: str | None
) -> None:
    alone = {(a.cause, a.source): a for a in triage(found, None, None)}
    both = triage(found, assessment, failure)
    assert all(alarm in both for alarm in alone.values())
    assert {(f.cause, f.priority) for f in found} == {(a.cause, a.priority) for a in alone.values()}
    assert both == tuple(sorted(both, key=lambda alarm: (-alarm.priority.rank, alarm.page_after)))


VALUES = {
    ("2339-0", "mg/dL"): st.integers(20, 600),
    ("29463-7", "kg"): st.floats(60, 100).map(lambda value: round(value, 1)),
    ("8480-6", "mm[Hg]"): st.integers(60, 240),
    ("8867-4", "/min"): st.integers(30, 180),
    ("59408-5", "%"): st.integers(70, 100),
    ("8310-5", "Cel"): st.floats(35, 41).map(lambda value: round(value, 1)),
    ("symptom-pain", ""): st.integers(0, 3),
    ("chest-pain", ""): st.integers(0, 1),
    ("dizziness", ""): st.integers(0, 1),
    ("44260-8", ""): st.integers(0, 3),
}


@st.composite
def measured(draw: st.DrawFn) -> tuple[str, float, str, int]:
    code, unit = draw(st.sampled_from(sorted(VALUES)))
    return code, draw(VALUES[code, unit]), unit, draw(st.integers(0, 700))


def measures(entries: list[tuple[str, float, str, int]], prefix: str, now: bool) -> tuple[Measure, ...]:
    return tuple(
        Measure(f"{prefix}{number}", code, float(value), unit, NOW - timedelta(hours=0 if now else 1 + hours))
        for number, (code, value, unit, hours) in enumerate(entries)
    )


@given(st.lists(measured(), max_size=6), st.lists(measured(), max_size=20), st.integers(0, len(SETS) - 1))
@settings(max_examples=300, deadline=None)
def test_another_rule_set_makes_nothing_less_pressing(
    report: list[tuple[str, float, str, int]], before: list[tuple[str, float, str, int]], added: int
) -> None:
    one = Report("r", NOW, measures(report, "now", True))
    past = measures(before, "before", False)
    few = {f.cause: f.priority for f in judge([s for s in SETS if s is not SETS[added]], one, past)}
    every = {f.cause: f.priority for f in judge(SETS, one, past)}
    assert all(every[cause].rank >= priority.rank for cause, priority in few.items())


@given(st.lists(measured(), min_size=1, max_size=6), st.lists(measured(), max_size=20))
@settings(max_examples=300, deadline=None)
def test_only_what_a_report_has_inputs_for_is_tried_and_nothing_is_missed_by_it(
    report: list[tuple[str, float, str, int]], before: list[tuple[str, float, str, int]]
) -> None:
    from care.domain.rules import History

    one, past = Report("r", NOW, measures(report, "now", True)), History(measures(before, "before", False))
    for rule_set in SETS:
        tried = {rule.id for rule in rule_set.concerning(one)}
        assert {rule.id for rule in rule_set.rules if rule.when(one, past)} <= tried
