"""Random plans in random zones, asked in random pieces: the first and the second implementation agree."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from care.domain.plan import Action, Calendar, PlanDefinition, catch_up, ends_at, expand
from tests.domain.second_clock import moments, stretches
from tests.domain.test_plan_zones import seen, zone_file, zones

WHOLE = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC))
DAYS = 70


def calendar(holidays: set[date]) -> Calendar:
    """These days are off, and so is every weekend."""

    def working(day: date) -> date:
        after = day + timedelta(days=1)
        return after if after.weekday() < 5 and after not in holidays else working(after)

    moves = {day: working(day) for day in holidays}
    longest = max(((to - day).days for day, to in moves.items()), default=0)
    return Calendar("c", {}, 2025, 2026, MappingProxyType(moves), longest)


@st.composite
def actions(draw: st.DrawFn) -> Action:
    """An action of any shape that can be written down."""
    weekdays = draw(st.sets(st.integers(0, 6), max_size=3))
    first = draw(st.integers(0, 20))
    off = draw(st.sets(st.dates(date(2026, 2, 1), date(2026, 12, 31)), max_size=40))
    week = draw(st.dates(date(2026, 2, 1), date(2026, 11, 1)))
    off |= {week + timedelta(days=number) for number in range(draw(st.integers(0, 9)))}
    times = st.times(max_value=time(23, 59)).map(lambda at: at.replace(second=0, microsecond=0))
    return Action(
        id="a",
        title={},
        questionnaire="q|1",
        times=tuple(sorted(draw(st.sets(times | st.sampled_from([time(0), time(2, 30), time(1)]), min_size=1)))),
        every_days=1 if weekdays else draw(st.integers(1, 15)),
        first_day=first,
        last_day=first + draw(st.integers(0, 40)),
        weekdays=tuple(sorted(weekdays)),
        expires_after=timedelta(minutes=draw(st.integers(1, 4000))),
        completion=draw(st.sampled_from(["sameDay", "afterStart", "duringEvent", "anytime"])),
        gap=draw(st.sampled_from(["next", "skip"])),
        fold=draw(st.sampled_from(["first", "second"])),
        catch_up=draw(st.sampled_from(["skip", "once", "all"])),
        calendar=draw(st.none() | st.just(calendar(off))),
        holiday=draw(st.sampled_from(["skip", "next-working-day"])),
    )


names = st.deferred(lambda: st.sampled_from(sorted(name for same in zones().values() for name in same)))
starts = st.dates(date(2026, 1, 20), date(2026, 11, 30))
cuts = st.lists(st.datetimes(datetime(2026, 1, 1), datetime(2027, 3, 1)), max_size=4)


@settings(deadline=None, max_examples=150)
@given(actions(), starts, names, cuts)
def test_any_plan_in_any_zone_is_the_same_in_both_whole_and_in_pieces(
    one: Action, start: date, zone: str, cuts: list[datetime]
) -> None:
    plan = PlanDefinition("p", "1", {}, {}, (one,))
    whole = expand(plan, start, zone, *WHOLE)
    off: Any = one.calendar.moves if one.calendar else {}
    wanted = moments(stretches(zone_file(zone)), one, start, DAYS, off)
    assert seen(whole) == {("a", nominal): moment for nominal, moment in wanted.items()}
    edges = [WHOLE[0], *sorted(cut.replace(tzinfo=UTC) for cut in cuts), WHOLE[1]]
    assert [found for a, b in pairwise(edges) for found in expand(plan, start, zone, a, b)] == whole
    end = ends_at(plan, start, zone)
    assert end is not None
    assert all(found.expires_at <= end for found in whole)


@settings(deadline=None, max_examples=100)
@given(actions(), starts, names, st.datetimes(datetime(2026, 2, 1), datetime(2027, 2, 1)), st.booleans())
def test_what_is_caught_up_and_what_is_missed_are_everything_and_never_both(
    one: Action, start: date, zone: str, at: datetime, starting: bool
) -> None:
    plan, now = PlanDefinition("p", "1", {}, {}, (one,)), at.replace(tzinfo=UTC)
    found = expand(plan, start, zone, *WHOLE)
    late = catch_up(plan, found, now, starting=starting)
    assert sorted(o.nominal for o in late.asked + late.missed) == sorted(o.nominal for o in found)
    assert all(o.expires_at > now for o in late.asked), "what is asked can be answered"
    assert all(o.due_at < now for o in late.missed), "what is not due yet is never missed"
    reopened = [o for o in late.asked if o not in found]
    assert all(o.closes_at is None and o.expires_at == now + one.expires_after for o in reopened)
    if one.catch_up == "skip":
        assert not reopened
    if one.catch_up == "once":
        assert len(reopened) <= 1
    if one.catch_up == "all" and one.completion in ("afterStart", "anytime"):
        assert not late.missed
