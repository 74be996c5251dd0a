"""Only the rules that a report's values could make hold are tried, and never is one left out that would hold."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.measure import Measure
from care.domain.rules import History, Report, RuleSet, judge, read_rules
from tests.conftest import ROOT

SHIPPED = [json.loads(path.read_text("utf-8")) for path in sorted((ROOT / "care/library/rules").glob("*.json"))]
SETS = tuple(read_rules(one) for one in SHIPPED)
SAMPLE = SHIPPED[0]["rules"][0]
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)

# Few codes, few values and thresholds on the same steps: what is on a limit comes up often.
CODES = ["29463-7", "pain", "pain-night", "44261-6"]
STEPS = st.sampled_from([-1.0, 0.0, 1.0, 2.0])
HOURS = st.sampled_from([1, 24, 72, 400])
OPS = st.sampled_from(["<", "<=", ">", ">="])
CODED = st.sampled_from([{"code": one} for one in CODES] + [{"code": "29463-7", "unit": "kg"}, {"code_prefix": "pain"}])
ONE_CODE = st.sampled_from([{"code": one} for one in CODES] + [{"code": "29463-7", "unit": "kg"}])
COUNT = st.integers(1, 3)
LEAVES = st.one_of(
    st.builds(lambda c, op, t: {"test": "compare", **c, "op": op, "threshold": t}, CODED, OPS, STEPS),
    st.builds(
        lambda c, op, t, n, h: {"test": "count", **c, "op": op, "threshold": t, "at_least": n, "within_hours": h},
        *(CODED, OPS, STEPS, COUNT, HOURS),
    ),
    st.builds(
        lambda c, op, t, n, h: {"test": "streak", **c, "op": op, "threshold": t, "at_least": n, "within_hours": h},
        *(ONE_CODE, OPS, STEPS, COUNT, HOURS),
    ),
    st.builds(lambda c, by, t: {"test": "rise", **c, "by": by, "to_at_least": t}, CODED, STEPS, STEPS),
    st.builds(
        lambda c, t, g, h: {"test": t, **c, "gain" if t == "delta" else "drop": g, "within_hours": h, "days": 3},
        *(CODED, st.sampled_from(["delta", "fall"]), STEPS, HOURS),
    ),
    st.builds(
        lambda c, by, side, n: {
            "test": "usual",
            **c,
            "by": by,
            "side": side,
            "at_least": n,
            "baseline_hours": 600,
            "recent_hours": 24,
        },
        *(ONE_CODE, STEPS, st.sampled_from(["above", "below"]), COUNT),
    ),
    st.builds(lambda c, n, h: {"test": "missing", **c, "for_hours": h, "at_least": n}, ONE_CODE, COUNT, HOURS),
    st.builds(lambda op, t: {"test": "score", "of": "phq-9", "op": op, "threshold": t}, OPS, STEPS),
    st.sampled_from([{"test": "reported", "code": "pain"}, {"test": "answer", "link_id": "q", "at_least": 1}]),
)
CONDITIONS = st.one_of(
    LEAVES,
    st.builds(
        lambda test, of: {"test": test, "of": of},
        st.sampled_from(["all", "any"]),
        st.lists(LEAVES, min_size=2, max_size=3),
    ),
)
VALUES = st.one_of(STEPS, STEPS, STEPS, st.none(), st.just(float("nan")), st.floats(-5, 5))


def measures(prefix: str, codes: st.SearchStrategy[str], values: Any, most: int) -> st.SearchStrategy[list[Measure]]:
    one = st.builds(
        lambda code, value, unit, hours, sign: Measure(
            "", code, value, unit if code == "29463-7" else "", NOW - timedelta(hours=hours), sign
        ),
        *(
            codes,
            values,
            st.sampled_from(["kg", "kg", "[lb_av]"]),
            st.integers(0, 100),
            st.sampled_from(["", "", "", "<", ">"]),
        ),
    )
    return st.lists(one, max_size=most).map(
        lambda found: [replace(one, id=f"{prefix}{place}") for place, one in enumerate(found)]
    )


def alike(rule_set: RuleSet, report: Report, past: list[Measure]) -> None:
    """What is picked holds exactly where all of the set's rules do, in their order."""
    holding = [rule.id for rule in rule_set.rules if rule.when(report, History(past))]
    history = History(past)
    picked = rule_set.plan(report).tried(report, history)
    assert [rule.id for rule in picked if rule.when(report, history)] == holding


