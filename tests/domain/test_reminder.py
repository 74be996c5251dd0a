"""Reminders: sent, put off, or closed, and always with a next moment to look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.codes import TaskStatus
from care.domain.reminder import NO_QUIET, Close, Due, QuietHours, Send, Wait, decide
from care.errors import Invalid

ZONE = "Asia/Shanghai"
EIGHT = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)  # 08:00 in Shanghai
HOUR = timedelta(hours=1)
QUIET = QuietHours()
DUE = Due(TaskStatus.READY, EIGHT, EIGHT + 6 * HOUR, 0, (timedelta(), 2 * HOUR), answered=False)


def test_what_is_due_is_sent_and_looked_at_again_for_the_nudge() -> None:
    assert decide(DUE, EIGHT, ZONE, QUIET, True) == Send(EIGHT + 2 * HOUR)


def test_the_last_nudge_is_followed_by_the_expiry() -> None:
    nudge = replace(DUE, reminders_sent=1)
    assert decide(nudge, EIGHT + HOUR, ZONE, QUIET, True) == Wait(EIGHT + 2 * HOUR)
    assert decide(nudge, EIGHT + 2 * HOUR, ZONE, QUIET, True) == Send(DUE.expires_at)
    assert decide(replace(DUE, reminders_sent=2), EIGHT + 3 * HOUR, ZONE, QUIET, True) == Wait(DUE.expires_at)


def test_after_an_outage_there_is_one_reminder_and_not_a_burst() -> None:
    late = EIGHT + 2.5 * HOUR
    first = decide(DUE, late, ZONE, QUIET, True)
    assert first == Send(late + 2 * HOUR)
    assert decide(replace(DUE, reminders_sent=1), late + 2 * HOUR, ZONE, QUIET, True) == Send(DUE.expires_at)


def test_nothing_is_sent_before_it_is_due() -> None:
    assert decide(DUE, EIGHT - HOUR, ZONE, QUIET, True) == Wait(EIGHT)


def test_what_is_answered_or_expired_or_closed_is_over() -> None:
    assert decide(replace(DUE, answered=True), EIGHT, ZONE, QUIET, True) == Close(TaskStatus.COMPLETED, "answered")
    assert decide(DUE, DUE.expires_at, ZONE, QUIET, True) == Close(TaskStatus.FAILED, "expired")
    closed = replace(DUE, status=TaskStatus.CANCELLED)
    assert decide(closed, EIGHT, ZONE, QUIET, True) == Close(TaskStatus.CANCELLED, "already-closed")


def test_an_answer_that_came_in_time_is_not_lost_by_a_late_look() -> None:
    assert decide(replace(DUE, answered=True), DUE.expires_at + HOUR, ZONE, QUIET, True).status == "completed"


def test_without_consent_nothing_is_said_and_the_reason_is_kept() -> None:
    assert decide(DUE, EIGHT, ZONE, QUIET, False) == Wait(DUE.expires_at)
    assert decide(DUE, DUE.expires_at, ZONE, QUIET, False) == Close(TaskStatus.FAILED, "no-consent")
    assert decide(replace(DUE, reminders_sent=1), DUE.expires_at, ZONE, QUIET, False).reason == "expired"


def test_quiet_hours_wrap_midnight_and_are_the_patients_own() -> None:
    late = replace(DUE, due_at=EIGHT + 14 * HOUR, expires_at=EIGHT + 30 * HOUR)  # 22:00 in Shanghai
    assert decide(late, late.due_at, ZONE, QUIET, True) == Wait(EIGHT + 24 * HOUR)
    assert isinstance(decide(late, late.due_at, "Europe/London", QUIET, True), Send)
    night = replace(late, due_at=EIGHT + 19 * HOUR)  # 03:00
    assert decide(night, night.due_at, ZONE, QUIET, True) == Wait(EIGHT + 24 * HOUR)


def test_a_task_that_expires_in_the_quiet_hours_waits_for_its_expiry() -> None:
    late = replace(DUE, due_at=EIGHT + 14 * HOUR, expires_at=EIGHT + 16 * HOUR)
    assert decide(late, late.due_at, ZONE, QUIET, True) == Wait(late.expires_at)


@pytest.mark.parametrize(
    ("quiet", "at", "covered"),
    [
        (QUIET, time(21), True),
        (QUIET, time(8), False),
        (QUIET, time(7, 59), True),
        (QUIET, time(20, 59), False),
        (QuietHours(time(13), time(15)), time(14), True),
        (QuietHours(time(13), time(15)), time(15), False),
        (NO_QUIET, time(0), False),
    ],
)
def test_quiet_hours_cover_their_start_and_not_their_end(quiet: QuietHours, at: time, covered: bool) -> None:
    assert quiet.covers(at) is covered


def test_quiet_hours_that_end_in_a_gap_end_after_it() -> None:
    quiet = QuietHours(time(21), time(2, 30))
    now = datetime(2026, 3, 8, 6, 0, tzinfo=UTC)  # 01:00 in New York; 02:30 does not exist that day
    assert quiet.over_at(now, "America/New_York") == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)


def test_an_unknown_zone_is_an_error_and_never_a_silent_skip() -> None:
    with pytest.raises(Invalid):
        decide(DUE, EIGHT, "Nowhere/Land", QUIET, True)


@given(
    minutes=st.integers(-600, 3000),
    sent=st.integers(0, 4),
    zone=st.sampled_from(["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "UTC"]),
    consented=st.booleans(),
    start=st.times(),
    end=st.times(),
)
def test_every_decision_has_a_later_moment_or_an_end(
    minutes: int, sent: int, zone: str, consented: bool, start: time, end: time
) -> None:
    now = EIGHT + timedelta(minutes=minutes)
    decision = decide(replace(DUE, reminders_sent=sent), now, zone, QuietHours(start, end), consented)
    match decision:
        case Send(next_at):
            assert consented
            assert now < next_at <= DUE.expires_at
            assert sent < len(DUE.remind_after)
        case Wait(until):
            assert now < until <= DUE.expires_at
        case Close():
            assert now >= DUE.expires_at


def test_followed_to_the_end_every_task_is_reminded_at_most_as_often_as_planned() -> None:
    due, now, sent = DUE, DUE.due_at, 0
    while True:
        decision = decide(due, now, ZONE, QUIET, True)
        if isinstance(decision, Close):
            break
        if isinstance(decision, Send):
            sent += 1
            due = replace(due, reminders_sent=sent)
        now = decision.next_at if isinstance(decision, Send) else decision.until
    assert sent == len(DUE.remind_after)
