"""A report in words: each question with its answers, in the order of the form and the language of the reader."""

from __future__ import annotations

from care.domain.questionnaire import place
from care.domain.questionnaire.posted import answers_from_form
from care.domain.questionnaire.read_back import Line, read_back
from tests.domain.forms import choice, form, question, shipped

LEVEL = "https://care.invalid/fhir/CodeSystem/level"


def test_a_report_is_read_back_in_the_language_of_its_reader() -> None:
    heart = shipped()["heart-failure-daily"]
    posted = {"weight": [{"value": 71.5, "unit": "kg"}], "breathlessness": [f"{LEVEL}|none"], "swelling": [False]}
    lines = read_back(heart, answers_from_form(heart, posted), "zh-Hans")
    assert [line.answers for line in lines[::2]] == [("71.5 公斤",), ("否",)]
    assert {line.depth for line in lines} == {0}


def test_what_repeats_stands_under_its_number_and_what_was_left_out_is_left_out() -> None:
    inside = [question("name", "string"), question("taken")]
    asked = form(
        {"linkId": "m", "type": "group", "text": "Medicine", "repeats": True, "item": inside}, choice("c", "red")
    )
    posted = {"m": [2], place("name", (0,)): ["aspirin"], place("name", (1,)): ["insulin"]}
    assert read_back(asked, answers_from_form(asked, posted), "en") == [
        Line("Medicine 1", (), 0),
        Line("Question name?", ("aspirin",), 1),
        Line("Medicine 2", (), 0),
        Line("Question name?", ("insulin",), 1),
    ]


def test_an_answer_that_another_one_took_away_is_not_read_back() -> None:
    when = {"question": "a", "operator": "=", "answerBoolean": True}
    asked = form(question("a"), question("b", enableWhen=[when]))
    lines = read_back(asked, answers_from_form(asked, {"a": [False], "b": [True]}), "en")
    assert [line.text for line in lines] == ["Question a?"]
