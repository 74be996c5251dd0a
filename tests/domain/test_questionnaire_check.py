"""What a whole report must hold: required questions and groups, how often, alone, and the form's own rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.questionnaire import (
    Answer,
    Answers,
    Questionnaire,
    answered,
    check,
    next_item,
    place,
    read_questionnaire,
    spot_at,
    to_response,
)
from care.domain.questionnaire.validate import is_valid, validate
from care.library.tools import questionnaire_tools
from tests.conftest import NOON
from tests.domain.forms import choice, document, question
from tests.domain.random_forms import VALUES, forms

CORE = "http://hl7.org/fhir/StructureDefinition/"
YES = (Answer("boolean", True),)


def form(*items: dict[str, Any], **more: Any) -> Questionnaire:
    return read_questionnaire(document(*items) | more, questionnaire_tools())


def group(link_id: str, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"linkId": link_id, "type": "group", "text": link_id, "item": list(items), **more}


def occurs(**bounds: int) -> list[dict[str, Any]]:
    return [{"url": f"{CORE}questionnaire-{name}Occurs", "valueInteger": count} for name, count in bounds.items()]


def rule(expression: str, severity: str = "error") -> dict[str, Any]:
    parts = {"key": "k", "severity": severity, "expression": expression, "human": "these do not fit together"}
    types = {"key": "valueId", "severity": "valueCode", "expression": "valueString", "human": "valueString"}
    return {
        "url": f"{CORE}questionnaire-constraint",
        "extension": [{"url": name, types[name]: part} for name, part in parts.items()],
    }


def text(*values: str) -> tuple[Answer, ...]:
    return tuple(Answer("string", value) for value in values)


def number(*values: int) -> tuple[Answer, ...]:
    return tuple(Answer("integer", value) for value in values)


def issues(asked: Questionnaire, answers: Answers) -> list[tuple[str, str]]:
    return [(issue.link_id, issue.code) for issue in check(asked, answers)]


def document_of(asked: Questionnaire, answers: Answers, status: str = "completed") -> dict[str, Any]:
    return to_response(asked, answers, id="r", patient="p", authored=NOON, status=status)


def problems(asked: Questionnaire, response: dict[str, Any]) -> list[tuple[str, str]]:
    """(code, where) of every error."""
    found = validate(asked, response)
    return [
        (one.code, one.expression.removeprefix("QuestionnaireResponse")) for one in found if one.severity == "error"
    ]


def test_what_is_required_in_an_instance_is_wanted_once_the_instance_is_begun() -> None:
    drugs = form(group("drug", question("name", "string", required=True), question("dose", "integer"), repeats=True))
    first, second = place("name", (0,)), place("name", (1,))
    assert issues(drugs, {}) == []
    assert issues(drugs, {place("dose", (0,)): number(5)}) == [(first, "required")]
    two = {"drug": (Answer("count", 2),), first: text("a"), place("dose", (1,)): number(5)}
    assert issues(drugs, two) == [(second, "required")]
    assert issues(drugs, {"drug": (Answer("count", 2),), first: text("a")}) == []


@pytest.mark.parametrize("more", [{"required": True}, {"extension": occurs(min=1)}])
def test_an_instance_that_must_be_there_wants_what_is_required_in_it(more: dict[str, Any]) -> None:
    drugs = form(group("drug", question("name", "string", required=True), repeats=True, **more))
    assert (place("name", (0,)), "required") in issues(drugs, {})


def test_a_required_group_needs_an_answer_in_it_and_its_last_question_cannot_be_left_out() -> None:
    asked = form(group("g", question("a"), group("h", question("b")), required=True), question("c"))
    assert issues(asked, {"c": YES}) == [("g", "required")]
    assert issues(asked, {"b": YES}) == []
    first, last = spot_at(asked, {}, "a"), spot_at(asked, {}, "b")
    assert first is not None and not first.item.required
    assert last is not None and last.item.required
    other = next_item(asked, {"a": YES})
    assert other is not None and other.place == "b" and not other.item.required


def test_instances_and_answers_are_counted() -> None:
    drugs = form(group("drug", question("name", "string"), repeats=True, extension=occurs(min=2, max=2)))
    names = {place("name", (n,)): text("x") for n in range(3)}
    assert issues(drugs, {place("name", (0,)): text("x"), "drug": (Answer("count", 1),)}) == [("drug", "too-few")]
    assert issues(drugs, {**names, "drug": (Answer("count", 3),)}) == [("drug", "too-many")]
    several = form(question("s", "string", repeats=True, extension=occurs(min=2, max=3)))
    assert [issues(several, {"s": text(*"wxyz"[:count])}) for count in range(5)] == [
        [("s", "too-few")],
        [("s", "too-few")],
        [],
        [],
        [("s", "too-many")],
    ]
    once = form(question("s", "string", extension=occurs(min=2)))
    assert issues(once, {"s": text("x")}) == []
    spot = next_item(several, {})
    assert spot is not None and spot.item.required


def test_an_option_that_excludes_others_stands_alone() -> None:
    raw = choice("c", "pain", "none", repeats=True)
    raw["answerOption"][1]["extension"] = [{"url": f"{CORE}questionnaire-optionExclusive", "valueBoolean": True}]
    asked = form(raw)
    pain, none = (option.answer() for option in asked.by_id["c"].options)
    assert issues(asked, {"c": (none,)}) == []
    assert issues(asked, {"c": (pain, none)}) == [("c", "exclusive")]
    assert problems(asked, document_of(asked, {"c": (pain, none)})) == [("exclusive", ".item[0].answer[1]")]


def test_a_rule_of_the_form_keeps_a_report_from_being_one() -> None:
    low, high = question("low", "integer"), question("high", "integer")
    pair = "item.where(linkId='low').answer.value <= item.where(linkId='high').answer.value"
    whole = form(low, high, extension=[rule(pair)])
    good, bad = {"low": number(60), "high": number(80)}, {"low": number(90), "high": number(80)}
    assert (issues(whole, good), issues(whole, bad)) == ([], [("", "constraint")])
    assert issues(whole, {"low": number(90)}) == []
    assert problems(whole, document_of(whole, bad)) == [("constraint", "")]
    inside = form(group("bp", low, high, extension=[rule(pair)], repeats=True))
    two = {"bp": (Answer("count", 2),)} | {
        place(link_id, (n,)): number(value)
        for n, values in enumerate([(60, 80), (90, 80)])
        for link_id, value in zip(("low", "high"), values, strict=True)
    }
    assert issues(inside, two) == [("bp", "constraint")]
    assert problems(inside, document_of(inside, two)) == [("constraint", ".item[1]")]


def test_a_warning_and_a_rule_without_a_result_keep_nothing_back() -> None:
    warned = form(question("a", "integer", extension=[rule("answer.value < 5", "warning")]))
    broken = form(question("a", "integer", extension=[rule("answer.value / 'x' > 1")]))
    for asked, code in ((warned, "constraint"), (broken, "constraint-not-checked")):
        assert issues(asked, {"a": number(9)}) == []
        found = validate(asked, document_of(asked, {"a": number(9)}))
        assert code in {one.code for one in found}
        assert is_valid(found)


def test_what_is_missing_is_no_error_while_a_response_is_being_filled_in() -> None:
    asked = form(question("a", required=True), question("n", "integer", extension=occurs(min=1)))
    half = document_of(asked, {}, "in-progress")
    assert {one.severity for one in validate(asked, half) if one.code in ("required", "too-few")} == {"warning"}
    assert problems(asked, half | {"status": "completed"}) == [("required", ""), ("too-few", "")]


PLACES = [
    ("an item of another form", {"linkId": "x"}, [("unknown-item", ".item[0]")]),
    (
        "an item that stands elsewhere",
        {"linkId": "b", "answer": [{"valueBoolean": True}]},
        [("misplaced-item", ".item[0]")],
    ),
    (
        "a group with an answer",
        {"linkId": "g", "answer": [{"valueBoolean": True}]},
        [("group-answer", ".item[0].answer")],
    ),
    ("a display with an answer", {"linkId": "d", "answer": [{"valueBoolean": True}]}, [("display-answer", ".item[0]")]),
    ("an answer that is disabled", {"linkId": "w", "answer": [{"valueBoolean": True}]}, [("not-enabled", ".item[0]")]),
    (
        "items beside an answer",
        {"linkId": "q", "answer": [{"valueBoolean": True}], "item": [{"linkId": "r", "answer": [{"valueInteger": 1}]}]},
        [("items-beside-answer", ".item[0]")],
    ),
    (
        "a wrong answer below an answer",
        {
            "linkId": "q",
            "answer": [{"valueBoolean": True, "item": [{"linkId": "r", "answer": [{"valueString": "1"}]}]}],
        },
        [("wrong-type", ".item[0].answer[0].item[0].answer[0]")],
    ),
    ("no list", {"linkId": "g", "item": {"linkId": "b"}}, [("malformed-item", ".item[0]")]),
]


@pytest.mark.parametrize(("raw", "wanted"), [case[1:] for case in PLACES], ids=[case[0] for case in PLACES])
def test_a_fault_of_a_document_is_told_with_its_place(raw: dict[str, Any], wanted: list[tuple[str, str]]) -> None:
    asked = form(
        group("g", question("b")),
        {"linkId": "d", "type": "display", "text": "…"},
        question("q", item=[question("r", "integer")]),
        question("w", enableWhen=[{"question": "q", "operator": "=", "answerBoolean": False}]),
    )
    response = {"resourceType": "QuestionnaireResponse", "status": "completed", "item": [raw]}
    assert problems(asked, response) == wanted


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_walk_in_which_all_is_skipped_that_may_be_ends_in_a_report(data: st.DataObject) -> None:
    """Whatever is skipped, what a conversation demands is what a report needs."""
    asked = data.draw(forms(depth=2, required_groups=True))
    answers: Answers = {}
    skipped: set[str] = set()
    for _ in range(200):
        spot = next_item(asked, answers, skipped)
        if spot is None:
            break
        if spot.item.type == "more":
            answers = answered(asked, answers, spot, (Answer("boolean", data.draw(st.integers(0, 3)) == 0),))
        elif not spot.item.required and data.draw(st.integers(0, 3)):
            skipped.add(spot.place)
        else:
            raws = [data.draw(VALUES[spot.item.type])]
            answers = answered(asked, answers, spot, tuple(filter(None, (_answer(spot.item, raw) for raw in raws))))
    assert next_item(asked, answers, skipped) is None
    assert {issue.code for issue in check(asked, answers)} <= {"not-enabled"}
    assert is_valid(validate(asked, document_of(asked, answers)))


def _answer(item: Any, raw: dict[str, Any]) -> Answer | None:
    from care.domain.questionnaire.values import answer_of

    return answer_of(item, raw)


def test_a_report_of_ten_thousand_entries_and_one_of_a_megabyte_are_judged() -> None:
    asked = form(
        question("s", "string", repeats=True, extension=[{"url": f"{CORE}regex", "valueString": "(x+x+)+y"}]),
        group("g", question("b"), repeats=True),
    )
    huge = {"linkId": "s", "answer": [{"valueString": "x" * 1_000_000}]}
    many = [{"linkId": "g", "item": [{"linkId": "b", "answer": [{"valueBoolean": True}]}]}] * 4_000
    response = {"resourceType": "QuestionnaireResponse", "status": "completed", "item": [huge, *many]}
    assert problems(asked, response) == [("wrong-format", ".item[0].answer[0]")]
    response["item"] = [{"linkId": "s", "answer": [{"valueString": "xxy"}] * 10_001}, *many, *many, *many]
    assert {code for code, _ in problems(asked, response)} == {"malformed-answer", "too-many-items"}


def test_a_document_nested_without_end_is_not_followed() -> None:
    asked = form(question("q", item=[question("r", "integer")]))
    inner: dict[str, Any] = {"linkId": "r"}
    for _ in range(100_000):
        inner = {"linkId": "q", "answer": [{"valueBoolean": True, "item": [inner]}]}
    response = {"resourceType": "QuestionnaireResponse", "status": "completed", "item": [inner]}
    assert {code for code, _ in problems(asked, response)} == {"duplicate-item", "misplaced-item"}
