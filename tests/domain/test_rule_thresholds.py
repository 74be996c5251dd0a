"""Thresholds of one patient, as values: the same rules with other numbers, and nothing else changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from care.domain.measure import Measure
from care.domain.rules import Override, Report, check_override, judge, read_rules, with_thresholds
from care.errors import Invalid

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LIBRARY = Path(__file__).parent.parent.parent / "care" / "library" / "rules"
SETS = {path.stem: read_rules(json.loads(path.read_text("utf-8")), path.stem) for path in LIBRARY.glob("*.json")}
COPD, FLAGS = SETS["copd"], SETS["red-flags"]
OWN = Override(COPD.url, "spo2-low", "threshold", 87.0)


def speaks(rule_sets: tuple[object, ...], code: str, value: float, unit: str) -> list[str]:
    report = Report("r", NOW, (Measure("m", code, value, unit, NOW),))
    return [finding.rule_id for finding in judge(rule_sets, report)]  # type: ignore[arg-type]


def test_a_number_of_ones_own_takes_the_place_of_the_reviewed_one() -> None:
    (own,), unfit = with_thresholds([COPD], [OWN])
    assert unfit == ()
    assert speaks((COPD,), "59408-5", 88, "%") == ["spo2-low"]
    assert speaks((own,), "59408-5", 88, "%") == []
    assert speaks((own,), "59408-5", 87, "%") == ["spo2-low"]


def test_a_number_deep_in_a_condition_can_be_set() -> None:
    (own,), _ = with_thresholds([FLAGS], [Override(FLAGS.url, "pulse-extreme", "of.1.threshold", 120.0)])
    assert speaks((own,), "8867-4", 120, "/min") == ["pulse-extreme"]
    assert speaks((FLAGS,), "8867-4", 120, "/min") == []
    assert speaks((own,), "8867-4", 40, "/min") == ["pulse-extreme"]


def test_the_set_and_the_rule_say_that_they_were_changed_and_the_reviewed_ones_stay_as_they_were() -> None:
    (own, flags), _ = with_thresholds([COPD, FLAGS], [OWN])
    (again, _), _ = with_thresholds([COPD, FLAGS], [OWN])
    (other, _), _ = with_thresholds([COPD, FLAGS], [Override(COPD.url, "spo2-low", "threshold", 88.0)])
    assert flags is FLAGS
    assert own.sha256 == again.sha256
    assert len({own.sha256, other.sha256, COPD.sha256}) == 3
    changed = [rule for rule, before in zip(own.rules, COPD.rules, strict=True) if rule is not before]
    assert [(rule.id, rule.version) for rule in changed] == [("spo2-low", "1;threshold=87")]
    assert COPD.rules[1].number("threshold") == 92
    assert (own.rules[1].priority, own.rules[1].cause) == (COPD.rules[1].priority, COPD.rules[1].cause)


@pytest.mark.parametrize(
    ("override", "code"),
    [
        (Override("urn:none", "spo2-low", "threshold", 87.0), "unknown-rule"),
        (Override(COPD.url, "none", "threshold", 87.0), "unknown-rule"),
        (Override(COPD.url, "spo2-low", "op", 87.0), "not-personal"),
        (Override(COPD.url, "mmrc-housebound", "threshold", 3.0), "not-personal"),
        (Override(COPD.url, "spo2-low", "threshold", 79.0), "out-of-range"),
        (Override(COPD.url, "spo2-low", "threshold", 96.0), "out-of-range"),
        (Override(COPD.url, "spo2-low", "threshold", float("inf")), "out-of-range"),
    ],
)
def test_what_may_not_be_set_is_refused_and_changes_nothing(override: Override, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_override([COPD], override)
    assert refused.value.code == code
    sets, unfit = with_thresholds([COPD], [override])
    assert sets == (COPD,)
    assert unfit == (override,)


def test_nothing_that_wakes_somebody_at_once_because_of_an_answer_can_be_set() -> None:
    for rule_set in SETS.values():
        for rule in rule_set.rules:
            if rule.priority == "stat":
                assert not rule.personal, rule.id
