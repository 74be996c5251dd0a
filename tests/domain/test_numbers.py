from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from care.domain.codes import Outcome
from care.domain.numbers import RIGHT, UNCLEAR, WRONG, Tally, mondays, period, rate, share, summed


def test_every_outcome_is_right_or_wrong_or_said_to_be_unclear_and_only_one_of_them():
    assert set(Outcome) == RIGHT | WRONG | UNCLEAR
    assert len(RIGHT) + len(WRONG) + len(UNCLEAR) == len(Outcome)


def test_who_could_not_be_reached_counts_neither_way_and_is_not_dropped():
    told = Tally(alerts=10, right=6, wrong=2, unclear=1, undecided=1)
    assert (told.precision.count, told.precision.of) == (6, 8)
    assert told.right + told.wrong + told.unclear + told.undecided == told.alerts


def test_of_nothing_nothing_is_known():
    assert share(0, 0).value is None
    assert rate(3, 0).value is None
    assert Tally().response.low is None


def test_a_share_says_how_sure_it_is():
    found = share(8, 10)  # Wilson's interval as published tables have it
    assert (round(found.low or 0, 3), round(found.high or 0, 3)) == (0.490, 0.943)
    assert found.small
    assert not share(30, 30).small


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.69), (1, 0.025, 5.57), (10, 4.80, 18.39), (100, 81.4, 121.6)]
)
def test_a_rate_has_the_interval_of_a_count(count: int, low: float, high: float):
    """Garwood's exact limits; the approximation is within a twentieth, and within a tenth of one for the smallest."""
    found = rate(count, 100)
    assert found.low == pytest.approx(low, rel=0.05, abs=0.1)
    assert found.high == pytest.approx(high, rel=0.05)


def test_a_large_count_is_no_slower_and_no_less_sure():
    found = rate(100_000, 1_000_000)
    assert found.low == pytest.approx(9.938, abs=0.001)
    assert found.high == pytest.approx(10.062, abs=0.001)


def test_weeks_begin_on_monday_on_the_wall_clock_of_the_hospital():
    sunday_night = datetime(2026, 3, 9, 2, 0, tzinfo=UTC)  # still Sunday the 8th in New York, where clocks went forward
    found = period(sunday_night, ZoneInfo("America/New_York"), 2)
    assert found.first == date(2026, 2, 23)
    assert found.since.astimezone(UTC) == datetime(2026, 2, 23, 5, 0, tzinfo=UTC)
    assert found.until == sunday_night
    assert mondays(found) == [date(2026, 2, 23), date(2026, 3, 2)]


def test_cells_add_up():
    cells = [("a", Tally(answered=1, seconds=90)), ("b", Tally(late=2)), ("a", Tally(answered=2, unanswered=1))]
    found = summed(cells)
    assert found["a"] == Tally(answered=3, unanswered=1, seconds=90)
    assert found["a"].response.value == 0.75
    assert found["a"].minutes == 2
    assert list(found) == ["a", "b"]
