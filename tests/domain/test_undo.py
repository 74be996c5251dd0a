"""Undo: for ten seconds the last act is as if it had not been, and nobody's page is lost by it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.codes import EscalationStatus, Outcome, Priority
from care.domain.escalation import Accept, Complete, Raise, Snooze, State, Tick, step
from care.domain.ladder import default_ladder
from care.domain.undo import ON_THE_WAY, WITHIN, Act, document, read_act, undone
from care.errors import Conflict

LADDER = default_ladder()
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def raised(priority: Priority, ticks: int) -> State:
    state, now = step(None, Raise(priority), NOON, LADDER).state, NOON
    for _ in range(ticks):
        now = max(now, state.page_at or now)
        state = step(state, Tick(), now, LADDER).state
    return state


def acted(before: State, act: str) -> State:
    event = {
        "claim": Accept("me"),
        "close": Complete("me", Outcome.PHONED),
        "snooze": Snooze("me", NOON + timedelta(minutes=5), "on the phone"),
    }[act]
    return step(before, event, NOON, LADDER).state


@given(st.sampled_from(Priority), st.integers(0, 4), st.sampled_from(["claim", "close", "snooze"]), st.booleans())
def test_what_is_undone_is_as_it_was_or_pages_at_once(priority: Priority, ticks: int, what: str, stopped: bool) -> None:
    before = raised(priority, ticks)
    act = Act("me", NOON, before, acted(before, what), stopped)
    state = undone(read_act(json.loads(json.dumps(document(act)))), act.after, "me", NOON + WITHIN)
    assert state.is_open and state.page_at is not None
    assert state.status is EscalationStatus.REQUESTED and state.owner is None
    if stopped:
        assert state.page_at == NOON + WITHIN
    else:
        assert state == before


def test_after_ten_seconds_it_stands() -> None:
    before = raised(Priority.STAT, 1)
    act = Act("me", NOON, before, acted(before, "claim"))
    with pytest.raises(Conflict, match="taken back"):
        undone(act, act.after, "me", NOON + WITHIN + ON_THE_WAY + timedelta(seconds=1))


def test_nobody_undoes_what_somebody_else_did_or_what_has_changed_since() -> None:
    before = raised(Priority.STAT, 1)
    act = Act("me", NOON, before, acted(before, "claim"))
    with pytest.raises(Conflict, match="somebody else"):
        undone(act, act.after, "you", NOON)
    for state in (before, step(act.after, Complete("me", Outcome.ACTED), NOON, LADDER).state):
        with pytest.raises(Conflict, match="taken back"):
            undone(act, state, "me", NOON)
    with pytest.raises(Conflict):
        undone(None, act.after, "me", NOON)
