"""Civil time: what a wall-clock time in somebody's zone is as an instant, across gaps and folds."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from care.errors import Invalid

Gap = Literal["next", "skip"]
Fold = Literal["first", "second"]

_SECOND = timedelta(seconds=1)
_LAST_SECOND = time(23, 59, 59)


def zone_of(name: str) -> ZoneInfo:
    """The IANA zone of this name. Raises Invalid("unknown-zone") otherwise, never falls back to another.

    Where the machine has no time zone database at all it is Invalid("no-zone-database"): then no name is at fault.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):  # a folder of zones ("America") is an OSError
        if not _has_zones():
            raise Invalid(
                "no-zone-database", "this machine has no time zone database (install tzdata)", place="zone"
            ) from None
        raise Invalid("unknown-zone", "this is not the name of a time zone", place="zone") from None


# Patients of one zone are asked at the same few times: of a day's expansions nearly all are answered from here.
@lru_cache(maxsize=16_384)
def instant(nominal: datetime, zone: ZoneInfo, gap: Gap = "next", fold: Fold = "first") -> datetime | None:
    """The UTC instant of a naive local time.

    A time that does not exist (clocks go forward) is the first instant after the gap, or None when `gap` is "skip".
    A time that exists twice (clocks go back) is the first of the two unless `fold` is "second".
    """
    early = nominal.replace(tzinfo=zone, fold=0)
    late = nominal.replace(tzinfo=zone, fold=1)
    before, after = _offset(early), _offset(late)
    if before < after:  # fold=0 reads a gap with the offset before it, fold=1 with the one after it
        return None if gap == "skip" else _end_of_gap(nominal, zone, before, after)
    return (late if fold == "second" else early).astimezone(UTC)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first UTC instant of a local day: midnight, or the end of the gap that swallowed it."""
    found = instant(datetime.combine(day, time()), zone)
    assert found is not None, "only skip gives None"
    return found


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The UTC instant at which a local day is over for good: clocks that go back across midnight bring it back once."""
    last_second = datetime.combine(day, _LAST_SECOND)
    found = instant(last_second, zone, "skip", "second")
    if found is not None:
        return found + _SECOND
    over = instant(last_second, zone)
    assert over is not None, "only skip gives None"
    return over


def local(at: datetime, zone: ZoneInfo) -> datetime:
    """The naive wall-clock time of an aware instant."""
    return at.astimezone(zone).replace(tzinfo=None)


def _has_zones() -> bool:
    try:
        ZoneInfo("UTC")
    except (KeyError, OSError):
        return False
    return True


def _offset(at: datetime) -> timedelta:
    return at.utcoffset() or timedelta()


def _end_of_gap(nominal: datetime, zone: ZoneInfo, before: timedelta, after: timedelta) -> datetime:
    """The transition itself: searched to the second between two instants that lie on either side of it."""
    low = (nominal.replace(microsecond=0) - after).replace(tzinfo=UTC)
    high = low + (after - before)
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        if _offset(middle.astimezone(zone)) == before:
            low = middle
        else:
            high = middle
    return high
