"""Scores: sums, means, reversed items, subscales, what is missing, bands; and the cases that others publish."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.questionnaire import Answer, Answers, Questionnaire, measures, read_questionnaire
from care.domain.questionnaire.read_scores import read_scores
from care.domain.questionnaire.scores import ScoreDefinition, applies, score
from care.errors import Invalid
from tests.conftest import shared

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"


def form(*link_ids: str, codes: Mapping[str, str] | None = None, more: Sequence[dict[str, Any]] = ()) -> Questionnaire:
    """A form of integer questions."""
    items: list[dict[str, Any]] = [
        {
            "linkId": link_id,
            "text": link_id,
            "type": "integer",
            **({"code": [{"system": "http://loinc.org", "code": codes[link_id]}]} if codes else {}),
        }
        for link_id in link_ids
    ]
    return read_questionnaire(
        {
            "resourceType": "Questionnaire",
            "url": "urn:test",
            "version": "1",
            "status": "active",
            "item": [*items, *more],
        }
    )


def definition(*scales: dict[str, Any]) -> ScoreDefinition:
    """A definition of our own for these scales; what a scale leaves out is filled in."""
    full = [
        {"id": "total", "code": "total", "title": {"en": "Total"}, "method": "sum", "range": [0, 99], **scale}
        for scale in scales
    ]
    return read_scores(
        {
            "id": "test",
            "version": "1",
            "title": {"en": "Test"},
            "licence": {"status": "free", "holder": "nobody", "url": "https://example.org", "text": "Free."},
            "citation": {"text": "Made up."},
            "scores": full,
        }
    )


def items(*link_ids: str, **more: Any) -> list[dict[str, Any]]:
    return [{"link_id": link_id, **more} for link_id in link_ids]


def whole(**values: int) -> Answers:
    return {link_id: (Answer("integer", value),) for link_id, value in values.items()}


ABC = form("a", "b", "c")


def test_a_sum_adds_and_a_mean_divides_by_what_was_answered() -> None:
    (total,) = score(definition({"items": items("a", "b", "c")}), ABC, whole(a=1, b=2, c=3))
    assert (total.value, total.missing, total.reason, total.prorated) == (6.0, (), "", False)
    mean = definition({"items": items("a", "b", "c"), "method": "mean", "may_miss": 1, "digits": 2})
    (found,) = score(mean, ABC, whole(a=1, c=2))
    assert (found.value, found.missing) == (1.5, ("b",))


def test_a_score_with_more_missing_than_may_be_has_no_value_and_says_what_is_missing() -> None:
    (found,) = score(definition({"items": items("a", "b", "c"), "may_miss": 1}), ABC, whole(b=2))
    assert (found.value, found.reason, found.missing, found.band) == (None, "missing", ("a", "c"), None)


def test_nothing_answered_is_no_score_whatever_may_be_missing() -> None:
    (found,) = score(definition({"items": items("a", "b", "c"), "may_miss": 2}), ABC, {})
    assert found.value is None


def test_what_is_missing_is_the_mean_of_the_others_or_nothing() -> None:
    prorated = definition({"items": items("a", "b", "c"), "may_miss": 1})
    (found,) = score(prorated, ABC, whole(a=1, b=2))
    assert (found.value, found.prorated) == (5.0, True)  # 4.5, half up
    plain = definition({"items": items("a", "b", "c"), "may_miss": 1, "prorate": False})
    assert score(plain, ABC, whole(a=1, b=2))[0].value == 3.0


def test_a_reversed_item_counts_from_the_other_end_and_one_outside_its_scale_not_at_all() -> None:
    reversed_ = definition(
        {"items": [*items("a"), *items("b", reverse=True, scale=[1, 5])], "may_miss": 1, "prorate": False}
    )
    assert score(reversed_, ABC, whole(a=1, b=2))[0].value == 5.0
    (found,) = score(reversed_, ABC, whole(a=1, b=9))
    assert (found.value, found.missing) == (1.0, ("b",))


def test_a_total_may_be_built_on_subscales_and_misses_one_that_has_no_value() -> None:
    scales = [
        {"id": "one", "code": "one", "items": items("a", "b"), "method": "mean", "digits": 1},
        {"id": "two", "code": "two", "items": items("c"), "method": "mean", "digits": 1},
        {"items": [{"score": "one", "weight": 2}, {"score": "two"}]},
    ]
    assert [one.value for one in score(definition(*scales), ABC, whole(a=1, b=2, c=4))] == [1.5, 4.0, 7.0]
    assert [one.value for one in score(definition(*scales), ABC, whole(a=1, b=2))] == [1.5, None, None]


def test_a_band_holds_both_its_ends() -> None:
    bands = [
        {"id": "low", "from": 0, "to": 4, "text": {"en": "low"}},
        {"id": "high", "from": 5, "to": 99, "text": {"en": "high"}},
    ]
    banded = definition({"items": items("a"), "bands": bands})
    found = [score(banded, ABC, whole(a=value))[0].band for value in (0, 4, 5, 99)]
    assert [band.id for band in found if band] == ["low", "low", "high", "high"]


def test_an_item_that_is_not_asked_is_missing_or_what_the_definition_says() -> None:
    hidden = {
        "linkId": "d",
        "text": "d",
        "type": "integer",
        "enableWhen": [{"question": "a", "operator": ">", "answerInteger": 0}],
    }
    asked = form("a", more=[hidden])
    given_ = {**whole(a=0), "d": (Answer("integer", 7),)}
    assert score(definition({"items": items("a", "d")}), asked, given_)[0].value is None
    counted = definition({"items": [*items("a"), {"link_id": "d", "unasked": 0}]})
    assert score(counted, asked, given_)[0].value == 0.0
    assert score(counted, asked, {**given_, **whole(a=1)})[0].value == 8.0
    assert score(counted, asked, whole(a=1))[0].value is None


def test_a_form_of_a_hospital_is_scored_by_the_codes_of_its_items() -> None:
    coded = definition({"code": "44261-6", "items": [{"code": "44250-9"}, {"code": "44255-8"}]})
    theirs = form("q1", "q2", codes={"q1": "44250-9", "q2": "44255-8"})
    assert applies(coded, theirs)
    assert not applies(coded, form("q1", codes={"q1": "44250-9"}))
    assert not applies(coded, ABC)
    assert score(coded, theirs, whole(q1=1, q2=2))[0].value == 3.0
    named_by_link_id = form("/44249-1/44250-9", "/44249-1/44255-8")
    assert applies(coded, named_by_link_id)


def test_a_form_that_weighs_its_options_otherwise_gets_no_score() -> None:
    options = [
        {"valueCoding": {"code": str(worth)}, "extension": [{"url": ORDINAL, "valueDecimal": worth}]}
        for worth in (1, 2, 3, 4)
    ]
    item = {"linkId": "a", "type": "choice", "answerOption": options}
    shifted = read_questionnaire({"resourceType": "Questionnaire", "status": "active", "item": [item]})
    answers = {"a": (shifted.by_id["a"].options[0].answer(),)}
    (found,) = score(definition({"items": items("a", scale=[0, 3])}), shifted, answers)
    assert (found.value, found.reason) == (None, "missing")


def test_a_score_is_a_measure_and_replaces_the_forms_own_sum() -> None:
    own_sum = {
        "linkId": "sum",
        "text": "sum",
        "type": "integer",
        "code": [{"system": "http://loinc.org", "code": "44261-6"}],
    }
    coded = definition({"code": "44261-6", "items": [{"code": "44250-9"}, {"code": "44255-8"}]})
    theirs = read_questionnaire(
        {
            "resourceType": "Questionnaire",
            "url": "urn:test",
            "status": "active",
            "item": [
                *(
                    {"linkId": code, "text": "?", "type": "integer", "code": [{"code": code}]}
                    for code in ("44250-9", "44255-8")
                ),
                own_sum,
            ],
        }
    )
    answers = {**whole(**{"44250-9": 1, "44255-8": 2}), "sum": (Answer("integer", 99),)}
    found = measures(theirs, answers, AT, lambda number: f"m{number}", [coded])
    assert [(one.id, one.code, one.value, one.unit) for one in found] == [
        ("m0", "44250-9", 1.0, ""),
        ("m1", "44255-8", 2.0, ""),
        ("m2", "44261-6", 3.0, ""),
    ]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"method": "median"}, "unknown-method"),
        ({"items": []}, "no-items"),
        ({"items": [{"link_id": "a", "code": "b"}]}, "missing"),
        ({"items": [{"score": "later"}]}, "unknown-score"),
        ({"items": items("a", reverse=True)}, "missing"),
        ({"items": items("a"), "may_miss": 1}, "bad-number"),
        ({"items": items("a"), "range": [5, 1]}, "bad-number"),
        ({"items": items("a"), "bands": [{"id": "x", "from": 0, "to": 98, "text": {"en": "x"}}]}, "gap"),
        ({"items": items("a"), "bands": [{"id": "x", "from": 1, "to": 99, "text": {"en": "x"}}]}, "gap"),
    ],
)
def test_a_definition_that_cannot_be_computed_is_refused_with_its_place(change: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        definition(change)
    assert refused.value.code == code
    assert str(refused.value.detail["place"]).startswith("scores[0]")


NINE = form(*(f"q{number}" for number in range(9)))
PRORATED = definition(
    {"items": items(*(f"q{number}" for number in range(9)), scale=[0, 3]), "range": [0, 27], "may_miss": 2}
)


@given(st.lists(st.none() | st.integers(0, 3), min_size=9, max_size=9))
def test_a_prorated_sum_stays_in_its_range_and_between_what_the_missing_could_add(values: list[int | None]) -> None:
    answers = {f"q{at}": (Answer("integer", value),) for at, value in enumerate(values) if value is not None}
    (found,) = score(PRORATED, NINE, answers)
    missing = values.count(None)
    if missing > 2:
        assert found.value is None
        assert len(found.missing) == missing
    else:
        least = sum(value for value in values if value is not None)
        assert found.value is not None
        assert least <= found.value <= min(27, least + 3 * missing)


# What the published cases score, as data. The instruments that are not free are described here by their items' names
# only, and ship nowhere.
_GDS_TURNED = {1, 5, 7, 11, 13}
DIFFERENT = {
    ("cidas", 3): "every answer is 'unknown': 0 there, no score here",
    ("cpecog", 4): "every answer is 'I don't know': 0 there, no score here",
    ("ecog12", 4): "every answer is 'I don't know': 0 there, no score here",
    ("minicog", 3): "nothing was answered: 0 there, no score here",
}


def published() -> list[tuple[str, int, dict[str, Any]]]:
    """(instrument, its number among the instrument's cases, case)"""
    cases = json.loads(shared("questionnaires/conformance/scores/uwcirg-asbi-scores.json").read_text())["cases"]
    count: dict[str, int] = {}
    found = []
    for case in cases:
        at = count.get(case["instrument"], 0)
        count[case["instrument"]] = at + 1
        found.append((case["instrument"], at, case))
    return found


def as_r4(raw: dict[str, Any]) -> Questionnaire:
    """The case's form, whose short hand ("choices", numbers as displays) is no FHIR."""
    made = []
    for item in raw.get("item", []):
        options = []
        for option in item.get("answerOption", ()):
            coding = {**option["valueCoding"], "display": str(option["valueCoding"].get("display", ""))}
            if coding["code"] not in [one["valueCoding"]["code"] for one in options]:
                options.append({**option, "valueCoding": coding})
        kind = "choice" if options else item["type"]
        made.append(
            {"linkId": item["linkId"], "text": "?", "type": kind, **({"answerOption": options} if options else {})}
        )
    return read_questionnaire({"resourceType": "Questionnaire", "url": "urn:case", "status": "active", "item": made})


def given_in(case: dict[str, Any], asked: Questionnaire) -> Answers:
    found: dict[str, tuple[Answer, ...]] = {}
    for response in case["responses"]:
        for item in response.get("item", ()):
            (held,) = item["answer"]
            if item["linkId"] not in asked.by_id:
                continue
            if "valueCoding" in held:
                found[item["linkId"]] = (Answer("coding", "", code=held["valueCoding"]["code"]),)
            else:
                found[item["linkId"]] = (Answer("decimal", float(held["valueDecimal"])),)
    return found


def scored(instrument: str, case: dict[str, Any]) -> float | None:
    asked = as_r4(case["questionnaire"])
    total = next(name for name, value in case["expected"].items() if value != "$should exist")
    link_ids = [item.link_id for item in asked.questions]
    if instrument == "phq9" and total == "ScoreFullPhq9":
        link_ids = [
            link_id for link_id in link_ids if link_id != "/69722-7"
        ]  # how difficult it is, is no part of the sum
    parts: list[dict[str, Any]] = items(*link_ids)
    if instrument == "gds":
        parts = [{**part, "reverse": at in _GDS_TURNED, "scale": [0, 1]} for at, part in enumerate(parts, 1)]
    whole_ = {"items": parts, "may_miss": len(parts) - 1, "prorate": False}
    return score(definition(whole_), asked, given_in(case, asked))[0].value


def test_the_published_cases_score_as_they_say_but_for_those_that_are_listed() -> None:
    apart = set()
    for instrument, at, case in published():
        expected = next(value for value in case["expected"].values() if value != "$should exist")
        if scored(instrument, case) != expected:
            apart.add((instrument, at))
    assert apart == set(DIFFERENT)
