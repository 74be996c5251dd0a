"""Foreseen: what a patient on a protocol will be sent, and when, if nobody answers. Pure.

The occurrences are those that the horizon writes, and each reminder is decided by the rule that decides it on the day,
so that a preview promises nothing else than what happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from care.domain.civil import zone_of
from care.domain.codes import TaskStatus
from care.domain.plan.definition import Action, Occurrence, PlanDefinition
from care.domain.plan.late import catch_up
from care.domain.plan.occurrences import expand
from care.domain.reminder import Close, Due, QuietHours, Send, decide

_LOOKS = 200  # far more than any action has nudges and nights


@dataclass(frozen=True, slots=True)
class Reminding:
    """One reminder: when it leaves, and `number` 0 for the first, 1 for the first nudge.

    `waited`: its moment lay in the quiet hours, so that it leaves at their end.
    """

    at: datetime
    number: int
    waited: bool = False


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One thing asked, with the reminders that it is asked by; none when it expires in the quiet hours."""

    occurrence: Occurrence
    action: Action
    reminders: tuple[Reminding, ...]


def foresee(
    plan: PlanDefinition, start: date, zone: str, since: datetime, until: datetime, now: datetime, *, starting: bool
) -> list[Occurrence]:
    """What is asked with since <= due_at < until: as the horizon writes it when the plan starts now, or goes on."""
    return catch_up(plan, expand(plan, start, zone, since, until), now, starting=starting).asked


def reminded(
    plan: PlanDefinition,
    occurrences: Iterable[Occurrence],
    zone: str,
    quiet: QuietHours,
    first_at: Callable[[Action, Occurrence], datetime],
    now: datetime,
) -> list[Foreseen]:
    """Each occurrence with its reminders from `now` on, were nothing answered. `first_at` says when the first is."""
    found = []
    for one in occurrences:
        action = plan.action(one.action_id)
        assert action is not None, "an occurrence is one of an action of its plan"
        found.append(Foreseen(one, action, _reminders(action, one, zone, quiet, max(first_at(action, one), now))))
    return found


def _reminders(action: Action, one: Occurrence, zone: str, quiet: QuietHours, at: datetime) -> tuple[Reminding, ...]:
    found: list[Reminding] = []
    waited = False
    for _ in range(_LOOKS):
        due = Due(TaskStatus.READY, one.due_at, one.expires_at, len(found), action.remind_after, answered=False)
        match decide(due, at, zone, quiet, consented=True):
            case Send(next_at):
                found.append(Reminding(at, len(found), waited))
                waited, at = False, next_at
            case Close():
                break
            case decided:
                waited, at = decided.until == quiet.over_at(at, zone), decided.until
    return tuple(found)


def days_off(plan: PlanDefinition, start: date, zone: str, since: datetime, until: datetime) -> dict[date, date | None]:
    """The holidays on which the plan would have asked, in the days looked at: each with the day it is asked on instead,
    None where it is left out.
    """
    own = zone_of(plan.time_zone or zone)
    first, last = since.astimezone(own).date(), until.astimezone(own).date()
    found: dict[date, date | None] = {}
    for action in plan.actions:
        moves = action.calendar.moves if action.calendar else {}
        for day, to in moves.items():
            if first <= day < last and _would_ask(action, start, day):
                moved = to if action.holiday == "next-working-day" else None
                found[day] = found.get(day) or moved
    return found


def _would_ask(action: Action, start: date, day: date) -> bool:
    number = (day - start) // timedelta(days=1)
    if number < action.first_day or (action.last_day is not None and number > action.last_day):
        return False
    return (number - action.first_day) % action.every_days == 0 and (
        not action.weekdays or day.weekday() in action.weekdays
    )
