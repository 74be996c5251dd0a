"""The one day that a text names: 11月20号, March 3rd 2026, last Friday, 三天前. What could be two days is Unclear."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta

from care.domain.questionnaire.date_words import (
    COUNT,
    DAY_WORD,
    HAN,
    HAN_COUNT,
    HAN_WEEKDAY,
    LUNAR,
    MONTH,
    MONTHS,
    NTH,
    WEEKDAY,
    WEEKDAYS,
    count,
    day_number,
)
from care.domain.questionnaire.reading import Unclear

NEAR = timedelta(days=100)
"""A day and month without a year is the nearest one if it is this near; else the question or the text must tell."""
_NEAR_DAY = timedelta(days=10)  # the same for "the 27th"
_MOST = 400  # of days, weeks, months or years that somebody counts back
_SHORTLY = timedelta(days=370)


@dataclass(frozen=True, slots=True)
class Frame:
    """What tells the one day from the other. `tense`: "past", "future", or ""; `alone`: no question goes with the text; `local`: the
    time of day now."""

    today: date
    tense: str = ""
    alone: bool = False
    local: time = time()


Built = date | Unclear | None
_Y4 = r"(?<![0-9])(?P<y>[12][0-9]{3})"
_YEAR_WORDS = (
    r"(?:nineteen|twenty)(?: (?:hundred|o|oh|zero))?(?:[ -](?:[a-z]+)){0,2}|two thousand(?: and)?(?: [a-z]+){0,2}"
)
_D = rf"(?:[0-9]{{1,2}}(?:st|nd|rd|th)?(?![0-9a-z:]|\.[0-9])|{DAY_WORD})"
_Y_AFTER = rf"(?:,? ?(?:of )?(?P<y>[12][0-9]{{3}}(?![0-9:])|'[0-9]{{2}}|[0-9]{{2}}(?![0-9:.a-z]| ?[ap]\.?m)|{_YEAR_WORDS})(?![a-z]))?"
_ISO = re.compile(rf"{_Y4}(?P<sep>[-/. ])(?P<m>[0-9]{{1,2}})(?P=sep)(?P<d>[0-9]{{1,2}})(?![0-9])")
_ISO_NAMED = re.compile(rf"{_Y4}[-/. ](?P<name>{MONTH})[-/. ](?P<d>[0-9]{{1,2}})(?![0-9])")
_ENDED = re.compile(
    r"(?<![0-9/.-])(?P<a>[0-9]{1,2})(?P<sep>[-/.])(?P<b>[0-9]{1,2})(?P=sep)(?P<y>[12][0-9]{3}|[0-9]{2})(?![0-9]|[-/.][0-9])"
)
_SHORT = re.compile(r"(?<![0-9/.:-])(?P<a>[0-9]{1,2})(?P<sep>[/.])(?P<b>[0-9]{1,2})(?![0-9]|[-/.:][0-9]| ?[ap]\.?m)")
_ZH_YEAR = rf"(?P<y>[0-9]{{4}}|[0-9]{{2}}|[{HAN}千]{{2,6}}|今|去|明|前|后|後)年(?:的)?"
_ZH = re.compile(
    rf"(?:{_ZH_YEAR} ?)?(?:(?P<m>[0-9]{{1,2}}|[{HAN}]{{1,2}})月(?:份)?|(?P<rel>本|这个?|這個?|今个?|今個?|上上?个?|上上?個?|下下?个?|下下?個?)月)(?:的)? ?"
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
_WEEKDAY = re.compile(
    rf"(?<![a-z])(?:(?P<rel>last|past|previous|this|next|coming|upcoming|on|this past|this coming)(?: week)?(?:'s)?(?: on)? )?(?P<day>{WEEKDAY})"
    rf"(?:,? (?:of |in |from )?(?:the )?(?P<week>last|this|next|previous|following) week)?(?![a-z])"
)
_ON_WEEK = re.compile(rf"(?<![a-z])(?P<week>last|this|next|previous) week'?s?,? (?:on )?(?P<day>{WEEKDAY})")
_ZH_WEEKDAY = re.compile(
    rf"(?P<rel>上上个?|上上個?|上个?|上個?|下下个?|下下個?|下个?|下個?|这个?|這個?|今个?|今個?|本|呢个?|呢個?)?(?P<day>{HAN_WEEKDAY})"
)
_RELATIVE = re.compile(
    r"(?P<m3>大前天|大前日)|(?P<m2>前天|前日|(?<![a-z])(?:the )?day before yesterday)"
    r"|(?P<m1>昨天|昨日|琴日|尋日|寻日|噚日|昨晚|尋晚|琴晚|昨夜|(?<![a-z])(?:yesterday|last night)(?![a-z]))"
    r"|(?P<m0>今天|今日|今早|今晨|今晚|今朝|(?<![a-z])(?:today|this morning|this afternoon|this evening|tonight)(?![a-z]))"
    r"|(?P<p3>大后天|大後天|大後日)|(?P<p2>后天|後天|後日|后日|(?<![a-z])(?:the )?day after tomorrow)"
    r"|(?P<p1>明天|明日|听日|聽日|明早|明晚|(?<![a-z])(?:tomorrow|tmrw|tmr|tomorow)(?![a-z]))"
)
_SPAN_UNIT = r"(?P<unit{n}>day|days|week|weeks|month|months|year|years|fortnight|fortnights)"
_SPAN = rf"(?P<n1>{COUNT}) {_SPAN_UNIT.format(n=1)}(?:,? (?:and )?(?P<n2>{COUNT}) {_SPAN_UNIT.format(n=2)})?"
_AGO = re.compile(
    rf"(?<![0-9a-z.])(?:(?P<in>in )?(?:exactly |about |around )?{_SPAN}"
    r"(?: (?P<way>ago|back|earlier|from now|from today|hence|later|(?P<step>before|after|from) (?P<base>yesterday|today|tomorrow)))?)(?![a-z])"
)
_ZH_AGO = re.compile(
    rf"(?P<n>{HAN_COUNT})(?P<half>个半|個半)? ?(?P<unit>天|日|周|週|个?星期|個星期|个?礼拜|個禮拜|禮拜|个月|個月|年)(?P<half2>半)?"
    r"(?P<way>以前|之前|前|后|後|以后|以後|之后|之後)"
)
_NEXT_DAY = re.compile(r"(?<![a-z])(?:the )?next day(?![a-z])")
_WORKING_DAYS = re.compile(
    rf"(?<![0-9a-z.])(?P<in>in )?(?P<n>{COUNT}) (?:business|working|work) days?(?: (?P<way>ago|from now|from today|later))?(?![a-z])"
)
_NTH_ALONE = re.compile(
    rf"(?<![0-9a-z])(?:{'|'.join(nth for nth in NTH if nth != 'last')}) (?:last )?(?:{WEEKDAY}|day)(?![a-z])"
)
_STEP = {"last": -1, "previous": -1, "past": -1, "this": 0, "current": 0, "the": 0, "next": 1, "following": 1}


@dataclass(frozen=True, slots=True)
class Named:
    """The day that a text names, and the text without it. `counted`: it was counted from today or from a week, so that
    another event beside it may be what it is counted from (thanksgiving 1 year ago, palm sunday, 手术三天前)."""

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
            counted = match.re in (_AGO, _ZH_AGO) or (
                match.re in (_WEEKDAY, _ZH_WEEKDAY) and not (match["rel"] or match.groupdict().get("week"))
            )
            checked = _with_weekday(built, rest, match, frame)
            return checked if isinstance(checked, Unclear) else Named(*checked, text[: match.start()], counted)
    return None


def _with_weekday(day: date, rest: str, match: re.Match[str], frame: Frame) -> tuple[date, str] | Unclear:
    """A weekday beside a date must be that day's."""
    if match.re in (_WEEKDAY, _ON_WEEK, _ZH_WEEKDAY, _RELATIVE, _AGO, _ZH_AGO, _NTH_OF_MONTH, _WORKING_DAYS):
        return day, rest
    for pattern in (_WEEKDAY, _ZH_WEEKDAY):
        named = pattern.search(rest)
        if named is None:
            continue
        if named["rel"] not in (None, "on"):
            return Unclear("several")
        wanted = _weekday(named["day"])
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
    if groups.get("y") or match.re not in (_DAY_FIRST, _MONTH_FIRST, _ZH, _SHORT):
        return []
    month, day = _month_and_day(match)
    return [one for one in _years(month, day, frame.today) if abs(one - frame.today) <= _SHORTLY]


