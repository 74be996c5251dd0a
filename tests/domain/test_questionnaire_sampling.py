"""Random answers for trying a form out: they may always stand, the same chance gives the same, and a patient's text
of them is read as them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.questionnaire import Item, problem_of, read_answers
from care.domain.questionnaire.check import together
from care.domain.questionnaire.matching import matching
from care.domain.questionnaire.model import MORE
from care.domain.questionnaire.replies import reply
from care.domain.questionnaire.sampling import sampled
from tests.domain.forms import form

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CORE = "http://hl7.org/fhir/StructureDefinition/"
LETTERS = [{"valueCoding": {"code": each, "display": f"Letter {each}"}} for each in "abcdef"]
ALONE = [{"extension": [{"url": f"{CORE}questionnaire-optionExclusive", "valueBoolean": True}], "valueString": "none"}]


def extensions(**values: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"url": CORE + name.replace("_", "-"), kind: value} for name, (kind, value) in values.items()]


QUESTIONS: dict[str, dict[str, Any]] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "extension": extensions(minValue=("valueInteger", 3), maxValue=("valueInteger", 5))},
    "below zero": {"type": "decimal", "extension": extensions(maxValue=("valueDecimal", -4.5))},
    "decimals": {
        "type": "decimal",
        "extension": extensions(maxDecimalPlaces=("valueInteger", 0), minValue=("valueDecimal", 40)),
    },
    "weight": {"type": "quantity", "extension": extensions(questionnaire_unit=("valueCoding", {"code": "kg"}))},
    "own unit": {"type": "quantity", "extension": extensions(questionnaire_unit=("valueCoding", {"code": "Ltr"}))},
    "unit in brackets": {
        "type": "quantity",
        "extension": extensions(questionnaire_unit=("valueCoding", {"display": "(inch)"})),
    },
    "date": {
        "type": "date",
        "extension": extensions(minValue=("valueDate", "2031-05-30"), maxValue=("valueDate", "2031-06-02")),
    },
    "dateTime": {"type": "dateTime"},
    "time": {"type": "time"},
    "string": {"type": "string", "maxLength": 6, "extension": extensions(minLength=("valueInteger", 5))},
    "long text": {"type": "text", "extension": extensions(minLength=("valueInteger", 120))},
    "url": {"type": "url"},
    "choice": {"type": "choice", "answerOption": LETTERS},
    "several": {"type": "choice", "repeats": True, "answerOption": LETTERS},
    "one alone": {"type": "choice", "repeats": True, "answerOption": [*ALONE, {"valueString": "some"}]},
    "open": {"type": "open-choice", "answerOption": LETTERS},
    "two dates": {
        "type": "date",
        "repeats": True,
        "extension": extensions(questionnaire_minOccurs=("valueInteger", 2)),
    },
}


def question(name: str, **more: Any) -> Item:
    return form({"linkId": "q", "text": "A question?", **QUESTIONS[name], **more}).by_id["q"]


@pytest.mark.parametrize("name", QUESTIONS)
@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000))
def test_what_is_sampled_may_stand_and_its_text_is_read_as_it(name: str, seed: int) -> None:
    item = question(name, required=True)
    found = sampled(item, Random(seed), NOW)
    assert found
    assert found == sampled(item, Random(seed), NOW)
    assert [problem_of(item, answer) for answer in found] == [None] * len(found)
    assert list(together(item, found)) == []
    own_words = item.type == "open-choice" and found[0].type == "string"  # the conversation takes those
    if len(found) == 1 and not own_words:
        assert read_answers(item, reply(item, found), "en", NOW, "UTC") == found


def test_what_may_be_left_out_sometimes_is() -> None:
    item = question("choice")
    assert {len(sampled(item, Random(seed), NOW) or ()) for seed in range(60)} == {0, 1}


def test_where_no_answer_is_found_none_is_given() -> None:
    impossible = extensions(minLength=("valueInteger", 9))
    item = question("string", required=True, maxLength=2, extension=impossible)
    assert sampled(item, Random(1), NOW) is None


def test_another_one_is_not_said_for_ever() -> None:
    more = Item("g", MORE, {"": "Medicine"}, min_occurs=3)
    assert all(sampled(more, Random(seed), NOW)[0].value is False for seed in range(50))


@pytest.mark.parametrize(
    "pattern",
    [
        "[0-9]{4}",
        r"^\d{5}(-\d{4})?$",
        "([01]?[0-9]|2[0-3]):[0-5][0-9]",
        r"[\w.+-]+@[a-z]+\.(com|org)",
        "(a|b)+c{2,}",
        "[^0-9]*",
        ".{1,5000}",
        r"\+?[1-9]\d{1,14}",
    ],
)
@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000))
def test_a_text_is_made_that_a_pattern_matches(pattern: str, seed: int) -> None:
    made = matching(pattern, Random(seed))
    assert made is not None
    assert re.fullmatch(pattern, made)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=30), st.integers(0, 100))
def test_no_pattern_breaks_it(pattern: str, seed: int) -> None:
    made = matching(pattern, Random(seed))
    assert made is None or len(made) <= 200


@pytest.mark.parametrize("pattern", ["((((a{50}){50}){50}){50}){50}", "(" * 5_000, "(?=x)y", r"\p{L}", "[", "a{9"])
def test_what_is_too_hard_is_not_made(pattern: str) -> None:
    assert matching(pattern, Random(1)) is None
