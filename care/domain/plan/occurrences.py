"""From a protocol to the moments it asks for, in civil time: the plan's own zone, or the patient's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from hashlib import blake2b
from uuid import UUID
from zoneinfo import ZoneInfo

from care.domain.civil import end_of_day, instant, local, start_of_day, zone_of
from care.domain.plan.definition import Action, Occurrence, PlanDefinition

_DAY = timedelta(days=1)
# No gap moves a wall-clock time by more than the day that Samoa left out in 2011, and no clock goes back by more.
_MARGIN = timedelta(hours=26)


def expand(plan: PlanDefinition, start: date, zone: str, since: datetime, until: datetime) -> list[Occurrence]:
    """The occurrences with since <= due_at < until, in order, for a patient who started on `start` and lives in `zone`.

    Asking in pieces gives the same as asking at once. A plan with a zone of its own is read in that one. Raises
    Invalid("unknown-zone").
    """
    own = zone_of(plan.time_zone or zone)
    first, last = local(since, own) - _MARGIN, local(until, own) + _MARGIN
    found = []
    for action in plan.actions:
        for nominal, wall in _walls(action, start, first, last):
            due_at = instant(wall, own, action.gap, action.fold)
            if due_at is not None and since <= due_at < until:
                found.append(_occurrence(action, nominal, due_at, start, own))
    found.sort(key=lambda occurrence: (occurrence.due_at, occurrence.nominal))
    return found


def ends_at(plan: PlanDefinition, start: date, zone: str) -> datetime | None:
    """A moment by which the last occurrence of all has expired; None for a protocol without end."""
    own = zone_of(plan.time_zone or zone)
    ends = []
    for action in plan.actions:
        if action.last_day is None:
            return None
        moved = action.calendar.longest if action.calendar else 0
        ends.append(start_of_day(start + timedelta(days=action.last_day + 1 + moved), own) + action.expires_after)
    return max(ends)


def remind_at(action: Action, occurrence: Occurrence, care_plan_id: UUID) -> datetime:
    """When the first reminder goes out: the due moment, or up to the action's spread later, always before it expires.

    How much later depends on the care plan and the action alone: a patient is asked at the same minute every day.
    """
    if not action.spread:
        return occurrence.due_at
    room = min(action.spread, occurrence.expires_at - occurrence.due_at) // timedelta(seconds=1)
    drawn = int.from_bytes(blake2b(care_plan_id.bytes + action.id.encode(), digest_size=8).digest())
    return occurrence.due_at + timedelta(seconds=(drawn * room) >> 64)


def _occurrence(action: Action, nominal: datetime, due_at: datetime, start: date, zone: ZoneInfo) -> Occurrence:
    expires_at = due_at + action.expires_after
    if action.completion == "afterStart":
        return Occurrence(action.id, nominal, due_at, expires_at)
    if action.completion == "duringEvent":
        return Occurrence(action.id, nominal, due_at, expires_at, None, expires_at)
    if action.completion == "anytime":
        return Occurrence(action.id, nominal, due_at, expires_at, min(start_of_day(start, zone), due_at))
    day = local(due_at, zone).date()
    closes_at = min(expires_at, end_of_day(day, zone))
    return Occurrence(action.id, nominal, due_at, closes_at, start_of_day(day, zone), closes_at)


def _walls(action: Action, start: date, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
    """(nominal, wall-clock time asked at) of an action, naive, for the walls from `first` to `last`."""
    begin = first.date()
    moves: Mapping[date, date] = {}
    if action.calendar is not None:
        moves, begin = action.calendar.moves, begin - timedelta(days=action.calendar.longest)
    for day in _days(action, start, begin, last.date()):
        asked_on = day
        if day in moves:
            if action.holiday == "skip" or _doubled(action, start, day, moves[day]):
                continue
            asked_on = moves[day]
        for at in action.times:
            wall = datetime.combine(asked_on, at)
            if first <= wall <= last:
                yield (wall if asked_on is day else datetime.combine(day, at)), wall


def _days(action: Action, start: date, first: date, last: date) -> Iterator[date]:
    begin = max((first - start).days, action.first_day)
    begin += -(begin - action.first_day) % action.every_days
    end = (last - start).days
    if action.last_day is not None:
        end = min(end, action.last_day)
    for number in range(begin, end + 1, action.every_days):
        day = start + timedelta(days=number)
        if not action.weekdays or day.weekday() in action.weekdays:
            yield day


def _doubled(action: Action, start: date, day: date, to: date) -> bool:
    """Whether the action is asked at the working day `to` anyway: that day's own, or a later holiday's moved there.

    Of several that would fall together the last one is asked, and once.
    """
    moves = action.calendar.moves if action.calendar else {}
    return any(other == to or other in moves for other in _days(action, start, day + _DAY, to))