def _month_and_day(match: re.Match[str]) -> tuple[int, int]:
    groups = match.groupdict()
    if groups.get("name"):
        return MONTHS[groups["name"].rstrip(".")], day_number(groups["d"])
    if groups.get("a"):
        first, second = int(groups["a"]), int(groups["b"])
        return (first, second) if first <= 12 else (second, first)
    return count(groups.get("m") or ""), day_number(groups["d"])


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _years(month: int, day: int, today: date) -> list[date]:
    near = range(max(1, today.year - 8), min(9999, today.year + 9))
    return [found for year in near if (found := _day(year, month, day))]


def _without_year(month: int, day: int, frame: Frame) -> Built:
    """A day and month: by the tense, or the nearest if it is near; without any question the coming one."""
    found = _years(month, day, frame.today)
    if not found:
        return Unclear("out-of-range")
    return _chosen(found, frame, NEAR)


def _chosen(found: Iterable[date], frame: Frame, near: timedelta) -> Built:
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


def _full_year(text: str, frame: Frame) -> int | None:
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


def _numeric(match: re.Match[str], frame: Frame) -> Built:
    return _day(int(match["y"]), int(match["m"]), int(match["d"])) or Unclear("out-of-range", match[0])


def _named(match: re.Match[str], frame: Frame) -> Built:
    month, day = _month_and_day(match)
    if not match["y"]:
        return _without_year(month, day, frame)
    year = _full_year(match["y"], frame)
    if year is None:
        return Unclear("ambiguous", match[0])
    return _day(year, month, day) or Unclear("out-of-range", match[0])


