"""A nurse writes down a value: it is kept once, in the patient's time, judged, and refused when nobody can have it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from care.domain.laboratory import KINDS, believable
from care.domain.observation import is_loinc
from care.records.observations import Observation
from tests.dashboard.ward import Ward

FORM = {"kind": "2160-0|mg/dL", "value": "1,4", "measured_at": "2026-03-02T06:30", "once": "a"}


def written(ward: Ward) -> list[Observation]:
    """What staff wrote down."""
    return [row for row in ward.world.all(Observation) if row.source == "staff"]


def test_a_value_is_kept_once_in_the_patients_time_and_shown(nurse: FlaskClient, ward: Ward):
    where = f"/patients/{ward.one.id}"
    once = re.search(r'name="once" value="([0-9a-f-]{36})"', nurse.get(where).text)
    assert once
    for _ in range(2):
        page = nurse.post(f"{where}/observations", data={**FORM, "once": once[1]}, follow_redirects=True).text
        assert "The value is kept" in page
    (row,) = written(ward)
    assert (row.code, row.value, row.unit, row.source_id) == ("2160-0", 1.4, "mg/dL", ward.world.clinic.nurse.id)
    assert row.at == datetime(2026, 3, 2, 11, 30, tzinfo=UTC)
    ward.world.score()
    page = nurse.get(where).text
    assert "Creatinine" in page
    assert "by staff" in page


def test_a_low_sugar_that_a_nurse_writes_down_is_judged(nurse: FlaskClient, ward: Ward):
    form = {**FORM, "kind": "2339-0|mmol/L", "value": "2.2"}
    nurse.post(f"/patients/{ward.one.id}/observations", data=form)
    (row,) = written(ward)
    assert row.unit == "mg/dL"
    ward.world.score()
    alert = ward.alert(ward.one)
    assert alert.cause.startswith("glucose")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"value": "14e9"}, "decimal point"),
        ({"value": "nan"}, "decimal point"),
        ({"value": "about 1"}, "as a number"),
        ({"kind": "2160-0|kg"}, "decimal point"),
        ({"kind": "nothing"}, "choose what"),
        ({"measured_at": "yesterday"}, "day and time"),
        ({"measured_at": "2026-03-03T06:30"}, "lies ahead"),
        ({"measured_at": "1926-03-03T06:30"}, "lies ahead, or too far"),
        ({"once": ""}, "anew"),
    ],
)
def test_what_cannot_be_is_said_and_not_kept(nurse: FlaskClient, ward: Ward, other: dict[str, str], said: str):
    page = nurse.post(f"/patients/{ward.one.id}/observations", data=FORM | other, follow_redirects=True).text
    assert "Not kept" in page
    assert said in page
    assert written(ward) == []


def test_the_same_form_with_another_value_is_a_conflict(nurse: FlaskClient, ward: Ward):
    where = f"/patients/{ward.one.id}/observations"
    nurse.post(where, data=FORM)
    assert "sent before" in nurse.post(where, data=FORM | {"value": "2"}, follow_redirects=True).text
    assert [row.value for row in written(ward)] == [1.4]


def test_every_kind_is_a_loinc_code_with_ends_in_order():
    assert all(is_loinc(kind.code) for kind in KINDS)
    assert all(low < high for kind in KINDS for _, low, high in kind.units)
    assert believable("2160-0", "umol/L", 123)
    assert not believable("2160-0", "mg/dL", 123)
