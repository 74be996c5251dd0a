"""Which day is meant where a text leaves its year, its month or its century unsaid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from care.domain.questionnaire.date_words import WEEKDAYS, count
from care.domain.questionnaire.reading import Unclear


@dataclass(frozen=True, slots=True)
class Frame:
    """What tells the one day from the other.

    `tense`: "past", "future", or ""; `alone`: no question goes with the text; `local`: the time of day now.
    """

    today: date
    tense: str = ""
    alone: bool = False
    local: time = time()


Built = date | Unclear | None
NEAR = timedelta(days=100)
"""A day and month without a year is the nearest one if it is this near; else the question or the text must tell."""
STEP = {"last": -1, "previous": -1, "past": -1, "this": 0, "current": 0, "the": 0, "next": 1, "following": 1}


def real_day(year: int, month: int, day: int) -> date | None:
    """The date, or None where the calendar has no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def in_month(year: int, month: int, day: int) -> date | None:
    """A day of a month that may be counted beyond a year's ends."""
    return real_day(year + (month - 1) // 12, (month - 1) % 12 + 1, day)


def years_of(month: int, day: int, today: date) -> list[date]:
    """This day and month in every year of some years around."""
    near = range(max(1, today.year - 8), min(9999, today.year + 9))
    return [found for year in near if (found := real_day(year, month, day))]


def without_year(month: int, day: int, frame: Frame) -> Built:
    """A day and month: by the tense, or the nearest if it is near; without any question the coming one."""
    found = years_of(month, day, frame.today)
    if not found:
        return Unclear("out-of-range")
    return chosen(found, frame, NEAR)


def chosen(found: Sequence[date], frame: Frame, near: timedelta) -> Built:
    """The one of several days that the tense tells, else the nearest where it is `near`; else Unclear with both."""
    past = max((one for one in found if one <= frame.today), default=None)
    coming = min((one for one in found if one >= frame.today), default=None)
    if frame.tense == "past":
        return past
    if frame.tense == "future":
        return coming
    nearest = min((one for one in (past, coming) if one), key=lambda one: abs(one - frame.today), default=None)
    if nearest is not None and abs(nearest - frame.today) <= near:
        return nearest
    if frame.alone:
        return coming
    shown = " / ".join(one.isoformat() for one in (past, coming) if one)
    return Unclear("ambiguous", shown)


def full_year(text: str, frame: Frame) -> int | None:
    """1978, '78, 78, nineteen seventy eight, 二零零四, 今; None when it could be two centuries'."""
    said = text.strip("' ")
    if said in ("今", "去", "明", "前", "后", "後"):
        return frame.today.year + {"今": 0, "去": -1, "明": 1, "前": -2}.get(said, 2)
    if said.isascii() and said.isdigit():
        return _century(int(said), frame) if len(said) == 2 else int(said)
    if said.isascii():
        return _year_in_words(said)
    value = count(said.replace("两千", "二千").replace("兩千", "二千"))
    return value if 1000 <= value <= 2999 else _century(value, frame) if 10 <= value <= 99 and len(said) == 2 else None


def _century(year: int, frame: Frame) -> int | None:
    """Two digits: this century up to next year, the last one from 20 years on; those between could be either."""
    this = frame.today.year % 100
    if year <= this + 1 or (frame.alone and year <= this + 15):
        return frame.today.year - this + year
    return frame.today.year - this - 100 + year if year > this + 20 else None


def _year_in_words(said: str) -> int | None:
    words = said.replace("-", " ").replace(" and", "").split()
    if words[:2] == ["two", "thousand"]:
        rest, base = words[2:], 2000
    else:
        base, rest = {"nineteen": 1900, "twenty": 2000}[words[0]], words[1:]
        if not rest:
            return None
    rest = [word for word in rest if word not in ("hundred", "o", "oh", "zero")]
    value = count(" ".join(rest)) if rest else 0
    return base + value if 0 <= value <= 99 else None


def weekday_of(word: str) -> int:
    """0 for Monday to 6 for Sunday, of a name that a pattern matched."""
    return WEEKDAYS[word.rstrip(".") if word.isascii() else word[-1]]
