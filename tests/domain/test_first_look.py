"""The first look: its target is the ladder's, and its clock says how much is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.codes import Priority
from care.domain.first_look import TARGETS, Look, clock, target, targets
from care.domain.ladder import Rung, Whom, default_ladder
from care.domain.week import Hours

LADDER = default_ladder()
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_target_is_as_long_as_the_first_rung_lasts() -> None:
    assert {
        Priority.STAT: 10 * MINUTE,
        Priority.ASAP: 30 * MINUTE,
        Priority.URGENT: 120 * MINUTE,
        Priority.ROUTINE: timedelta(days=7),
    } == TARGETS
    assert targets(LADDER, NOON) == TARGETS


def test_a_team_with_working_hours_has_the_target_of_the_hour_it_was_raised_in() -> None:
    night = {**LADDER.outside, Priority.STAT: (Rung(Whom.CLINICIAN, 3 * MINUTE),)}
    ladder = replace(LADDER, outside=night, hours=(Hours((0, 1, 2, 3, 4), time(8), time(17)),))
    assert target(Priority.STAT, ladder, NOON) == 10 * MINUTE
    assert target(Priority.STAT, ladder, NOON + timedelta(hours=10)) == 3 * MINUTE


@pytest.mark.parametrize(
    ("minutes", "look", "by"),
    [
        (0, Look.IN_TIME, 10),
        (4, Look.IN_TIME, 6),
        (5, Look.DUE_SOON, 5),
        (10, Look.DUE_SOON, 0),
        (11, Look.LATE, 1),
        (600, Look.LATE, 590),
    ],
)
def test_the_clock_runs_is_due_soon_and_is_late(minutes: int, look: Look, by: int) -> None:
    said = clock(Priority.STAT, NOON, None, NOON + minutes * MINUTE, LADDER)
    assert (said.look, said.by, said.due_at) == (look, by * MINUTE, NOON + 10 * MINUTE)


@pytest.mark.parametrize(("minutes", "look", "by"), [(2, Look.SEEN, 8), (10, Look.SEEN, 0), (12, Look.SEEN_LATE, 2)])
def test_a_look_stops_the_clock_for_good(minutes: int, look: Look, by: int) -> None:
    for later in (12, 5_000):
        said = clock(Priority.STAT, NOON, NOON + minutes * MINUTE, NOON + later * MINUTE, LADDER)
        assert (said.look, said.by) == (look, by * MINUTE)


def test_a_look_at_what_was_milder_then_does_not_count() -> None:
    said = clock(Priority.STAT, NOON, NOON - MINUTE, NOON + 11 * MINUTE, LADDER)
    assert said.look is Look.LATE


@given(st.sampled_from(Priority), st.integers(0, 40_000), st.none() | st.integers(0, 40_000))
def test_time_makes_it_only_later_and_by_is_never_negative(priority: Priority, gone: int, looked: int | None) -> None:
    order = [Look.IN_TIME, Look.DUE_SOON, Look.LATE]
    seen = None if looked is None else NOON + looked * MINUTE
    before = clock(priority, NOON, seen, NOON + gone * MINUTE, LADDER)
    after = clock(priority, NOON, seen, NOON + (gone + 1) * MINUTE, LADDER)
    assert min(before.by, after.by) >= timedelta()
    if seen is None:
        assert order.index(before.look) <= order.index(after.look)
    else:
        assert before == after