def _either(match: re.Match[str], frame: Frame) -> Built:
    """Day first or month first: only a number above 12 tells."""
    first, second = int(match["a"]), int(match["b"])
    if first <= 12 and second <= 12 and first != second:
        return Unclear("ambiguous", match[0])
    month, day = _month_and_day(match)
    if "y" not in match.groupdict():
        return _without_year(month, day, frame)
    year = _full_year(match["y"], frame)
    if year is None:
        return Unclear("ambiguous", match[0])
    return _day(year, month, day) or Unclear("out-of-range", match[0])


def _chinese(match: re.Match[str], frame: Frame) -> Built:
    if match["m"]:
        month, day = _month_and_day(match)
        if not match["y"]:
            return _without_year(month, day, frame)
        year = _full_year(match["y"], frame)
        return (
            Unclear("ambiguous", match[0])
            if year is None
            else _day(year, month, day) or Unclear("out-of-range", match[0])
        )
    rel = match["rel"].rstrip("个個")
    year = _full_year(match["y"], frame) if match["y"] else frame.today.year
    step = {"上上": -2, "上": -1, "下": 1, "下下": 2}.get(rel, 0)
    if year is None:
        return Unclear("ambiguous", match[0])
    return _in_month(year, frame.today.month + step, day_number(match["d"])) or Unclear("out-of-range", match[0])


