"""Reading dates and times: numbers, 11月20日, yesterday, 昨天晚上8点. What could be two dates is asked again."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from care.domain.civil import instant, zone_of
from care.domain.questionnaire.model import Answer, Item
from care.domain.questionnaire.numbers import han_number
from care.domain.questionnaire.reading import NOT_UNDERSTOOD, Unclear

_HAN = "零〇一二三四五六七八九十两兩廿卅"
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: month for month, name in enumerate(_MONTH_NAMES, start=1)}
_MONTH_NAME = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_ISO = re.compile(r"(?<![0-9])(?P<y>[0-9]{4})[-/.](?P<m>[0-9]{1,2})[-/.](?P<d>[0-9]{1,2})(?![0-9])")
_PARTS = re.compile(r"(?<![0-9])(?P<a>[0-9]{1,2})[-/.](?P<b>[0-9]{1,2})[-/.](?P<y>[0-9]{4})(?![0-9])")
_ZH = re.compile(rf"(?:(?P<y>[0-9]{{4}})年)?(?P<m>[0-9{_HAN}]{{1,2}})月(?P<d>[0-9{_HAN}]{{1,3}})[日号號]?")
_EN = re.compile(
    rf"(?:(?P<d1>[0-9]{{1,2}})(?:st|nd|rd|th)? (?:of )?{_MONTH_NAME}|{_MONTH_NAME.replace('name', 'name2')} "
    r"(?P<d2>[0-9]{1,2})(?:st|nd|rd|th)?(?![0-9:]))(?:,? (?P<y>[0-9]{4}))?"
)
_RELATIVE = re.compile(
    r"(?P<m3>大前天)|(?P<m2>前天|前日|the day before yesterday)|(?P<m1>昨天|昨日|琴日|尋日|昨晚|yesterday|last night)"
    r"|(?P<m0>今天|今日|今早|今晚|today|this morning|this afternoon|this evening|tonight)"
)
_AGO = re.compile(
    rf"(?P<n>[0-9]{{1,3}}|[{_HAN}]{{1,3}}|an?|one|two|three|four|five|six|seven) ?(?:days? ago|天前|天之前|日前)"
)
_CLOCK = re.compile(
    r"(?<![0-9])(?P<h>[0-9]{1,2}):(?P<m>[0-9]{2})(?::[0-9]{2})?(?![0-9]) ?(?P<half>am|pm|a\.m\.|p\.m\.)?"
)
_HOUR = re.compile(r"(?<![0-9])(?P<h>[0-9]{1,2}) ?(?P<half>am|pm|a\.m\.|p\.m\.|o'clock)")
_ZH_CLOCK = re.compile(
    rf"(?P<h>[0-9]{{1,2}}|[{_HAN}]{{1,3}})[点點时時](?:(?P<half>半)|(?P<m>[0-9]{{1,2}}|[{_HAN}]{{1,3}})分?)?"
)
_EVENING = re.compile(r"晚上|夜晚|今晚|昨晚|傍晚|下午|evening|tonight|last night|afternoon|(?<![a-z])pm")
_REST = re.compile(
    r"早上|上午|中午|下午|晚上|夜晚|傍晚|凌晨|今早|今晚|昨晚|大约|大概|左右|的|是|在|于|於|早|晚|"
    r"(?<![a-z])(?:at|on|in|the|morning|afternoon|evening|night|about|around|it|was|is|of)(?![a-z])|[\s.,:;!?。,]"
)


def read_date(item: Item, text: str, now: datetime, zone: str) -> Answer | Unclear:
    """A date or a dateTime in a normalised text, in the patient's zone; bounds of the item hold."""
    today = now.astimezone(zone_of(zone)).date()
    found = date_in(text, today)
    if found is None:
        return NOT_UNDERSTOOD
    if isinstance(found, Unclear):
        return found
    day, rest = found
    if item.type == "date":
        return _bounded(item, "date", day.isoformat()) if not _leftover(rest) else NOT_UNDERSTOOD
    clock = time_in(rest)
    if clock is None or _leftover(clock[1]):
        return NOT_UNDERSTOOD
    at = instant(datetime.combine(day, clock[0]), zone_of(zone))
    if at is None:
        return NOT_UNDERSTOOD
    return _bounded(item, "dateTime", at.astimezone(zone_of(zone)).isoformat(timespec="seconds"))


