"""A second implementation of civil time and of plans, to check the first against. It shares no code with it.

It reads the compiled zone files (TZif, RFC 9636) and their POSIX footer by itself, and goes the other way round: it
lays out what every instant is called locally, and finds the moments of a plan among those names. Times are whole
seconds: instants since 1970-01-01T00:00Z, local ones since 1970-01-01T00:00 on the wall.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

DAY = 86_400
FAR = 1 << 40
EPOCH = datetime(1970, 1, 1)
LAST_YEAR = 2040

Stretch = tuple[int, int, int]  # from, until (instants) and the seconds that local time is ahead of UTC


def stretches(data: bytes) -> tuple[Stretch, ...]:
    """The whole time line of a zone file, cut where the offset changes, in order and without a hole."""
    changes, first, footer = _read(data)
    if footer:
        last = changes[-1][0] if changes else -FAR
        changes += [change for change in _footer_changes(footer) if change[0] > last]
    found: list[Stretch] = []
    since, offset = -FAR, first
    for at, after in changes:
        if after != offset:
            found.append((since, at, offset))
            since, offset = at, after
    return (*found, (since, FAR, offset))


def _read(data: bytes) -> tuple[list[tuple[int, int]], int, str]:
    """(instant, offset after it) of every change in the file, the offset before the first, and the footer."""
    assert data[:4] == b"TZif", "not a zone file"
    position, width = 0, 4
    while True:
        version = data[position + 4]
        isut, isstd, leap, times, types, chars = struct.unpack_from(">6l", data, position + 20)
        body = position + 44
        end = body + times * (width + 1) + types * 6 + chars + leap * (width + 4) + isstd + isut
        if version == 0 or width == 8:
            break
        position, width = end, 8
    instants = struct.unpack_from(f">{times}{'q' if width == 8 else 'l'}", data, body)
    kinds = data[body + times * width : body + times * (width + 1)]
    table = body + times * (width + 1)
    offsets = [struct.unpack_from(">l", data, table + 6 * number)[0] for number in range(types)]
    footer = data[end:].decode("ascii").strip("\n") if width == 8 else ""
    return [(at, offsets[kind]) for at, kind in zip(instants, kinds, strict=True)], offsets[0], footer


_NAME = r"(?:<[^>]+>|[A-Za-z]+)"
_SHIFT = r"[+-]?\d+(?::\d+){0,2}"
_FOOTER = re.compile(rf"{_NAME}({_SHIFT})(?:{_NAME}({_SHIFT})?,([^,]+),([^,]+))?$")


def _footer_changes(footer: str) -> list[tuple[int, int]]:
    found = _FOOTER.match(footer)
    assert found, f"a footer that is not POSIX: {footer}"
    standard = -_seconds(found[1])
    if found[3] is None:
        return [(-FAR + 1, standard)]
    summer = -_seconds(found[2]) if found[2] else standard + 3600
    changes = []
    for year in range(1970, LAST_YEAR + 1):
        changes.append((_on(found[3], year) - standard, summer))
        changes.append((_on(found[4], year) - summer, standard))
    return sorted(changes)


def _seconds(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    parts = [int(part) for part in text.lstrip("+-").split(":")]
    return sign * sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))


def _on(rule: str, year: int) -> int:
    """The local second that a rule like M3.2.0/2, J60 or 59 names in a year."""
    day, _, at = rule.partition("/")
    if day.startswith("M"):
        month, week, weekday = (int(part) for part in day[1:].split("."))
        days = [date(year, month, 1) + timedelta(days=number) for number in range(31)]
        fitting = [one for one in days if one.month == month and (one.weekday() + 1) % 7 == weekday]
        chosen = fitting[min(week, len(fitting)) - 1]
    elif day.startswith("J"):  # 1 to 365; the 29th of February is never counted
        common = date(2001, 1, 1) + timedelta(days=int(day[1:]) - 1)
        chosen = common.replace(year=year)
    else:
        chosen = date(year, 1, 1) + timedelta(days=int(day))
    return (chosen - EPOCH.date()).days * DAY + (_seconds(at) if at else 7200)


def seconds_of(local: datetime) -> int:
    """A naive local time as seconds on the wall."""
    gone = local - EPOCH
    return gone.days * DAY + gone.seconds


def instants_of(line: Sequence[Stretch], walls: Iterable[int]) -> dict[int, tuple[list[int], int | None]]:
    """For each local second: the instants that are called so, in order; or none and the end of the gap it is in."""
    ordered = sorted(set(walls))
    found: dict[int, tuple[list[int], int | None]] = {wall: ([], None) for wall in ordered}
    if not ordered:
        return found
    begin = bisect_right(line, ordered[0] - 3 * DAY, key=_from) - 1
    for number in range(max(begin, 0), len(line)):
        since, until, offset = line[number]
        if since > ordered[-1] + 3 * DAY:
            break
        for wall in ordered[bisect_left(ordered, since + offset) : bisect_left(ordered, until + offset)]:
            found[wall][0].append(wall - offset)
        if number + 1 < len(line):
            after = line[number + 1][2]
            for wall in ordered[bisect_left(ordered, until + offset) : bisect_left(ordered, until + after)]:
                if not found[wall][0]:
                    found[wall] = ([], until)
    return found


def _from(stretch: Stretch) -> int:
    return stretch[0]


def day_of(line: Sequence[Stretch], at: int) -> tuple[int, int]:
    """The first instant whose local date is that of `at`, and the moment after the last one."""
    index = bisect_right(line, at, key=_from) - 1
    begin = (at + line[index][2]) // DAY * DAY
    near = line[max(0, index - 2) : index + 3]
    parts = [(max(since, begin - offset), min(until, begin + DAY - offset)) for since, until, offset in near]
    inside = [(since, until) for since, until in parts if since < until]
    return min(since for since, _ in inside), max(until for _, until in inside)


@dataclass(frozen=True)
class Moment:
    """One moment of a plan, in instants. `opens` is its due moment where the plan says no other."""

    due: int
    opens: int
    expires: int
    closes: int | None


def moments(
    line: Sequence[Stretch], action: Any, start: date, days: int, off: Mapping[date, date] | None = None
) -> dict[datetime, Moment]:
    """Every moment of an action in the first `days` days of a plan by its nominal time, found name by name.

    `off` are the holidays, each with the next working day; empty where there are none.
    """
    off = off or {}
    names: dict[datetime, datetime] = {}
    asked = [
        start + timedelta(days=number) for number in range(days) if _asks(action, start, start + timedelta(number))
    ]
    targets: dict[date, date] = {}  # the day on which it is asked -> the day it is asked for; the latest wins
    for day in asked:
        if day not in off:
            targets[day] = day
        elif action.holiday == "next-working-day" and targets.get(off[day]) != off[day]:
            targets[off[day]] = day
    for target, day in targets.items():
        if target in asked and target not in off and day != target:
            continue
        for at in action.times:
            names[datetime.combine(day, at)] = datetime.combine(target, at)
    called = instants_of(line, (seconds_of(wall) for wall in names.values()))
    window = int(action.expires_after.total_seconds())
    begins = _begin(line, start)
    found: dict[datetime, Moment] = {}
    for nominal, wall in names.items():
        instants, end_of_gap = called[seconds_of(wall)]
        if instants:
            due = instants[-1] if action.fold == "second" else instants[0]
        elif action.gap == "skip":
            continue
        else:
            assert end_of_gap is not None, "a local time is called so or lies in a gap"
            due = end_of_gap
        found[nominal] = _moment(line, action, begins, due, window)
    return found


def _begin(line: Sequence[Stretch], start: date) -> int:
    """The first instant that has a local date of `start` or later."""
    wall = seconds_of(datetime.combine(start, time()))
    return next(max(since, wall - offset) for since, until, offset in line if until + offset > wall)


def _moment(line: Sequence[Stretch], action: Any, begins: int, due: int, window: int) -> Moment:
    if action.completion == "sameDay":
        opens, over = day_of(line, due)
        return Moment(due, opens, min(due + window, over), min(due + window, over))
    if action.completion == "anytime":
        return Moment(due, min(begins, due), due + window, None)
    return Moment(due, due, due + window, due + window if action.completion == "duringEvent" else None)


def _asks(action: Any, start: date, day: date) -> bool:
    number = (day - start).days
    if number < action.first_day or (action.last_day is not None and number > action.last_day):
        return False
    return (number - action.first_day) % action.every_days == 0 and (
        not action.weekdays or day.weekday() in action.weekdays
    )


def changes(line: Sequence[Stretch], since: int, until: int) -> list[tuple[int, int, int]]:
    """(instant, offset before, offset after) of every change of the offset with since <= instant < until."""
    return [(after[0], before[2], after[2]) for before, after in pairwise(line) if since <= after[0] < until]
