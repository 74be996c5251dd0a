"""The form face: what an app draws, and what it posts, read as the same answers that a conversation gives."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from care.domain.questionnaire import Answer, check, place
from care.domain.questionnaire.form import form as drawn
from care.domain.questionnaire.form import standing
from care.domain.questionnaire.limits import LARGEST_FILE
from care.domain.questionnaire.posted import answers_from_form, followed, read_posted, without_instance
from care.errors import Invalid
from tests.domain.forms import choice, form, question, shipped

HEART = "heart-failure-daily"
LEVEL = "https://care.invalid/fhir/CodeSystem/level"


def node(made: dict[str, Any], where: str) -> dict[str, Any]:
    """The node at a place, wherever it stands."""
    waiting = list(made["items"])
    while waiting:
        one: dict[str, Any] = waiting.pop()
        if one["place"] == where:
            return one
        waiting += one.get("items", [])
        waiting += [below for each in one.get("instances", []) for below in each["items"]]
    raise AssertionError(f"nothing is drawn at {where!r}")


def test_a_form_is_drawn_in_the_language_of_its_reader() -> None:
    made = drawn(shipped()[HEART], {}, "zh-Hans")
    assert made["title"] == "每日心脏检查"
    weight = made["items"][0]
    assert weight["control"] == "number"
    assert [unit["code"] for unit in weight["units"]] == ["kg", "[lb_av]", "jin"]
    assert (weight["min"], weight["max"]) == (20.0, 400.0)
    assert not made["can_complete"]
    assert made["progress"] == {"done": 0, "of": 3}


def test_what_is_posted_is_what_a_conversation_would_have_kept() -> None:
    posted: dict[str, list[Any]] = {
        "weight": [{"value": "７１.5", "unit": "kg"}],
        "breathlessness": [f"{LEVEL}|none"],
        "swelling": [False],
    }
    answers = answers_from_form(shipped()[HEART], posted)
    assert answers["weight"] == (Answer("quantity", 71.5, "kg", code="kg"),)
    made = drawn(shipped()[HEART], answers, "en")
    assert made["can_complete"]
    assert [option["selected"] for option in node(made, "breathlessness")["options"]] == [True, False, False, False]


def test_the_values_that_are_drawn_can_be_posted_again() -> None:
    simple = form(
        question("i", "integer"),
        question("d", "decimal"),
        question("b"),
        question("t", "text"),
        question("day", "date"),
        question("at", "dateTime"),
        choice("c", "red", "green"),
    )
    posted = {
        "i": ["3"],
        "d": [2.5],
        "b": [True],
        "t": ["fine"],
        "day": ["2026-03-01"],
        "at": ["2026-03-01T08:15"],
        "c": ["urn:c|green"],
    }
    answers = answers_from_form(simple, posted, "Asia/Shanghai")
    assert answers["at"] == (Answer("dateTime", "2026-03-01T08:15:00+08:00"),)
    made = drawn(simple, answers, "en")
    again = {one["place"]: one["values"] for one in made["items"]}
    assert answers_from_form(simple, again) == answers


def test_an_empty_field_is_no_answer() -> None:
    simple = form(question("i", "integer"), question("t", "text"), question("q", "quantity"))
    assert answers_from_form(simple, {"i": [""], "t": ["  "], "q": [{"value": "", "unit": "kg"}]}) == {
        "i": (),
        "t": (),
        "q": (),
    }


UNREADABLE = [
    ("integer", "three", "not-a-number"),
    ("integer", "2.5", "not-a-whole-number"),
    ("integer", True, "not-a-number"),
    ("decimal", "1e5", "not-a-number"),
    ("decimal", float("inf"), "not-a-number"),
    ("integer", 10**400, "not-a-number"),
    ("quantity", {"value": 10**400}, "not-a-number"),
    ("boolean", "perhaps", "wrong-type"),
    ("dateTime", "2026-13-01T08:00", "not-a-date"),
    ("string", {"a": 1, "b": 2}, "wrong-type"),
    ("string", "a\x00", "malformed-answer"),
    ("attachment", {"contentType": "sh ell", "data": ""}, "unknown-file"),
    ("attachment", {"contentType": "image/png", "data": "%%%"}, "malformed-answer"),
    ("attachment", {"contentType": "image/png", "data": "A" * (2 * LARGEST_FILE)}, "too-large"),
    ("quantity", {"value": "1", "comparator": "about"}, "malformed-answer"),
]


@pytest.mark.parametrize(("kind", "value", "code"), UNREADABLE)
def test_a_value_that_cannot_be_read_is_refused_by_its_place(kind: str, value: Any, code: str) -> None:
    simple = form(question("q", kind), question("other"))
    with pytest.raises(Invalid) as refused:
        answers_from_form(simple, {"q": [value], "other": [True]})
    assert (refused.value.code, refused.value.detail["place"]) == (code, "q")
    answers, issues = read_posted(simple, {"q": [value], "other": [True]})
    assert answers == {"other": (Answer("boolean", True),)}
    assert [(one.link_id, one.code) for one in issues] == [("q", code)]


def test_a_place_that_the_form_has_not_is_refused() -> None:
    for where in ("nowhere", place("q", (0,)), "q\x1fx", "words"):
        with pytest.raises(Invalid) as refused:
            answers_from_form(form(question("q"), question("words", "display")), {where: [True]})
        assert refused.value.code == "unknown-item"
    with pytest.raises(Invalid, match="list"):
        answers_from_form(form(question("q")), {"q": True})  # type: ignore[dict-item]


def test_an_answer_to_what_another_answer_took_away_neither_counts_nor_hinders() -> None:
    when = {"question": "a", "operator": "=", "answerBoolean": True}
    asked = form(question("a"), question("b", enableWhen=[when]))
    answers = answers_from_form(asked, {"a": [False], "b": [True]})
    assert [one["place"] for one in drawn(asked, answers, "en")["items"]] == ["a"]
    assert drawn(asked, answers, "en")["can_complete"]
    assert check(asked, standing(asked, answers)) == []


def test_problems_stand_where_they_belong() -> None:
    asked = form(question("a", required=True), question("b"))
    made = drawn(asked, {}, "en", check(asked, {}))
    assert [one["code"] for one in node(made, "a")["problems"]] == ["required"]
    assert "problems" not in node(made, "b")
    assert set(made["problems"]) == {"a"}


def test_a_picture_is_taken_with_its_data_and_shown_without() -> None:
    data = base64.b64encode(b"\x89PNG").decode()
    asked = form(question("p", "attachment"))
    answers = answers_from_form(asked, {"p": [{"contentType": "image/png", "title": "foot", "data": data}]})
    assert data in answers["p"][0].content
    shown = node(drawn(asked, answers, "en"), "p")["values"][0]["valueAttachment"]
    assert shown == {"title": "foot", "contentType": "image/png", "size": 4}


def test_a_long_list_is_folded_and_several_may_be_ticked() -> None:
    many = choice("many", *(f"c{n}" for n in range(20)))
    several = choice("several", "a", "b", repeats=True)
    made = drawn(form(many, several), {}, "en")
    assert [one["control"] for one in made["items"]] == ["drop-down", "check-box"]


def test_options_of_ones_own_are_taken_where_the_form_allows_them() -> None:
    asked = form({**choice("c", "red"), "type": "open-choice"})
    assert answers_from_form(asked, {"c": ["blue-green"]})["c"] == (Answer("string", "blue-green"),)
    assert answers_from_form(asked, {"c": ["urn:c|red"]})["c"][0].code == "red"
    assert drawn(asked, {}, "en")["items"][0]["open"]


def test_the_help_of_a_question_stands_with_it() -> None:
    control = "http://hl7.org/fhir/StructureDefinition/questionnaire-itemControl"
    code = {"url": control, "valueCodeableConcept": {"coding": [{"code": "help"}]}}
    aside = {"linkId": "why", "type": "display", "text": "Without shoes.", "extension": [code]}
    made = drawn(form(question("w", "decimal", item=[aside])), {}, "en")
    assert node(made, "w")["help"] == "Without shoes."


MEDICINES = {
    "linkId": "medicine",
    "type": "group",
    "text": "Medicines",
    "repeats": True,
    "item": [
        question("name", "string", required=True),
        question("taken"),
        question("why", "string", enableWhen=[{"question": "taken", "operator": "=", "answerBoolean": False}]),
    ],
}


def test_a_group_that_repeats_is_drawn_once_for_each_instance() -> None:
    asked = form(MEDICINES, question("end"))
    made = drawn(asked, {}, "en")
    assert len(node(made, "medicine")["instances"]) == 1
    assert node(made, "medicine")["addable"]
    answers = answers_from_form(
        asked,
        {
            "medicine": [2],
            place("name", (0,)): ["aspirin"],
            place("taken", (0,)): [True],
            place("name", (1,)): ["insulin"],
            place("taken", (1,)): [False],
        },
    )
    made = drawn(asked, answers, "en")
    first, second = node(made, "medicine")["instances"]
    assert [one["place"] for one in first["items"]] == [place("name", (0,)), place("taken", (0,))]
    assert [one["linkId"] for one in second["items"]] == ["name", "taken", "why"]
    assert first["removable"]


def test_an_instance_that_is_taken_away_lets_the_later_ones_move_up() -> None:
    asked = form(MEDICINES)
    posted = {"medicine": [3], **{place("name", (n,)): [word] for n, word in enumerate(("a", "b", "c"))}}
    left = without_instance(asked, posted, "medicine", 1)
    assert left == {"medicine": [2], place("name", (0,)): ["a"], place("name", (1,)): ["c"]}
    with pytest.raises(Invalid, match="nothing to take away"):
        without_instance(asked, left, "medicine", 2)


def test_what_the_form_proposes_is_drawn_until_somebody_clears_it() -> None:
    when = {"question": "a", "operator": "=", "answerBoolean": True}
    asked = form(question("a", initial=[{"valueBoolean": True}]), question("b", enableWhen=[when]))
    made = drawn(asked, {}, "en")
    assert node(made, "a")["values"] == [{"valueBoolean": True}]
    assert [one["place"] for one in made["items"]] == ["a", "b"]
    assert node(drawn(asked, {"a": ()}, "en"), "a")["values"] == []


def test_what_stands_below_an_answer_goes_with_it() -> None:
    below = question("since", "string")
    asked = form({**choice("hurts", "head", "back", repeats=True), "item": [below]})
    before = answers_from_form(asked, {"hurts": ["urn:c|head", "urn:c|back"], place("since", (1,)): ["May"]})
    after = answers_from_form(asked, {"hurts": ["urn:c|back"], place("since", (1,)): ["May"]})
    assert place("since", (0,)) in followed(asked, before, after)
    assert len(node(drawn(asked, before, "en"), "hurts")["instances"]) == 2


def test_what_is_written_beside_the_options_is_read_as_a_text_message_would_be() -> None:
    colours = form(choice("q", "red", "blue") | {"type": "open-choice"}, question("line", "string"))
    answers = answers_from_form(colours, {"q": ["red "], "line": ["one\n two"]})
    assert answers == {"q": (colours.by_id["q"].options[0].answer(),), "line": (Answer("string", "one two"),)}
    assert answers_from_form(colours, {"q": ["Green"]}) == {"q": (Answer("string", "Green"),)}