def _leftover(rest: str) -> bool:
    return bool(_REST.sub("", rest))


def _bounded(item: Item, kind: str, value: str) -> Answer | Unclear:
    low, high = item.minimum, item.maximum
    if (isinstance(low, str) and value < low) or (isinstance(high, str) and value > high):
        return Unclear("out-of-range", value)
    return Answer(kind, value)


def date_in(text: str, today: date) -> tuple[date, str] | Unclear | None:
    """The one date in a normalised text and the text without it. None: no date. A time alone is today's.

    1/2/2026 is ambiguous; a day and month without a year is the one nearest to today that is not in the future by more
    than half a year. Raises nothing.
    """
    for pattern, build in ((_ISO, _numeric), (_PARTS, _either), (_ZH, _named), (_EN, _named), (_AGO, _ago)):
        match = pattern.search(text)
        if match:
            day = build(match, today)
            if isinstance(day, Unclear):
                return day
            rest = text[: match.start()] + " " + text[match.end() :]
            if any(other.search(rest) for other in (_ISO, _PARTS, _ZH, _EN)):
                return Unclear("several")
            return (day, rest) if day else Unclear("out-of-range", match[0])
    match = _RELATIVE.search(text)
    if match:
        days = int(str(match.lastgroup)[1:])
        rest = text[: match.start()] + " " + text[match.end() :]
        at_night = " 晚上" if match[0] in ("昨晚", "今晚", "last night", "tonight") else ""
        return today - timedelta(days=days), rest + at_night
    if _CLOCK.search(text) or _HOUR.search(text) or _ZH_CLOCK.search(text):
        return today, text
    return None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _numeric(match: re.Match[str], today: date) -> date | None:
    return _day(int(match["y"]), int(match["m"]), int(match["d"]))


def _either(match: re.Match[str], today: date) -> date | Unclear | None:
    """Day first or month first: only a number above 12 tells."""
    first, second, year = int(match["a"]), int(match["b"]), int(match["y"])
    if first <= 12 and second <= 12 and first != second:
        return Unclear("ambiguous", match[0])
    return _day(year, first, second) if first <= 12 else _day(year, second, first)


def _named(match: re.Match[str], today: date) -> date | None:
    groups = match.groupdict()
    month = groups.get("name") or groups.get("name2")
    number = _MONTHS[month] if month else _count(groups["m"])
    day = _count(groups.get("d") or groups.get("d1") or groups.get("d2") or "")
    if groups["y"]:
        return _day(int(groups["y"]), number, day)
    near = [found for year in (today.year - 1, today.year, today.year + 1) if (found := _day(year, number, day))]
    return min(near, key=lambda each: abs((each - today).days), default=None)


def _ago(match: re.Match[str], today: date) -> date | None:
    words = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
    days = words.get(match["n"]) or _count(match["n"])
    return today - timedelta(days=days)


def _count(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    value = han_number(text)
    return int(value) if value is not None else -1


def time_in(text: str) -> tuple[time, str] | None:
    """The one time of day in a normalised text, and the text without it; None when there is none or no such time."""
    match = _CLOCK.search(text) or _HOUR.search(text) or _ZH_CLOCK.search(text)
    if match is None:
        return None
    groups = match.groupdict()
    zh = match.re is _ZH_CLOCK
    hour = _count(groups["h"])
    minute = 30 if zh and groups["half"] else _count(groups["m"]) if groups.get("m") else 0
    half = "" if zh else (groups["half"] or "").replace(".", "")
    if half in ("am", "pm") and not 1 <= hour <= 12:
        return None
    if half == "am" and hour == 12:
        hour = 0
    elif hour < 12 and (half == "pm" or (half != "am" and _EVENING.search(text))):
        hour += 12
    rest = text[: match.start()] + " " + text[match.end() :]
    return (time(hour, minute), rest) if 0 <= hour < 24 and 0 <= minute < 60 else None
