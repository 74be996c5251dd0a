"""Dates, date-times and times as FHIRPath knows them: each with the precision it was written in."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_TIME = re.compile(r"T?(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?")
_ZONE = re.compile(r"Z|[+-]\d\d:\d\d")

WORDS = ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
DEFINITE = {"wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second", "ms": "millisecond"}
"""UCUM's units that a moment moves by, as the calendar's words; UCUM's year and month are averages and move none."""
_SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time. `kind`: date, dateTime or time. `parts`: year, month, day, hour, minute, second as far as they
    are known (a time: hour, minute, second); the second is a Decimal. `offset`: minutes east of UTC, or None.
    """

    kind: str
    parts: tuple[int | Decimal, ...]
    offset: int | None = None

    def __str__(self) -> str:
        day = "-".join(_padded(part, 4 if at == 0 else 2) for at, part in enumerate(self._day))
        clock = ":".join(_padded(part, 2) for part in self._clock)
        if self.kind == "time":
            return clock
        return f"{day}T{clock}{zone(self.offset)}" if clock else day

    @property
    def _day(self) -> tuple[int | Decimal, ...]:
        return () if self.kind == "time" else self.parts[:3]

    @property
    def _clock(self) -> tuple[int | Decimal, ...]:
        return self.parts if self.kind == "time" else self.parts[3:]

    @property
    def seconds_written(self) -> bool:
        """Whether it is known to the second."""
        return len(self._clock) == 3

    def as_date(self) -> Moment:
        """The day it is on."""
        return Moment("date", self.parts[:3])


def zone(offset: int | None) -> str:
    """An offset as FHIR writes it."""
    if offset is None:
        return ""
    return "Z" if offset == 0 else f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"


def _padded(part: int | Decimal, width: int) -> str:
    if isinstance(part, int):
        return f"{part:0{width}d}"
    whole, _, rest = f"{part:f}".partition(".")
    return whole.rjust(width, "0") + (f".{rest}" if rest else "")


def read(text: str, kind: str = "") -> Moment | None:
    """A moment from its text, of this kind or of the kind that it is written as; None when it is none."""
    if kind == "time" or (not kind and (text.startswith("T") or text[2:3] == ":")):
        found = _TIME.fullmatch(text)
        return _checked("time", _clock_of(found), None) if found else None
    found = _DATE.match(text)
    if found is None:
        return None
    day = tuple(int(part) for part in found.groups() if part is not None)
    rest = text[found.end() :]
    if not rest:
        return _checked(kind or "date", day, None)
    if kind == "date" or not rest.startswith("T"):
        return None
    if rest == "T":
        return _checked("dateTime", day, None)
    clock = _TIME.match(rest)
    if clock is None or len(day) < 3:
        return None
    tail = rest[clock.end() :]
    if tail and not _ZONE.fullmatch(tail):
        return None
    return _checked("dateTime", (*day, *_clock_of(clock)), _minutes(tail))


def _clock_of(found: re.Match[str]) -> tuple[int | Decimal, ...]:
    hour, minute, second = found.groups()
    return (int(hour), *((int(minute),) if minute else ()), *((Decimal(second),) if second else ()))


def _minutes(tail: str) -> int | None:
    if tail in ("", "Z"):
        return 0 if tail else None
    return (-1 if tail[0] == "-" else 1) * (int(tail[1:3]) * 60 + int(tail[4:6]))


def _checked(kind: str, parts: tuple[int | Decimal, ...], offset: int | None) -> Moment | None:
    clock = parts if kind == "time" else parts[3:]
    if any(part >= limit for part, limit in zip(clock, (24, 60, 61), strict=False)):
        return None
    if kind != "time":
        year, month, day = (*(int(p) for p in parts[:3]), 1, 1)[:3]
        if not (year >= 1 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]):
            return None
    return Moment(kind, parts, offset)


def from_datetime(now: datetime) -> Moment:
    """A dateTime of an aware datetime, to the millisecond."""
    away = now.utcoffset()
    second = Decimal(now.second * 1000 + now.microsecond // 1000).scaleb(-3)
    offset = None if away is None else int(away.total_seconds() // 60)
    return Moment("dateTime", (now.year, now.month, now.day, now.hour, now.minute, second), offset)


def compare(one: Moment, other: Moment) -> int | None:
    """-1, 0 or 1; None where the one is known more precisely than the other and they agree as far as both are.

    A time of day and a day are not compared (None too). Moments with an offset are compared at UTC.
    """
    if (one.kind == "time") != (other.kind == "time"):
        return None
    if one.offset is not None and other.offset is not None and one.offset != other.offset:
        one, other = _at_utc(one), _at_utc(other)
    elif (one.offset is None) != (other.offset is None) and len(one.parts) > 3 and len(other.parts) > 3:
        return _apart(one, other)
    for mine, theirs in zip(one.parts, other.parts, strict=False):
        if mine != theirs:
            return -1 if mine < theirs else 1
    return 0 if len(one.parts) == len(other.parts) else None


def _apart(one: Moment, other: Moment) -> int | None:
    """Where only one says its offset: known only when the two are more than the widest offsets (-12 to +14 h) apart."""
    gap = _moved(one, 0) - _moved(other, 0)
    if one.offset is not None:
        gap -= timedelta(minutes=one.offset)
    if other.offset is not None:
        gap += timedelta(minutes=other.offset)
    return None if abs(gap) <= timedelta(hours=14) else (-1 if gap < timedelta(0) else 1)


def _moved(moment: Moment, minutes: int) -> datetime:
    year, month, day, *clock = moment.parts
    hour, minute, second = (*clock, 0, 0)[:3]
    whole = int(second)
    micro = int((Decimal(second) - whole) * 1_000_000)
    at = datetime(int(year), int(month), int(day), int(hour), int(minute), min(whole, 59), micro)  # noqa: DTZ001
    return at + timedelta(minutes=minutes)


def _at_utc(moment: Moment) -> Moment:
    if len(moment.parts) < 5 or not moment.offset:
        return moment
    at = _moved(moment, -moment.offset)
    full = (at.year, at.month, at.day, at.hour, at.minute, *moment.parts[5:])
    return Moment(moment.kind, full, 0)


def add(moment: Moment, amount: Decimal, unit: str) -> Moment | None:
    """The moment so many units later; None when that leaves the calendar. The precision stays what it was.

    A part of a unit counts only for seconds. Where the moment is less precise than the unit, whole units of its own
    precision are added: 400 days after @2014 is @2015 (a month is then 30 days, a year 365).
    """
    if moment.kind == "time":
        return _add_to_time(moment, amount, unit)
    if unit in ("year", "month"):
        return _add_months(moment, int(amount) * (12 if unit == "year" else 1))
    known = len(moment.parts) - 1
    if known < 2:
        days = (
            int(amount * (1 if unit == "day" else 7)) if unit in ("day", "week") else int(_span(amount, unit) / 86_400)
        )
        return _add_months(moment, 12 * int(days / 365) if known == 0 else int(days / 30))
    if known == 2:
        whole = int(_span(amount, unit) / 86_400)
        return _on_day(moment, whole)
    try:
        later = _moved(moment, 0) + timedelta(microseconds=int(_span(_whole(amount, unit), unit) * 1_000_000))
    except OverflowError:
        return None
    fields: list[int | Decimal] = [later.year, later.month, later.day, later.hour, later.minute]
    if len(moment.parts) == 6:
        fields.append(_second(later.second, later.microsecond, moment.parts[5]))
    return Moment(moment.kind, tuple(fields[: len(moment.parts)]), moment.offset)


def _second(second: int, micro: int, before: int | Decimal) -> Decimal:
    """As many decimals as it was written with, more only when they are there."""
    value = Decimal(second) + Decimal(micro) / 1_000_000
    places = -int(Decimal(before).as_tuple().exponent)
    exact = value.normalize()
    needed = max(places, -int(exact.as_tuple().exponent), 0)
    return value.quantize(Decimal(1).scaleb(-needed))


def _whole(amount: Decimal, unit: str) -> Decimal:
    return amount if unit in ("second", "millisecond") else amount.to_integral_value(ROUND_DOWN)


def _span(amount: Decimal, unit: str) -> Decimal:
    return amount / 1000 if unit == "millisecond" else amount * _SECONDS[unit]


def _add_months(moment: Moment, months: int) -> Moment | None:
    year, month = int(moment.parts[0]), int(moment.parts[1]) if len(moment.parts) > 1 else 1
    year, month = divmod(year * 12 + month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    last = monthrange(year, month + 1)[1]
    day = [min(int(part), last) for part in moment.parts[2:3]]
    moved = (year, month + 1, *day)[: len(moment.parts)]
    return Moment(moment.kind, (*moved, *moment.parts[3:]), moment.offset)


def _on_day(moment: Moment, days: int) -> Moment | None:
    try:
        on = date(*(int(part) for part in moment.parts[:3])) + timedelta(days=days)
    except OverflowError:
        return None
    return Moment(moment.kind, (on.year, on.month, on.day), moment.offset)


def _add_to_time(moment: Moment, amount: Decimal, unit: str) -> Moment | None:
    """A time of day goes round at midnight."""
    if unit not in ("hour", "minute", "second", "millisecond"):
        return None
    hour, minute, second = (*moment.parts, 0, 0)[:3]
    total = (Decimal(int(hour) * 3600 + int(minute) * 60) + second + _span(_whole(amount, unit), unit)) % 86_400
    total += 86_400 if total < 0 else 0
    clock = (int(total // 3600), int(total % 3600 // 60), total % 60)
    return Moment("time", clock[: len(moment.parts)])
