"""Rules: what they find in a report and its past, what they are refused for, and how long it takes."""

from __future__ import annotations

import csv
import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.codes import LANGUAGES, Priority
from care.domain.measure import Measure
from care.domain.rules import Finding, History, Report, RuleSet, judge, read_rules, read_vector
from care.domain.rules.compound import FORM_SCORES
from care.errors import Invalid
from care.library.scores import scores

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LIBRARY = Path(__file__).parent.parent.parent / "care" / "library"
DOCUMENTS = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((LIBRARY / "rules").glob("*.json"))}
SETS = {name: read_rules(document, sha256="0" * 64) for name, document in DOCUMENTS.items()}
RULES = [(name, number) for name, document in DOCUMENTS.items() for number in range(len(document["rules"]))]
VECTORS = [(name, number, vector) for name, number in RULES for vector in DOCUMENTS[name]["rules"][number]["vectors"]]


def read(vector: dict[str, Any]) -> tuple[Report, tuple[Measure, ...]]:
    return read_vector(vector, NOW)


def fires(document: dict[str, Any], number: int, vector: dict[str, Any]) -> bool:
    """Whether this rule alone speaks (a measure that it cannot read would speak as 'unscorable')."""
    alone = read_rules({**document, "rules": [document["rules"][number]]})
    report, before = read(vector)
    found = alone.rules[0].when(report, History(before))
    judged = judge([alone], report, before)
    assert (found is not None) == any(finding.rule_id == alone.rules[0].id for finding in judged)
    return found is not None


@pytest.mark.parametrize(
    ("name", "number", "vector"),
    VECTORS,
    ids=[f"{DOCUMENTS[name]['rules'][number]['id']}: {vector['says']}" for name, number, vector in VECTORS],
)
def test_a_vector_holds(name: str, number: int, vector: dict[str, Any]) -> None:
    assert fires(DOCUMENTS[name], number, vector) == vector["fires"]


def test_every_rule_says_where_it_comes_from_and_is_tried_on_both_sides() -> None:
    for name, number in RULES:
        rule = DOCUMENTS[name]["rules"][number]
        assert rule["citation"]["text"], rule["id"]
        assert rule["citation"]["url"].startswith("https://"), rule["id"]
        assert rule["licence"], rule["id"]
        assert {vector["fires"] for vector in rule["vectors"]} == {True, False}, rule["id"]
        assert rule["cooldown_hours"] >= 0, rule["id"]
        if rule["when"]["test"] in ("delta", "fall"):
            assert 0 <= rule["when"]["within_hours"] - 24 * rule["when"]["days"] <= 12


CODES = {"glucose": ("2339-0", "mg/dL"), "weight": ("29463-7", "kg"), "temperature": ("8310-5", "Cel")}


def spoken(text: str, prefix: str) -> tuple[Measure, ...]:
    """'glucose <20; weight 80 (24 h)' as measures."""
    found = []
    for number, part in enumerate(filter(None, (part.strip() for part in text.split(";")))):
        match = re.fullmatch(r"(\S+) ([<>]?)([\d.]+)(?: \((\d+) h\))?", part)
        assert match, part
        name, comparator, value, hours = match.groups()
        code, unit = CODES.get(name, (name, "U" if name.startswith("insulin") else ""))
        at = NOW - timedelta(hours=int(hours or 0))
        found.append(Measure(f"{prefix}{number}", code, float(value), unit, at, comparator))
    return tuple(found)


