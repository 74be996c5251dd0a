"""From a protocol to the moments it asks for, in the patient's own civil time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from care.domain.civil import instant, local, zone_of
from care.domain.plan.definition import Action, Occurrence, PlanDefinition


def expand(plan: PlanDefinition, start: date, zone: str, since: datetime, until: datetime) -> list[Occurrence]:
    """The occurrences with since <= due_at < until, in order, for a patient who started on `start` and lives in `zone`.

    Asking in pieces gives the same as asking at once. Raises Invalid("unknown-zone").
    """
    own = zone_of(zone)
    # Two days of margin: no gap moves a wall-clock time by more than the day that Samoa left out in 2011.
    first = local(since, own).date() - timedelta(days=2)
    last = local(until, own).date() + timedelta(days=2)
    found = []
    for action in plan.actions:
        for nominal in _nominals(action, start, first, last):
            due_at = instant(nominal, own, action.gap, action.fold)
            if due_at is not None and since <= due_at < until:
                found.append(Occurrence(action.id, nominal, due_at, due_at + action.expires_after))
    found.sort(key=lambda occurrence: (occurrence.due_at, occurrence.nominal))
    return found


def _nominals(action: Action, start: date, first: date, last: date) -> Iterator[datetime]:
    """The naive local times of an action on the days from `first` to `last`."""
    begin = max((first - start).days, action.first_day)
    begin += -(begin - action.first_day) % action.every_days
    end = (last - start).days
    if action.last_day is not None:
        end = min(end, action.last_day)
    for number in range(begin, end + 1, action.every_days):
        day = start + timedelta(days=number)
        if not action.weekdays or day.weekday() in action.weekdays:
            for at in action.times:
                yield datetime.combine(day, at)