@settings(max_examples=400, deadline=None)
@given(
    st.lists(CONDITIONS, min_size=1, max_size=6),
    measures("own", st.sampled_from(CODES), VALUES, 5),
    measures("past", st.sampled_from(CODES), VALUES, 8),
    st.integers(0, 2),
)
def test_no_rule_is_left_out_that_would_hold(
    conditions: list[dict[str, Any]], own: list[Measure], past: list[Measure], answer: int
) -> None:
    rules = [{**SAMPLE, "id": f"r{n}", "when": when, "personal": {}} for n, when in enumerate(conditions)]
    for rule in rules:
        rule.pop("cooldown_hours", None)
    rule_set = read_rules({"id": "made-up", "url": "u", "version": "1", "rules": rules})
    report = Report("r", NOW, tuple(replace(one, at=NOW) if n % 2 else one for n, one in enumerate(own)), {"q": answer})
    alike(rule_set, report, past)


def alone(when: dict[str, Any]) -> RuleSet:
    rule = {key: value for key, value in SAMPLE.items() if key not in ("personal", "cooldown_hours")}
    return read_rules({"id": "one", "url": "u", "version": "1", "rules": [{**rule, "when": when}]})


@pytest.mark.parametrize("comparator", ["", "<", ">"])
@pytest.mark.parametrize("value", [0.999, 1.0, 1.001])
@pytest.mark.parametrize("op", ["<", "<=", ">", ">="])
def test_a_value_on_its_limit_is_tried(op: str, value: float, comparator: str) -> None:
    reach = {"code": "pain", "op": op, "threshold": 1.0}
    own = Measure("a", "pain", value, "", NOW, comparator)
    for when in (
        {"test": "compare", **reach},
        {"test": "count", **reach, "at_least": 1, "within_hours": 1},
        {"test": "streak", **reach, "at_least": 1, "within_hours": 1},
        {"test": "all", "of": [{"test": "reported", "code": "pain"}, {"test": "compare", **reach}]},
    ):
        alike(alone(when), Report("r", NOW, (own,)), [])


@pytest.mark.parametrize(("before", "now"), [(80.3, 82.3), (80.0, 82.0), (80.1, 82.2), (0.1, 0.3), (5.0, 6.999)])
@pytest.mark.parametrize("way", ["up", "down"])
def test_a_change_that_is_on_its_limit_but_for_rounding_is_tried(way: str, before: float, now: float) -> None:
    first, last = (before, now) if way == "up" else (now, before)
    past = [Measure("p", "29463-7", first, "kg", NOW - timedelta(days=2))]
    report = Report("r", NOW, (Measure("a", "29463-7", last, "kg", NOW),))
    about = {"code": "29463-7", "unit": "kg"}
    for least in (0.2, 2.0, 2.1):
        change = {"test": "delta", "gain": least} if way == "up" else {"test": "fall", "drop": least}
        alike(alone({**about, **change, "within_hours": 72, "days": 3}), report, past)
        usual = {"test": "usual", "by": least, "side": "above" if way == "up" else "below", "at_least": 1}
        alike(alone({**about, **usual, "baseline_hours": 600, "recent_hours": 24}), report, past)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_of_the_sets_that_ship_too(data: st.DataObject) -> None:
    codes = sorted({code for one in SETS for code in one.units} | {"breathlessness", "fever", "on-oxygen", "44261-6"})
    some = st.one_of(st.floats(0, 4), st.floats(30, 320), st.none())
    own = data.draw(measures("own", st.sampled_from(codes), some, 8))
    past = data.draw(measures("past", st.sampled_from(codes), some, 20))
    units = {code: unit for one in SETS for code, unit in one.units.items()}
    own, past = ([replace(one, unit=units.get(one.code, "")) for one in found] for found in (own, past))
    report = Report("r", NOW, tuple(own))
    for rule_set in SETS:
        alike(rule_set, report, past)


def test_of_a_calm_morning_hardly_any_is_tried() -> None:
    morning = {"29463-7": (80.0, "kg"), "8480-6": (128.0, "mm[Hg]"), "8867-4": (71.0, "/min"), "59408-5": (96.0, "%")}
    own = tuple(Measure(code, code, value, unit, NOW) for code, (value, unit) in morning.items())
    past = [replace(one, id=f"{one.id}-1", at=NOW - timedelta(days=1)) for one in own]
    report = Report("r", NOW, own)
    tried = [rule for one in SETS for rule in one.plan(report).tried(report, History(past))]
    assert len(tried) < sum(len(one.concerning(report)) for one in SETS) / 2
    assert judge(SETS, report, past) == ()
