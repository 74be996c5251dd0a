"""What is read of an item: types, options, value sets, limits, extensions; what is lenient is noted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from care.domain.questionnaire import Answer, Item, Questionnaire, filled, next_item, read_questionnaire
from care.domain.questionnaire.model import QUESTION_TYPES
from care.domain.questionnaire.tools import NO_TOOLS, Tools, ValueSet
from care.errors import Invalid
from tests.domain.forms import choice, document, form, question

CORE = "http://hl7.org/fhir/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
COLOURS = ValueSet(
    "urn:colours",
    "2",
    (
        {"system": "urn:c", "code": "r", "display": "Red", "designations": [{"language": "zh-TW", "value": "紅"}]},
        {"system": "urn:c", "code": "b", "extension": [{"url": CORE + "ordinalValue", "valueDecimal": 2}]},
    ),
)


def pattern(source: str) -> Callable[[str], bool]:
    if "(?=" in source:
        raise Invalid("unreadable-regex", "it looks ahead")
    return lambda text: re.fullmatch(source, text) is not None


TOOLS = Tools(NO_TOOLS.compile, {"urn:colours": COLOURS, "urn:none": ValueSet("urn:none")}.get, pattern)


def ext(name: str, **value: Any) -> dict[str, Any]:
    return {"url": CORE + name, **value}


def one(raw: dict[str, Any], **more: Any) -> Item:
    """One item, read with tools."""
    return read(raw, **more).items[0]


def read(*raws: dict[str, Any], **more: Any) -> Questionnaire:
    return read_questionnaire({**document(*raws), **more}, TOOLS)


@pytest.mark.parametrize("kind", sorted(QUESTION_TYPES - {"choice"}))
def test_every_type_of_question_is_read_and_asked(kind: str) -> None:
    spot = next_item(form(question("a", kind)), {})
    assert spot is not None
    assert spot.item.type == ("text" if kind == "open-choice" else kind)


def test_options_may_be_of_every_type_and_say_more() -> None:
    values: list[dict[str, Any]] = [
        {
            "valueCoding": {"code": "x", "system": "urn:c"},
            "extension": [ext("questionnaire-optionPrefix", valueString="a)")],
        },
        {"valueCoding": {"display": "No code"}},
        {"valueString": "none", "extension": [ext("questionnaire-optionExclusive", valueBoolean=True)]},
        {"valueInteger": 3},
        {"valueDate": "2026-01-01", "initialSelected": True},
        {"valueTime": "08:00:00"},
        {"valueReference": {"reference": "Patient/1", "display": "Somebody"}},
        {"valueString": "none"},
    ]
    read_form = read(question("a", "choice", answerOption=values))
    item = read_form.items[0]
    assert [option.type for option in item.options] == [
        *("coding", "coding", "string", "integer", "date", "time", "reference"),
    ]
    assert (item.options[0].prefix, item.options[0].text[""], item.options[2].exclusive) == ("a)", "x", True)
    assert all(item.option_of(option.answer()) is option for option in item.options)
    assert item.initial == (Answer("date", "2026-01-01"),)
    assert any("twice" in note for note in read_form.notes)


@pytest.mark.parametrize(
    ("url", "value"),
    [(CORE + "ordinalValue", 2), (CORE + "itemWeight", 1.5), (CORE + "questionnaire-ordinalValue", 0)],
)
def test_the_score_of_an_option_stands_on_it_or_on_its_coding(url: str, value: float) -> None:
    for inside in (True, False):
        raw = choice("a", "x")
        where = raw["answerOption"][0]["valueCoding"] if inside else raw["answerOption"][0]
        where["extension"] = [{"url": url, "valueDecimal": value}]
        assert one(raw).options[0].ordinal == value


def test_a_value_set_at_hand_gives_the_options_in_every_language() -> None:
    item = one(question("a", "choice", answerValueSet="urn:colours"))
    assert [(option.code, option.text[""], option.ordinal) for option in item.options] == [
        ("r", "Red", None),
        ("b", "b", 2.0),
    ]
    assert item.options[0].text["zh-Hant"] == "紅"


def test_a_contained_value_set_is_listed_or_expanded() -> None:
    for inside in (
        {"compose": {"include": [{"system": "urn:c", "concept": [{"code": "r", "display": "Red"}]}]}},
        {"expansion": {"contains": [{"system": "urn:c", "code": "r", "display": "Red"}]}},
    ):
        contained = [{"resourceType": "ValueSet", "id": "v", **inside}]
        (option,) = one(question("a", "choice", answerValueSet="#v"), contained=contained).options
        assert (option.code, option.text[""], option.system) == ("r", "Red", "urn:c")


@pytest.mark.parametrize(
    ("canonical", "code"),
    [("urn:far", "value-set-not-at-hand"), ("#gone", "value-set-not-at-hand"), ("urn:none", "choice-without-options")],
)
def test_a_choice_that_cannot_be_offered_is_refused_but_not_where_it_is_never_asked(canonical: str, code: str) -> None:
    raw = question("a", "choice", answerValueSet=canonical, initial=[{"valueCoding": {"system": "urn:c", "code": "x"}}])
    with pytest.raises(Invalid) as refused:
        read(raw)
    assert (refused.value.code, refused.value.detail["link_id"]) == (code, "a")
    kept = read({**raw, "readOnly": True})
    assert filled(kept, {})["a"][0].code == "x"


def test_a_text_with_listed_answers_is_asked_as_a_choice() -> None:
    read_form = read(question("a", "string", answerOption=[{"valueString": "x"}, {"valueString": "y"}]))
    assert read_form.items[0].type == "choice"
    assert read_form.notes


def test_the_limits_of_an_item_are_read() -> None:
    item = one(
        question(
            "a",
            "decimal",
            maxLength=9,
            extension=[
                ext("minValue", valueInteger=1),
                ext("maxValue", valueDecimal="9.5"),
                ext("minLength", valueInteger=2),
                ext("maxDecimalPlaces", valueInteger=1),
                ext("questionnaire-minOccurs", valueInteger=0),
                ext("questionnaire-maxOccurs", valueInteger=4),
                ext("questionnaire-sliderStepValue", valueInteger=2),
                ext("questionnaire-unit", valueCoding={"code": "kg"}),
                ext("questionnaire-unitOption", valueCoding={"display": "stone"}),
                ext("entryFormat", valueString="nn.n"),
                ext("regex", valueString="[0-9.]+"),
            ],
        )
    )
    assert (item.minimum, item.maximum, item.max_length, item.min_length) == (1.0, 9.5, 9, 2)
    assert (item.max_decimals, item.min_occurs, item.max_occurs, item.slider_step) == (1, 0, 4, 2.0)
    assert (item.units, item.entry_format) == (("kg", "stone"), "nn.n")
    assert item.pattern is not None
    assert item.pattern.matches("12.5")
    assert not item.pattern.matches("12.5 kg")


def test_a_limit_that_means_nothing_is_left_out_and_one_that_does_not_fit_is_refused() -> None:
    read_form = read(question("a", "string", extension=[ext("minValue", valueInteger=1)]))
    assert read_form.items[0].minimum is None
    assert read_form.notes
    for kind, value in (("integer", {"valueString": "many"}), ("date", {"valueInteger": 3}), ("integer", {})):
        with pytest.raises(Invalid) as refused:
            read(question("a", kind, extension=[ext("minValue", **value)]))
        assert refused.value.code == "malformed-bound"


def test_a_regular_expression_that_cannot_be_bounded_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        read(question("a", "string", extension=[ext("regex", valueString="(?=x)")]))
    assert (refused.value.code, refused.value.detail["link_id"]) == ("unreadable-regex", "a")


def test_how_an_item_wants_to_be_shown_is_kept() -> None:
    item = one(
        question(
            "a",
            "string",
            prefix="1.",
            extension=[
                ext("questionnaire-itemControl", valueCodeableConcept={"coding": [{"code": "autocomplete"}]}),
                ext("questionnaire-displayCategory", valueCodeableConcept={"text": "instructions"}),
                {"url": SDC + "shortText", "valueString": "Short"},
            ],
        )
    )
    assert (item.prefix, item.control, item.category, item.short_text) == (
        "1.",
        "autocomplete",
        "instructions",
        {"": "Short"},
    )


def test_what_is_in_a_hidden_group_is_hidden_and_what_is_read_only_is_not_asked() -> None:
    hidden = ext("questionnaire-hidden", valueBoolean=True)
    read_form = read(
        {"linkId": "g", "type": "group", "extension": [hidden], "item": [question("a", required=True)]},
        question("b", readOnly=True, required=True),
        question("c"),
    )
    assert [item.link_id for item in read_form.questions] == ["c"]
    assert read_form.by_id["a"].hidden


def test_an_initial_value_that_does_not_fit_is_left_out() -> None:
    read_form = read(
        question("n", "integer", readOnly=True, initial=[{"valueInteger": 4}]),
        choice("c", "x", readOnly=True, initial=[{"valueCoding": {"code": "unknown", "system": "urn:c"}}]),
    )
    assert filled(read_form, {}) == {"n": (Answer("integer", 4),)}
    assert len(read_form.notes) == 1


def test_several_conditions_without_a_word_on_how_they_combine_are_any_and_noted() -> None:
    conditions = [{"question": name, "operator": "=", "answerBoolean": True} for name in ("a", "b")]
    read_form = read(question("a"), question("b"), question("c", enableWhen=conditions))
    assert read_form.by_id["c"].enable_any
    assert any("any is enough" in note for note in read_form.notes)


def test_translations_are_found_by_the_languages_that_are_spoken_here() -> None:
    shown = [
        ext("translation", extension=[{"url": "lang", "valueCode": lang}, {"url": "content", "valueString": text}])
        for lang, text in (("zh-CN", "疼吗"), ("zh-HK", "痛嗎"), ("en-GB", "Pain?"), ("de", "Schmerzen?"))
    ]
    text = one(question("a", _text={"extension": shown})).text
    assert (text["zh-Hans"], text["zh-Hant"], text["en"], text["de"]) == ("疼吗", "痛嗎", "Pain?", "Schmerzen?")
