"""Escalations: the stories clinicians can read, and the promise that no path leads to silence."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from care.domain.codes import EscalationStatus, Outcome, Priority, Role
from care.domain.escalation import (
    Accept,
    Complete,
    Confirmed,
    Event,
    Ladder,
    Raise,
    Rung,
    State,
    Step,
    Tick,
    Worsen,
    default_ladder,
    step,
)
from care.errors import Conflict

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LADDER = default_ladder()
CASES = Path(__file__).parent.parent / "cases" / "escalation.csv"


def stories() -> Iterator[tuple[str, list[dict[str, str]]]]:
    with CASES.open(encoding="utf-8") as lines:
        for story, rows in groupby(csv.DictReader(lines), key=lambda row: row["story"]):
            yield story, list(rows)


def event_of(words: str) -> Event:
    match words.split():
        case ["raise", priority, *grace]:
            return Raise(Priority(priority), timedelta(minutes=int(grace[0]) if grace else 0))
        case ["worsen", priority, *grace]:
            return Worsen(Priority(priority), timedelta(minutes=int(grace[0]) if grace else 0))
        case ["accept", by]:
            return Accept(by)
        case ["complete", by]:
            return Complete(by, Outcome.PHONED)
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
        if row["status"].startswith("conflict"):
            with pytest.raises(Conflict) as refused:
                step(state, event_of(row["event"]), now, LADDER)
            assert refused.value.detail["owner"] == row["status"].split()[1]
        else:
            done = step(state, event_of(row["event"]), now, LADDER)
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


def test_a_ladder_that_could_fall_silent_cannot_be_made() -> None:
    good = LADDER.rungs[0].wait
    for rungs, hold in (
        ((), good),
        ((Rung(Role.NURSE, {}),), good),
        ((Rung(Role.NURSE, {**good, Priority.STAT: timedelta()}),), good),
        ((Rung(Role.NURSE, good, repeats=0),), good),
        ((Rung(Role.NURSE, good),), {}),
    ):
        with pytest.raises(ValueError):
            Ladder(rungs, hold)


def test_a_shorter_ladder_does_not_lose_an_escalation_that_stood_higher() -> None:
    state = State(EscalationStatus.REQUESTED, Priority.STAT, rung=7, pages=3, page_at=START)
    assert step(state, Tick(), START, LADDER).page is Role.CLINICIAN


priorities = st.sampled_from(list(Priority))
graces = st.integers(0, 60).map(lambda minutes: timedelta(minutes=minutes))
people = st.sampled_from(["A", "B", "C"])


class Escalations(RuleBasedStateMachine):
    """Any order of events, at any time, by anybody."""

    @initialize(priority=priorities, grace=graces)
    def a_report(self, priority: Priority, grace: timedelta) -> None:
        self.now = START
        self.worst = priority
        self.state = step(None, Raise(priority, grace), self.now, LADDER).state

    def play(self, event: Event) -> Role | None:
        before = self.state
        try:
            done = step(before, event, self.now, LADDER)
        except Conflict as refused:
            named = refused.detail["owner"]
        else:
            return self.went(before, event, done)
        assert not before.is_open or (before.owner and named == before.owner)
        return None

    def went(self, before: State, event: Event, done: Step) -> Role | None:
        self.state = done.state
        assert self.state.priority.rank >= before.priority.rank
        if before.is_open and not isinstance(event, Complete):
            assert self.state.is_open
        if not isinstance(event, Confirmed | Accept | Tick | Complete) and before.page_at is not None:
            assert self.state.page_at is not None
            assert self.state.page_at <= before.page_at
        assert (done.page is not None) == (
            isinstance(event, Tick) and before.is_open and before.page_at is not None and before.page_at <= self.now
        )
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
    def every_open_one_has_a_next_moment_or_an_owner_or_is_routine(self) -> None:
        state = self.state
        if not state.is_open:
            assert state.page_at is None
            return
        assert state.priority is self.worst
        assert (state.page_at is None) == (state.priority is Priority.ROUTINE)
        assert (state.owner is not None) == (state.status is EscalationStatus.ACCEPTED)

    @invariant()
    def left_alone_it_reaches_the_last_rung(self) -> None:
        state, now = self.state, self.now
        if not state.is_open or state.priority is Priority.ROUTINE:
            return
        pages = []
        for _ in range(4):
            assert state.page_at is not None
            assert state.page_at <= now + timedelta(hours=8)
            now = max(now, state.page_at)
            done = step(state, Tick(), now, LADDER)
            state = done.state
            pages.append(done.page)
        assert None not in pages
        assert pages[-1] is Role.CLINICIAN


Escalations.TestCase.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)
TestNoPathLeadsToSilence = Escalations.TestCase
