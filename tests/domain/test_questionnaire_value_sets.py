"""Value sets: what their expansion holds, and when one counts as not at hand."""

from __future__ import annotations

from typing import Any

import pytest

from care.domain.questionnaire.tools import ValueSet
from care.domain.questionnaire.value_sets import Catalogue, contained_value_sets

COLOURS = {
    "resourceType": "CodeSystem",
    "id": "cs",
    "url": "http://c",
    "content": "complete",
    "concept": [
        {
            "code": "warm",
            "property": [{"code": "notSelectable", "valueBoolean": True}],
            "concept": [{"code": "red", "display": "Red", "concept": [{"code": "pink"}]}, {"code": "orange"}],
        },
        {"code": "blue", "designation": [{"language": "zh", "value": "蓝"}, {"value": "no language"}]},
    ],
}


def value_set(url: str = "http://v", **parts: Any) -> dict[str, Any]:
    return {"resourceType": "ValueSet", "id": url.rsplit("/", 1)[-1], "url": url, **parts}


def compose(*include: dict[str, Any], exclude: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"compose": {"include": list(include), **({"exclude": exclude} if exclude else {})}}


def codes(found: ValueSet | None) -> list[str] | None:
    return None if found is None else [each["code"] for each in found.concepts]


NAMED = {"system": "http://x", "concept": [{"code": "a", "display": "A"}, {"code": "b"}, {"code": "a"}]}
OTHER = value_set("http://o", **compose({"system": "http://x", "concept": [{"code": "b"}, {"code": "z"}]}))

CASES: list[tuple[str, dict[str, Any], list[str] | None]] = [
    ("named concepts, each once", compose(NAMED), ["a", "b"]),
    ("a whole system without its headings", compose({"system": "http://c"}), ["red", "pink", "orange", "blue"]),
    ("what is below a code", compose({"system": "http://c", "filter": [
        {"property": "concept", "op": "descendent-of", "value": "red"}]}), ["pink"]),
    ("a code and what is below it", compose({"system": "http://c", "filter": [
        {"property": "concept", "op": "is-a", "value": "red"}]}), ["red", "pink"]),
    ("a filter that is not known", compose({"system": "http://c", "filter": [
        {"property": "colour", "op": "=", "value": "red"}]}), None),
    ("a system that is not at hand", compose({"system": "http://loinc.org"}), None),
    ("without some", compose(NAMED, exclude=[{"system": "http://x", "concept": [{"code": "a"}]}]), ["b"]),
    ("what is left out is not at hand", compose(NAMED, exclude=[{"system": "http://none"}]), None),
    ("another set", compose({"valueSet": ["http://o"]}), ["b", "z"]),
    ("in both", compose({**NAMED, "valueSet": ["http://o"]}), ["b"]),
    ("another set that is not at hand", compose({"valueSet": ["http://none"]}), None),
    ("itself", compose({"valueSet": ["http://v"]}), None),
    ("an expansion comes first", {"expansion": {"contains": [
        {"abstract": True, "code": "h", "contains": [{"system": "s", "code": "x"}]}]}, **compose(NAMED)}, ["x"]),
    ("an expansion that is only a part", {"expansion": {"total": 5, "contains": [
        {"system": "s", "code": "x"}]}, **compose(NAMED)}, ["a", "b"]),
    ("nothing said", {}, None),
]  # fmt: skip


@pytest.mark.parametrize(("given", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_value_set_is_expanded_as_fhir_says_or_is_not_at_hand(
    given: dict[str, Any], wanted: list[str] | None
) -> None:
    catalogue = Catalogue([COLOURS, OTHER, value_set(**given)])
    assert codes(catalogue.value_set("http://v")) == wanted


def test_a_concept_has_its_system_its_display_and_its_other_languages() -> None:
    found = Catalogue([COLOURS, value_set(**compose({"system": "http://c"}))]).value_set("http://v")
    assert found is not None
    assert found.concepts[0] == {"system": "http://c", "code": "red", "display": "Red"}
    assert found.concepts[1]["display"] == "pink"
    assert found.concepts[3]["designations"] == [{"language": "zh", "value": "蓝"}]


def test_a_set_that_a_form_brings_is_found_by_its_id_and_by_its_url_and_others_above_it() -> None:
    above = Catalogue([OTHER]).value_set
    found = contained_value_sets({"contained": [value_set("http://b/v", **compose(NAMED))]}, above)
    assert codes(found("#v")) == codes(found("http://b/v")) == ["a", "b"]
    assert codes(found("http://o")) == ["b", "z"]
    assert found("#other") is None
    assert codes(contained_value_sets({"contained": "no list"})("#v")) is None


def test_the_system_of_a_form_may_be_named_by_an_extension() -> None:
    part = {"system": "http://elsewhere", "_system": {"extension": [{"url": "u", "valueCanonical": "#cs"}]}}
    found = Catalogue([COLOURS, value_set(**compose(part))]).value_set("http://v")
    assert codes(found) == ["red", "pink", "orange", "blue"]
    assert found is not None
    assert found.concepts[0]["system"] == "http://elsewhere"


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [("http://v", ["new"]), ("http://v|4.0.1", ["old"]), ("http://v|4.3.0", ["old"]), ("http://v|3.0.2", None)],
)
def test_a_version_that_is_asked_for_is_the_same_up_to_its_first_number(asked: str, wanted: list[str] | None) -> None:
    sets = [
        value_set(version=version, **compose({"system": "s", "concept": [{"code": code}]}))
        for version, code in (("4.0.1", "old"), ("5.0.0", "new"))
    ]
    assert codes(Catalogue(sets).value_set(asked)) == wanted


def test_a_set_without_end_is_not_at_hand() -> None:
    many = value_set(**compose({"system": "s", "concept": [{"code": str(n)} for n in range(10_001)]}))
    chain = [value_set(f"http://{n}", **compose({"valueSet": [f"http://{n + 1}"]})) for n in range(2_000)]
    every = [f"http://w/{n}" for n in range(18)]
    web = [value_set(url, **compose({"valueSet": every})) for url in every]
    catalogue = Catalogue([many, *chain, *web])
    assert catalogue.value_set("http://w/0") is None
    assert catalogue.value_set("http://v") is None
    assert catalogue.value_set("http://0") is None
