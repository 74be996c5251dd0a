"""Days by their place in the calendar: 2026-11-20, 11月20号, March 3rd, the 27th, the first Friday of next month."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import date, timedelta

from care.domain.questionnaire.choosing_days import (
    NEAR,
    STEP,
    Built,
    Frame,
    chosen,
    full_year,
    in_month,
    real_day,
    weekday_of,
    without_year,
)
from care.domain.questionnaire.date_words import DAY_WORD, HAN, MONTH, MONTHS, NTH, WEEKDAY, count, day_number
from care.domain.questionnaire.reading import Unclear

_NEAR_DAY = timedelta(days=10)  # the same for "the 27th"
_Y4 = r"(?<![0-9])(?P<y>[12][0-9]{3})"
_YEAR_WORDS = (
    r"(?:nineteen|twenty)(?: (?:hundred|o|oh|zero))?(?:[ -](?:[a-z]+)){0,2}|two thousand(?: and)?(?: [a-z]+){0,2}"
)
_D = rf"(?:[0-9]{{1,2}}(?:st|nd|rd|th)?(?![0-9a-z:]|\.[0-9])|{DAY_WORD})"
_Y_AFTER = (
    rf"(?:,? ?(?:of )?(?P<y>[12][0-9]{{3}}(?![0-9:])|'[0-9]{{2}}|[0-9]{{2}}(?![0-9:.a-z]| ?[ap]\.?m)|{_YEAR_WORDS})"
    r"(?![a-z]))?"
)
_ISO = re.compile(rf"{_Y4}(?P<sep>[-/. ])(?P<m>[0-9]{{1,2}})(?P=sep)(?P<d>[0-9]{{1,2}})(?![0-9])")
_ISO_NAMED = re.compile(rf"{_Y4}[-/. ](?P<name>{MONTH})[-/. ](?P<d>[0-9]{{1,2}})(?![0-9])")
_ENDED = re.compile(
    r"(?<![0-9/.-])(?P<a>[0-9]{1,2})(?P<sep>[-/.])(?P<b>[0-9]{1,2})(?P=sep)(?P<y>[12][0-9]{3}|[0-9]{2})(?![0-9]|"
    r"[-/.][0-9])"
)
_SHORT = re.compile(r"(?<![0-9/.:-])(?P<a>[0-9]{1,2})(?P<sep>[/.])(?P<b>[0-9]{1,2})(?![0-9]|[-/.:][0-9]| ?[ap]\.?m)")
_ZH_YEAR = rf"(?P<y>[0-9]{{4}}|[0-9]{{2}}|[{HAN}千]{{2,6}}|今|去|明|前|后|後)年(?:的)?"
_ZH = re.compile(
    rf"(?:{_ZH_YEAR} ?)?(?:(?P<m>[0-9]{{1,2}}|[{HAN}]{{1,2}})月(?:份)?|(?P<rel>本|这个?|這個?|今个?|今個?|上上?个?|"
    rf"上上?個?|下下?个?|下下?個?)月)(?:的)? ?"
    rf"(?P<d>[0-9]{{1,2}}(?![0-9:点點])|[{HAN}]{{1,3}}(?![点點]))[日号號]?"
)
_ZH_DAY = re.compile(rf"(?<![0-9{HAN}月第])(?P<d>[0-9]{{1,2}}|[{HAN}]{{1,3}})[日号號](?!前|后|後|之|线|線|楼|樓|床)")
_DAY_FIRST = re.compile(
    rf"(?<![0-9a-z$€£¥])(?P<d>{_D})(?:-|/|\.? ?(?:day )?(?:of )?)(?P<name>{MONTH})(?:-|/)?{_Y_AFTER}"
)
_MONTH_FIRST = re.compile(rf"(?<![0-9a-z])(?P<name>{MONTH})[- ]?(?:the )?(?P<d>{_D}){_Y_AFTER}")
_NTH_OF_MONTH = re.compile(
    rf"(?<![0-9a-z])(?:the )?(?P<nth>{'|'.join(NTH)}) (?P<day>{WEEKDAY}|day) (?:of|in) (?:the )?"
    rf"(?:(?P<rel>this|next|last|previous|current|the)? ?month|(?P<name>{MONTH}){_Y_AFTER})(?![a-z])"
)
_DAY_OF_MONTH = re.compile(
    rf"(?<![0-9a-z])(?:the )?(?P<d>{_D}) (?:day )?of (?:the )?(?P<rel>this|next|last|previous|current) month(?![a-z])"
)
_ENDS = r"(?= ?(?:$|[,.;:!?()]|(?:at|in|on|around|about|from|for|this|morning|afternoon|evening|night)(?![a-z])))"
_THE_DAY = re.compile(
    rf"(?:(?<![a-z])(?P<week>{WEEKDAY}),? )?(?<![a-z])the (?P<d>{_D}){_ENDS}"
    rf"|(?<![0-9a-z./-])(?P<d2>[0-9]{{1,2}}(?:st|nd|rd|th)){_ENDS}"
)
_NTH_ALONE = re.compile(
    rf"(?<![0-9a-z])(?:{'|'.join(nth for nth in NTH if nth != 'last')}) (?:last )?(?:{WEEKDAY}|day)(?![a-z])"
)


def month_and_day(match: re.Match[str]) -> tuple[int, int]:
    """The month and the day that one of YEARLESS matched; -1 for what is no number."""
    groups = match.groupdict()
    if groups.get("name"):
        return MONTHS[groups["name"].rstrip(".")], day_number(groups["d"])
    if groups.get("a"):
        first, second = int(groups["a"]), int(groups["b"])
        return (first, second) if first <= 12 else (second, first)
    return count(groups.get("m") or ""), day_number(groups["d"])


def _numeric(match: re.Match[str], frame: Frame) -> Built:
    return real_day(int(match["y"]), int(match["m"]), int(match["d"])) or Unclear("out-of-range", match[0])


def _named(match: re.Match[str], frame: Frame) -> Built:
    month, day = month_and_day(match)
    if not match["y"]:
        return without_year(month, day, frame)
    year = full_year(match["y"], frame)
    if year is None:
        return Unclear("ambiguous", match[0])
    return real_day(year, month, day) or Unclear("out-of-range", match[0])


def _either(match: re.Match[str], frame: Frame) -> Built:
    """Day first or month first: only a number above 12 tells."""
    first, second = int(match["a"]), int(match["b"])
    if first <= 12 and second <= 12 and first != second:
        return Unclear("ambiguous", match[0])
    month, day = month_and_day(match)
    if "y" not in match.groupdict():
        return without_year(month, day, frame)
    year = full_year(match["y"], frame)
    if year is None:
        return Unclear("ambiguous", match[0])
    return real_day(year, month, day) or Unclear("out-of-range", match[0])


def _chinese(match: re.Match[str], frame: Frame) -> Built:
    if match["m"]:
        month, day = month_and_day(match)
        if not match["y"]:
            return without_year(month, day, frame)
        year = full_year(match["y"], frame)
        if year is None:
            return Unclear("ambiguous", match[0])
        return real_day(year, month, day) or Unclear("out-of-range", match[0])
    rel = match["rel"].rstrip("个個")
    year = full_year(match["y"], frame) if match["y"] else frame.today.year
    step = {"上上": -2, "上": -1, "下": 1, "下下": 2}.get(rel, 0)
    if year is None:
        return Unclear("ambiguous", match[0])
    return in_month(year, frame.today.month + step, day_number(match["d"])) or Unclear("out-of-range", match[0])


def _day_of_month(match: re.Match[str], frame: Frame) -> Built:
    step = STEP[match["rel"]]
    return in_month(frame.today.year, frame.today.month + step, day_number(match["d"])) or Unclear(
        "out-of-range", match[0]
    )


def _the_day(match: re.Match[str], frame: Frame) -> Built:
    """The 27th, 27号: of the month that the tense tells; with its weekday, the nearest that is one."""
    groups = match.groupdict()
    day = day_number(groups["d"] or groups.get("d2") or "")
    months = (in_month(frame.today.year, frame.today.month + step, day) for step in range(-13, 14))
    found = [one for one in months if one]
    if not found:
        return Unclear("out-of-range", match[0])
    if groups.get("week"):
        fitting = [one for one in found if one.weekday() == weekday_of(groups["week"])]
        nearest = min(fitting, key=lambda one: abs(one - frame.today), default=None)
        return (
            nearest if nearest and abs(nearest - frame.today) <= timedelta(days=45) else Unclear("ambiguous", match[0])
        )
    return chosen(found, frame, _NEAR_DAY)


def _nth(match: re.Match[str], frame: Frame) -> Built:
    """The first Friday of next month, the last day of October 2015."""
    if match["name"]:
        month, year = MONTHS[match["name"].rstrip(".")], full_year(match["y"], frame) if match["y"] else None
        if year is None:
            found = [one for near in (-1, 0, 1) if (one := _nth_day(match, frame.today.year + near, month))]
            return chosen(found, frame, NEAR)
    else:
        at = frame.today.month + STEP[match["rel"] or "the"]
        year, month = frame.today.year + (at - 1) // 12, (at - 1) % 12 + 1
    return _nth_day(match, year, month) or Unclear("out-of-range", match[0])


def _nth_day(match: re.Match[str], year: int, month: int) -> date | None:
    nth = NTH[match["nth"]]
    if re.search(r"(?:[a-z0-9](?:st|nd|rd|th)|second|third|twenty|thirty)[ -]$", match.string[: match.start()]):
        return None  # the fifth last day
    if not 1 <= year <= 9999:
        return None
    days = range(1, calendar.monthrange(year, month)[1] + 1)
    fitting = [
        date(year, month, day)
        for day in days
        if match["day"] == "day" or date(year, month, day).weekday() == weekday_of(match["day"])
    ]
    index = nth if nth < 0 else nth - 1
    return fitting[index] if -len(fitting) <= index < len(fitting) else None


def _unsaid_month(match: re.Match[str], frame: Frame) -> Built:
    """The first Sunday: of which month?"""
    return Unclear("ambiguous", match[0])


PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Frame], Built]], ...] = (
    (_ISO, _numeric),
    (_ISO_NAMED, _named),
    (_ENDED, _either),
    (_NTH_OF_MONTH, _nth),
    (_DAY_OF_MONTH, _day_of_month),
    (_DAY_FIRST, _named),
    (_MONTH_FIRST, _named),
    (_ZH, _chinese),
)
"""What names a day and a month, or a day of a named month."""
SHORT: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Frame], Built]], ...] = ((_SHORT, _either),)
LOOSE: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Frame], Built]], ...] = (
    (_NTH_ALONE, _unsaid_month),
    (_THE_DAY, _the_day),
    (_ZH_DAY, _the_day),
)
"""What names a day of a month that is not said."""
YEARLESS = (_DAY_FIRST, _MONTH_FIRST, _ZH, _SHORT)
"""Those of them that may leave the year out."""
NTH_OF_MONTH = _NTH_OF_MONTH
