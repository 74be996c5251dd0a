"""Escalations: the stories clinicians can read, and the promise that no path leads to silence."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from care.domain.codes import EscalationStatus, Outcome, Priority
from care.domain.escalation import (
    LONGEST_SNOOZE,
    MOST_SNOOZES,
    Accept,
    Complete,
    Confirmed,
    Decline,
    Event,
    HandOn,
    Raise,
    Snooze,
    State,
    Step,
    Tick,
    Worsen,
    step,
)
from care.domain.ladder import MOST_HOLD, Ladder, Rung, Whom, default_ladder
from care.domain.week import Hours
from care.errors import Conflict, Invalid

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LADDER = default_ladder()
CASES = Path(__file__).parent.parent / "cases" / "escalation.csv"


def stories() -> Iterator[tuple[str, list[dict[str, str]]]]:
    with CASES.open(encoding="utf-8") as lines:
        for story, rows in groupby(csv.DictReader(lines), key=lambda row: row["story"]):
            yield story, list(rows)


def event_of(words: str, now: datetime) -> Event:
    match words.split():
        case ["raise", priority, *grace]:
            return Raise(Priority(priority), timedelta(minutes=int(grace[0]) if grace else 0))
        case ["worsen", priority, *grace]:
            return Worsen(Priority(priority), timedelta(minutes=int(grace[0]) if grace else 0))
        case ["accept", by]:
            return Accept(by)
        case ["complete", by]:
            return Complete(by, Outcome.PHONED)
        case ["hand-on", by, to]:
            return HandOn(by, to)
        case ["decline", by]:
            return Decline(by)
        case ["snooze", by, minutes]:
            return Snooze(by, now + timedelta(minutes=int(minutes)), "at lunch, has company")
        case ["confirmed"]:
            return Confirmed()
        case _:
            return Tick()


@pytest.mark.parametrize(("story", "rows"), list(stories()), ids=[story for story, _ in stories()])
def test_a_story_goes_as_written(story: str, rows: list[dict[str, str]]) -> None:
    state: State | None = None
    for row in rows:
        now = START + timedelta(minutes=int(row["minute"]))
        page = None
        event = event_of(row["event"], now)
        if row["status"].startswith("conflict"):
            with pytest.raises(Conflict) as refused:
                step(state, event, now, LADDER)
            assert refused.value.detail["owner"] == row["status"].split()[1]
        elif row["status"] == "refused":
            with pytest.raises(Invalid):
                step(state, event, now, LADDER)
        else:
            done = step(state, event, now, LADDER)
            state, page = done.state, done.page
            assert state.status == row["status"], row
        assert state is not None
        minute = row["next page at minute"]
        due = START + timedelta(minutes=int(minute)) if minute else None
        assert (state.priority, state.owner or "", page or "", state.page_at) == (
            row["priority"],
            row["owner"],
            row["paged now"],
            due,
        ), row


def test_nothing_but_a_report_starts_an_escalation() -> None:
    for event in (Tick(), Accept("A"), Confirmed(), Complete("A", Outcome.ACTED), Worsen(Priority.STAT)):
        with pytest.raises(Conflict):
            step(None, event, START, LADDER)


def test_what_is_closed_stays_closed_when_time_passes() -> None:
    closed = State(EscalationStatus.COMPLETED, Priority.STAT, owner="A")
    assert step(closed, Tick(), START, LADDER).state == closed
    assert step(closed, Confirmed(), START, LADDER).state == closed


def test_a_shorter_ladder_does_not_lose_an_escalation_that_stood_higher() -> None:
    state = State(EscalationStatus.REQUESTED, Priority.STAT, rung=7, pages=3, page_at=START)
    assert step(state, Tick(), START, LADDER).page is Whom.TEAM


def test_nobody_hands_a_case_on_to_themselves_or_sets_it_aside_without_a_reason_or_into_the_past() -> None:
    state = step(None, Raise(Priority.ASAP), START, LADDER).state
    for event in (
        HandOn("A", "A"),
        Snooze("A", START + timedelta(minutes=5), "  "),
        Snooze("A", START, "a reason"),
    ):
        with pytest.raises(Invalid):
            step(state, event, START, LADDER)


def test_what_is_routine_waits_for_working_hours() -> None:
    at_work = (Hours((0, 1, 2, 3, 4), time(8), time(16)),)
    ladder = Ladder(LADDER.inside, LADDER.outside, LADDER.hold, at_work, "Asia/Shanghai")
    saturday = datetime(2026, 3, 7, 3, 0, 30, tzinfo=UTC)
    state = State(EscalationStatus.REQUESTED, Priority.ROUTINE, page_at=saturday)
    put_off = step(state, Tick(), saturday, ladder)
    assert put_off.page is None
    assert put_off.state.page_at == datetime(2026, 3, 9, 0, 0, tzinfo=UTC)  # Monday 08:00 in Shanghai
    assert step(put_off.state, Tick(), put_off.state.page_at, ladder).page is Whom.NURSE


priorities = st.sampled_from(list(Priority))
graces = st.integers(0, 60).map(lambda minutes: timedelta(minutes=minutes))
people = st.sampled_from(["A", "B", "C"])
rungs = st.builds(
    Rung,
    st.sampled_from([Whom.NURSE, Whom.CLINICIAN, Whom.TEAM]),
    st.integers(1, 5).map(lambda minutes: timedelta(minutes=minutes)),
    st.integers(1, 2),
)
tables = st.fixed_dictionaries({one: st.lists(rungs, min_size=1, max_size=3).map(tuple) for one in Priority})
nights = st.sampled_from([(), (Hours((0, 1, 2, 3, 4), time(8), time(17)),), (Hours((5, 6), time(20), time(7)),)])
ladders = st.builds(Ladder, tables, tables, st.just(LADDER.hold), nights, st.sampled_from(["UTC", "Asia/Hong_Kong"]))


class Escalations(RuleBasedStateMachine):
    """Any order of events, at any time, by anybody."""

    @initialize(priority=priorities, grace=graces, ladder=ladders | st.just(LADDER))
    def a_report(self, priority: Priority, grace: timedelta, ladder: Ladder) -> None:
        self.now = START
        self.worst = priority
        self.ladder = ladder
        self.state = step(None, Raise(priority, grace), self.now, ladder).state

    def play(self, event: Event) -> Whom | None:
        before = self.state
        try:
            done = step(before, event, self.now, self.ladder)
        except Conflict as refused:
            named = refused.detail["owner"]
        except Invalid:
            assert isinstance(event, Snooze | HandOn)
            return None
        else:
            return self.went(before, event, done)
        assert not before.is_open or isinstance(event, Decline) or (before.owner and named == before.owner)
        return None

    def went(self, before: State, event: Event, done: Step) -> Whom | None:
        self.state = done.state
        assert self.state.priority.rank >= before.priority.rank
        if before.is_open and not isinstance(event, Complete):
            assert self.state.is_open
        if isinstance(event, Raise | Worsen) and before.page_at is not None:
            assert self.state.page_at is not None
            assert self.state.page_at <= before.page_at
        if isinstance(event, Tick) and before.is_open:
            due = before.page_at is not None and before.page_at <= self.now
            put_off = self.state.priority is Priority.ROUTINE and not self.ladder.works_at(self.now)
            assert (done.page is not None) == (due and (not put_off or before.offered_to is not None))
        else:
            assert (done.page is not None) == (isinstance(event, HandOn | Decline))
        return done.page

    @rule(minutes=st.integers(0, 600))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.play(Tick())

    @rule(priority=priorities, grace=graces, again=st.booleans())
    def another_report(self, priority: Priority, grace: timedelta, again: bool) -> None:
        if self.state.is_open:
            self.worst = Priority.highest(self.worst, priority)
        self.play(Raise(priority, grace) if again else Worsen(priority, grace))

    @rule(by=people)
    def somebody_accepts(self, by: str) -> None:
        self.play(Accept(by))

    @rule(by=people, to=people)
    def somebody_hands_it_on(self, by: str, to: str) -> None:
        self.play(HandOn(by, to))

    @rule(by=people)
    def somebody_declines(self, by: str) -> None:
        self.play(Decline(by))

    @rule(by=people, minutes=st.integers(-5, 700))
    def somebody_sets_it_aside(self, by: str, minutes: int) -> None:
        self.play(Snooze(by, self.now + timedelta(minutes=minutes), "a reason"))

    @rule()
    def a_repeat_is_fine(self) -> None:
        before = self.state
        self.play(Confirmed())
        if before.priority is not Priority.URGENT or before.pages or before.owner:
            assert self.state == before

    @rule(by=people, sure=st.integers(0, 9))
    def somebody_completes(self, by: str, sure: int) -> None:
        if sure == 0:
            self.play(Complete(by, Outcome.ACTED))

    @invariant()
    def every_open_one_has_a_next_moment_and_an_owner_has_no_longer_than_the_ladder_says(self) -> None:
        state = self.state
        if not state.is_open:
            assert state.page_at is None
            return
        assert state.priority is self.worst
        assert state.page_at is not None
        assert (state.owner is not None) == (state.status is EscalationStatus.ACCEPTED)
        assert state.page_at <= self.now + timedelta(days=14)
        if state.owner is not None:
            assert state.page_at <= self.now + max(MOST_HOLD[Priority.ROUTINE], LONGEST_SNOOZE[Priority.ROUTINE])
        assert state.offered_to is None or (state.owner is not None and state.offered_to != state.owner)
        assert state.snoozed_until is None or state.owner is not None
        assert state.snoozes <= MOST_SNOOZES[Priority.ROUTINE]

    @invariant()
    def left_alone_everyone_of_the_team_and_the_fall_back_number_are_paged(self) -> None:
        state, now = self.state, self.now
        if not state.is_open:
            return
        pages: list[Whom | None] = []
        for _ in range(16):
            assert state.page_at is not None
            now = max(now, state.page_at)
            done = step(state, Tick(), now, self.ladder)
            state = done.state
            pages.append(done.page)
        assert state.owner is None
        if state.priority is Priority.ROUTINE:
            assert pages[-1] in (Whom.TEAM, None)
        else:
            assert None not in pages
            assert {pages[-1], pages[-2]} == {Whom.TEAM, Whom.FALL_BACK}


Escalations.TestCase.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)
TestNoPathLeadsToSilence = Escalations.TestCase
