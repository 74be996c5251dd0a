"""The engine: what is refused and by name, what is enabled, what is asked next, what a report must hold."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.questionnaire import (
    Answer,
    Condition,
    Questionnaire,
    Spot,
    answered,
    ask,
    check,
    enabled,
    lead,
    next_item,
    progress,
)
from care.domain.questionnaire import read_questionnaire as read
from care.domain.questionnaire.conditions import holds
from care.errors import Invalid
from tests.conftest import shared
from tests.domain.forms import by_canonical, choice, document, form, item, question, shipped

YES, NO = (Answer("boolean", True),), (Answer("boolean", False),)


def when(asked: str, operator: str = "=", **expected: Any) -> dict[str, Any]:
    return {"question": asked, "operator": operator, **(expected or {"answerBoolean": True})}


def spot(of: Questionnaire, link_id: str) -> Spot:
    return Spot(link_id, of.by_id[link_id])


def nested(depth: int) -> dict[str, Any]:
    inner = question("leaf")
    for level in range(depth - 1):
        inner = {"linkId": f"g{level}", "type": "group", "item": [inner]}
    return inner


HUGE = {"url": "http://hl7.org/fhir/StructureDefinition/minValue", "valueInteger": 10**400}
MALFORMED = [
    ("a linkId twice", [question("a"), question("a")], "duplicate-link-id", "a"),
    ("a choice without options", [question("c", "choice")], "choice-without-options", "c"),
    ("enableWhen to nowhere", [question("a", enableWhen=[when("b")])], "unknown-question", "a"),
    ("an unknown type", [question("a", "magic")], "unknown-type", "a"),
    ("a linkId with a control character", [question("a\x1f0")], "no-link-id", "a\\x1f0"),
    (
        "another questionnaire as a part",
        [
            {
                "linkId": "s",
                "type": "display",
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-subQuestionnaire",
                        "valueCanonical": "urn:other",
                    }
                ],
            }
        ],
        "sub-questionnaire",
        "s",
    ),
    ("too deep", [nested(21)], "too-deep", "g0"),
    (
        "conditions in a circle",
        [question("a", enableWhen=[when("b")]), question("b", enableWhen=[when("a")])],
        None,
        "a",
    ),
    (
        "a group enabled by its own child",
        [{"linkId": "g", "type": "group", "enableWhen": [when("x")], "item": [question("x")]}],
        None,
        "g",
    ),
    ("an unknown operator", [question("a"), question("b", enableWhen=[when("a", "~")])], "unknown-operator", "b"),
    (
        "a condition without an answer",
        [question("a"), question("b", enableWhen=[{"question": "a", "operator": "="}])],
        "malformed-enable-when",
        "b",
    ),
    (
        "exists without a boolean",
        [question("a"), question("b", enableWhen=[when("a", "exists", answerInteger=1)])],
        "malformed-enable-when",
        "b",
    ),
    ("an unknown behaviour", [question("a", enableBehavior="some")], "unknown-behavior", "a"),
    ("an external value set", [question("c", "choice", answerValueSet="urn:x")], "value-set-not-at-hand", "c"),
    ("an option that is nothing", [question("c", "choice", answerOption=[{}])], "malformed-option", "c"),
    ("a maxLength of nothing", [question("t", "text", maxLength=0)], "malformed-item", "t"),
    ("required that is a word", [question("a", required="yes")], "malformed-item", "a"),
    ("a maxLength that is no number", [question("t", "text", maxLength=float("inf"))], "malformed-item", "t"),
    ("a bound without end", [question("n", "integer", extension=[HUGE])], "malformed-item", "n"),
    ("items that are no list", [question("a", item={"linkId": "b"})], "malformed-item", "a"),
]


@pytest.mark.parametrize(
    ("items", "code", "link_id"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED]
)
def test_what_is_malformed_is_refused_by_its_link_id(
    items: list[dict[str, Any]], code: str | None, link_id: str
) -> None:
    with pytest.raises(Invalid) as refused:
        read(document(*items))
    assert refused.value.code == (code or "circular-enable-when")
    assert refused.value.detail["place"] == link_id


@pytest.mark.parametrize("wrong", [{}, {"resourceType": "Patient"}, [], None, {"resourceType": "Questionnaire"}])
def test_what_is_no_questionnaire_is_refused(wrong: Any) -> None:
    with pytest.raises(Invalid):
        read(wrong)


def test_twenty_levels_are_read_and_a_thousand_more_are_refused_without_recursion() -> None:
    assert read(document(nested(20))).by_id["leaf"].path[0] == "g18"
    with pytest.raises(Invalid, match="deeper"):
        read(document(nested(1_000)))


def test_ten_thousand_items_are_read_in_bounded_time_and_one_more_is_refused() -> None:
    chain = [question("0"), *(question(str(n), enableWhen=[when(str(n - 1))]) for n in range(1, 10_000))]
    started = time.perf_counter()
    long = read(document(*chain))
    assert next_item(long, {str(n): YES for n in range(9_999)}) == Spot("9999", long.by_id["9999"])
    assert time.perf_counter() - started < 5
    with pytest.raises(Invalid, match="10000"):
        read(document(*chain, question("one more")))


def test_the_enable_when_truth_table_holds() -> None:
    cases = json.loads(shared("questionnaires/conformance/enablewhen/android-fhir-truth-table.json").read_text())[
        "cases"
    ]
    checked = 0
    for case in cases:
        conditions = [
            (each["operator"], _value(each["expected"]), tuple(map(_value, each["actual"])))
            for each in case["conditions"]
        ]
        if any(expected is None or None in actual for _, expected, actual in conditions):
            continue  # written in the source's own language, not as FHIR
        results = [holds(Condition("q", operator, expected), actual) for operator, expected, actual in conditions]
        assert (any(results) if case["enableBehavior"] == "any" else all(results)) is case["enabled"], case["name"]
        checked += 1
    assert checked >= 25


def _value(raw: dict[str, Any]) -> Answer | None:
    for name, value in raw.items():
        if name == "valueCoding":
            return Answer(
                "coding", value.get("display", ""), code=value.get("code", ""), system=value.get("system", "")
            )
        if name in ("valueBoolean", "valueInteger", "valueDecimal", "valueString"):
            return Answer(name.removeprefix("value").lower(), value)
    return None


@pytest.mark.parametrize(
    ("operator", "given_kg", "expected", "result"),
    [(">", 154.4, "lb", True), ("<", 154.3, "lb", True), ("=", 70.0, "kg", True), ("!=", 71.0, "kg", True)],
)
def test_quantities_are_compared_in_one_unit(operator: str, given_kg: float, expected: str, result: bool) -> None:
    wanted = Answer("quantity", 70.0, code="kg")
    code = {"lb": "[lb_av]", "kg": "kg"}[expected]
    given = Answer("quantity", given_kg, code=code)
    assert holds(Condition("q", operator, wanted), (given,)) is result


def test_an_answer_to_a_disabled_question_enables_nothing() -> None:
    chain = form(question("a"), question("b", enableWhen=[when("a")]), question("c", enableWhen=[when("b")]))
    assert enabled(chain, {"a": YES, "b": YES}) == {"a", "b", "c"}
    assert enabled(chain, {"a": NO, "b": YES}) == {"a"}


def test_a_condition_may_point_forward_and_any_needs_only_one() -> None:
    forward = form(
        question("first", enableWhen=[when("last"), when("middle")], enableBehavior="any"),
        question("middle"),
        question("last"),
    )
    assert "first" not in enabled(forward, {})
    assert "first" in enabled(forward, {"last": YES})


def test_what_is_in_a_disabled_group_is_disabled() -> None:
    grouped = form(question("a"), {"linkId": "g", "type": "group", "enableWhen": [when("a")], "item": [question("b")]})
    assert enabled(grouped, {"b": YES}) == {"a"}
    assert next_item(grouped, {"a": NO}) is None


def test_the_next_question_is_the_first_that_is_open() -> None:
    heart = shipped()["heart-failure-daily"]
    assert next_item(heart, {}) == Spot("weight", heart.by_id["weight"])
    assert next_item(heart, {}, frozenset({"weight"})) == Spot("breathlessness", heart.by_id["breathlessness"])
    assert progress(heart, {"swelling": YES}, frozenset({"weight"})) == (2, 3)


def test_hidden_questions_are_not_asked_but_may_be_answered() -> None:
    daily = shipped()["glucose-daily"]
    assert [each.link_id for each in daily.questions] == ["glucose", "symptoms"]
    context = daily.by_id["context"].options[0].answer()
    assert not any(issue.link_id == "context" for issue in check(daily, {"context": (context,)}))


def test_displays_and_headings_lead_the_question_after_them() -> None:
    cancer = shipped()["cancer-symptoms"]
    assert [each.link_id for each in lead(cancer, spot(cancer, "pain"), {})] == ["about"]
    assert lead(cancer, spot(cancer, "nausea"), {}) == ()
    assert ask(cancer.by_id["pain"], "en", (1, 9), 1600, lead(cancer, spot(cancer, "pain"), {})).startswith("The next")


def test_a_question_is_one_message_with_its_place_and_its_options() -> None:
    assert ask(item("pain"), "zh-Hant", (2, 9)).splitlines()[:3] == ["3/9 您的疼痛程度如何？", "1. 沒有", "2. 輕微"]
    assert "kg or lb" in ask(item("weight"), "en", (0, 3))
    assert "斤" in ask(item("weight"), "zh-Hans") and "市斤" not in ask(item("weight"), "zh-Hant")
    assert "SKIP" in ask(item("anything-else"), "en")


def test_a_long_question_is_cut_but_never_its_options() -> None:
    long = form(choice("c", "red", "green") | {"text": "why " * 100}).by_id["c"]
    text = ask(long, "en", (0, 2), 160)
    assert len(text) <= 160
    assert "1. Red\n2. Green" in text


@pytest.mark.parametrize("name", sorted(shipped()))
@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_every_shipped_question_fits_one_message_in_every_language(name: str, language: str) -> None:
    for each in shipped()[name].items:
        assert each.text.get(language if language != "en" else "")
        assert len(ask(each, language, (8, 9))) < 500
        assert all(option.text.get(language if language != "en" else "") for option in each.options)


CHECKS = [
    ("weight", (Answer("quantity", 70.0, "kg", code="kg"),), None),
    ("weight", (Answer("quantity", 1000.0, "kg", code="kg"),), "out-of-range"),
    ("weight", (Answer("quantity", 70.0, "m", code="m"),), "unknown-unit"),
    ("weight", (Answer("quantity", float("nan"), "kg", code="kg"),), "wrong-type"),
    ("weight", (Answer("quantity", True, "kg", code="kg"),), "wrong-type"),
    ("weight", (Answer("boolean", True),), "wrong-type"),
    ("weight", (), "required"),
    ("swelling", (YES[0], YES[0]), "not-repeating"),
    ("swelling", (Answer("boolean", 1),), "wrong-type"),
    ("breathlessness", (Answer("coding", "", code="often"),), "not-an-option"),
    ("breathlessness", (Answer("coding", "", code="rest"),), None),
    ("nothing", YES, "unknown-item"),
]


@pytest.mark.parametrize(
    ("link_id", "given_", "code"), CHECKS, ids=[f"{c[0]} {c[2]} {n}" for n, c in enumerate(CHECKS)]
)
def test_a_report_is_checked_item_by_item(link_id: str, given_: tuple[Answer, ...], code: str | None) -> None:
    heart = shipped()["heart-failure-daily"]
    codes = [issue.code for issue in check(heart, {link_id: given_}) if issue.link_id == link_id]
    assert codes == ([code] if code else [])


def test_bounds_lengths_and_dates_are_checked() -> None:
    bounded = form(
        question(
            "n", "integer", extension=[{"url": "http://hl7.org/fhir/StructureDefinition/minValue", "valueInteger": 1}]
        ),
        question("t", "text", maxLength=3),
        question(
            "d",
            "date",
            extension=[{"url": "http://hl7.org/fhir/StructureDefinition/maxValue", "valueDate": "2026-01-01"}],
        ),
        question("m", "dateTime"),
    )

    def codes(link_id: str, kind: str, value: Any) -> list[str]:
        return [issue.code for issue in check(bounded, {link_id: (Answer(kind, value),)}) if issue.link_id == link_id]

    assert (codes("n", "integer", 0), codes("n", "integer", 1)) == (["out-of-range"], [])
    assert (codes("t", "string", "four"), codes("t", "string", "abc")) == (["too-long"], [])
    assert (codes("d", "date", "2026-02-30"), codes("d", "date", "2027-01-01"), codes("d", "date", "2025-01-01")) == (
        ["not-a-date"],
        ["out-of-range"],
        [],
    )
    assert (codes("m", "dateTime", "2026-01-01T10:00:00"), codes("m", "dateTime", "2026-01-01T10:00:00Z")) == (
        ["not-a-date"],
        [],
    )


def test_an_answer_that_is_not_asked_is_an_issue() -> None:
    diary = shipped()["glucose-diary-entry"]
    meal = diary.by_id["kind"].option_of(Answer("coding", "", code="meal-more"))
    assert meal is not None
    issues = check(diary, {"kind": (meal.answer(),), "glucose": (Answer("quantity", 58.0, code="mg/dL"),)})
    assert [(issue.link_id, issue.code) for issue in issues] == [("glucose", "not-enabled")]


@st.composite
def random_forms(draw: st.DrawFn) -> Questionnaire:
    """Booleans, nested in groups, that enable one another by conditions on earlier ones."""
    count = draw(st.integers(1, 12))
    items: list[dict[str, Any]] = []
    for n in range(count):
        here = question(f"q{n}", required=draw(st.booleans()))
        if n and draw(st.booleans()):
            operators = st.sampled_from(["=", "!=", "exists"])
            picks = draw(st.lists(st.tuples(st.integers(0, n - 1), operators, st.booleans()), min_size=1, max_size=3))
            here["enableWhen"] = [when(f"q{asked}", operator, answerBoolean=value) for asked, operator, value in picks]
            here["enableBehavior"] = draw(st.sampled_from(["all", "any"]))
        if items and draw(st.booleans()):
            items[-1].setdefault("item", []).append(here)
        else:
            items.append(here)
    return form(*items)


@settings(max_examples=150, deadline=None)
@given(random_forms(), st.lists(st.sampled_from(["yes", "no", "skip"]), min_size=40, max_size=40))
def test_a_walk_always_ends_and_asks_only_what_is_enabled(walked: Questionnaire, choices: list[str]) -> None:
    answers: dict[str, tuple[Answer, ...]] = {}
    skipped: frozenset[str] = frozenset()
    for pick in choices:
        here = next_item(walked, answers, skipped)
        if here is None:
            break
        assert here.place in enabled(walked, answers)
        assert here.place not in answers
        if pick == "skip" and not here.item.required:
            skipped |= {here.place}
        else:
            answers = answered(walked, answers, here, YES if pick == "yes" else NO)
    assert next_item(walked, answers, skipped) is None
    done, of = progress(walked, answers, skipped)
    assert done == of
    issues = {issue.code for issue in check(walked, answers)}
    assert issues <= {"not-enabled"}  # a later answer may disable an earlier question


def test_the_next_question_of_a_long_form_is_quick() -> None:
    chain = [question("0"), *(question(str(n), enableWhen=[when(str(n - 1))]) for n in range(1, 300))]
    long, answers = form(*chain), {str(n): YES for n in range(299)}
    best = min(_timed(lambda: next_item(long, answers)) for _ in range(20))
    assert best < 0.005


def _timed(act: Any) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def test_a_canonical_is_url_and_version() -> None:
    assert set(by_canonical()) == {f"https://care.invalid/fhir/Questionnaire/{name}|1.0.0" for name in shipped()}
