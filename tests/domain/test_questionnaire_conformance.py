"""Published suites: responses with a stated verdict and the place of each fault, and real pairs of form and response.

Every case passes or stands in docs/conformance-questionnaires.md with the reason it differs; the tables there are what
these tests compare with, so that a new difference fails, and one that is gone too.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from care.domain.questionnaire import Questionnaire, enabled, filled, from_response, read_questionnaire, to_response
from care.domain.questionnaire.convert import to_r4
from care.domain.questionnaire.entries import Problem
from care.domain.questionnaire.validate import is_valid, validate
from care.errors import Invalid
from care.library.tools import questionnaire_tools
from tests.conftest import NOON, ROOT, SHARED, shared
from tests.domain import fhir_xml

SUITE = "questionnaires/conformance/fhir-test-cases"
PAIRS = "questionnaires/conformance/qr_pairs"
DOCUMENT = Path(ROOT) / "docs/conformance-questionnaires.md"

CODES = {
    "invalidAnswerType": {"wrong-type", "malformed-answer"},
    "invalidAnswerOption": {"not-an-option"},
    "invalidCoding": {"not-an-option", "wrong-display"},
    "exclusiveAnswerOption": {"exclusive"},
    "minValue": {"out-of-range"},
    "maxValue": {"out-of-range"},
    "minValueIncompatUnits": {"unknown-unit"},
    "maxValueIncompatUnits": {"unknown-unit"},
    "invalidUnit": {"unknown-unit"},
    "invalidUnitValueSet": {"unknown-unit"},
    "required": {"required"},
    "repeats": {"not-repeating"},
    "minCount": {"too-few"},
    "maxCount": {"too-many"},
    "minLength": {"too-short"},
    "maxLength": {"too-long"},
    "regex": {"wrong-format"},
    "maxDecimalPlaces": {"too-many-decimals"},
    "invalidNewLine": {"line-break"},
    "displayAnswer": {"display-answer"},
    "groupShouldNotHaveAnswers": {"group-answer"},
    "invalidLinkId": {"unknown-item"},
    "invalidType": {"unknown-type"},
    "invalidAttachmentType": {"wrong-media"},
    "maxAttachmentSize": {"too-large"},
    "attachmentSizeInconsistent": {"wrong-size"},
    "invalidRefResourceType": {"wrong-resource"},
    "invalidRefResourceTypeRestriction": {"wrong-resource"},
    "invalidRefValue": {"not-a-reference"},
    "invalidUrlValue": {"not-a-url"},
    "tsError": {"value-set-not-at-hand"},
    "questionnaireNotFound": {"no-questionnaire"},
    "questionnaireDraft": {"draft"},
    "questionnaireRetired": {"retired"},
    "questionnaireInactive": {"not-in-effect"},
}
"""The suite's word for a fault, and ours."""


@cache
def different(heading: str) -> dict[str, str]:
    """The cases that a table of the document lists, with the reason."""
    text = DOCUMENT.read_text(encoding="utf-8")
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    assert section, heading
    return dict(re.findall(r"^\| `([^`]+)` \| .*? \| (.+?) \|$", section, re.MULTILINE))


@cache
def cases() -> list[dict[str, Any]]:
    """The cases that state whether the response is valid."""
    every = json.loads(shared(f"{SUITE}/cases.json").read_text(encoding="utf-8"))["cases"]
    return [case for case in every if case["expected_valid"] is not None]


@cache
def others() -> list[dict[str, Any]]:
    """The cases in which the suite itself states no verdict: HL7's own validator gave one for a response."""
    every = json.loads(shared(f"{SUITE}/cases.json").read_text(encoding="utf-8"))["cases"]
    stated = [case for case in every if case["expected_valid"] is None and case["expected_valid_java"] is not None]
    return [case for case in stated if case["supporting"] and _kind(case["file"]) == "QuestionnaireResponse"]


def _kind(file: str) -> str:
    try:
        return str(loaded(f"{SUITE}/files/{file}")["resourceType"])
    except ValueError:
        return "QuestionnaireResponse"  # broken JSON is one of the cases


@cache
def loaded(path: str) -> dict[str, Any]:
    text = shared(path).read_text(encoding="utf-8")
    found: dict[str, Any] = fhir_xml.document(text) if path.endswith(".xml") else json.loads(text)
    return found


def read(document: dict[str, Any]) -> Questionnaire:
    return read_questionnaire(to_r4(document)[0], questionnaire_tools(), to_run=False)


def found_in(case: dict[str, Any]) -> list[Problem]:
    """What is wrong with a case's response; a form that is refused is the one thing wrong with it."""
    if not case["supporting"]:
        return [Problem("QuestionnaireResponse.questionnaire", "", "no-questionnaire", "there is no such form")]
    try:
        form = read(_form(case["supporting"]))
    except Invalid as refused:
        return [Problem("Questionnaire", str(refused.detail.get("link_id", "")), refused.code, refused.message)]
    try:
        response = loaded(f"{SUITE}/files/{case['file']}")
    except ValueError:
        return [Problem("QuestionnaireResponse", "", "not-json", "the door refuses what is no JSON")]
    return validate(form, response)


def _form(files: list[str]) -> dict[str, Any]:
    """A case's form, with the value sets beside it."""
    resources = [loaded(f"{SUITE}/files/{file}") for file in files]
    if len(resources) == 1:
        return resources[0]
    return {"resourceType": "Bundle", "entry": [{"resource": resource} for resource in resources]}


def test_the_suite_is_whole() -> None:
    assert len(cases()) == 75
    assert sum(case["expected_valid"] is False for case in cases()) == 57
    assert sum(case["issues_brianpos"] is not None for case in cases()) == 71


