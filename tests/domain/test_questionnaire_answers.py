"""Reading answers: a table that a clinician can read, and what must never be guessed."""

from __future__ import annotations

import csv
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.questionnaire import Answer, Item, Unclear, read_answer, read_answers
from care.domain.questionnaire.amounts import number_text
from care.domain.questionnaire.check import problem_of
from care.domain.questionnaire.extensions import UNIT
from care.domain.questionnaire.numbers import numbers_in
from care.domain.questionnaire.text import normalised
from tests.conftest import shared
from tests.domain.forms import choice, form, item, question, shipped

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # noon of a Friday in Shanghai
CASES = Path(__file__).parent.parent / "cases" / "answers.csv"
ROWS = list(csv.DictReader(CASES.open(encoding="utf-8")))
ITEMS = [each for questionnaire in shipped().values() for each in questionnaire.questions]


def read(asked: Item, text: str, language: str = "en", **more: Any) -> Answer | Unclear:
    return read_answer(asked, text, language, NOW, "Asia/Shanghai", **more)


def shown(answer: Answer | Unclear) -> str:
    """An answer in the words of the table."""
    if isinstance(answer, Unclear):
        return f"ask {answer.reason}"
    if answer.type == "boolean":
        return "yes" if answer.value else "no"
    if answer.type == "quantity":
        return f"{answer.comparator}{number_text(float(answer.value))} {answer.code}"
    return answer.code or str(answer.value)


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['item']}: {row['text']}" for row in ROWS])
def test_an_answer_is_read_as_the_table_says(row: dict[str, str]) -> None:
    assert shown(read(item(row["item"]), row["text"], row["language"])) == row["answer"]


def test_the_shared_number_vectors_are_read_or_asked_again() -> None:
    wrong = []
    for case in json.loads(shared("vectors/chat_inputs.json").read_text(encoding="utf-8"))["numbers"]:
        wanted = case["policy_expect"] if case["policy_expect"] is not None else case["cn2an_smart"]
        numbers = numbers_in(normalised(case["raw"]))
        values = [found.value for found in numbers.found]
        asks = numbers.doubt or len(values) != 1
        if isinstance(wanted, list):
            right = values == wanted
        elif isinstance(wanted, int | float):
            right = values == [wanted] and not numbers.doubt
        elif wanted is None or str(wanted).startswith(("ask", "0 only", "7 of 10")):
            right = asks or case["raw"] in ("Ⅲ", "+1")
        else:
            right = wanted == "reject" or values == [float(str(wanted).split()[0])]
        if not right:
            wrong.append((case["raw"], wanted, values, numbers.doubt))
    assert wrong == []


def test_a_known_unit_settles_a_bare_number_and_nothing_else() -> None:
    assert shown(read(item("glucose"), "22", prefer="mmol/L")) == "22 mmol/L"
    assert shown(read(item("glucose"), "58", prefer="mmol/L")) == "58 mg/dL"


def test_seven_of_ten_is_seven_where_the_scale_ends_at_ten() -> None:
    bound = [{"url": "http://hl7.org/fhir/StructureDefinition/maxValue", "valueInteger": 10}]
    scale = form(question("p", "integer", extension=bound)).by_id["p"]
    plain = form(question("p", "integer")).by_id["p"]
    assert shown(read(scale, "7/10")) == "7"
    assert shown(read(plain, "7/10")) == "ask several"
    assert shown(read(scale, "11")) == "ask out-of-range"
    assert shown(read(scale, "7.5")) == "ask out-of-range"
    assert shown(read(scale, "疼痛：８")) == "8"
    assert shown(read(scale, "疼痛不到8")) == "ask not-understood"
    assert shown(read(scale, "-1")) != "1"


def test_several_choices_are_taken_where_the_item_repeats() -> None:
    many = form(choice("c", "red", "green", "blue", repeats=True)).by_id["c"]
    once = form(choice("c", "red", "green", "blue")).by_id["c"]

    def codes(text: str, asked: Item) -> list[str] | str:
        found = read_answers(asked, text, "en", NOW, "UTC")
        return found.reason if isinstance(found, Unclear) else [answer.code for answer in found]

    assert codes("1, 3", many) == ["red", "blue"]
    assert codes("red and blue", many) == ["red", "blue"]
    assert codes("1和2", many) == ["red", "green"]
    assert codes("2", many) == ["green"]
    assert codes("1, 9", many) == "several"
    assert codes("1, 3", once) == "several"


