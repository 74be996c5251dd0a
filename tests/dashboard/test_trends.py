"""Trends: gaps are gaps, the usual band is the patient's own, their own limits stand in the chart's unit."""

from __future__ import annotations

import re
from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import update

from care.domain.rules import Override
from care.domain.trend import Chart, Point
from care.records.observations import Observation
from care.services.thresholds import set_threshold, settable
from dashboard.trends import about, gaps
from tests.conftest import NOON
from tests.dashboard.ward import Ward

DAY = timedelta(days=1)


def points(*days_ago: float) -> tuple[Point, ...]:
    return tuple(Point(NOON - DAY * days, 70.0 + number, "", "", "") for number, days in enumerate(days_ago))


def test_a_time_much_longer_than_usual_is_a_gap():
    found = gaps(points(12, 11, 10, 5, 4, 3.5), NOON)
    assert [(gap.since, gap.days, gap.open) for gap in found] == [
        (NOON - 10 * DAY, 5, False),
        (NOON - 3.5 * DAY, 3, True),
    ]


def test_a_patient_who_measures_once_a_week_has_no_gap_a_week_long():
    assert gaps(points(21, 14, 7), NOON) == ()


def test_a_single_reading_long_ago_is_unknown_since():
    assert [gap.open for gap in gaps(points(9), NOON)] == [True]
    assert gaps((), NOON) == ()


def test_the_usual_band_is_of_the_days_before_and_needs_enough_of_them():
    many = Chart("29463-7", "Weight", "kg", points(*reversed(range(1, 20))))
    few = Chart("8867-4", "Pulse", "/min", points(3, 2, 1))
    found = about([many, few], [], NOON)
    assert found["29463-7"].usual is not None and found["8867-4"].usual is None


def test_a_limit_of_the_patients_own_stands_on_the_chart_in_their_unit(nurse: FlaskClient, ward: Ward):
    world = ward.world
    low = next(
        one
        for one in settable(world.session, world.rt, world.clinic.clinician, ward.three.id)
        if one.rule == "glucose-low"
    )
    wanted = Override(low.rule_set, low.rule, low.field, 90.0)
    set_threshold(world.session, world.rt, world.clinic.clinician, ward.three.id, wanted, "falls without warning")
    page = nurse.get(f"/patients/{ward.three.id}").text
    assert re.search(r'data-own="5\.0"', page)
    assert "Set for this patient: 90 (otherwise 70)" in page and "Limits set for this patient" in page
    assert "falls without warning" not in page


def test_what_is_not_measured_any_more_is_unknown_since(nurse: FlaskClient, ward: Ward):
    ward.world.session.execute(update(Observation).values(at=Observation.at - 40 * DAY))
    ward.world.session.commit()
    page = nurse.get(f"/patients/{ward.two.id}").text
    assert "Not measured in these days" in page and "Weight: unknown, last" in page
