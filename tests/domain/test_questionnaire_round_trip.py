"""Random forms and answers: what is written is valid FHIR, holds what is enabled, and is read back the same."""

from __future__ import annotations

import json
from typing import Any

from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse as FhirResponse
from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.questionnaire import (
    Answer,
    Answers,
    Questionnaire,
    check,
    enabled,
    filled,
    from_response,
    link_id_of,
    read_questionnaire,
    to_response,
)
from care.domain.questionnaire.convert import to_r4
from care.domain.questionnaire.validate import is_valid, validate
from care.domain.questionnaire.values import canonical
from care.errors import Invalid
from care.library.tools import questionnaire_tools
from care.services.rehearsals import rehearse
from tests.conftest import NOON, shared
from tests.domain.random_forms import answers_to, forms

SOME = settings(max_examples=80, deadline=None)


def written(form: Questionnaire, answers: Answers) -> dict[str, Any]:
    return to_response(form, answers, id="r", patient="p", authored=NOON, status="completed")


@SOME
@given(st.data())
def test_answers_are_read_back_as_they_were_written(data: st.DataObject) -> None:
    form = data.draw(forms(conditions=False))
    answers = data.draw(answers_to(form))
    document = written(form, answers)
    assert from_response(form, document) == answers
    assert from_response(form, json.loads(canonical(document))) == answers


@SOME
@given(st.data())
def test_what_is_written_is_valid_fhir_and_the_same_in_bytes(data: st.DataObject) -> None:
    form = data.draw(forms())
    answers = data.draw(answers_to(form))
    document = written(form, answers)
    FhirResponse.model_validate(json.loads(json.dumps(document)))
    again = written(form, from_response(form, document))
    assert json.dumps(again) == json.dumps(document)
    backwards = dict(reversed(answers.items()))
    assert canonical(written(form, backwards)) == canonical(document)


@SOME
@given(st.data())
def test_only_what_is_enabled_is_written_and_nothing_of_it_is_lost(data: st.DataObject) -> None:
    form = data.draw(forms())
    answers = data.draw(answers_to(form))
    whole = filled(form, answers)
    on = enabled(form, whole)
    wanted = sorted(_said(at, given) for at, given in whole.items() if at in on and given[0].type != "count")
    read = from_response(form, written(form, answers))
    assert sorted(_said(at, given) for at, given in read.items() if given[0].type != "count") == wanted


def _said(at: str, given: tuple[Answer, ...]) -> tuple[str, str]:
    """The question and its answers; instances move up when one before them is disabled."""
    return link_id_of(at), str(given)


@SOME
@given(st.data())
def test_a_report_without_an_issue_is_a_valid_document(data: st.DataObject) -> None:
    form = data.draw(forms())
    answers = data.draw(answers_to(form))
    on = enabled(form, filled(form, answers))
    issues = check(form, {at: given for at, given in answers.items() if at in on})
    assert {issue.code for issue in issues} <= {"required"}
    problems = validate(form, written(form, answers))
    assert {one.code for one in problems if one.severity == "error"} <= {"required"}
    if not issues:
        assert is_valid(problems)


@SOME
@given(st.data())
def test_no_document_breaks_the_reading(data: st.DataObject) -> None:
    """A document with one part replaced by something else is read, or every problem has its place."""
    form = data.draw(forms(depth=2))
    document = json.loads(json.dumps(written(form, data.draw(answers_to(form)))))
    parts = list(_parts(document))
    where, key = data.draw(st.sampled_from(parts))
    junk = st.sampled_from(
        [None, True, 7, "x", "\x00", [], {}, [[]], [{}], [{"linkId": "i0"}], {"linkId": "i0"}, 1e400]
    )
    where[key] = data.draw(junk)
    for problem in validate(form, document):
        assert problem.expression.startswith("QuestionnaireResponse")
        assert problem.code
        assert problem.message


def test_a_report_of_every_real_form_is_read_back_as_it_was_written() -> None:
    """Forms of public repositories, each filled in by chance: answers, report, answers, report."""
    checked = 0
    for path in sorted(shared("questionnaires/dev").glob("*.json")):
        try:
            form = read_questionnaire(to_r4(json.loads(path.read_bytes()))[0], questionnaire_tools())
        except Invalid:
            continue
        document = dict(rehearse(form, "form", 7, NOON).response)
        answers = from_response(form, document)
        assert canonical(written(form, answers).get("item")) == canonical(document.get("item")), path.name
        assert from_response(form, json.loads(canonical(document))) == answers
        FhirResponse.model_validate(json.loads(json.dumps(written(form, answers))))
        checked += 1
    assert checked > 300


def _parts(node: Any) -> Any:
    keys = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from _parts(node[key])
