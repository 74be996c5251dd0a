"""Groups and questions that repeat: instances by place, "another one?", conditions inside an instance, going back."""

from __future__ import annotations

from typing import Any

import pytest

from care.domain.questionnaire import (
    Answer,
    Answers,
    Questionnaire,
    Spot,
    answered,
    enabled,
    lead,
    next_item,
    place,
    previous_item,
    progress,
    spot_at,
    taken_back,
)
from care.domain.questionnaire.layout import MAX_PLACES
from care.domain.questionnaire.model import MORE
from tests.domain.forms import choice, form, question

YES, NO = (Answer("boolean", True),), (Answer("boolean", False),)


def group(link_id: str, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"linkId": link_id, "type": "group", "text": f"Group {link_id}", "item": list(items), **more}


def when(asked: str, operator: str = "=", **expected: Any) -> dict[str, Any]:
    return {"question": asked, "operator": operator, **(expected or {"answerBoolean": True})}


def text(words: str) -> tuple[Answer, ...]:
    return (Answer("string", words),)


MEDICINES = form(
    group("medicine", question("name", "string"), question("daily"), repeats=True),
    question("end"),
)


def walk(of: Questionnaire, *given: tuple[Answer, ...]) -> tuple[dict[str, tuple[Answer, ...]], list[str]]:
    """The answers after these were given one after another, and the places that were asked."""
    answers: dict[str, tuple[Answer, ...]] = {}
    asked = []
    for each in given:
        spot = next_item(of, answers)
        assert spot is not None
        asked.append(spot.place)
        answers = answered(of, answers, spot, each)
    return answers, asked


def test_after_each_instance_it_is_asked_whether_there_is_another_one() -> None:
    answers, asked = walk(MEDICINES, text("aspirin"), YES, YES, text("insulin"), NO, NO)
    assert asked == ["name\x1f0", "daily\x1f0", "medicine", "name\x1f1", "daily\x1f1", "medicine"]
    assert answers["medicine"] == (Answer("count", 2, code="closed"),)
    following = next_item(MEDICINES, answers)
    assert following is not None
    assert following.place == "end"


def test_whether_there_is_another_one_is_asked_with_the_groups_words() -> None:
    answers, _ = walk(MEDICINES, text("aspirin"), YES)
    spot = next_item(MEDICINES, answers)
    assert spot is not None
    assert (spot.item.type, spot.item.text, spot.item.min_occurs) == (MORE, {"": "Group medicine"}, 1)
    assert spot_at(MEDICINES, answers, "medicine") == spot
    assert lead(MEDICINES, spot, answers) == ()


def test_an_instance_in_which_nothing_was_answered_is_not_followed_by_another() -> None:
    skipped = frozenset({"name\x1f0", "daily\x1f0"})
    spot = next_item(MEDICINES, {}, skipped)
    assert spot is not None
    assert spot.place == "end"


def test_skipping_whether_there_is_another_one_ends_the_group() -> None:
    answers, _ = walk(MEDICINES, text("aspirin"), YES)
    spot = next_item(MEDICINES, answers, frozenset({"medicine"}))
    assert spot is not None
    assert spot.place == "end"


def test_a_group_has_as_many_instances_as_the_form_asks_for_and_no_more_than_it_allows() -> None:
    bounds = [
        {"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-minOccurs", "valueInteger": 2},
        {"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-maxOccurs", "valueInteger": 3},
    ]
    bounded = form(group("g", question("a"), repeats=True, extension=bounds), question("end"))
    _, asked = walk(bounded, YES, YES, YES, YES, YES)
    assert asked == ["a\x1f0", "a\x1f1", "g", "a\x1f2", "end"]


def test_a_group_that_may_be_left_out_is_offered_before_it_asks_what_is_required() -> None:
    allergies = form(group("allergy", question("what", "string", required=True), repeats=True), question("end"))
    spot = next_item(allergies, {})
    assert spot is not None
    assert (spot.place, spot.item.min_occurs) == ("allergy", 0)
    assert walk(allergies, NO, YES)[1] == ["allergy", "end"]
    assert walk(allergies, YES, text("nuts"), NO, YES)[1] == ["allergy", "what\x1f0", "allergy", "end"]
    answers, _ = walk(allergies, NO)
    assert enabled(allergies, answers) == {"allergy", "end"}
    back = previous_item(allergies, answers, frozenset(), "end")
    assert back is not None
    assert next_item(allergies, taken_back(allergies, answers, back)) == spot


def test_back_walks_through_the_instances_in_reverse() -> None:
    answers, asked = walk(MEDICINES, text("aspirin"), YES, YES, text("insulin"), NO, NO, YES)
    back: list[str] = []
    before: str | None = None
    while (spot := previous_item(MEDICINES, answers, frozenset(), before)) is not None:
        back.append(spot.place)
        answers = taken_back(MEDICINES, answers, spot)
        again = next_item(MEDICINES, answers)
        assert again is not None
        assert again.place == spot.place
        before = spot.place
    assert back == list(reversed(asked))
    assert answers == {}


def test_a_condition_looks_at_its_own_instance_first() -> None:
    each = form(group("g", question("a"), question("b", enableWhen=[when("a")]), repeats=True))
    answers: Answers = {"g": (Answer("count", 2),), "a\x1f0": YES, "a\x1f1": NO}
    assert enabled(each, answers) == {"g", "a\x1f0", "a\x1f1", "b\x1f0"}


