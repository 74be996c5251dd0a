"""Civil time, proved: every zone of the database, every change of its clocks from 2000 to 2037, against a second clock.

Each occurrence comes exactly once, at the moment that its policies name, inside its window; asking in pieces gives the
same. The second clock (second_clock.py) reads the zone files by itself and shares no code with the first.
"""

from __future__ import annotations

import zoneinfo
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from uuid import UUID

from care.domain.civil import local, zone_of
from care.domain.plan import Action, Occurrence, PlanDefinition, expand, remind_at
from tests.conftest import require
from tests.domain.second_clock import DAY, EPOCH, Moment, Stretch, changes, moments, seconds_of, stretches

CARE_PLAN = UUID("0192f0c1-2b3c-7d4e-8f50-61728394a5b6")
SINCE, UNTIL = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2000, 2038))
SPREAD = timedelta(hours=2)
_EPOCH = EPOCH.replace(tzinfo=UTC)
DAYS = 3  # the day before a change, its own, and the day after


def zone_file(name: str) -> bytes:
    """The bytes that the first implementation reads for this name."""
    for folder in zoneinfo.TZPATH:
        path = Path(folder) / name
        if path.is_file():
            return path.read_bytes()
    return resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


@cache
def zones() -> dict[bytes, list[str]]:
    """Every zone of this machine, those of one content together."""
    names = zoneinfo.available_timezones()
    require(len(names) > 300, "no time zone database on this machine: install tzdata")
    found: dict[bytes, list[str]] = defaultdict(list)
    for name in sorted(names):
        found[zone_file(name)].append(name)
    return dict(found)


def plan_around(walls: tuple[int, int]) -> PlanDefinition:
    """A plan of three actions whose times crowd around both readings of the clock at its change."""
    near = {wall + shift for wall in walls for shift in (-1800, -1, 0, 1, 1800)}
    near |= {sum(walls) // 2, 0, DAY // 2, DAY - 1}
    times = tuple(sorted({(datetime.min + timedelta(seconds=wall % DAY)).time() for wall in near}))

    def action(name: str, hours: int, **policies: object) -> Action:
        window = timedelta(hours=hours)
        return Action(name, {}, "q|1", times, last_day=DAYS - 1, expires_after=window, **policies)  # type: ignore[arg-type]

    actions = (
        action("first", 26),
        action("second", 8, completion="duringEvent", gap="skip", fold="second", spread=SPREAD),
        action("third", 1, completion="anytime", fold="second"),
    )
    return PlanDefinition("p", "1", {}, {}, actions)


def seen(found: list[Occurrence]) -> dict[tuple[str, datetime], Moment]:
    """The first implementation's occurrences in the second one's terms; a name that comes twice is an error."""
    by_name = {(one.action_id, one.nominal): one for one in found}
    assert len(by_name) == len(found), "an occurrence came twice"
    return {
        name: Moment(
            _second(one.due_at),
            _second(one.opens_at or one.due_at),
            _second(one.expires_at),
            None if one.closes_at is None else _second(one.closes_at),
        )
        for name, one in by_name.items()
    }


def _second(at: datetime) -> int:
    whole = at - _EPOCH
    assert not whole.microseconds
    return whole.days * DAY + whole.seconds


def check(zone: str, line: tuple[Stretch, ...], at: int, before: int, after: int) -> int:
    """One change of one zone; returns how many occurrences were compared."""
    plan = plan_around((at + before, at + after))
    start = (EPOCH + timedelta(seconds=at + min(before, after))).date() - timedelta(days=1)
    middle = datetime.fromtimestamp(at, UTC)
    since, until = middle - timedelta(days=9), middle + timedelta(days=9)
    found = expand(plan, start, zone, since, until)
    wanted = {
        (action.id, nominal): moment
        for action in plan.actions
        for nominal, moment in moments(line, action, start, DAYS).items()
    }
    assert seen(found) == wanted, (zone, middle)
    cuts = [since, middle, until]
    pieces = [one for left, right in pairwise(cuts) for one in expand(plan, start, zone, left, right)]
    assert pieces == found, (zone, middle, "in pieces")
    for one in found:
        assert (one.opens_at or one.due_at) <= one.due_at < one.expires_at, (zone, one)
        action = plan.action(one.action_id)
        assert action is not None
        assert one.due_at <= remind_at(action, one, CARE_PLAN) < one.expires_at, (zone, one)
    return len(found)


def around(line: tuple[Stretch, ...], at: int) -> tuple[Stretch, ...]:
    """What the clocks do in the weeks around an instant: zones that agree on it give the same occurrences there."""
    low, high = at - 15 * DAY, at + 15 * DAY
    return tuple(
        (max(since, low), min(until, high), shift) for since, until, shift in line if until > low < high > since
    )


def agree(zone: str, at: int, before: int, after: int) -> None:
    """The first implementation sees the same change of this zone, to the second."""
    for second, offset in ((at - 1, before), (at, after)):
        assert seconds_of(local(datetime.fromtimestamp(second, UTC), zone_of(zone))) == second + offset, (zone, second)


def test_every_zone_and_every_change_of_its_clocks_gives_each_occurrence_once_and_in_its_window(
    record_property: Callable[[str, object], None],
) -> None:
    counted = compared = 0
    known: set[tuple[Stretch, ...]] = set()
    for data, names in zones().items():
        line = stretches(data)
        for change in changes(line, SINCE, UNTIL):
            for zone in names:
                agree(zone, *change)
                counted += 1
            if around(line, change[0]) not in known:
                known.add(around(line, change[0]))
                compared += check(names[0], line, *change)
    record_property("zones", sum(map(len, zones().values())))
    record_property("changes", counted)
    record_property("changes that differ", len(known))
    record_property("occurrences", compared)
    assert sum(map(len, zones().values())) == len(zoneinfo.available_timezones())
    assert counted > 10_000
    assert compared > 100_000


def test_a_week_without_any_change_is_the_same_in_both_in_every_zone() -> None:
    for data, (zone, *_) in zones().items():
        line = stretches(data)
        quiet = int(datetime(2025, 6, 4, 12, tzinfo=UTC).timestamp())
        offset = next(shift for since, until, shift in line if since <= quiet < until)
        check(zone, line, quiet, offset, offset)


def test_the_second_clock_finds_the_changes_that_everybody_knows() -> None:
    def of(zone: str, year: int) -> list[tuple[str, int]]:
        line = stretches(zone_file(zone))
        begin, end = (int(datetime(one, 1, 1, tzinfo=UTC).timestamp()) for one in (year, year + 1))
        return [(f"{datetime.fromtimestamp(at, UTC):%m-%dT%H:%M}", after) for at, _, after in changes(line, begin, end)]

    zones()
    assert of("America/New_York", 2037) == [("03-08T07:00", -4 * 3600), ("11-01T06:00", -5 * 3600)]
    assert of("Europe/Dublin", 2026) == [("03-29T01:00", 3600), ("10-25T01:00", 0)]
    assert of("Pacific/Apia", 2011)[-1] == ("12-30T10:00", 14 * 3600)
    assert of("Asia/Shanghai", 2026) == []
