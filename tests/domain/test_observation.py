"""Reading a FHIR Observation: what is taken, and every doubt that is refused with its place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from care.domain.observation import Reading, in_judged_unit, is_loinc, read_observation
from care.errors import Invalid
from tests.conftest import NOON


def observation(**other: Any) -> dict[str, Any]:
    """A creatinine that nothing is wrong with; None takes a part away."""
    whole = {
        "resourceType": "Observation",
        "status": "final",
        "identifier": [{"system": "urn:lab", "value": "A1"}],
        "subject": {"identifier": {"system": "urn:hospital", "value": "T-0001"}},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]},
        "effectiveDateTime": "2026-03-02T10:00:00+00:00",
        "valueQuantity": {"value": 1.4, "system": "http://unitsofmeasure.org", "code": "mg/dL"},
    }
    return {name: value for name, value in (whole | other).items() if value is not None}


def quantity(**other: Any) -> dict[str, Any]:
    """A valueQuantity with something else in it."""
    return {"value": 1.4, "system": "http://unitsofmeasure.org", "code": "mg/dL"} | other


def coded(code: Any, system: str = "http://loinc.org") -> dict[str, Any]:
    """A code."""
    return {"coding": [{"system": system, "code": code}]}


def test_an_observation_is_one_value_with_code_unit_and_time():
    sent = read_observation(observation(), NOON)
    assert sent.record_number == "T-0001"
    assert sent.readings == (Reading("2160-0", 1.4, "mg/dL", "", NOON - timedelta(hours=2), "final", "urn:lab|A1", ""),)


def test_a_blood_pressure_is_two_values():
    parts = [
        {"code": coded(code), "valueQuantity": quantity(value=value, code="mm[Hg]")}
        for code, value in (("8480-6", 150), ("8462-4", 90))
    ]
    found = read_observation(observation(valueQuantity=None, code=coded("85354-9"), component=parts), NOON).readings
    assert [(one.code, one.value, one.part) for one in found] == [("8480-6", 150, "8480-6"), ("8462-4", 90, "8462-4")]


@pytest.mark.parametrize(
    ("other", "code", "place"),
    [
        ({"resourceType": "Patient"}, "not-an-observation", "resourceType"),
        ({"status": "registered"}, "status", "status"),
        ({"status": ["final"]}, "status", "status"),
        ({"subject": None}, "subject", "subject"),
        ({"subject": {"reference": "Patient/1"}}, "subject", "subject"),
        ({"subject": {"identifier": {"value": " "}}}, "subject", "subject"),
        ({"code": coded("2160-1")}, "code", "code"),
        ({"code": coded("2160-0", "urn:own")}, "code", "code"),
        ({"code": coded(21600)}, "code", "code"),
        ({"code": None}, "code", "code"),
        ({"valueQuantity": None}, "no-value", "valueQuantity"),
        ({"valueQuantity": quantity(value="1.4")}, "value", "valueQuantity/value"),
        ({"valueQuantity": quantity(value=True)}, "value", "valueQuantity/value"),
        ({"valueQuantity": quantity(value=float("nan"))}, "value", "valueQuantity/value"),
        ({"valueQuantity": quantity(value=1e12)}, "value", "valueQuantity/value"),
        ({"valueQuantity": quantity(code="mg per dL")}, "unit", "valueQuantity/code"),
        ({"valueQuantity": quantity(code="")}, "unit", "valueQuantity/code"),
        ({"valueQuantity": quantity(system="urn:own")}, "unit", "valueQuantity/code"),
        ({"valueQuantity": quantity(comparator="ad")}, "comparator", "valueQuantity/comparator"),
        ({"effectiveDateTime": "2026-03-02"}, "bad-date", "effectiveDateTime"),
        ({"effectiveDateTime": "2026-03-02T10:00:00"}, "bad-date", "effectiveDateTime"),
        ({"effectiveDateTime": 5}, "bad-date", "effectiveDateTime"),
        ({"effectiveDateTime": None}, "bad-date", "effectiveDateTime"),
        ({"effectiveDateTime": "2026-03-02T12:06:00Z"}, "date-out-of-range", "effectiveDateTime"),
        ({"effectiveDateTime": "1999-03-02T12:00:00Z"}, "date-out-of-range", "effectiveDateTime"),
        ({"identifier": [{"system": "urn:lab"}]}, "identifier", "identifier"),
        ({"identifier": "A1"}, "identifier", "identifier"),
        ({"valueQuantity": None, "component": [5]}, "component", "component"),
    ],
)
def test_a_doubt_is_refused_with_its_place(other: dict[str, Any], code: str, place: str):
    with pytest.raises(Invalid) as refused:
        read_observation(observation(**other), NOON)
    assert (refused.value.code, refused.value.detail["place"]) == (code, place)


def test_a_code_with_a_digit_wrong_is_no_loinc():
    assert all(map(is_loinc, ["2339-0", "29463-7", "8480-6", "8462-4", "1975-2", "59408-5"]))
    assert not any(map(is_loinc, ["2339-1", "29436-7", "8480", "", "8480-66", "abc-1"]))


@pytest.mark.parametrize(
    ("code", "value", "unit", "expected"),
    [
        ("2339-0", 5.0, "mmol/L", (90.091, "mg/dL")),
        ("2823-3", 5.0, "mmol/L", (5.0, "mmol/L")),
        ("29463-7", 176.37, "[lb_av]", (80.000, "kg")),
        ("29463-7", 80.0, "cm", (80.0, "cm")),
        ("1975-2", 1.2, "mg/dL", (1.2, "mg/dL")),
    ],
)
def test_a_value_is_brought_into_the_unit_of_the_rules_where_that_is_sure(
    code: str, value: float, unit: str, expected: tuple[float, str]
):
    judged = {"2339-0": "mg/dL", "2823-3": "mg/dL", "29463-7": "kg"}
    found, said = in_judged_unit(Reading(code, value, unit, "", NOON, "final", ""), judged)
    assert (found, said) == (pytest.approx(expected[0], abs=1e-3), expected[1])