CASES = list(csv.DictReader((LIBRARY.parent.parent / "tests/cases/rules.csv").read_text("utf-8").splitlines()))


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_case_of_the_clinicians_table_holds(case: dict[str, str]) -> None:
    report = Report("r", NOW, spoken(case["report"], "now"))
    found = judge([SETS[case["rule set"]]], report, spoken(case["earlier"], "before"))
    assert [finding.rule_id for finding in found] == case["rules that speak"].split()
    if found:
        first = found[0]
        minutes = str(int(first.page_after.total_seconds() // 60))
        assert (first.priority, minutes, first.reply or "") == (
            case["priority"],
            case["page after (minutes)"],
            case["reply to the patient"],
        )


def judged(name: str, report: str, earlier: str = "") -> tuple[Finding, ...]:
    return judge([SETS[name]], Report("r", NOW, spoken(report, "now")), spoken(earlier, "before"))


def test_a_finding_says_what_was_seen_in_both_units_and_from_which_measures() -> None:
    (found,) = judged("diabetes", "glucose 62; glucose 100")
    assert dict(found.params) == {"value": "62", "unit": "mg/dL", "mmol": "3.4", "threshold": "70"}
    assert found.refs == ("now0",)
    (meter,) = judged("diabetes", "glucose <20")
    assert meter.params["value"] == "<20"
    assert meter.params["mmol"] == "<1.1"


def test_a_trend_names_both_of_its_ends() -> None:
    (found,) = judged("heart-failure", "weight 82.5", "weight 81 (24 h); weight 80 (60 h)")
    assert (found.params["delta"], found.params["days"], found.params["from"]) == ("2.5", "3", "80")
    assert found.refs == ("now0", "before1")


def test_all_severe_symptoms_are_named_the_first_of_the_worst_first() -> None:
    (found,) = judged("cancer-symptoms", "symptom-pain 3; symptom-cough 1; symptom-nausea 4")
    assert found.params["symptoms"] == "symptom-nausea, symptom-pain"
    assert found.refs == ("now0", "now2")


def test_the_order_of_the_history_does_not_matter() -> None:
    earlier = spoken("weight 80 (60 h); weight 81 (24 h); weight 82 (48 h); weight 70 (200 h)", "before")
    report = Report("r", NOW, spoken("weight 83", "now"))
    assert judge([SETS["heart-failure"]], report, earlier) == judge([SETS["heart-failure"]], report, earlier[::-1])


@pytest.mark.parametrize(("value", "unit"), [(3.2, "mmol/L"), (58, ""), (None, "mg/dL"), (float("nan"), "mg/dL")])
def test_a_reading_the_rules_cannot_read_is_a_doubt_that_reaches_a_nurse(value: float | None, unit: str) -> None:
    report = Report("r", NOW, (Measure("m", "2339-0", value, unit, NOW),))
    (found,) = judge([SETS["diabetes"]], report)
    assert (found.cause, found.priority, found.refs) == ("unscorable", Priority.URGENT, ("m",))


def test_an_unreadable_reading_beside_a_low_one_hides_nothing() -> None:
    report = Report("r", NOW, (Measure("a", "2339-0", 3.2, "mmol/L", NOW), Measure("b", "2339-0", 50, "mg/dL", NOW)))
    assert [finding.cause for finding in judge([SETS["diabetes"]], report)] == ["glucose-low", "unscorable"]


def test_rule_sets_together_give_one_finding_a_cause() -> None:
    report = Report("r", NOW, spoken("glucose 40; weight 80", "now"))
    found = judge([SETS["diabetes"], SETS["heart-failure"], SETS["diabetes"]], report)
    assert [finding.rule_id for finding in found] == ["glucose-very-low"]


def one_rule(**changes: Any) -> dict[str, Any]:
    rule = {
        "id": "x",
        "version": "1",
        "cause": "x",
        "priority": "urgent",
        "reason": "x",
        "when": {"test": "compare", "code": "c", "op": ">", "threshold": 1},
        "citation": {"text": "somewhere"},
        "licence": "free",
    }
    return {"id": "s", "url": "https://care.invalid/fhir/RuleSet/s", "version": "1", "rules": [{**rule, **changes}]}


def answered(**answers: Any) -> Report:
    return Report("r", NOW, (), answers)


class Chosen:
    value = "yes"


@pytest.mark.parametrize(
    ("when", "report", "speaks"),
    [
        ({"link_id": "fainted", "equals": True}, answered(fainted=True), True),
        ({"link_id": "fainted", "equals": True}, answered(fainted=False), False),
        ({"link_id": "fainted", "equals": True}, answered(fainted=1), False),
        ({"link_id": "fainted", "equals": True}, answered(), False),
        ({"link_id": "fainted", "equals": "yes"}, answered(fainted=(Chosen(),)), True),
        ({"link_id": "pillows", "at_least": 3}, answered(pillows=3), True),
        ({"link_id": "pillows", "at_least": 3}, answered(pillows=[1, 2]), False),
        ({"link_id": "pillows", "at_least": 3}, answered(pillows="many"), False),
    ],
)
def test_a_rule_can_look_at_an_answer(when: dict[str, Any], report: Report, speaks: bool) -> None:
    rules = read_rules(one_rule(when={"test": "answer", **when}))
    assert bool(judge([rules], report)) is speaks


COMPARE = {"test": "compare", "code": "c", "op": ">", "threshold": 1}
OWN = {"code": "c", "side": "above", "baseline_hours": 100, "recent_hours": 10, "at_least": 5}
EWMA = {"test": "ewma", **OWN, "weight": 0.2, "limit": 3, "least_spread": 1}
SLOPE = {"test": "slope", "code": "c", "op": ">", "threshold": 1, "within_hours": 48, "at_least": 3}


@pytest.mark.parametrize(
    ("document", "code", "place"),
    [
        ([], "not-an-object", ""),
        ({**one_rule(), "rules": []}, "no-rules", "rules"),
        ({**one_rule(), "rules": one_rule()["rules"] * 2}, "duplicate-rule", "rules[1].id"),
        ({**one_rule(), "url": ""}, "missing", "url"),
        (one_rule(when={"test": "vibes"}), "unknown-test", "rules[0].when.test"),
        (one_rule(when=None), "not-an-object", "rules[0].when"),
        (one_rule(when={**COMPARE, "op": "~"}), "unknown-op", "rules[0].when.op"),
        (one_rule(when={**COMPARE, "threshold": "70"}), "bad-number", "rules[0].when.threshold"),
        (one_rule(when={**COMPARE, "threshold": float("inf")}), "bad-number", "rules[0].when.threshold"),
        (one_rule(when={**COMPARE, "hours": 3}), "unknown-field", "rules[0].when.hours"),
        (one_rule(when={**COMPARE, "code_prefix": "c"}), "missing", "rules[0].when.code"),
        (one_rule(when={**COMPARE, "also": {"name": "mmol"}}), "bad-number", "rules[0].when.also"),
        (one_rule(when={"test": "answer", "link_id": "a"}), "missing", "rules[0].when"),
        (one_rule(when={"test": "delta", "code": "c"}), "missing", "rules[0].when.days"),
        (one_rule(when={**EWMA, "weight": 0}), "bad-number", "rules[0].when.weight"),
        (one_rule(when={**EWMA, "recent_hours": 100}), "bad-number", "rules[0].when.recent_hours"),
        (one_rule(when={**EWMA, "least_spread": 0}), "bad-number", "rules[0].when.least_spread"),
        (one_rule(when={**EWMA, "side": "beside"}), "unknown-side", "rules[0].when.side"),
        (one_rule(when={**EWMA, "code_prefix": "c"}), "unknown-field", "rules[0].when.code_prefix"),
        (one_rule(when={**SLOPE, "at_least": 2.5}), "bad-number", "rules[0].when.at_least"),
        (one_rule(when={**SLOPE, "within_hours": 0}), "bad-number", "rules[0].when.within_hours"),
        (
            one_rule(when={"test": "score", "of": "eq-5d", "op": ">", "threshold": 1}),
            "unknown-score",
            "rules[0].when.of",
        ),
        (one_rule(when={"test": "all", "of": [COMPARE]}), "bad-parts", "rules[0].when.of"),
        (
            one_rule(when={"test": "all", "of": [COMPARE, {**COMPARE, "op": "~"}]}),
            "unknown-op",
            "rules[0].when.of[1].op",
        ),
        (one_rule(when={"test": "not", "of": [COMPARE, COMPARE]}), "unknown-test", "rules[0].when.test"),
        (one_rule(cooldown_hours=-1), "bad-number", "rules[0].cooldown_hours"),
        (one_rule(cooldown_hours=1, priority="stat"), "no-rest", "rules[0].cooldown_hours"),
        (one_rule(cooldown_hours=1, when={"test": "reported", "code": "c"}), "no-level", "rules[0].cooldown_hours"),
        (one_rule(personal={"op": [0, 2]}), "unknown-field", "rules[0].personal.op"),
        (one_rule(personal={"threshold": [2, 3]}), "bad-number", "rules[0].personal.threshold"),
        (one_rule(personal={"threshold": 2}), "bad-number", "rules[0].personal.threshold"),
        (one_rule(priority="red"), "unknown-priority", "rules[0].priority"),
        (one_rule(priority="stat", page_after_minutes=20), "no-grace", "rules[0].page_after_minutes"),
        (one_rule(page_after_minutes=-1), "bad-number", "rules[0].page_after_minutes"),
        (one_rule(citation={}), "missing", "rules[0].citation.text"),
        (one_rule(licence=" "), "missing", "rules[0].licence"),
    ],
)
def test_a_rule_set_that_cannot_be_judged_is_refused_with_its_place(document: Any, code: str, place: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_rules(document)
    assert (refused.value.code, refused.value.detail["place"]) == (code, place)


def test_conditions_may_not_be_nested_without_end() -> None:
    when: dict[str, Any] = COMPARE
    for _ in range(5):
        when = {"test": "any", "of": [COMPARE, when]}
    with pytest.raises(Invalid, match="too deep"):
        read_rules(one_rule(when=when))


def test_a_score_that_cannot_be_computed_says_nothing() -> None:
    flags = SETS["red-flags"]
    vitals = {
        ("9279-1", "/min"): 24.0,
        ("59408-5", "%"): 93.0,
        ("on-oxygen", ""): 1.0,
        ("8480-6", "mm[Hg]"): 95.0,
        ("8867-4", "/min"): 120.0,
        ("new-confusion", ""): 0.0,
        ("8310-5", "Cel"): 37.0,
    }
    known = tuple(Measure(code, code, value, unit, NOW) for (code, unit), value in vitals.items())
    (found,) = judge([flags], Report("r", NOW, known))
    assert (found.rule_id, found.params["value"], len(found.refs)) == ("news2-high", "10", 7)
    for left_out in known:
        assert judge([flags], Report("r", NOW, tuple(m for m in known if m is not left_out))) == ()
    impossible = tuple(replace(m, value=12.0) if m.code == "8310-5" else m for m in known)
    assert judge([flags], Report("r", NOW, impossible)) == ()


def test_the_scores_of_forms_are_those_that_ship() -> None:
    assert {one.id: one.scales[0].code for one in scores()} == dict(FORM_SCORES)


def test_what_was_measured_at_one_moment_has_no_slope() -> None:
    rules = read_rules(one_rule(when=SLOPE))
    at_once = tuple(Measure(str(i), "c", float(i), "", NOW) for i in range(5))
    assert judge([rules], Report("r", NOW, at_once)) == ()


def test_a_meters_limit_is_no_value_for_a_course() -> None:
    rules = read_rules(one_rule(when=EWMA))
    before = [Measure(str(i), "c", 10.0, "", NOW - timedelta(hours=20 + i)) for i in range(5)]
    assert judge([rules], Report("r", NOW, (Measure("m", "c", 40.0, "", NOW),)), before) != ()
    high = [replace(m, comparator=">") for m in before]
    assert judge([rules], Report("r", NOW, (Measure("m", "c", 40.0, "", NOW),)), high) == ()


@given(
    st.lists(st.tuples(st.integers(700, 900), st.integers(1, 120)), max_size=12),
    st.lists(st.tuples(st.integers(700, 900), st.integers(0, 2)), min_size=1, max_size=2),
    st.integers(1, 60),
)
@settings(max_examples=300, deadline=None)
def test_changes_are_those_that_plain_counting_finds(
    before: list[tuple[int, int]], now: list[tuple[int, int]], tenths: int
) -> None:
    """Most histories are put aside by a short look at their ends; that look must never be wrong."""

    def weights(entries: list[tuple[int, int]], prefix: str) -> tuple[Measure, ...]:
        return tuple(
            Measure(f"{prefix}{i}", "c", value / 10, "kg", NOW - timedelta(hours=hours))
            for i, (value, hours) in enumerate(entries)
        )

    own, past = weights(now, "now"), weights(before, "before")
    pairs = [
        (round((a.value or 0) - (b.value or 0), 6))
        for a in own
        for b in (*own, *past)
        if timedelta() < a.at - b.at <= timedelta(hours=72)
    ]
    for test, field, sign in (("delta", "gain", 1), ("fall", "drop", -1)):
        when = {"test": test, "code": "c", "unit": "kg", field: tenths / 10, "within_hours": 72, "days": 3}
        rules = read_rules(one_rule(when=when))
        found = judge([rules], Report("r", NOW, own), past)
        assert bool(found) == any(sign * change >= tenths / 10 for change in pairs), (test, pairs)


def test_one_code_is_judged_in_one_unit_only() -> None:
    first = {**one_rule(when={**COMPARE, "unit": "kg"})["rules"][0]}
    second = {**first, "id": "y", "when": {**COMPARE, "unit": "lb"}}
    with pytest.raises(Invalid) as refused:
        read_rules({**one_rule(), "rules": [first, second]})
    assert refused.value.detail["place"] == "rules[1].when.unit"


def test_every_reason_has_a_sentence_in_every_language_that_its_params_fill() -> None:
    texts = {one: json.loads((LIBRARY / "texts" / f"reasons.{one}.json").read_text("utf-8")) for one in LANGUAGES}
    for name, number, vector in VECTORS:
        if not vector["fires"]:
            continue
        rule = DOCUMENTS[name]["rules"][number]
        alone: RuleSet = read_rules({**DOCUMENTS[name], "rules": [rule]})
        report, before = read(vector)
        found = judge([alone], report, before)
        (finding,) = [finding for finding in found if finding.rule_id == rule["id"]]
        for language in LANGUAGES:
            assert "{" not in texts[language][f"reason.{finding.reason}"].format(**finding.params)
    assert len({tuple(texts[language]) for language in LANGUAGES}) == 1


def test_three_hundred_measures_are_judged_in_a_blink() -> None:
    history = [Measure(str(i), "2339-0", 150, "mg/dL", NOW - timedelta(hours=i + 1)) for i in range(300)]
    report = Report("r", NOW, (Measure("m", "2339-0", 62, "mg/dL", NOW),))
    best = min(_timed(report, history) for _ in range(200))
    assert best < 200e-6  # some tens of microseconds on an idle machine


def _timed(report: Report, history: list[Measure]) -> float:
    begun = time.perf_counter()
    judge([SETS["diabetes"]], report, history)
    return time.perf_counter() - begun
