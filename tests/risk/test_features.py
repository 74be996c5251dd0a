"""From a patient's measures to the vector: civil days, units, ranges, gaps."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.measure import Measure
from care.errors import AssessmentError
from risk.bundle import load
from risk.features import extract
from tests.risk.conftest import DIRECTORY, EVENING, diary, glucose

MANIFEST = load(DIRECTORY).manifest
WEEK = diary(90, 120, 60, 140, 100, 88, 110)


def values(measures, at=EVENING, zone="UTC"):
    row = extract(MANIFEST, measures, at, zone)
    return dict(zip([feature.name for feature in MANIFEST.features], row.values, strict=True))


def reason(measures, at=EVENING, zone="UTC"):
    with pytest.raises(AssessmentError) as refused:
        extract(MANIFEST, measures, at, zone)
    return refused.value.reason


def test_the_features_are_what_a_clinician_would_count_by_hand():
    found = values(WEEK)
    assert found["low_days"] == pytest.approx(100 / 7)
    assert found["glucose_mean"] == pytest.approx(708 / 7)
    assert found["glucose_sd"] == pytest.approx(25.608778, abs=1e-5)
    assert found["readings_per_day"] == 1
    assert found["lowest_lately"] == 88


def test_69_is_low_and_70_is_not():
    assert values(diary(100, 100, 100, 100, 69))["low_days"] == 20
    assert values(diary(100, 100, 100, 100, 70))["low_days"] == 0


def test_told_symptoms_make_a_day_low_and_a_denied_symptom_does_not():
    told = Measure("s", "hypoglycaemia-symptom", 1, "", EVENING - timedelta(days=1))
    assert values([*diary(100, 100, 100, 100, 100), told])["low_days"] == 20
    assert values([*diary(100, 100, 100, 100, 100), replace(told, value=0)])["low_days"] == 0


def test_mmol_per_litre_is_the_same_reading_as_its_mg_per_decilitre():
    molar = [replace(m, value=m.value / 18.0156, unit="mmol/L") for m in WEEK]
    assert values(molar) == pytest.approx(values(WEEK))


def test_lo_counts_as_low_and_hi_as_high():
    found = values([*diary(100, 100, 100, 100), glucose(None, 0.1, comparator="<")])
    assert found["lowest_lately"] == 40
    assert values([*diary(100, 100, 100, 100), glucose(None, 0.1, comparator=">")])["glucose_mean"] == 180


def test_one_odd_reading_is_held_at_the_soft_limit():
    assert values(diary(100, 100, 100, 100, 1400))["glucose_mean"] == 200


def test_the_future_and_the_distant_past_are_not_read():
    late, early = glucose(40, -0.01), glucose(40, 14.2)
    assert extract(MANIFEST, [*WEEK, late, early], EVENING, "UTC").inputs == tuple(sorted(m.id for m in WEEK))


def test_days_are_the_patients_own():
    """Eleven in the evening and one in the morning in Shanghai are two days there, though one day in UTC."""
    shanghai = ZoneInfo("Asia/Shanghai")
    at = datetime(2026, 3, 2, 6, tzinfo=shanghai).astimezone(UTC)
    low = Measure("a", "2339-0", 60, "mg/dL", datetime(2026, 3, 1, 23, tzinfo=shanghai).astimezone(UTC))
    fine = Measure("b", "2339-0", 100, "mg/dL", datetime(2026, 3, 2, 1, tzinfo=shanghai).astimezone(UTC))
    rest = [replace(fine, id=str(n), at=fine.at + timedelta(minutes=n)) for n in range(4)]
    assert values([low, fine, *rest], at, "Asia/Shanghai")["low_days"] == 50
    assert values([low, fine, *rest], at, "UTC")["low_days"] == 100


def test_the_window_keeps_its_days_when_the_clocks_change():
    berlin = ZoneInfo("Europe/Berlin")
    at = datetime(2026, 3, 29, 23, tzinfo=berlin).astimezone(UTC)
    first_minute = datetime(2026, 3, 16, 0, 1, tzinfo=berlin).astimezone(UTC)
    inside = [replace(glucose(100, 0), id=str(n), at=at - timedelta(hours=n)) for n in range(5)]
    edge = replace(glucose(50, 0), id="edge", at=first_minute)
    assert "edge" in extract(MANIFEST, [*inside, edge], at, "Europe/Berlin").inputs
    before = replace(edge, at=first_minute - timedelta(minutes=2))
    assert "edge" not in extract(MANIFEST, [*inside, before], at, "Europe/Berlin").inputs


def test_without_a_recent_reading_the_typical_value_is_used_and_named():
    row = extract(MANIFEST, [glucose(v, ago) for ago, v in enumerate((90, 120, 60, 140, 100), 3)], EVENING, "UTC")
    assert row.missing == ("lowest_lately",)
    assert row.values[-1] is None
    assert float(row.vector[-1]) == pytest.approx(MANIFEST.features[-1].missing.value)


@pytest.mark.parametrize(
    ("why", "measures"),
    [
        ("too-few", []),
        ("too-few", diary(90, 100, 110, 120)),
        ("too-few", [replace(m, code="29463-7") for m in WEEK]),
        ("unit", [*WEEK, glucose(6.1, 0, unit="g/L")]),
        ("unit", [*WEEK, glucose(100, 0, unit="")]),
        ("hard-range", [*WEEK, glucose(0, 0)]),
        ("hard-range", [*WEEK, glucose(1501, 0)]),
        ("hard-range", [*WEEK, glucose(float("nan"), 0)]),
        ("hard-range", [*WEEK, glucose(float("inf"), 0)]),
        ("value", [*WEEK, glucose(None, 0)]),
        ("time", [*WEEK, replace(WEEK[0], at=EVENING.replace(tzinfo=None))]),
    ],
)
def test_the_model_abstains_and_says_why(why, measures):
    assert reason(measures) == why


@pytest.mark.parametrize("zone", ["", "Atlantis/Capital", "../../etc/passwd", "/etc/localtime", "Europe"])
def test_a_zone_that_does_not_exist_is_refused(zone):
    assert reason(WEEK, zone=zone) == "zone"


def test_a_moment_without_a_zone_is_refused():
    assert reason(WEEK, at=EVENING.replace(tzinfo=None)) == "time"


def test_no_refusal_repeats_what_the_patient_measured():
    for measures in ([*WEEK, glucose(1777.25, 0)], [*WEEK, glucose(61.125, 0, unit="g/L")]):
        with pytest.raises(AssessmentError) as refused:
            extract(MANIFEST, measures, EVENING, "UTC")
        assert "1777" not in str(refused.value)
        assert "61.1" not in str(refused.value)


@given(st.permutations(WEEK))
def test_the_order_of_the_measures_is_of_no_consequence(shuffled):
    ours, theirs = extract(MANIFEST, WEEK, EVENING, "UTC"), extract(MANIFEST, shuffled, EVENING, "UTC")
    assert ours.values == theirs.values
    assert ours.inputs == theirs.inputs
