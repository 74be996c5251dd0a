"""The one day that a text names: 11月20号, March 3rd 2026, last Friday, 三天前. What could be two days is Unclear."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from care.domain.questionnaire import calendar_days, counted_days
from care.domain.questionnaire.choosing_days import Frame, weekday_of, years_of
from care.domain.questionnaire.counted_days import HAN_WEEKDAY_NAMED, WEEKDAY_NAMED
from care.domain.questionnaire.date_words import LUNAR
from care.domain.questionnaire.reading import Unclear

_SHORTLY = timedelta(days=370)
_PATTERNS = (
    *calendar_days.PATTERNS,
    *counted_days.PATTERNS,
    *calendar_days.SHORT,
    *counted_days.RELATIVE,
    *calendar_days.LOOSE,
    *counted_days.WEEKS,
)
"""In the order of trying: the fuller before the shorter."""
_WITHOUT_WEEKDAY = {pattern for pattern, _ in (*counted_days.PATTERNS, *counted_days.RELATIVE, *counted_days.WEEKS)} | {
    calendar_days.NTH_OF_MONTH
}


@dataclass(frozen=True, slots=True)
class Named:
    """The day that a text names, the text without it, and what stands before it.

    `counted`: it was counted from today or from a week, so that another event beside it may be what it is counted from
    (thanksgiving 1 year ago, palm sunday, 手术三天前).
    """

    day: date
    rest: str
    before: str
    counted: bool = False


def day_in(text: str, frame: Frame) -> Named | Unclear | None:
    """The one day in a normalised text; None when it names none. Raises nothing."""
    if LUNAR.search(text):
        return Unclear("ambiguous")
    for pattern, build in _PATTERNS:
        for match in pattern.finditer(text):
            built = build(match, frame)
            if built is None:
                continue
            if isinstance(built, Unclear):
                return built
            rest = text[: match.start()] + " " + text[match.end() :]
            counted = match.re in counted_days.FROM_AN_EVENT or (
                match.re in (WEEKDAY_NAMED, HAN_WEEKDAY_NAMED) and not (match["rel"] or match.groupdict().get("week"))
            )
            checked = _with_weekday(built, rest, match, frame)
            return checked if isinstance(checked, Unclear) else Named(*checked, text[: match.start()], counted)
    return None


def _with_weekday(day: date, rest: str, match: re.Match[str], frame: Frame) -> tuple[date, str] | Unclear:
    """A weekday beside a date must be that day's."""
    if match.re in _WITHOUT_WEEKDAY:
        return day, rest
    for pattern in (WEEKDAY_NAMED, HAN_WEEKDAY_NAMED):
        named = pattern.search(rest)
        if named is None:
            continue
        if named["rel"] not in (None, "on"):
            return Unclear("several")
        wanted = weekday_of(named["day"])
        rest = rest[: named.start()] + " " + rest[named.end() :]
        if day.weekday() == wanted:
            return day, rest
        fitting = [one for one in _twins(match, frame) if one.weekday() == wanted]
        if len(fitting) == 1:
            return fitting[0], rest
        return Unclear("ambiguous", day.isoformat())
    return day, rest


def _twins(match: re.Match[str], frame: Frame) -> list[date]:
    """The same day and month within a year of today, where no year was said."""
    groups = match.groupdict()
    if groups.get("y") or match.re not in calendar_days.YEARLESS:
        return []
    month, day = calendar_days.month_and_day(match)
    return [one for one in years_of(month, day, frame.today) if abs(one - frame.today) <= _SHORTLY]


def other_days(rest: str) -> Iterator[re.Match[str]]:
    """Every further day named in what is left of a text."""
    return (match for pattern, _ in _PATTERNS for match in pattern.finditer(rest))
