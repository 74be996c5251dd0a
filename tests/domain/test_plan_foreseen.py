from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from care.domain.plan import Occurrence, days_off, foresee, read_plan, reminded
from care.domain.plan.definition import Action
from care.domain.reminder import NO_QUIET, QuietHours
from care.library import calendars
from tests.domain.plans import action, plan

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
START = date(2026, 3, 2)


def due(_: Action, one: Occurrence) -> datetime:
    return one.due_at


def test_each_nudge_is_foreseen_where_it_will_leave():
    document = plan(action("a", "08:00", remind_after=(3, "h"), expires_after=(6, "h")))
    found = foresee(read_plan(document), START, "UTC", NOW, NOW + timedelta(days=1), NOW, starting=True)
    one = reminded(read_plan(document), found, "UTC", QuietHours(), due, NOW)[0]
    assert [(r.at.hour, r.number, r.waited) for r in one.reminders] == [(8, 0, False), (11, 1, False)]


def test_what_falls_into_the_quiet_hours_waits_for_their_end_or_is_never_sent():
    document = plan(action("early", "06:30", expires_after=(6, "h")), action("night", "22:00", expires_after=(2, "h")))
    known = read_plan(document)
    found = foresee(known, START, "UTC", NOW, NOW + timedelta(days=1), NOW, starting=True)
    quiet = {one.action.id: one.reminders for one in reminded(known, found, "UTC", QuietHours(), due, NOW)}
    assert [(r.at.hour, r.waited) for r in quiet["early"]] == [(8, True)]
    assert quiet["night"] == ()
    loud = {one.action.id: one.reminders for one in reminded(known, found, "UTC", NO_QUIET, due, NOW)}
    assert [(r.at.hour, r.waited) for r in loud["night"]] == [(22, False)]


def test_holidays_are_named_with_where_they_go():
    skipped = read_plan(plan(action("a", calendar="us-federal")), calendars())
    moved = read_plan(plan(action("a", calendar="us-federal", holiday="next-working-day")), calendars())
    until = NOW + timedelta(days=120)
    assert days_off(skipped, START, "UTC", NOW, until) == {date(2026, 5, 25): None, date(2026, 6, 19): None}
    assert days_off(moved, START, "UTC", NOW, until)[date(2026, 5, 25)] == date(2026, 5, 26)
    ended = read_plan(plan(action("a", days=30, calendar="us-federal")), calendars())
    assert days_off(ended, START, "UTC", NOW, until) == {}