def _in_month(year: int, month: int, day: int) -> date | None:
    """A day of a month that may be counted beyond a year's ends."""
    return _day(year + (month - 1) // 12, (month - 1) % 12 + 1, day)


def _day_of_month(match: re.Match[str], frame: Frame) -> Built:
    step = _STEP[match["rel"]]
    return _in_month(frame.today.year, frame.today.month + step, day_number(match["d"])) or Unclear(
        "out-of-range", match[0]
    )


def _the_day(match: re.Match[str], frame: Frame) -> Built:
    """The 27th, 27号: of the month that the tense tells; with its weekday, the nearest that is one."""
    groups = match.groupdict()
    day = day_number(groups["d"] or groups.get("d2") or "")
    months = (_in_month(frame.today.year, frame.today.month + step, day) for step in range(-13, 14))
    found = [one for one in months if one]
    if not found:
        return Unclear("out-of-range", match[0])
    if groups.get("week"):
        fitting = [one for one in found if one.weekday() == _weekday(groups["week"])]
        nearest = min(fitting, key=lambda one: abs(one - frame.today), default=None)
        return (
            nearest if nearest and abs(nearest - frame.today) <= timedelta(days=45) else Unclear("ambiguous", match[0])
        )
    return _chosen(found, frame, _NEAR_DAY)


def _nth(match: re.Match[str], frame: Frame) -> Built:
    """The first Friday of next month, the last day of October 2015."""
    if match["name"]:
        month, year = MONTHS[match["name"].rstrip(".")], _full_year(match["y"], frame) if match["y"] else None
        if year is None:
            found = [one for near in (-1, 0, 1) if (one := _nth_day(match, frame.today.year + near, month))]
            return _chosen(found, frame, NEAR)
    else:
        at = frame.today.month + _STEP[match["rel"] or "the"]
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
        if match["day"] == "day" or date(year, month, day).weekday() == _weekday(match["day"])
    ]
    index = nth if nth < 0 else nth - 1
    return fitting[index] if -len(fitting) <= index < len(fitting) else None


def _weekday(word: str) -> int:
    return WEEKDAYS[word.rstrip(".") if word.isascii() else word[-1]]


def _week(match: re.Match[str], frame: Frame) -> Built:
    """A weekday: of the week that is named, else by the tense. Last and next are taken only where both readings agree."""
    groups = match.groupdict()
    weekday, today = _weekday(groups["day"]), frame.today
    monday = today - timedelta(days=today.weekday())
    here = monday + timedelta(days=weekday)
    if groups.get("week"):
        return here + timedelta(weeks=_STEP[groups["week"]])
    rel = groups.get("rel") or ""
    if rel in ("last", "past", "previous", "this past"):
        before = here - timedelta(weeks=1)
        return (
            Unclear("ambiguous", f"{here} / {before}")
            if here < today and rel != "this past"
            else here
            if here < today
            else before
        )
    if rel in ("next", "coming", "upcoming", "this coming"):
        after = here + timedelta(weeks=1)
        if here > today and rel == "next":
            return Unclear("ambiguous", f"{here} / {after}")
        return here if here > today else after
    if rel == "this":
        return here if here >= today else Unclear("ambiguous", here.isoformat())
    return _bare_weekday(here, frame)


def _bare_weekday(here: date, frame: Frame) -> Built:
    before = here if here < frame.today else here - timedelta(weeks=1)
    after = here if here > frame.today else here + timedelta(weeks=1)
    if here == frame.today or not (frame.tense or frame.alone):
        return Unclear("ambiguous", f"{before} / {after}")
    return before if frame.tense == "past" else after


def _chinese_week(match: re.Match[str], frame: Frame) -> Built:
    """上周五 is last week's Friday, 这周五 this week's. 下周三 said before Wednesday is taken both ways."""
    rel = (match["rel"] or "").rstrip("个個")
    today = frame.today
    here = today + timedelta(days=_weekday(match["day"]) - today.weekday())
    if not rel:
        return _bare_weekday(here, frame)
    step = {"上上": -2, "上": -1, "下": 1, "下下": 2}.get(rel, 0)
    found = here + timedelta(weeks=step)
    if (step == 1 and here > today) or (step == 0 and here < today):
        return Unclear("ambiguous", found.isoformat())
    return found


