"""Ladders: what is refused, in words, and what is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from care.domain.codes import Priority
from care.domain.ladder import CHOICES, Ladder, Rung, Whom, default_ladder, document, read_ladder, spoken
from care.domain.week import Hours
from care.errors import Invalid

LADDER = default_ladder()
MINUTE = timedelta(minutes=1)
GOOD = (Rung(Whom.NURSE, MINUTE),)


@pytest.mark.parametrize(
    ("rungs", "words"),
    [
        ((), "1 to 6 rungs"),
        (GOOD * 7, "1 to 6 rungs"),
        ((Rung(Whom.NURSE, timedelta()),), "waits a minute"),
        ((Rung(Whom.NURSE, MINUTE, repeats=0),), "1 to 5 times"),
        ((Rung(Whom.NURSE, MINUTE, repeats=6),), "1 to 5 times"),
        ((Rung(Whom.OWNER, MINUTE),), "nurses, clinicians or the whole team"),
        ((Rung(Whom.NURSE, 7 * MINUTE, repeats=5),), "within 30 minutes"),
    ],
)
def test_a_ladder_that_could_fall_silent_or_takes_too_long_is_refused_in_words(
    rungs: tuple[Rung, ...], words: str
) -> None:
    for when in ("inside", "outside"):
        with pytest.raises(Invalid, match=words) as refused:
            replace(LADDER, **{when: {**LADDER.inside, Priority.STAT: rungs}})
        assert refused.value.detail["place"] == f"{when}-stat"


@pytest.mark.parametrize("minutes", [0, 61])
def test_an_acceptance_that_never_runs_out_is_refused(minutes: int) -> None:
    with pytest.raises(Invalid, match="1 minute to 1 hour"):
        replace(LADDER, hold={**LADDER.hold, Priority.STAT: minutes * MINUTE})
    with pytest.raises(Invalid):
        replace(LADDER, hold={})


def test_what_is_put_off_comes_later_and_the_zone_is_one() -> None:
    for change in ({"confirmed_wait": timedelta()}, {"untouched": timedelta()}, {"zone": "Mars/Base"}):
        with pytest.raises(Invalid):
            replace(LADDER, **change)  # type: ignore[arg-type]


def test_what_is_kept_is_read_as_it_was() -> None:
    hours = (Hours((0, 1, 2, 3, 4), time(8), time(17, 30)), Hours((5,), time(22), time(6)))
    ladder = replace(LADDER, outside=dict.fromkeys(Priority, GOOD), hours=hours, zone="Asia/Shanghai")
    assert read_ladder(document(ladder)) == ladder


@pytest.mark.parametrize("broken", [{}, {"inside": 3}, {**document(LADDER), "hold": {"dire": 3}}])
def test_what_is_no_ladder_is_not_read_as_one(broken: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        read_ladder(broken)


def test_by_night_other_rungs_are_climbed_on_the_wall_clock_of_the_team() -> None:
    night = {one: (Rung(Whom.TEAM, MINUTE),) for one in Priority}
    ladder = Ladder(LADDER.inside, night, LADDER.hold, (Hours((0,), time(8), time(17)),), "America/New_York")
    monday_noon_utc = datetime(2026, 3, 2, 12, 59, tzinfo=UTC)  # 07:59 in New York
    assert ladder.rungs(Priority.STAT, monday_noon_utc) == night[Priority.STAT]
    assert ladder.rungs(Priority.STAT, monday_noon_utc + MINUTE) == LADDER.inside[Priority.STAT]
    assert ladder.opens(monday_noon_utc) == monday_noon_utc + MINUTE


def test_the_last_resort_is_no_rung_that_could_be_chosen_or_left_out() -> None:
    assert Whom.FALL_BACK not in CHOICES
    rung, pages, turns = 0, 0, []
    for _ in range(4):
        rung, pages, turn = replace(LADDER, inside=dict.fromkeys(Priority, GOOD)).turn(
            Priority.STAT, rung, pages, datetime(2026, 3, 2, tzinfo=UTC)
        )
        turns.append(turn.whom)
    assert turns == [Whom.NURSE, Whom.TEAM, Whom.FALL_BACK, Whom.TEAM]


def test_lengths_of_time_are_said_in_words() -> None:
    lengths = (90 * MINUTE, 60 * MINUTE, timedelta(days=14))
    assert [spoken(one) for one in lengths] == ["90 minutes", "1 hour", "14 days"]