def test_options_that_are_numbers_are_chosen_by_their_own_number() -> None:
    numbers = form(question("n", "choice", answerOption=[{"valueInteger": n} for n in (0, 5, 10)])).by_id["n"]
    assert read(numbers, "5") == Answer("integer", 5)
    assert shown(read(numbers, "2")) == "ask out-of-range"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("yesterday", "2026-11-19"),
        ("昨天", "2026-11-19"),
        ("三天前", "2026-11-17"),
        ("11月20号", "2026-11-20"),
        ("十一月二十日", "2026-11-20"),
        ("2026年3月31日", "2026-03-31"),
        ("2026-03-31", "2026-03-31"),
        ("31/03/2026", "2026-03-31"),
        ("20 November", "2026-11-20"),
        ("March 3rd, 2026", "2026-03-03"),
        ("12月31日", "2026-12-31"),
        ("1月2日", "2027-01-02"),
        ("04/05/2026", "ask ambiguous"),
        ("2026-02-30", "ask out-of-range"),
        ("soon", "ask not-understood"),
        ("not yesterday", "ask not-understood"),
    ],
)
def test_dates_are_read_or_asked_again(text: str, wanted: str) -> None:
    asked = form(question("d", "date")).by_id["d"]
    assert shown(read(asked, text, "zh-Hans")) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("昨天晚上8点", "2026-11-19T20:00:00+08:00"),
        ("昨晚8点半", "2026-11-19T20:30:00+08:00"),
        ("today 7:05 pm", "2026-11-20T19:05:00+08:00"),
        ("2026-03-31 20:15", "2026-03-31T20:15:00+08:00"),
        ("早上七点", "2026-11-20T07:00:00+08:00"),
        ("yesterday", "ask not-understood"),
        ("25:00", "ask out-of-range"),
    ],
)
def test_moments_are_read_in_the_patients_zone(text: str, wanted: str) -> None:
    asked = form(question("d", "dateTime")).by_id["d"]
    assert shown(read(asked, text, "zh-Hans")) == wanted


def test_several_lines_are_one_where_one_line_is_asked_for_and_stay_several_in_a_text() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    kept = [
        read_answer(Item("a", kind, {"": "?"}), "one\r\ntwo \n\n three", "en", now, "UTC")
        for kind in ("string", "text")
    ]
    assert [one.value for one in kept if isinstance(one, Answer)] == ["one two three", "one\r\ntwo \n\n three"]


def test_free_text_is_kept_as_it_was_written() -> None:
    asked = form(question("t", "text", maxLength=20)).by_id["t"]
    assert read(asked, "  My Foot hurts.\nSince today ") == Unclear("out-of-range")
    assert read(asked, " Foot\nhurts ") == Answer("string", "Foot\nhurts")
    assert isinstance(read(asked, "   "), Unclear)


@pytest.mark.parametrize("asked", ITEMS, ids=lambda asked: asked.link_id)
@pytest.mark.parametrize(
    "text", ["5" * 5_000_000, "7\x00", "\ud800", "是" * 3_999, "1 " * 1_999, "，" * 3_999], ids=lambda text: text[:2]
)
def test_no_text_is_too_odd_or_too_long(asked: Item, text: str) -> None:
    started = time.perf_counter()
    answer = read(asked, text)
    assert time.perf_counter() - started < 0.5
    if asked.type != "text":
        assert isinstance(answer, Unclear)


@given(st.sampled_from(ITEMS), st.text(max_size=40), st.sampled_from(["en", "zh-Hans", "zh-Hant"]))
def test_whatever_is_read_is_a_valid_answer(asked: Item, text: str, language: str) -> None:
    answer = read(asked, text, language)
    if isinstance(answer, Answer):
        assert problem_of(asked, answer) is None
        assert Answer.from_json(json.loads(json.dumps(answer.to_json()))) == answer


@given(st.sampled_from(["temperature", "weight", "glucose"]), st.integers(-10, 2000), st.integers(0, 9))
def test_a_number_is_never_turned_into_another(name: str, whole: int, tenth: int) -> None:
    answer = read(item(name), f"{whole}.{tenth}")
    if isinstance(answer, Answer) and not answer.comparator:
        assert answer.value == pytest.approx(float(f"{whole}.{tenth}"))


