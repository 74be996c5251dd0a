"""Rotas: who is on call at a moment, in the team's own zone, and where nobody is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.codes import Priority, Role
from care.domain.ladder import Rung, Whom, default_ladder
from care.domain.rota import Gap, Shift, document, gaps, on_duty, read_shifts, rostered
from care.domain.week import WEEK, Hours, hours_of, said, stretches
from care.errors import Invalid

ALL = (0, 1, 2, 3, 4, 5, 6)
LADDER = default_ladder()
ROLES = {"A": Role.NURSE, "B": Role.NURSE, "C": Role.CLINICIAN}
BY_DAY, BY_NIGHT = Hours(ALL, time(7), time(19)), Hours(ALL, time(19), time(7))
FULL = (Shift("A", BY_DAY), Shift("B", BY_NIGHT))


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    friday_night = [Shift("A", Hours((4,), time(22), time(6)))]
    for at, there in (
        (datetime(2026, 3, 6, 21, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 6, 22, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 7, 5, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 7, 6, 0, tzinfo=UTC), False),
        (datetime(2026, 3, 6, 5, 0, tzinfo=UTC), False),
    ):
        assert on_duty(friday_night, at, "UTC") == (frozenset("A") if there else frozenset())


def test_sunday_night_runs_into_monday_morning() -> None:
    assert on_duty([Shift("A", Hours((6,), time(22), time(6)))], datetime(2026, 3, 2, 1, tzinfo=UTC), "UTC") == {"A"}


def test_the_rota_is_read_on_the_wall_clock_of_the_team() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert on_duty(FULL, noon, "Asia/Hong_Kong") == {"B"}  # 20:00 there
    assert on_duty(FULL, noon, "America/New_York") == {"A"}  # 07:00 there


def test_a_full_rota_has_no_hole_and_one_without_a_night_says_which() -> None:
    assert gaps(LADDER, FULL, ROLES, "ABC") == ()
    found = gaps(LADDER, [Shift("A", BY_DAY), Shift("B", Hours((0, 1, 2, 3, 5, 6), time(19), time(7)))], ROLES, "ABC")
    assert [str(one) for one in found] == ["no nurse from Friday 19:00 to Saturday 07:00"]


def test_who_has_gone_leaves_a_hole() -> None:
    found = gaps(LADDER, FULL, ROLES, "AC")
    assert len(found) == 8  # seven nights, one of which runs over the end of the week
    assert {one.role for one in found} == {Role.NURSE}


def test_of_a_role_that_the_rota_does_not_speak_of_everybody_is_on_call() -> None:
    assert rostered(FULL, ROLES) == {Role.NURSE}
    assert gaps(LADDER, (), ROLES, "ABC") == ()
    assert gaps(LADDER, (), ROLES, "AB") == (Gap(Role.CLINICIAN, 0, WEEK),)
    assert str(Gap(Role.CLINICIAN, 0, WEEK)) == "no clinician all week"


def test_only_hours_in_which_the_ladder_pages_a_role_need_somebody_of_it() -> None:
    night = {one: (Rung(Whom.CLINICIAN, timedelta(minutes=5)),) for one in Priority}
    ladder = replace(LADDER, outside=night, hours=(BY_DAY,))
    assert gaps(ladder, [Shift("A", BY_DAY)], ROLES, "ABC") == ()
    assert gaps(replace(ladder, hours=()), [Shift("A", BY_DAY)], ROLES, "ABC") != ()


@given(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)), st.sampled_from(["Europe/Berlin", "Asia/Shanghai"]))
def test_a_rota_without_a_hole_has_somebody_at_every_instant_when_clocks_change_too(at: datetime, zone: str) -> None:
    assert len(on_duty(FULL, at.replace(tzinfo=UTC), zone)) == 1


@given(st.sets(st.integers(0, WEEK - 1), max_size=50))
def test_stretches_hold_the_minutes_they_were_made_of_and_no_others(minutes: set[int]) -> None:
    found = stretches(minutes)
    assert {one for first, end in found for one in range(first, end)} == minutes
    assert all(earlier[1] < later[0] for earlier, later in pairwise(found))


@given(st.sets(st.integers(0, 6), min_size=1), st.times(), st.times())
def test_a_minute_is_held_when_it_is_one_of_the_minutes(days: set[int], start: time, end: time) -> None:
    hours = Hours(tuple(days), start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0))
    assert {minute for minute in range(WEEK) if hours.hold(minute)} == hours.minutes()


@pytest.mark.parametrize(
    ("days", "start", "end"),
    [
        ((), time(8), time(9)),
        ((7,), time(8), time(9)),
        ((0,), time(8, 0, 1), time(9)),
        ((0,), time(8), time(9, 0, 0, 1)),
    ],
)
def test_hours_that_mean_nothing_cannot_be_made(days: tuple[int, ...], start: time, end: time) -> None:
    with pytest.raises(Invalid):
        Hours(days, start, end)


def test_what_is_kept_is_read_as_it_was() -> None:
    assert read_shifts(document(FULL)) == FULL
    assert said(0) == "Monday 00:00"
    for broken in ({}, {"days": [0], "start": "25:00", "end": "01:00"}):
        with pytest.raises(Invalid):
            hours_of(broken)
