"""Answers out to FHIR and back, and measures from them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire as FhirQuestionnaire
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse as FhirResponse

from care.domain.questionnaire import Answer, Answers, check, from_response, measures, to_response
from care.errors import Invalid
from care.library import seeds
from tests.domain.forms import choice, form, question, shipped

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LEVEL = "https://care.invalid/fhir/CodeSystem/level"


def option(name: str, item: str, code: str) -> tuple[Answer, ...]:
    found = shipped()[name].by_id[item].option_of(Answer("coding", "", code=code))
    assert found is not None
    return (found.answer(),)


def quantity(value: float, code: str, comparator: str = "") -> tuple[Answer, ...]:
    return (Answer("quantity", value, code, comparator, code),)


FULL: dict[str, Answers] = {
    "glucose-daily": {
        "glucose": quantity(3.2, "mmol/L"),
        "symptoms": (Answer("boolean", True),),
        "context": option("glucose-daily", "context", "before-lunch"),
    },
    "glucose-diary-entry": {
        "kind": option("glucose-diary-entry", "kind", "glucose"),
        "glucose": quantity(20.0, "mg/dL", "<"),
        "at": (Answer("dateTime", "2026-03-02T08:00:00+00:00"),),
    },
    "heart-failure-daily": {
        "weight": quantity(154.0, "[lb_av]"),
        "breathlessness": option("heart-failure-daily", "breathlessness", "rest"),
        "swelling": (Answer("boolean", False),),
    },
    "cancer-symptoms": {
        "temperature": quantity(101.0, "[degF]"),
        **{name: option("cancer-symptoms", name, "mild") for name in ("pain", "nausea", "vomiting")},
        **{name: option("cancer-symptoms", name, "none") for name in ("diarrhoea", "tiredness")},
        "eating": option("cancer-symptoms", "eating", "half"),
        "anything-else": (Answer("string", "My daughter's wedding is on Sunday"),),
    },
}


def written(name: str, answers: Answers | None = None) -> dict[str, Any]:
    given = FULL[name] if answers is None else answers
    return to_response(shipped()[name], given, id="r1", patient="p1", authored=AT, status="completed")


@pytest.mark.parametrize("name", sorted(FULL))
def test_a_report_is_written_as_valid_fhir_and_read_back_the_same(name: str) -> None:
    document = written(name)
    FhirResponse.model_validate(document)
    assert from_response(shipped()[name], json.loads(json.dumps(document))) == FULL[name]
    assert check(shipped()[name], FULL[name]) == []
    assert json.dumps(document) == json.dumps(written(name))


@pytest.mark.parametrize("seed", [s for s in seeds() if s.kind == "Questionnaire"], ids=lambda seed: seed.url[-20:])
def test_every_shipped_questionnaire_is_valid_fhir(seed: Any) -> None:
    FhirQuestionnaire.model_validate(seed.document)


MEASURED = {
    "glucose-daily": [("2339-0", 57.6582, "mg/dL", "", "before-lunch"), ("hypoglycaemia-symptom", 1.0, "", "", "")],
    "glucose-diary-entry": [("2339-0", 20.0, "mg/dL", "<", "")],
    "heart-failure-daily": [
        ("29463-7", 69.8532, "kg", "", ""),
        ("breathlessness", 3.0, "", "", ""),
        ("swelling", 0.0, "", "", ""),
    ],
    "cancer-symptoms": [
        ("8310-5", 38.3333, "Cel", "", ""),
        ("symptom-pain", 1.0, "", "", ""),
        ("symptom-nausea", 1.0, "", "", ""),
        ("symptom-vomiting", 1.0, "", "", ""),
        ("symptom-diarrhoea", 0.0, "", "", ""),
        ("symptom-fatigue", 0.0, "", "", ""),
        ("symptom-appetite", 2.0, "", "", ""),
    ],
}


@pytest.mark.parametrize("name", sorted(FULL))
def test_measures_are_in_canonical_units(name: str) -> None:
    found = measures(shipped()[name], FULL[name], AT, lambda number: f"m{number}")
    assert [(m.code, m.value, m.unit, m.comparator, m.context) for m in found] == [
        (code, pytest.approx(value, abs=1e-3), *rest) for code, value, *rest in MEASURED[name]
    ]
    assert [m.id for m in found] == [f"m{number}" for number in range(len(found))]
    assert {m.at for m in found} == {AT}


def test_what_is_disabled_is_neither_written_nor_measured() -> None:
    answers = {
        "kind": option("glucose-diary-entry", "kind", "meal-more"),
        "glucose": quantity(58.0, "mg/dL"),
    }
    assert [each["linkId"] for each in written("glucose-diary-entry", answers)["item"]] == ["kind"]
    found = measures(shipped()["glucose-diary-entry"], answers, AT, str)
    assert [(m.code, m.value) for m in found] == [("meal-more", 1.0)]


def test_groups_and_questions_below_questions_keep_their_place() -> None:
    nested = form(
        {"linkId": "g", "type": "group", "text": "G", "item": [question("a", item=[question("b", "integer")])]},
        choice("c", "x", "y", repeats=True),
        question("d", "decimal"),
    )
    answers: Answers = {
        "a": (Answer("boolean", True),),
        "b": (Answer("integer", 4),),
        "c": (Answer("coding", "X", code="x", system="urn:c"), Answer("coding", "Y", code="y", system="urn:c")),
        "d": (Answer("decimal", 1.5),),
    }
    document = to_response(nested, answers, id="r", patient="Patient/p", authored=AT, status="completed")
    FhirResponse.model_validate(document)
    below = document["item"][0]["item"][0]["answer"][0]["item"][0]
    assert below == {"linkId": "b", "text": "Question b?", "answer": [{"valueInteger": 4}]}
    assert document["subject"] == {"reference": "Patient/p"}
    assert from_response(nested, document) == answers
    alone = to_response(nested, {"b": answers["b"]}, id="r", patient="p", authored=AT, status="stopped")
    assert alone.get("item", []) == []  # what stands below a question is a part of its answer


def response(*items: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "QuestionnaireResponse", "status": "completed", "item": list(items), **more}


def deep(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"linkId": "swelling"}
    for n in range(levels):
        inner = {"linkId": f"x{n}", "item": [inner]}
    return inner


BAD = [
    ("another resource", {"resourceType": "Patient"}, "not-a-response", "resourceType"),
    ("another form", response(questionnaire="urn:other"), "wrong-questionnaire", "questionnaire"),
    ("an unknown item", response({"linkId": "zzz"}), "unknown-item", "zzz"),
    ("an item without a linkId", response({}), "unknown-item", "None"),
    ("an item twice", response({"linkId": "swelling"}, {"linkId": "swelling"}), "duplicate-item", "swelling"),
    (
        "an answer that is no list",
        response({"linkId": "swelling", "answer": {"valueBoolean": True}}),
        "malformed-answer",
        "swelling",
    ),
    ("an answer without a value", response({"linkId": "swelling", "answer": [{}]}), "malformed-answer", "swelling"),
    (
        "a value of another type",
        response({"linkId": "swelling", "answer": [{"valueBoolean": "yes"}]}),
        "malformed-answer",
        "swelling",
    ),
    (
        "a boolean as a number",
        response({"linkId": "swelling", "answer": [{"valueInteger": True}]}),
        "malformed-answer",
        "swelling",
    ),
    ("a NUL", response({"linkId": "swelling", "answer": [{"valueString": "a\x00"}]}), "malformed-answer", "swelling"),
    (
        "a quantity without a value",
        response({"linkId": "weight", "answer": [{"valueQuantity": {"unit": "kg"}}]}),
        "malformed-answer",
        "weight",
    ),
    (
        "a quantity with a word",
        response({"linkId": "weight", "answer": [{"valueQuantity": {"value": "70"}}]}),
        "malformed-answer",
        "weight",
    ),
    ("items that are no list", response({"linkId": "swelling", "item": 3}), "malformed-item", "swelling"),
    ("far too deep", response(deep(5_000)), "unknown-item", "x4999"),
]


@pytest.mark.parametrize(("wrong", "code", "place"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_malformed_response_is_refused_by_its_link_id(wrong: dict[str, Any], code: str, place: str) -> None:
    with pytest.raises(Invalid) as refused:
        from_response(shipped()["heart-failure-daily"], wrong)
    assert (refused.value.code, refused.value.detail["place"]) == (code, place)


def test_a_refusal_does_not_repeat_what_the_patient_wrote() -> None:
    wrong = response({"linkId": "swelling", "answer": [{"valueBoolean": "my secret"}]})
    with pytest.raises(Invalid) as refused:
        from_response(shipped()["heart-failure-daily"], wrong)
    assert "secret" not in str(refused.value) + repr(refused.value.detail)


def test_a_coding_takes_the_display_of_its_option() -> None:
    sent = response({"linkId": "breathlessness", "answer": [{"valueCoding": {"code": "rest", "display": "anything"}}]})
    (answer,) = from_response(shipped()["heart-failure-daily"], sent)["breathlessness"]
    assert (answer.code, answer.system, answer.value) == ("rest", LEVEL, "Short of breath at rest or lying flat")