@pytest.mark.parametrize(
    ("kind", "text", "language"),
    [
        ("integer", "3 am", "en"),
        ("integer", "3am", "en"),
        ("integer", "7²", "en"),
        ("integer", "百八十", "zh-Hans"),
        ("quantity", "8 am", "en"),
        ("quantity", "-70 kg", "en"),
    ],
)
def test_what_only_looks_like_a_number_is_asked_again(kind: str, text: str, language: str) -> None:
    kilograms = {"url": UNIT, "valueCoding": {"system": "http://unitsofmeasure.org", "code": "kg"}}
    extra = {"extension": [kilograms]} if kind == "quantity" else {}
    asked = form(question("q", kind, **extra)).by_id["q"]
    assert isinstance(read(asked, text, language), Unclear)


def test_the_beginning_of_an_option_does_not_choose_what_its_rest_denies() -> None:
    asked = form(choice("q", "完全没有", "几乎每天")).by_id["q"]
    assert isinstance(read(asked, "完全", "zh-Hans"), Unclear)
    assert read(asked, "几乎", "zh-Hans") == asked.options[1].answer()


@pytest.mark.parametrize(
    "text",
    [
        "no, a little",
        "no, pain in my arm",
        "no, I do",
        "no i have",
        "I didn't say no",
        "that's not a no",
        "yes, gone",
        "没有，有点痛",
        "没有，很痛",
    ],
)
def test_a_yes_or_no_that_is_taken_back_is_asked_again(text: str) -> None:
    asked = form(question("q") | {"text": "Do you have chest pain? 您胸痛吗？"}).by_id["q"]
    assert isinstance(read(asked, text, "zh-Hans"), Unclear)


@pytest.mark.parametrize("text", ["no, no pain", "no, that is not right", "no, last week", "没有，不痛", "no, thanks"])
def test_a_no_with_a_remark_that_leaves_it_is_a_no(text: str) -> None:
    asked = form(question("q") | {"text": "Do you have chest pain? 您胸痛吗？"}).by_id["q"]
    assert read(asked, text, "zh-Hans") == Answer("boolean", False)


@pytest.mark.parametrize("text", ["I dont think 3", "didnt cough 3 days", "it wasnt 3", "3 isnt true", "cant say 3"])
def test_a_negation_without_its_apostrophe_is_one(text: str) -> None:
    asked = form(question("q", "integer") | {"text": "For how many days have you had a cough?"}).by_id["q"]
    assert isinstance(read(asked, text), Unclear)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("i can walk", "in a wheelchair"), "I cant walk"),
        (("hypertension", "diabetes"), "hypotension"),
        (("hypertension", "diabetes"), "prediabetes"),
        (("regular", "stopped"), "irregular"),
        (("有时", "从不"), "有"),
        (("好转", "没有好转"), "好"),
        (("0", "1", "2"), "a"),
    ],
)
def test_what_is_nearly_the_name_of_an_option_but_means_another_is_asked_again(
    options: tuple[str, ...], text: str
) -> None:
    assert isinstance(read(form(choice("q", *options)).by_id["q"], text, "zh-Hans"), Unclear)


@pytest.mark.parametrize(
    "text",
    [
        *("I missed 3", "forgot 3", "3 left", "nope 3", "all but 3", "hardly 3", "3 ❌", "I will take 3", "room 3"),
        *("漏了3次", "忘了3次", "还剩3", "打算3次", "除了3次"),
    ],
)
def test_a_number_that_counts_something_else_is_asked_again(text: str) -> None:
    words = {"text": "How many doses did you take this week? 这周吃了几次药"}
    asked = form(question("q", "integer") | words).by_id["q"]
    assert isinstance(read(asked, text, "zh-Hans"), Unclear)
    assert [read(asked, said) for said in ("I took 3", "吃了3次", "大概3次")] == [Answer("integer", 3)] * 3
    missed = form(question("q", "integer") | {"text": "How many doses did you miss? 漏了几次药"}).by_id["q"]
    assert [read(missed, said) for said in ("I missed 3", "漏了3次")] == [Answer("integer", 3)] * 2
