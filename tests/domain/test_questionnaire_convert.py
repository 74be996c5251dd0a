"""Other versions of FHIR as R4: a table of what each construct becomes, and that nothing is lost on the way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.questionnaire.convert import to_r4
from care.errors import Invalid
from care.library import canonical_json
from tests.conftest import shared
from tests.domain.forms import document

R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Questionnaire."
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
CORE = "http://hl7.org/fhir/StructureDefinition/"
A = {"valueCoding": {"code": "a"}}
EXPRESSION = {"language": "text/fhirpath", "expression": "1 + 1"}


def aside(name: str, code: str) -> dict[str, Any]:
    return {"url": f"{R5}item.{name}", "valueCode": code}


CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("STU3 option", {"type": "choice", "option": [A]}, {"type": "choice", "answerOption": [A]}),
    ("STU3 options", {"options": {"reference": "#v"}}, {"answerValueSet": "#v"}),
    (
        "STU3 hasAnswer",
        {"enableWhen": [{"question": "q", "hasAnswer": False}]},
        {"enableWhen": [{"question": "q", "operator": "exists", "answerBoolean": False}]},
    ),
    (
        "STU3 condition",
        {"enableWhen": [{"question": "q", "answerInteger": 3}]},
        {"enableWhen": [{"question": "q", "operator": "=", "answerInteger": 3}]},
    ),
    (
        "several conditions",
        {"enableWhen": [{"question": "q", "operator": ">", "answerInteger": n} for n in (1, 2)]},
        {
            "enableWhen": [{"question": "q", "operator": ">", "answerInteger": n} for n in (1, 2)],
            "enableBehavior": "any",
        },
    ),
    ("STU3 question", {"type": "question", "option": [A]}, {"type": "choice", "answerOption": [A]}),
    ("a question of no type stays", {"type": "question"}, {"type": "question"}),
    ("STU3 initial", {"initialDate": "2020-01-01"}, {"initial": [{"valueDate": "2020-01-01"}]}),
    (
        "STU3 ordinal",
        {"option": [{**A, "extension": [{"url": f"{CORE}questionnaire-ordinalValue", "valueDecimal": 2}]}]},
        {"answerOption": [{**A, "extension": [{"url": f"{CORE}ordinalValue", "valueDecimal": 2}]}]},
    ),
    (
        "STU3 formula",
        {"extension": [{"url": f"{CORE}questionnaire-calculatedExpression", "valueString": "1 + 1"}]},
        {"extension": [{"url": f"{SDC}calculatedExpression", "valueExpression": EXPRESSION}]},
    ),
    ("R5 coding", {"type": "coding", "answerOption": [A]}, {"type": "choice", "answerOption": [A]}),
    (
        "R5 open coding",
        {"type": "coding", "answerOption": [A], "answerConstraint": "optionsOrString"},
        {"type": "open-choice", "answerOption": [A], "extension": [aside("answerConstraint", "optionsOrString")]},
    ),
    (
        "R5 string with options",
        {"type": "string", "answerOption": [{"valueString": "x"}], "answerConstraint": "optionsOnly"},
        {
            "type": "choice",
            "answerOption": [{"valueString": "x"}],
            "extension": [aside("answerConstraint", "optionsOnly")],
        },
    ),
    (
        "R5 suggestions",
        {"type": "integer", "answerOption": [{"valueInteger": 1}], "answerConstraint": "optionsOrType"},
        {
            "type": "integer",
            "answerOption": [{"valueInteger": 1}],
            "extension": [aside("answerConstraint", "optionsOrType")],
        },
    ),
    (
        "R5 disabled display",
        {"type": "string", "disabledDisplay": "hidden"},
        {"type": "string", "extension": [aside("disabledDisplay", "hidden")]},
    ),
    ("one for a list", {"initial": {"value": False}}, {"initial": [{"valueBoolean": False}]}),
    ("a type inside", {"initial": [{"value": {"string": "x"}}]}, {"initial": [{"valueString": "x"}]}),
    (
        "an answer without type",
        {"enableWhen": [{"question": "q", "operator": "!=", "answer": {"string": "x"}}]},
        {"enableWhen": [{"question": "q", "operator": "!=", "answerString": "x"}]},
    ),
    (
        "several answers",
        {"type": "string", "extension": [{"url": f"{CORE}questionnaire-minOccurs", "valueInteger": 2}]},
        {
            "type": "string",
            "extension": [{"url": f"{CORE}questionnaire-minOccurs", "valueInteger": 2}],
            "repeats": True,
        },
    ),
    (
        "first-class extensions",
        {"hidden": True, "initialExpression": EXPRESSION},
        {
            "extension": [
                {"url": f"{CORE}questionnaire-hidden", "valueBoolean": True},
                {"url": f"{SDC}initialExpression", "valueExpression": EXPRESSION},
            ]
        },
    ),
]


@pytest.mark.parametrize(("given", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_construct_of_another_version_becomes_what_r4_has_for_it(
    given: dict[str, Any], wanted: dict[str, Any]
) -> None:
    before = document({"linkId": "top", "type": "group", "item": [{"linkId": "a", **given}]})
    kept = deepcopy(before)
    after, notes = to_r4(before)
    assert after["item"][0]["item"] == [{"linkId": "a", **wanted}]
    assert bool(notes) == (given != wanted and "suggestions" not in given)
    assert before == kept
    assert to_r4(after) == (after, ())


def test_what_is_r4_already_stays_as_it_is() -> None:
    plain = document({"linkId": "a", "type": "choice", "answerOption": [A], "enableBehavior": "all"})
    assert to_r4(plain) == (plain, ())


def test_a_change_is_told_once_with_how_often() -> None:
    _, notes = to_r4(document(*({"linkId": str(n), "type": "coding", "answerOption": [A]} for n in range(3))))
    assert notes == ("type coding is choice (3 times)",)


def test_a_copyright_label_and_a_version_algorithm_are_kept_aside() -> None:
    after, _ = to_r4(document() | {"copyrightLabel": "(c)", "versionAlgorithmString": "semver"})
    assert after["extension"] == [
        {"url": f"{R5}copyrightLabel", "valueString": "(c)"},
        {"url": f"{R5}versionAlgorithm", "valueString": "semver"},
    ]


def test_one_questionnaire_in_a_bundle_is_read_with_the_value_sets_beside_it() -> None:
    form = document({"linkId": "a", "type": "choice", "answerValueSet": "http://v"})
    colours = {"resourceType": "ValueSet", "url": "http://v"}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": form}, {"resource": colours}]}
    package = {"resourceType": "Parameters", "parameter": [{"name": "return", "resource": bundle}]}
    for envelope in (bundle, package):
        after, notes = to_r4(envelope)
        assert after == {**form, "contained": [colours]}
        assert notes == (f"read from a {envelope['resourceType']}",)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, "not-a-questionnaire"),
        ([], "not-a-questionnaire"),
        ({"resourceType": "Patient"}, "not-a-questionnaire"),
        ({"resourceType": "Bundle"}, "not-a-questionnaire"),
        ({"resourceType": "Bundle", "entry": [{"resource": document()}] * 2}, "several-questionnaires"),
        ({"resourceType": "Bundle", "entry": [{"resource": document()}] * 3_000}, "too-many-items"),
        ({"resourceType": "Questionnaire", "group": {}}, "not-a-questionnaire"),
        (document(*({"linkId": str(n)} for n in range(10_001))), "too-many-items"),
    ],
)
def test_what_cannot_be_one_is_refused_by_name(given: Any, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        to_r4(given)
    assert refused.value.code == code


def test_depth_without_end_is_refused_and_breaks_nothing() -> None:
    deep: dict[str, Any] = {"linkId": "0"}
    for n in range(1, 5_000):
        deep = {"linkId": str(n), "item": [deep]}
    with pytest.raises(Invalid) as refused:
        to_r4(document(deep))
    assert refused.value.code == "too-deep"


NAMES = (
    *("item", "type", "option", "options", "enableWhen", "answer", "value", "initial", "url", "extension", "hidden"),
    *("valueString", "answerConstraint", "answerOption", "valueCoding", "reference", "linkId"),
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(_json)
@settings(max_examples=200, deadline=None)
def test_no_json_at_all_breaks_it(inner: Any) -> None:
    for raw in (inner, {"resourceType": "Questionnaire", "item": inner}, {"resourceType": "Bundle", "entry": inner}):
        try:
            to_r4(raw)
        except Invalid:
            continue


def leaves(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
        else:
            yield json.dumps(each)


def test_nothing_of_the_shared_forms_is_lost_when_they_are_read_and_written() -> None:
    index = json.loads(shared("questionnaires/dev/index.json").read_bytes())["questionnaires"]
    for each in index:
        source = shared(f"questionnaires/dev/{each['file']}").read_bytes()
        found = json.loads(source)
        written = canonical_json(found)
        assert canonical_json(json.loads(written)) == written
        assert json.loads(written) == found
        after, notes = to_r4(found)
        retyped = Counter({'"coding"': 1, '"question"': 1}) if any(n.startswith("type ") for n in notes) else Counter()
        lost = Counter(leaves(found)) - Counter(leaves(after))
        assert set(lost) <= set(retyped) | {'"http://hl7.org/fhir/StructureDefinition/questionnaire-ordinalValue"'}, (
            each["file"],
            lost,
        )
        assert to_r4(after) == (after, ())
        assert notes or after == found
