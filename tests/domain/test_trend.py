from __future__ import annotations

from datetime import UTC, datetime, timedelta

from care.domain import trend
from care.domain.measure import Measure

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _measures(code: str, *values: float, unit: str = "mg/dL", every: float = 24) -> list[Measure]:
    first = NOON - timedelta(hours=every * (len(values) - 1))
    return [Measure(str(n), code, value, unit, first + timedelta(hours=every * n)) for n, value in enumerate(values)]


def test_glucose_has_its_target_range_and_says_what_lies_outside():
    (chart,) = trend.charts(_measures(trend.GLUCOSE, 69, 70, 120, 180, 181))
    assert (chart.low, chart.high, chart.unit) == (70, 180, "mg/dL")
    assert [point.out for point in chart.points] == ["low", "", "", "", "high"]


def test_glucose_is_shown_in_the_patients_unit():
    (chart,) = trend.charts(_measures(trend.GLUCOSE, 58, 100), "mmol/L")
    assert [point.value for point in chart.points] == [3.2, 5.5]
    assert (chart.low, chart.high) == (3.9, 10.0)


def test_the_weight_line_is_two_kilograms_above_the_lowest_of_three_days():
    (chart,) = trend.charts(_measures(trend.WEIGHT, 70.0, 71.5, 71.2, 72.0, 73.4, unit="kg"))
    assert chart.high == 73.2
    assert [point.out for point in chart.points] == ["", "", "", "", "high"]


def test_a_first_weight_has_no_line_since_nothing_is_known_to_compare_it_with():
    (chart,) = trend.charts(_measures(trend.WEIGHT, 70.0, unit="kg"))
    assert chart.high is None


def test_charts_with_thresholds_come_first_and_events_are_not_charted():
    found = trend.charts(
        _measures("symptom-pain", 2, unit="1") + _measures("insulin-nph", 9, unit="U") + _measures(trend.GLUCOSE, 99)
    )
    assert [chart.code for chart in found] == [trend.GLUCOSE, "symptom-pain"]
    assert found[1].top == 3


def test_a_score_is_drawn_with_its_cut_and_not_its_single_answers_or_its_short_form():
    answers = (
        _measures("44250-9", 2, unit="") + _measures("44260-8", 1, unit="") + _measures("symptom-pain", 1, unit="")
    )
    (chart, pain) = trend.charts(_measures("44261-6", 9, 10, 27, unit="") + _measures("55758-7", 5, unit="") + answers)
    assert (chart.code, chart.title, chart.high, chart.note) == ("44261-6", "PHQ-9", 10.0, "Cut at 10 of 27")
    assert [point.out for point in chart.points] == ["", "high", "high"]
    assert pain.code == "symptom-pain"
    (short,) = trend.charts(_measures("55758-7", 2, unit=""))
    assert short.title == "PHQ-2"


def test_a_small_line_is_drawn_from_two_values_on_and_a_flat_one_lies_in_the_middle():
    assert trend.line([1.0]) == ""
    assert trend.line([5.0, 5.0], 10, 8) == "0.0,4.0 10.0,4.0"
    assert trend.line([1.0, 3.0], 10, 8) == "0.0,6.0 10.0,2.0"


def test_a_usual_range_needs_ten_values_and_leaves_the_odd_ones_out():
    values = (5.0, *map(float, range(10, 19)), 99.0)
    points = [trend.Point(NOON + timedelta(hours=n), value, "", "", "") for n, value in enumerate(values)]
    assert trend.usual(points, NOON + timedelta(days=1)) == (10.0, 18.0)
    assert trend.usual(points[:9], NOON + timedelta(days=1)) is None
    assert trend.usual(points, NOON) is None
