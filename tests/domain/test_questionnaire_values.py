"""One answer as FHIR writes it, and what keeps it from being its question's answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.questionnaire import Answer, Item, Option
from care.domain.questionnaire.formats import is_before, is_date, is_date_time, is_time, is_uri, resource_type
from care.domain.questionnaire.formulas import Pattern
from care.domain.questionnaire.limits import LARGEST_FILE, problems_of
from care.domain.questionnaire.model import Span
from care.domain.questionnaire.values import LARGEST, Malformed, answer_of, canonical, fits, value_of


def asked(kind: str, **more: Any) -> Item:
    return Item("q", kind, {"": "?"}, **more)


def options(*given: Option) -> dict[str, Any]:
    return {"options": given, "by_key": {option.key: option for option in given}}


PAIN = options(
    Option("coding", {"": "None"}, "0", "urn:pain", exclusive=True), Option("coding", {"": "Some"}, "1", "urn:pain")
)

VALUES = [
    (asked("boolean"), {"valueBoolean": True}),
    (asked("integer"), {"valueInteger": -4}),
    (asked("decimal"), {"valueDecimal": 36.6}),
    (asked("string"), {"valueString": "my left knee"}),
    (asked("text"), {"valueString": "two\nlines"}),
    (asked("date"), {"valueDate": "2026-03"}),
    (asked("dateTime"), {"valueDateTime": "2026-03-02T08:00:00.25+08:00"}),
    (asked("time"), {"valueTime": "08:30:00"}),
    (asked("url"), {"valueUri": "https://example.org/a?b=1#c"}),
    (asked("choice", **PAIN), {"valueCoding": {"system": "urn:pain", "code": "1", "display": "Some"}}),
    (asked("open-choice", **PAIN), {"valueString": "it comes and goes"}),
    (asked("choice", **options(Option("date", {"": "2026-01-01"}))), {"valueDate": "2026-01-01"}),
    (
        asked("quantity", units=("kg",)),
        {"valueQuantity": {"value": 70, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}},
    ),
    (
        asked("quantity"),
        {"valueQuantity": {"value": 1.5, "comparator": "<", "unit": "sips", "system": "urn:sips", "code": "s"}},
    ),
    (asked("quantity"), {"valueQuantity": {"value": 2, "unit": "cups"}}),
    (
        asked("attachment"),
        {"valueAttachment": {"contentType": "image/png", "data": "iVBORw==", "size": 4, "title": "wound"}},
    ),
    (asked("attachment"), {"valueAttachment": {"url": "https://example.org/a.png"}}),
    (asked("attachment"), {"valueAttachment": {"contentType": "image/png", "creation": "2026", "data": "AAAA"}}),
    (asked("reference"), {"valueReference": {"reference": "Patient/1"}}),
    (asked("reference"), {"valueReference": {"display": "my GP"}}),
    (asked("reference"), {"valueReference": {"display": "Patient/1", "reference": "Patient/1"}}),
    (asked("reference"), {"valueReference": {"identifier": {"value": "7"}}}),
]


@pytest.mark.parametrize(("item", "raw"), VALUES, ids=[f"{item.type} {n}" for n, (item, _) in enumerate(VALUES)])
def test_a_value_is_read_and_written_as_it_was(item: Item, raw: dict[str, Any]) -> None:
    answer = answer_of(item, raw)
    assert answer is not None
    assert list(problems_of(item, answer)) == []
    assert value_of(item, answer) == raw
    assert Answer.from_json(json.loads(json.dumps(answer.to_json()))) == answer
    assert answer_of(item, json.loads(canonical(value_of(item, answer)))) == answer


def test_a_whole_number_is_a_decimals_answer_and_a_bare_number_has_the_one_unit() -> None:
    assert answer_of(asked("decimal"), {"valueInteger": 3}) == Answer("decimal", 3)
    bare = answer_of(asked("quantity", units=("kg",)), {"valueQuantity": {"value": 70}})
    assert bare == Answer("quantity", 70, "kg", code="kg")
    spelt = answer_of(asked("quantity"), {"valueQuantity": {"value": 70, "unit": "kg"}})
    assert spelt == bare


def test_an_entry_without_a_value_holds_no_answer() -> None:
    assert answer_of(asked("boolean"), {"item": []}) is None
    assert answer_of(asked("boolean"), {"valueBoolean": None}) is None


DEEP: Any = {}
for _ in range(100_000):
    DEEP = {"extension": [DEEP]}

UNREADABLE = [
    {"valueCode": "x"},
    {"valueBoolean": True, "valueInteger": 1},
    {"valueBoolean": "true"},
    {"valueInteger": True},
    {"valueInteger": 2**31},
    {"valueInteger": 1.5},
    {"valueDecimal": float("nan")},
    {"valueDecimal": float("inf")},
    {"valueDecimal": 10**400},
    {"valueString": 3},
    {"valueString": "a\x00b"},
    {"valueString": "\ud800"},
    {"valueString": "x" * (LARGEST + 1)},
    {"valueDate": 2026},
    {"valueUri": ["x"]},
    {"valueCoding": "x"},
    {"valueCoding": {}},
    {"valueCoding": {"code": 3}},
    {"valueCoding": {"code": "a", "display": "\x00"}},
    {"valueQuantity": {"unit": "kg"}},
    {"valueQuantity": {"value": "70"}},
    {"valueQuantity": {"value": True}},
    {"valueQuantity": {"value": 10**400}},
    {"valueQuantity": {"value": 1, "comparator": "~"}},
    {"valueQuantity": {"value": 1, "unit": 7}},
    {"valueAttachment": {}},
    {"valueAttachment": {"title": "a\x00"}},
    {"valueAttachment": {"title": {"x": 1}}},
    {"valueAttachment": {"title": "t", "size": float("nan")}},
    {"valueAttachment": {"title": "t", "extension": [DEEP]}},
    {"valueReference": {}},
    {"valueReference": {"reference": 7}},
]


@pytest.mark.parametrize("raw", UNREADABLE, ids=[f"{next(iter(raw))} {n}" for n, raw in enumerate(UNREADABLE)])
def test_what_cannot_be_read_is_refused_without_being_repeated(raw: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as refused:
        answer_of(asked("string"), raw)
    assert str(refused.value)
    assert "\x00" not in str(refused.value)


def text(value: str) -> Answer:
    return Answer("string", value)


def when(value: str, kind: str = "date") -> Answer:
    return Answer(kind, value)


def number(value: float, code: str = "", unit: str = "") -> Answer:
    return Answer("quantity", value, unit or code, code=code)


def file(title: str = "t", **content: Any) -> Answer:
    return Answer("attachment", title, content=json.dumps(content))


LETTERS = Pattern("[a-z]+", lambda value: value.isalpha() and value.islower(), "small letters")
LONG = "A" * 4 * (LARGEST_FILE // 3 + 1)

WRONG = [
    (asked("boolean"), text("maybe"), ["wrong-type"]),
    (asked("string"), Answer("string", 3), ["wrong-type"]),
    (asked("integer"), Answer("integer", 2**40), ["wrong-type"]),
    (asked("decimal"), Answer("decimal", float("nan")), ["wrong-type"]),
    (asked("choice", **PAIN), text("Some"), ["wrong-type"]),
    (asked("choice", **PAIN), Answer("coding", "Much", code="2", system="urn:pain"), ["not-an-option"]),
    (asked("choice", **PAIN), Answer("coding", "Some", code="1", system="urn:other"), ["not-an-option"]),
    (asked("open-choice", **PAIN), Answer("coding", "Much", code="2"), ["not-an-option"]),
    (asked("string", **options(Option("string", {"": "a"}))), text("b"), ["not-an-option"]),
    (asked("integer", minimum=20.0, maximum=2.0), Answer("integer", 5), ["out-of-range", "out-of-range"]),
    (asked("decimal", minimum=0.0, maximum=1.0), Answer("decimal", 1.0), []),
    (asked("decimal", max_decimals=2), Answer("decimal", 1.25), []),
    (asked("decimal", max_decimals=2), Answer("decimal", 1e-7), ["too-many-decimals"]),
    (asked("quantity", max_decimals=1), number(1.25), ["too-many-decimals"]),
    (asked("quantity", max_decimals=0), number(1e21), []),
    (asked("quantity", units=("kg", "[lb_av]")), number(150, "[lb_av]"), []),
    (asked("quantity", units=("kg",)), number(37, "Cel"), ["unknown-unit"]),
    (asked("quantity", units=("kg",)), number(70), ["unknown-unit"]),
    (asked("quantity", limits=Span(30, 300, "kg")), number(150, "[lb_av]"), []),
    (asked("quantity", limits=Span(30, 300, "kg")), number(30, "[lb_av]"), ["out-of-range"]),
    (asked("quantity", limits=Span(30, 300, "kg")), number(60, "Cel"), ["unknown-unit", "unknown-unit"]),
    (asked("quantity", unit_set=frozenset({("urn:u", "a")})), number(1, "b"), ["unknown-unit"]),
    (asked("quantity", unit_set=frozenset({("", "a")})), number(1, "a"), []),
    (asked("date"), when("2026-02-30"), ["not-a-date"]),
    (asked("date", minimum="2020", maximum="2022"), when("2022-12-31"), []),
    (asked("date", minimum="2020", maximum="2022"), when("1998"), ["out-of-range"]),
    (asked("date", minimum="2020-06-15"), when("2020-06"), []),
    (asked("dateTime"), when("2026-01-01T10:00:00", "dateTime"), ["not-a-date"]),
    (asked("dateTime"), when("2026-01-01T10:00Z", "dateTime"), ["not-a-date"]),
    (
        asked("dateTime", maximum="2026-01-01T00:00:00Z"),
        when("2026-01-01T07:59:59+08:00", "dateTime"),
        [],
    ),
    (
        asked("dateTime", maximum="2026-01-01T00:00:00Z"),
        when("2026-01-01T08:00:01+08:00", "dateTime"),
        ["out-of-range"],
    ),
    (asked("time"), when("24:00:00", "time"), ["not-a-date"]),
    (asked("time", minimum="08:00:00"), when("07:59:59", "time"), ["out-of-range"]),
    (asked("string"), text("  \n"), ["empty"]),
    (asked("string", min_length=3, max_length=2), text("abcd"), ["too-long"]),
    (asked("string", min_length=9, max_length=2), text("abcd"), ["too-short", "too-long"]),
    (asked("text"), text("x" * (LARGEST + 1)), ["too-long"]),
    (asked("text", pattern=LETTERS), text("abc"), []),
    (asked("text", pattern=LETTERS), text("Abc"), ["wrong-format"]),
    (asked("url"), Answer("url", "c:\\temp"), ["not-a-url"]),
    (asked("url"), Answer("url", "JavaScript:alert(1)"), ["not-a-url"]),
    (asked("attachment", media=("image/*",)), file(contentType="image/png"), []),
    (asked("attachment", media=("image/gif",)), file(contentType="image/png"), ["wrong-media"]),
    (asked("attachment"), file(data="AAAA", size=4), ["wrong-size"]),
    (asked("attachment"), file(data="AA=A"), ["wrong-size"]),
    (asked("attachment"), file(data="AA AA"), []),
    (asked("attachment", max_size=2.0), file(data="AAAA", size=3), ["too-large"]),
    (asked("attachment"), file(data=LONG), ["too-large"]),
    (asked("attachment"), file(url="javascript:alert(1)"), ["not-a-url"]),
    (asked("attachment"), Answer("attachment", "t", content="{"), []),
    (asked("reference"), Answer("reference", "Chicken/1"), ["wrong-resource"]),
    (asked("reference"), Answer("reference", "https://example.org/fhir/Patient/1/_history/2"), []),
    (asked("reference", resources=("Patient",)), Answer("reference", "Organization/1"), ["wrong-resource"]),
    (asked("reference"), Answer("reference", "ht tp://x/Patient/1"), ["not-a-reference"]),
    (asked("reference"), Answer("reference", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"), []),
    (asked("reference"), Answer("reference", "my GP", content='{"display":"my GP"}'), []),
]


@pytest.mark.parametrize(
    ("item", "answer", "codes"), WRONG, ids=[f"{item.type} {n}" for n, (item, _, _) in enumerate(WRONG)]
)
def test_what_keeps_an_answer_from_being_one_is_told_by_its_code(item: Item, answer: Answer, codes: list[str]) -> None:
    found = list(problems_of(item, answer))
    assert [code for code, _ in found] == codes
    assert all(message and str(answer.value) not in message for _, message in found if len(str(answer.value)) > 2)


@given(st.text(max_size=40))
def test_no_text_breaks_a_format(value: str) -> None:
    for look in (is_date, is_date_time, is_time, is_uri):
        assert look(value) in (True, False)
    resource_type(value)
    assert is_before(value, value) is False


@given(st.datetimes(timezones=st.timezones()))
def test_what_a_clock_says_is_a_date_time_and_is_not_before_itself(moment: Any) -> None:
    written = moment.replace(microsecond=0).isoformat(timespec="seconds")
    offset_of_minutes = len(written) == 25
    assert is_date_time(written) is (offset_of_minutes and moment.year >= 1)
    assert not is_before(written, written[:10])


@given(st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.none(), st.lists(st.integers())))
def test_every_value_fits_a_type_or_does_not(value: Any) -> None:
    assert fits("boolean", value) is isinstance(value, bool)
    assert not (fits("integer", value) and fits("string", value))


def test_a_document_has_one_form_in_bytes() -> None:
    assert canonical({"b": [1.5, "é"], "a": None}) == '{"a":null,"b":[1.5,"é"]}'.encode()
    with pytest.raises(ValueError):
        canonical({"a": float("nan")})
    with pytest.raises(ValueError):
        canonical("\ud800")
