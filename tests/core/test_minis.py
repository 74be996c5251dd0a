from __future__ import annotations

from datetime import timedelta

from care.domain.trend import Chart, Point
from core.minis import HEIGHT, WIDTH, mini
from tests.conftest import NOON

SINCE = NOON - timedelta(days=30)


def chart(*values: tuple[float, float], low: float | None = None, high: float | None = None) -> Chart:
    points = tuple(Point(NOON - timedelta(days=days), value, "", "", "") for days, value in values)
    return Chart("29463-7", "Weight", "kg", points, low, high)


def test_the_lowest_value_is_at_the_foot_and_the_newest_at_the_right():
    made = mini(chart((1, 70), (0, 72)), "Weight", SINCE, NOON)
    assert made.points[0][1] == HEIGHT
    assert made.points[-1] == (WIDTH, 0.0)
    assert (made.last, made.low, made.high) == ("72 kg", "70", "72")


def test_no_line_is_drawn_where_days_are_missing():
    made = mini(chart((20, 70), (19, 71), (4, 70), (3, 70), (2, 71)), "Weight", SINCE, NOON)
    assert [len(line) for line in made.lines] == [2, 3]
    assert len(made.points) == 5


def test_a_value_alone_is_a_point_in_the_middle():
    made = mini(chart((0, 70)), "Weight", SINCE, NOON)
    assert (made.lines, made.points) == ((), ((WIDTH, HEIGHT / 2),))


def test_limits_are_inside_of_the_box():
    made = mini(chart((1, 120), (0, 130), low=70, high=180), "Glucose", SINCE, NOON)
    assert made.limits == (HEIGHT, 0.0)
