"""A questionnaire as somebody brings it: whatever is in the file, it is read or refused in plain words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from care.errors import Invalid
from care.services.questionnaire_files import LARGEST, read_file


def form(*items: dict[str, Any]) -> bytes:
    return json.dumps({"resourceType": "Questionnaire", "status": "draft", "item": list(items)}).encode()


def refusal(source: bytes) -> Invalid:
    with pytest.raises(Invalid) as refused:
        read_file(source)
    return refused.value


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\xff\xfe\x00", "not-utf-8"),
        (b"<Questionnaire xmlns='http://hl7.org/fhir'/>", "xml"),
        (b"linkId,text\n1,hello", "not-json"),
        (b'{"resourceType": "Questionnaire", "item": [', "not-json"),
        (b'{"resourceType": "Questionnaire", "x": NaN}', "not-json"),
        (b'{"resourceType": "Questionnaire", "x": 1e999}', "not-json"),
        (b'{"resourceType": "Questionnaire", "x": ' + b"9" * 5000 + b"}", "not-json"),
        (b'{"resourceType": "Questionnaire", "x": "a\\u0000b"}', "control-character"),
        (b'{"resourceType": "Questionnaire", "x": "\\ud800"}', "control-character"),
        (b'{"resourceType": "Questionnaire", "title": "a", "title": "b"}', "key-twice"),
        (b'{"resourceType": "Bundle"}', "not-a-questionnaire"),
        (b'{"resourceType": "Patient"}', "not-a-questionnaire"),
        (b"[1, 2]", "not-a-questionnaire"),
        (b'{"a":' * 50_000, "too-deep"),
        (b'{"resourceType": "Questionnaire", "x": ' + b"[" * 300 + b"]" * 300 + b"}", "too-deep"),
        (b" " * (LARGEST + 1), "too-large"),
    ],
)
def test_what_is_no_questionnaire_is_refused_by_name(source: bytes, code: str):
    assert refusal(source).code == code


def test_a_mark_of_the_byte_order_is_no_fault():
    assert read_file(b"\xef\xbb\xbf" + form({"linkId": "a", "type": "boolean"})).questionnaire.by_id.keys() == {"a"}


def test_everything_that_cannot_be_run_is_told_at_once_with_its_item():
    found = refusal(
        form(
            {"linkId": "a", "type": "choice", "text": "Which?"},
            {"linkId": "b", "type": "boolean"},
            {"linkId": "b", "type": "string"},
            {
                "linkId": "c",
                "type": "boolean",
                "enableWhen": [{"question": "nowhere", "operator": "=", "answerBoolean": True}],
            },
        )
    )
    told = {(each["code"], each["link_id"]) for each in found.detail["refusals"]}
    assert told == {("choice-without-options", "a"), ("duplicate-link-id", "b"), ("unknown-question", "c")}


def test_conditions_that_run_in_a_circle_are_refused():
    first = {"question": "b", "operator": "=", "answerBoolean": True}
    second = {"question": "a", "operator": "=", "answerBoolean": True}
    found = refusal(
        form(
            {"linkId": "a", "type": "boolean", "enableWhen": [first]},
            {"linkId": "b", "type": "boolean", "enableWhen": [second]},
        )
    )
    assert found.code == "circular-enable-when"


def test_ten_thousand_items_and_more_are_refused_in_bounded_time():
    items = [{"linkId": str(number), "type": "choice"} for number in range(10_001)]
    assert refusal(form(*items)).code in ("choice-without-options", "too-many-items")