def _relative(match: re.Match[str], frame: Frame) -> Built:
    name = str(match.lastgroup)
    return frame.today + timedelta(days=int(name[1:]) * (-1 if name[0] == "m" else 1))


def _ago(match: re.Match[str], frame: Frame) -> Built:
    """Two days ago, in a week, 1 month 21 days ago, two days before yesterday; "two weeks" alone is a duration."""
    way = match["way"] or ""
    if bool(match["in"]) == bool(way):
        return None
    sign = -1 if way in ("ago", "back", "earlier") or match["step"] == "before" else 1
    base = frame.today + timedelta(days={"yesterday": -1, "tomorrow": 1}.get(match["base"] or "", 0))
    found: date | None = base
    for number, unit in ((match["n1"], match["unit1"]), (match["n2"], match["unit2"])):
        if number and found:
            found = _moved(found, sign * count(number), unit.rstrip("s"))
    return found or Unclear("out-of-range", match[0])


def _chinese_ago(match: re.Match[str], frame: Frame) -> Built:
    number, unit = match["n"], match["unit"].lstrip("个個")
    if number == "半" or match["half"] or match["half2"]:
        return Unclear("ambiguous", match[0])
    names = {"天": "day", "日": "day", "月": "month", "年": "year"}
    sign = -1 if "前" in match["way"] else 1
    how_many = count(number)
    if how_many < 0 or how_many > _MOST:
        return Unclear("ambiguous", match[0])  # 2015年前: before 2015
    return _moved(frame.today, sign * how_many, names.get(unit, "week")) or Unclear("out-of-range", match[0])


def _next_day(match: re.Match[str], frame: Frame) -> Built:
    """The next day is tomorrow only where the text speaks of what is to come."""
    return frame.today + timedelta(days=1) if frame.tense == "future" else Unclear("ambiguous", match[0])


def _working_days(match: re.Match[str], frame: Frame) -> Built:
    """So many days from Monday to Friday, forth or back; feasts are not known here."""
    left, day = count(match["n"]), frame.today
    if bool(match["in"]) == bool(match["way"]) or not 0 < left <= 60:
        return Unclear("ambiguous", match[0])
    step = timedelta(days=-1 if match["way"] == "ago" else 1)
    while left:
        day += step
        left -= day.weekday() < 5
    return day


def _unsaid_month(match: re.Match[str], frame: Frame) -> Built:
    """The first Sunday: of which month?"""
    return Unclear("ambiguous", match[0])


def _moved(day: date, by: int, unit: str) -> date | None:
    """So many days, weeks, months or years later; the month's last day where it is shorter."""
    try:
        if unit in ("day", "week", "fortnight"):
            return day + timedelta(days=by * {"day": 1, "week": 7, "fortnight": 14}[unit])
        months = day.year * 12 + day.month - 1 + by * (12 if unit == "year" else 1)
        year, month = divmod(months, 12)
        return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    except (ValueError, OverflowError):
        return None


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Frame], Built]], ...] = (
    (_ISO, _numeric),
    (_ISO_NAMED, _named),
    (_ENDED, _either),
    (_NTH_OF_MONTH, _nth),
    (_WORKING_DAYS, _working_days),
    (_NEXT_DAY, _next_day),
    (_DAY_OF_MONTH, _day_of_month),
    (_DAY_FIRST, _named),
    (_MONTH_FIRST, _named),
    (_ZH, _chinese),
    (_AGO, _ago),
    (_ZH_AGO, _chinese_ago),
    (_SHORT, _either),
    (_RELATIVE, _relative),
    (_NTH_ALONE, _unsaid_month),
    (_ON_WEEK, _week),
    (_THE_DAY, _the_day),
    (_ZH_DAY, _the_day),
    (_WEEKDAY, _week),
    (_ZH_WEEKDAY, _chinese_week),
)


def other_days(rest: str) -> Iterator[re.Match[str]]:
    """Every further day named in what is left of a text."""
    return (match for pattern, _ in _PATTERNS for match in pattern.finditer(rest))
