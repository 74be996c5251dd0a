"""The value sets at hand: what ships says where it is from, and what a hospital brings comes first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from care.errors import Invalid
from care.library.files import documents
from care.library.value_sets import bring, value_set

FHIR = "http://hl7.org/fhir/ValueSet/"


@pytest.fixture(autouse=True)
def _nothing_brought() -> Iterator[None]:
    bring("")
    yield
    bring("")


def shipped(kind: str) -> list[dict[str, Any]]:
    found = [entry["resource"] for _, bundle in documents("value_sets") for entry in bundle["entry"]]
    return [each for each in found if each["resourceType"] == kind]


def codes(canonical: str) -> list[str]:
    found = value_set(canonical)
    return [each["code"] for each in found.concepts] if found else []


def test_every_set_that_ships_can_be_chosen_from_and_says_why_it_may_be_given_on() -> None:
    for each in shipped("ValueSet"):
        assert codes(each["url"]), each["url"]
        other_name = all(set(part) == {"valueSet"} for part in each["compose"]["include"])
        assert each.get("copyright") or other_name, each["url"]
    for each in shipped("CodeSystem"):
        assert each["copyright"]


def test_nothing_of_a_licensed_terminology_and_no_description_ships() -> None:
    for _, bundle in documents("value_sets"):
        text = json.dumps(bundle)
        assert "snomed" not in text
        assert "loinc" not in text
        assert '"definition"' not in text
        assert '"description"' not in text


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (f"{FHIR}administrative-gender", ["male", "female", "other", "unknown"]),
        (f"{FHIR}administrative-gender|4.0.1", ["male", "female", "other", "unknown"]),
        (f"{FHIR}yesnodontknow", ["Y", "N", "asked-unknown"]),
        ("http://terminology.hl7.org/ValueSet/v2-0136", ["N", "Y"]),
        (f"{FHIR}days-of-week", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
        (f"{FHIR}quantity-comparator", ["<", "<=", ">=", ">"]),
        ("http://hl7.org/fhir/administrative-gender", ["male", "female", "other", "unknown"]),
        ("http://loinc.org/vs/LL358-3", []),
    ],
)
def test_the_common_ones_hold_what_the_standard_says(name: str, wanted: list[str]) -> None:
    assert codes(name) == wanted


def test_the_commonest_are_said_in_chinese_too() -> None:
    found = value_set(f"{FHIR}administrative-gender")
    assert found is not None
    assert {"language": "zh-Hans", "value": "女"} in found.concepts[1]["designations"]


def test_a_hospitals_own_come_first_and_may_build_on_ours(tmp_path: Path) -> None:
    sets = {
        "own.json": {"url": "http://h/ward", "compose": {"include": [{"system": "w", "concept": [{"code": "7B"}]}]}},
        "ours.json": {"url": f"{FHIR}days-of-week", "expansion": {"contains": [{"system": "d", "code": "mon"}]}},
        "both.json": {"url": "http://h/who", "compose": {"include": [{"valueSet": [f"{FHIR}yesnodontknow"]}]}},
    }
    for name, content in sets.items():
        (tmp_path / name).write_text(json.dumps({"resourceType": "ValueSet", **content}))
    (tmp_path / "other.json").write_text('{"resourceType": "Patient"}')
    assert bring(str(tmp_path)) == 3
    assert codes("http://h/ward") == ["7B"]
    assert codes(f"{FHIR}days-of-week") == ["mon"]
    assert codes("http://h/who") == ["Y", "N", "asked-unknown"]
    assert codes(f"{FHIR}administrative-gender")[:1] == ["male"]


@pytest.mark.parametrize("content", ["", "[1", '{"a": 1, "a": 2}', "\ufeff{"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "broken.json").write_text(content, encoding="utf-8")
    with pytest.raises(Invalid, match=r"broken\.json"):
        bring(str(tmp_path))
    with pytest.raises(Invalid, match="CARE_VALUE_SETS"):
        bring(str(tmp_path / "absent"))
