"""What a questionnaire is made of, and how it fits into text messages."""

from __future__ import annotations

from care.domain.questionnaire.summary import summary
from tests.domain.forms import choice, form, question, shipped


def test_questions_groups_and_texts_are_counted():
    found = summary(
        form(
            {"linkId": "intro", "type": "display", "text": "Hello"},
            {"linkId": "g", "type": "group", "item": [question("a", required=True), question("b", "string")]},
        ),
        ("en",),
    )
    assert (found.questions, found.required, found.groups, found.displays) == (2, 1, 1, 1)


def test_the_languages_are_told_with_how_much_is_translated():
    found = summary(shipped()["heart-failure-daily"], ("en", "zh-Hans"))
    assert found.languages["zh-Hans"] == 1.0
    half = question("a")
    half["_text"] = {
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/translation",
                "extension": [{"url": "lang", "valueCode": "de"}, {"url": "content", "valueString": "Frage?"}],
            }
        ]
    }
    assert summary(form(half, question("b")), ("en",)).languages["de"] == 0.5


def test_what_is_hard_by_text_is_named():
    long = question("long", "string", text="Tell us about it. " * 60)
    many = choice("many", *(f"code{number}" for number in range(12)))
    found = {fit.link_id: fit for fit in summary(form(long, many, question("easy")), ("en",)).fits}
    assert found["long"].remarks == ("long",)
    assert found["many"].remarks == ("many-options",)
    assert found["easy"].remarks == ()
    assert found["easy"].segments == {"en": 1}


def test_chinese_takes_more_parts_than_english():
    found = summary(shipped()["cancer-symptoms"], ("en", "zh-Hans"))
    assert found.segments("zh-Hans") >= len(found.fits)


def test_what_a_form_uses_is_counted():
    when = [{"question": "a", "operator": "exists", "answerBoolean": True}]
    found = summary(form(question("a"), question("b", enableWhen=when), choice("c", "x", "y", repeats=True)), ("en",))
    assert found.features["conditional"] == 1
    assert found.features["several-answers"] == 1