def test_a_condition_from_outside_looks_at_every_instance() -> None:
    outside = form(group("g", question("a"), repeats=True), question("b", enableWhen=[when("a")]))
    answers: dict[str, tuple[Answer, ...]] = {"g": (Answer("count", 2),), "a\x1f0": NO, "a\x1f1": NO}
    assert "b" not in enabled(outside, answers)
    assert "b" in enabled(outside, {**answers, "a\x1f1": YES})


def test_a_condition_inside_looks_at_every_instance_of_what_repeats_beside_it() -> None:
    beside = form(
        group(
            "visit",
            group("finding", question("bad"), repeats=True),
            question("why", "string", enableWhen=[when("bad")]),
            repeats=True,
        )
    )
    answers: Answers = {
        "visit": (Answer("count", 2),),
        "finding\x1f0": (Answer("count", 2),),
        "bad\x1f0.1": YES,
        "bad\x1f1.0": NO,
    }
    on = enabled(beside, answers)
    assert "why\x1f0" in on
    assert "why\x1f1" not in on


def test_groups_inside_groups_have_instances_of_their_own() -> None:
    nested = form(group("g", group("h", question("a"), repeats=True), repeats=True))
    _, asked = walk(nested, YES, YES, YES, NO, YES, YES, NO, NO)
    assert asked == ["a\x1f0.0", "h\x1f0", "a\x1f0.1", "h\x1f0", "g", "a\x1f1.0", "h\x1f1", "g"]


SYMPTOMS = form(
    choice(
        "symptom",
        "pain",
        "cough",
        "fever",
        repeats=True,
        item=[
            question("days", "integer"),
            question("where", "string", enableWhen=[when("symptom", answerCoding={"system": "urn:c", "code": "pain"})]),
        ],
    ),
)


def chosen(*codes: str) -> tuple[Answer, ...]:
    return tuple(Answer("coding", code.title(), code=code, system="urn:c") for code in codes)


def test_below_a_question_with_several_answers_each_answer_is_asked_about() -> None:
    _, asked = walk(SYMPTOMS, chosen("cough", "pain"), (Answer("integer", 3),), (Answer("integer", 1),), text("leg"))
    assert asked == ["symptom", "days\x1f0", "days\x1f1", "where\x1f1"]


def test_it_is_said_which_answer_a_question_below_is_about() -> None:
    answers = {"symptom": chosen("cough", "pain")}
    spot = next_item(SYMPTOMS, answers, frozenset({"days\x1f0"}))
    assert spot is not None
    assert [each.text[""] for each in lead(SYMPTOMS, spot, answers)] == ["Pain"]


def test_what_stands_below_an_answer_stays_with_it_when_another_is_taken_out() -> None:
    answers: Answers = {
        "symptom": chosen("cough", "pain"),
        "days\x1f0": (Answer("integer", 3),),
        "where\x1f1": text("leg"),
    }
    spot = Spot("symptom", SYMPTOMS.by_id["symptom"])
    fewer = answered(SYMPTOMS, answers, spot, chosen("pain"))
    assert fewer == {"symptom": chosen("pain"), "where\x1f0": text("leg")}
    turned = answered(SYMPTOMS, answers, spot, chosen("pain", "cough"))
    assert (turned["days\x1f1"], turned["where\x1f0"]) == ((Answer("integer", 3),), text("leg"))
    corrected = answered(SYMPTOMS, answers, spot, chosen("cough", "fever"))
    assert corrected["where\x1f1"] == text("leg")


def test_below_a_question_without_an_answer_nothing_is_asked() -> None:
    other = form(question("other", item=[question("which", "string", required=True)]), question("end"))
    assert walk(other, YES, text("this"))[1] == ["other", "which"]
    spot = next_item(other, {}, frozenset({"other"}))
    assert spot is not None
    assert spot.place == "end"


def test_how_far_a_patient_is_counts_the_questions_of_every_instance() -> None:
    answers, _ = walk(MEDICINES, text("aspirin"), YES, YES, text("insulin"))
    assert progress(MEDICINES, answers) == (3, 5)


@pytest.mark.parametrize("count", [-5, 10**9])
def test_a_count_that_makes_no_sense_opens_a_bounded_number_of_places(count: int) -> None:
    deep = question("leaf")
    answers: dict[str, tuple[Answer, ...]] = {"medicine": (Answer("count", count),)}
    for level in range(15):
        deep = group(f"g{level}", deep, question(f"q{level}"), repeats=True)
        answers |= {place(f"g{level}", (0,) * depth): (Answer("count", count),) for depth in range(15)}
    for of in (MEDICINES, form(deep)):
        assert len(enabled(of, answers)) <= 2 * MAX_PLACES
        spot = next_item(of, answers)
        assert spot is None or spot_at(of, answers, spot.place) == spot
        progress(of, answers)


def test_a_place_says_its_item_and_its_instance() -> None:
    answers = {place("name", (3,)): text("x"), "medicine": (Answer("count", 4),)}
    spot = spot_at(MEDICINES, answers, place("name", (3,)))
    assert spot is not None
    assert spot.item is MEDICINES.by_id["name"]
    assert spot_at(MEDICINES, answers, "name") is None
    assert spot_at(MEDICINES, answers, "nothing") is None
