"""When an action is asked: FHIR's Timing, as far as a follow-up plan has use for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

from care.domain.plan.calendar import WEEKDAYS
from care.domain.plan.elements import object_at, whole
from care.errors import Invalid

_DAYS = {"d": 1, "wk": 7}
_TOO_OFTEN = ("s", "min", "h")
_LONGEST = 3660  # days: ten years; a longer plan is a slip of the pen


def read_timing(entry: Mapping[str, Any], place: str) -> dict[str, Any]:
    """times, every_days, weekdays, first_day and last_day of an action, by name. Raises Invalid with its place."""
    timing = object_at(entry.get("timingTiming"), f"{place}.timingTiming")
    place = f"{place}.timingTiming.repeat"
    repeat = object_at(timing.get("repeat"), place)
    unit = str(repeat.get("periodUnit"))
    if unit in _TOO_OFTEN:
        raise Invalid("recurs-too-often", "a task recurs daily or weekly, not more often", place=f"{place}.periodUnit")
    if unit not in _DAYS:
        raise Invalid("unsupported", "periodUnit must be d or wk", place=f"{place}.periodUnit")
    period = whole(repeat.get("period", 1), f"{place}.period", 1, 366)
    times = _read_times(repeat.get("timeOfDay"), f"{place}.timeOfDay")
    weekdays = _read_weekdays(repeat.get("dayOfWeek", ()), f"{place}.dayOfWeek")
    if weekdays and (unit != "wk" or period != 1):
        raise Invalid("unsupported", "dayOfWeek goes with a period of one week", place=f"{place}.dayOfWeek")
    frequency = whole(repeat.get("frequency", 1), f"{place}.frequency", 1, 7 * 24)
    if frequency != len(times) * max(1, len(weekdays)):
        raise Invalid("frequency-mismatch", "frequency is not the number of times named", place=f"{place}.frequency")
    first_day, last_day = _read_bounds(repeat, place)
    every_days = 1 if weekdays else period * _DAYS[unit]
    return {
        "times": times,
        "every_days": every_days,
        "weekdays": weekdays,
        "first_day": first_day,
        "last_day": last_day,
    }


def _read_times(value: object, place: str) -> tuple[time, ...]:
    if not isinstance(value, list) or not value:
        raise Invalid("missing-time", "timeOfDay names at least one time", place=place)
    times = set()
    for number, text in enumerate(value):
        try:
            at = time.fromisoformat(text)
        except (TypeError, ValueError):
            at = None
        if at is None or at.tzinfo is not None or at.microsecond or str(text).count(":") != 2:
            raise Invalid("bad-time", "a time is written like 08:00:00, without a zone", place=f"{place}[{number}]")
        times.add(at)
    if len(times) != len(value):
        raise Invalid("duplicate-time", "a time is named twice", place=place)
    return tuple(sorted(times))


def _read_weekdays(value: object, place: str) -> tuple[int, ...]:
    days = value if isinstance(value, list) else []
    if value not in ((), days) or any(day not in WEEKDAYS for day in days) or len(set(days)) != len(days):
        raise Invalid("bad-weekday", "dayOfWeek names each of mon tue wed thu fri sat sun once at most", place=place)
    return tuple(sorted(WEEKDAYS.index(day) for day in days))


def _read_bounds(repeat: Mapping[str, Any], place: str) -> tuple[int, int | None]:
    """First and last day. boundsDuration: so many days from the start; boundsRange: from day low to day high."""
    if "boundsPeriod" in repeat:
        raise Invalid("unsupported", "bounds are days from the start", place=f"{place}.boundsPeriod")
    if "boundsDuration" in repeat:
        days = _days(repeat["boundsDuration"], f"{place}.boundsDuration")
        if days < 1:
            raise Invalid("ends-before-start", "the action ends before it starts", place=f"{place}.boundsDuration")
        return 0, days - 1
    if "boundsRange" not in repeat:
        return 0, None
    place = f"{place}.boundsRange"
    bounds = object_at(repeat["boundsRange"], place)
    low = _days(bounds["low"], f"{place}.low") if "low" in bounds else 0
    high = _days(bounds["high"], f"{place}.high") if "high" in bounds else None
    if low < 0 or (high is not None and high < low):
        raise Invalid("ends-before-start", "the action ends before it starts", place=place)
    return low, high


def _days(value: object, place: str) -> int:
    quantity = object_at(value, place)
    unit = str(quantity.get("code", quantity.get("unit")))
    if unit not in _DAYS:
        raise Invalid("unsupported", "bounds are counted in d or wk", place=f"{place}.code")
    return whole(quantity.get("value"), f"{place}.value", -_LONGEST, _LONGEST) * _DAYS[unit]
