"""Calendars of public holidays as values, read from a document of the library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from care.domain.plan.elements import list_at, object_at, text_at, whole
from care.errors import Invalid

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAY = timedelta(days=1)
_LONGEST = 60  # days off in a row; more is a slip of the pen


@dataclass(frozen=True, slots=True)
class Calendar:
    """The public holidays of a country. `moves` names each holiday with the next working day after it.

    `first_year` to `last_year` are the years that the data speaks of: a day outside them is a day like any other.
    `longest` is the greatest number of days in `moves`.
    """

    id: str
    title: Mapping[str, str]
    first_year: int
    last_year: int
    moves: Mapping[date, date] = field(repr=False)
    longest: int


def read_calendar(document: Mapping[str, Any]) -> Calendar:
    """A calendar document as a value. Raises Invalid(code, message, place=...) at the first thing that is wrong.

    Holidays are `rules` (a date or the nth weekday of a month, each year) or `days` (named spans of dates); `working`
    are days at a weekend on which people work all the same.
    """
    document = object_at(document, "")
    years = list_at(document, "years", "")
    if len(years) != 2:
        raise Invalid("bad-years", "years names the first and the last year", place="years")
    first, last = (whole(year, f"years[{number}]", 1900, 2200) for number, year in enumerate(years))
    if last < first:
        raise Invalid("ends-before-start", "the last year is before the first", place="years")
    holidays = {day for day in _holidays(document, range(first, last + 1)) if first <= day.year <= last}
    working = {_date(day, f"working[{number}]") for number, day in enumerate(list_at(document, "working", ""))}
    weekend = {_weekday(day, f"weekend[{number}]") for number, day in enumerate(list_at(document, "weekend", ""))}
    both = holidays & working
    if both:
        raise Invalid("both", "a day is a holiday or one of work, not both", place=f"working: {min(both)}")
    moves = {day: _next_working(day, holidays, working, weekend) for day in sorted(holidays)}
    return Calendar(
        id=text_at(document, "id", ""),
        title={str(language): str(words) for language, words in object_at(document.get("title"), "title").items()},
        first_year=first,
        last_year=last,
        moves=moves,
        longest=max(((to - day).days for day, to in moves.items()), default=0),
    )


def _holidays(document: Mapping[str, Any], years: range) -> Iterator[date]:
    for number, span in enumerate(list_at(document, "days", "")):
        place = f"days[{number}]"
        since = _date(object_at(span, place).get("from"), f"{place}.from")
        until = _date(span.get("to", span["from"]), f"{place}.to")
        if not timedelta() <= until - since < timedelta(days=_LONGEST):
            raise Invalid("ends-before-start", "a holiday ends on or after its first day", place=place)
        if since.year not in years or until.year not in years:
            raise Invalid("outside-years", "a holiday lies in the years of its calendar", place=place)
        yield from (since + timedelta(days=count) for count in range((until - since).days + 1))
    for number, entry in enumerate(list_at(document, "rules", "")):
        place = f"rules[{number}]"
        rule = object_at(entry, place)
        begins = whole(rule.get("since", years[0]), f"{place}.since", 1900, 2200)
        # One year more: New Year's Day may be observed on the last day of December.
        for year in range(max(begins, years[0]), years[-1] + 2):
            yield from _ruled(rule, year, place)


def _ruled(rule: Mapping[str, Any], year: int, place: str) -> Iterable[date]:
    """The day or days off that a rule gives in a year."""
    month = whole(rule.get("month"), f"{place}.month", 1, 12)
    if "weekday" in rule:
        weekday = _weekday(rule["weekday"], f"{place}.weekday")
        nth = whole(rule.get("nth"), f"{place}.nth", -1, 4)
        if nth == 0:
            raise Invalid("bad-number", "nth is 1 to 4, or -1 for the last", place=f"{place}.nth")
        return (_nth(year, month, weekday, nth),)
    try:
        day = date(year, month, whole(rule.get("day"), f"{place}.day", 1, 31))
    except ValueError:
        raise Invalid("bad-date", "there is no such day", place=place) from None
    observed = rule.get("observed")
    if observed not in (None, "nearest-weekday"):
        raise Invalid("unknown-observed", "observed is nearest-weekday or absent", place=f"{place}.observed")
    shift = {5: -1, 6: 1}.get(day.weekday(), 0) if observed else 0
    return {day, day + timedelta(days=shift)}


def _nth(year: int, month: int, weekday: int, nth: int) -> date:
    if nth > 0:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
    last = date(year + month // 12, month % 12 + 1, 1) - _DAY
    return last - timedelta(days=(last.weekday() - weekday) % 7)


def _next_working(day: date, holidays: set[date], working: set[date], weekend: set[int]) -> date:
    for count in range(1, _LONGEST):
        after = day + timedelta(days=count)
        if after in working or (after not in holidays and after.weekday() not in weekend):
            return after
    raise Invalid("no-working-day", "no working day follows a holiday", place=str(day))


def _date(value: object, place: str) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise Invalid("bad-date", "a date is written like 2026-01-31", place=place) from None


def _weekday(value: object, place: str) -> int:
    if value not in WEEKDAYS:
        raise Invalid("bad-weekday", f"a weekday is one of {' '.join(WEEKDAYS)}", place=place)
    return WEEKDAYS.index(str(value))