def test_a_response_is_valid_where_the_suite_says_so() -> None:
    wrong = {case["name"] for case in cases() if is_valid(found_in(case)) is not case["expected_valid"]}
    assert wrong == set(different("Verdicts"))


def test_each_fault_is_found_in_its_place() -> None:
    assert {case["name"] for case in cases() if not _is_located(case)} == set(different("Places"))


def _is_located(case: dict[str, Any]) -> bool:
    """Whether the faults that the suite names are those that are found, each in its place, and no other error."""
    if case["issues_brianpos"] is None:
        return True
    wanted = Counter((issue["expression"], *issue["ids"]) for issue in case["issues_brianpos"])
    found = found_in(case)
    for expression, word in wanted.elements():
        fits = (one for one in found if one.expression == expression and one.code in CODES.get(word, ()))
        first = next(fits, None)
        if first is None:
            return False
        found.remove(first)
    return is_valid(found)


def test_where_only_hl7s_validator_gave_a_verdict_ours_is_the_same() -> None:
    assert len(others()) == 16
    wrong = {case["name"] for case in others() if is_valid(found_in(case)) is not case["expected_valid_java"]}
    assert wrong == set(different("Verdicts of HL7's validator"))


TABLE = "questionnaires/conformance/enablewhen/android-fhir-truth-table.json"
TYPES = {"valueBoolean": "boolean", "valueInteger": "integer", "valueCoding": "choice"}


def test_every_row_of_the_truth_table_holds_in_a_form_of_its_own() -> None:
    rows = loaded(TABLE)["cases"]
    assert len(rows) == 33
    assert [row["name"] for row in rows if _is_shown(row) is not row["enabled"]] == []


def _is_shown(row: dict[str, Any]) -> bool:
    """Whether an item with the row's conditions is enabled, in a form with a question for each, answered as it says."""
    questions: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    conditions: list[dict[str, Any]] = []
    for number, condition in enumerate(row["conditions"]):
        link_id, expected, actual = f"q{number}", _fhir(condition["expected"]), condition["actual"]
        kind = TYPES[next(iter(actual[0] if actual else expected))]
        options = {"answerOption": [*actual, expected]} if kind == "choice" else {}
        questions.append({"linkId": link_id, "type": kind, "repeats": True, **options})
        answers.append({"linkId": link_id, "answer": actual})
        ((name, value),) = expected.items()
        operator = condition["operator"]
        conditions.append({"question": link_id, "operator": operator, name.replace("value", "answer"): value})
    behavior = {"enableBehavior": row["enableBehavior"]} if row["enableBehavior"] else {}
    target = {"linkId": "target", "type": "boolean", "enableWhen": conditions, **behavior}
    form = read_questionnaire({"resourceType": "Questionnaire", "item": [target, *questions]})
    response = {"resourceType": "QuestionnaireResponse", "item": [one for one in answers if one["answer"]]}
    return "target" in enabled(form, from_response(form, response))


def _fhir(raw: dict[str, Any]) -> dict[str, Any]:
    """A value as FHIR has it; one row has it in the source's own language."""
    return {"valueBoolean": False} if raw.get("raw") == "FhirR4Boolean(value = false)" else raw


@cache
def pairs() -> list[dict[str, Any]]:
    """The pairs that are here: {file, expectation, …} of the index."""
    every = json.loads(shared(f"{PAIRS}/index.json").read_text(encoding="utf-8"))
    return [pair for pair in every if (SHARED / PAIRS / pair["file"]).exists()]


def judged(pair: dict[str, Any]) -> str:
    """What becomes of a pair: read | refused: code | the codes of what is wrong with the response."""
    both = loaded(f"{PAIRS}/{pair['file']}")
    try:
        form = read(both["questionnaire"])
    except Invalid as refused:
        return f"refused: {refused.code}"
    codes = {one.code for one in validate(form, both["response"]) if one.severity == "error"}
    return ", ".join(sorted(codes)) or "valid"


def test_the_pairs_are_here() -> None:
    assert len(pairs()) == 51
    assert sum(pair["expectation"] == "presumed valid" for pair in pairs()) == 12


def test_a_completed_response_of_somebody_else_is_valid() -> None:
    completed = [pair for pair in pairs() if pair["expectation"] == "presumed valid"]
    found = {pair["file"]: judged(pair) for pair in completed}
    assert {file: told for file, told in found.items() if told != "valid"} == different("Completed pairs")


def test_a_response_that_is_not_finished_or_not_of_this_version_is_looked_at_too() -> None:
    others = [pair for pair in pairs() if pair["expectation"] != "presumed valid"]
    found = {pair["file"]: judged(pair) for pair in others}
    assert {file: told for file, told in found.items() if told != "valid"} == different("Other pairs")


def test_a_response_that_can_be_read_loses_nothing_when_it_is_written_again() -> None:
    checked = 0
    for pair in pairs():
        both = loaded(f"{PAIRS}/{pair['file']}")
        try:
            form = read(both["questionnaire"])
            answers = from_response(form, both["response"] | {"questionnaire": form.canonical or None})
        except Invalid:
            continue
        whole = filled(form, answers)
        on = enabled(form, whole)
        document = to_response(form, answers, id="r", patient="p", authored=NOON, status="completed")
        read_again = from_response(form, document)
        kept = {at: given for at, given in read_again.items() if given[0].type != "count"}
        assert Counter(kept.values()) == Counter(
            given for at, given in whole.items() if at in on and given and given[0].type != "count"
        ), pair["file"]
        checked += 1
    assert checked >= 37
