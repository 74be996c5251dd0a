"""FHIRPath as forms use it: what an expression gives on a response, what it can look at, and that it always ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from care.domain.questionnaire.tools import PART, PREFIX, SUFFIX, ExpressionFailed
from care.errors import Invalid
from care.library.fhirpath import compile_expression

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
RESPONSE: dict[str, Any] = {
    "resourceType": "QuestionnaireResponse",
    "authored": "2026-03-02T09:00:00Z",
    "item": [
        {"linkId": "pain", "answer": [{"valueInteger": 3}]},
        {
            "linkId": "mood",
            "item": [
                {
                    "linkId": "mood.1",
                    "answer": [
                        {"valueCoding": {"code": "often", "extension": [{"url": ORDINAL, "valueDecimal": 2}]}},
                    ],
                },
                {"linkId": "mood.2", "answer": [{"valueCoding": {"code": "never", "system": "urn:mood"}}]},
            ],
        },
        {"linkId": "born", "answer": [{"valueDate": "1980-05-01"}]},
        {"linkId": "weight", "answer": [{"valueQuantity": {"value": 81.5, "unit": "kg", "code": "kg"}}]},
        {"linkId": "meds", "answer": [{"valueString": "aspirin"}, {"valueString": "metformin"}]},
    ],
}
FORM = {
    "resourceType": "Questionnaire",
    "item": [
        {
            "linkId": "mood.2",
            "type": "choice",
            "answerOption": [
                {
                    "valueCoding": {"code": "never", "system": "urn:mood"},
                    "extension": [{"url": ORDINAL, "valueDecimal": 0}],
                },
            ],
        }
    ],
}


def value(text: str, context: Any = RESPONSE, **variables: Any) -> list[Any]:
    environment = {"resource": RESPONSE, "questionnaire": FORM, "now": NOW, **variables}
    return compile_expression(text)(context, environment)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("item.where(linkId = 'pain').answer.value", [3]),
        ("item.where(linkId = 'pain').answer.valueInteger + 1", [4]),
        ("%resource.descendants().where(linkId = 'mood.1').answer.value.code", ["often"]),
        ("%resource.repeat(item).where(linkId = 'mood.2').exists()", [True]),
        ("item.where(linkId = 'mood').item.answer.value.ordinal().sum()", [2]),
        ("item.where(linkId = 'mood').item.answer.weight()", [2, 0]),
        ("item.answer.value.ofType(integer).sum()", [3]),
        ("item.answer.valueInteger.sum() / 2", [1.5]),
        ("item.where(linkId = 'nobody').answer.value.sum()", []),
        ("item.where(linkId = 'pain').answer.value / 0", []),
        ("item.where(linkId = 'meds').answer.value.join(', ')", ["aspirin, metformin"]),
        ("item.where(linkId = 'meds').answer.count() > 1", [True]),
        ("today() - 45 years >= item.where(linkId = 'born').answer.value", [True]),
        ("item.where(linkId = 'born').answer.value + 1 month", ["1980-06-01"]),
        ("item.where(linkId = 'weight').answer.value > 80 'kg'", [True]),
        ("item.where(linkId = 'weight').answer.value.value", [81.5]),
        ("(item.where(linkId = 'weight').answer.value.value / 1.75.power(2)).round(1)", [26.6]),
        ("authored > @2026-03-01", [True]),
        ("now()", ["2026-03-02T09:30:00.000Z"]),
        ("today()", ["2026-03-02"]),
        ("iif(item.where(linkId = 'pain').answer.value > 2, 'much', 'little')", ["much"]),
        ("defineVariable('pain', item.where(linkId = 'pain').answer.value).select(%pain * 2)", [6]),
        ("(0.1 + 0.2) = 0.3", [True]),
        ("item.select(linkId & '!').first()", ["pain!"]),
        ("%resource.descendants().where($this is Coding).code", ["often", "never"]),
        ("item.all(linkId.matches('^[a-z]+$'))", [True]),
        ("1 week > 6 days", [True]),
        ("1.587.lowBoundary(8)", [1.5865]),
        ("{} = 1", []),
        ("10.power(300)", []),
        ("10000000000000000000 * 10000000000000000000", []),
    ],
)
def test_an_expression_gives(text: str, expected: list[Any]) -> None:
    assert value(text) == expected


def test_an_expression_may_stand_on_one_item() -> None:
    item = RESPONSE["item"][0]
    assert value("answer.value > 2", context=item) == [True]
    assert value("%context.answer.value + %resource.item.where(linkId = 'pain').answer.value", context=item) == [6]


def test_a_variable_keeps_the_types_of_the_result_it_was_made_of() -> None:
    born = value("item.where(linkId = 'born').answer.value")
    assert born == ["1980-05-01"]
    assert value("%born + 1 year", born=born) == ["1981-05-01"]
    assert value("%born is date", born=born) == [True]
    assert value("%third + 1", third=value("1 / 3"))[0] == pytest.approx(4 / 3)


def test_a_variable_that_is_a_plain_date_is_compared_as_one() -> None:
    assert value("%born < today()", born="1980-05-01") == [True]


def test_two_texts_of_an_expression_are_read_once() -> None:
    assert compile_expression("1 + 41") is compile_expression("1 + 41")


@pytest.mark.parametrize(
    "text",
    [
        "1 +",
        "a b",
        "'open",
        "item.where(",
        "a)",
        "",
        "nothing.there()",
        "1.round(1, 2, 3)",
        "x is Nonsense",
        "@2026-13-01",
        "(" * 60 + "1" + ")" * 60,
        "-" * 500 + "1",
        "a" * 20_000,
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        compile_expression(text)
    assert refused.value.code == "unreadable-expression"


@pytest.mark.parametrize(
    "text",
    [
        "%unknown",
        "(1 | 2) + 1",
        "'a' > 1",
        "1 + true",
        "'a'.matches('(')",
    ],
)
def test_what_cannot_be_computed_fails_by_name(text: str) -> None:
    with pytest.raises(ExpressionFailed):
        value(text)


NESTED = "item"
for _ in range(12):
    NESTED = f"(%resource.descendants().where({NESTED}.exists()))"


@pytest.mark.parametrize(
    "text",
    [
        "%resource" + ".repeat($this | %resource.descendants())" * 40,
        "('a').repeat($this & 'a')",
        "(1).repeat($this + 1)",
        "('ab').aggregate($this)" + ".select($this & $this)" * 35,
        "('ab' | 'c')" + ".select($this & $this & $this & $this & $this & $this)" * 12,
        "'aaaaaaaaaaaaaaaaaaaaaaaaa'.replace('a', 'aaaaaaaaaaaaaaaaaaaa')"
        + ".replace('a', 'aaaaaaaaaaaaaaaaaaaa')" * 9,
        "(1|2|3|4|5|6|7|8|9|10)" + ".select(%resource.descendants())" * 9,
        "(1|2|3|4|5|6|7|8|9|10)" + ".combine((1|2|3|4|5|6|7|8|9|10))" * 3 + ".select($this).select(1|2|3|4|5|6|7)" * 30,
        NESTED,
    ],
)
def test_an_expression_that_grows_without_end_fails_in_bounded_steps(text: str) -> None:
    with pytest.raises(ExpressionFailed):
        value(text)


def test_an_expression_without_a_clock_does_not_read_one() -> None:
    with pytest.raises(ExpressionFailed) as failed:
        compile_expression("today()")(RESPONSE, {})
    assert failed.value.code == "no-clock"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%resource.item.where(linkId = 'a').answer.value", {"a"}),
        ("%resource.descendants().where(linkId = 'a' or 'b' = $this.linkId).answer.value", {"a", "b"}),
        ("%resource.repeat(item).where(linkId in ('a' | 'b' | 'c')).answer", {"a", "b", "c"}),
        ("item.where(linkId = 'g').item.where(linkId = 'a' and answer.exists()).answer.value", {"g"}),
        ("%resource.item.exists(linkId = 'a')", {"a"}),
        ("answer.value > 3", set()),
        ("%total + 1", set()),
        ("%questionnaire.item.where(linkId = 'x').text & %resource.item.where(linkId = 'a').answer.value", {"a"}),
        ("%resource.item.answer.value.sum()", None),
        ("%resource.item.where(linkId = 'g').item.answer.value", {"g"}),
        ("%resource.item.where(linkId = %which).answer", None),
        ("%resource.item.where(linkId.startsWith('a.')).answer", {PREFIX + "a."}),
        ("%resource.item.where($this.linkId.endsWith('.a') and answer.exists())", {SUFFIX + ".a"}),
        (r"%resource.descendants().where(linkId.matches('a\\.(pain|stiff)\\.q[0-9]+')).answer", {PART + "a."}),
        ("%resource.descendants().where(linkId.matches('^ab*')).answer", {PREFIX + "a"}),
        ("%resource.descendants().where(linkId.matches('a|b')).answer", None),
        ("%resource.descendants().where(linkId.matches('[ab]')).answer", None),
        ("%resource.item.where(linkId.startsWith(%which)).answer", None),
        ("%resource.item.where(linkId.startsWith('a').not()).answer", None),
        ("%resource.item.where(linkId = 'a' or answer.exists())", None),
        ("%resource.descendants().count()", None),
    ],
)
def test_an_expression_says_what_it_looks_at(text: str, expected: set[str] | None) -> None:
    assert compile_expression(text).link_ids == expected


def test_an_expression_says_which_variables_it_uses_and_whether_it_asks_for_the_time() -> None:
    told = compile_expression("defineVariable('own', 1).select(%own + %bmi + %resource.item.count()) > 0")
    assert told.names == {"bmi", "resource"}
    assert not told.timed
    assert compile_expression("iif(%a, today(), {})").timed
