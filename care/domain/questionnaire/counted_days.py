"""Days counted from today or named by their weekday: yesterday, three days ago, last Friday, 上周五."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import date, timedelta

from care.domain.questionnaire.choosing_days import STEP, Built, Frame, weekday_of
from care.domain.questionnaire.date_words import COUNT, HAN_COUNT, HAN_WEEKDAY, WEEKDAY, count
from care.domain.questionnaire.reading import Unclear

_MOST = 400  # of days, weeks, months or years that somebody counts back
WEEKDAY_NAMED = re.compile(
    rf"(?<![a-z])(?:(?P<rel>last|past|previous|this|next|coming|upcoming|on|this past|"
    rf"this coming)(?: week)?(?:'s)?(?: on)? )?(?P<day>{WEEKDAY})"
    rf"(?:,? (?:of |in |from )?(?:the )?(?P<week>last|this|next|previous|following) week)?(?![a-z])"
)
_ON_WEEK = re.compile(rf"(?<![a-z])(?P<week>last|this|next|previous) week'?s?,? (?:on )?(?P<day>{WEEKDAY})")
HAN_WEEKDAY_NAMED = re.compile(
    rf"(?P<rel>上上个?|上上個?|上个?|上個?|下下个?|下下個?|下个?|下個?|这个?|這個?|今个?|今個?|本|呢个?|"
    rf"呢個?)?(?P<day>{HAN_WEEKDAY})"
)
_RELATIVE = re.compile(
    r"(?P<m3>大前天|大前日)|(?P<m2>前天|前日|(?<![a-z])(?:the )?day before yesterday)"
    r"|(?P<m1>昨天|昨日|琴日|尋日|寻日|噚日|昨晚|尋晚|琴晚|昨夜|(?<![a-z])(?:yesterday|last night)(?![a-z]))"
    r"|(?P<m0>今天|今日|今早|今晨|今晚|今朝|(?<![a-z])(?:today|this morning|this afternoon|this evening|"
    r"tonight)(?![a-z]))"
    r"|(?P<p3>大后天|大後天|大後日)|(?P<p2>后天|後天|後日|后日|(?<![a-z])(?:the )?day after tomorrow)"
    r"|(?P<p1>明天|明日|听日|聽日|明早|明晚|(?<![a-z])(?:tomorrow|tmrw|tmr|tomorow)(?![a-z]))"
)
_SPAN_UNIT = r"(?P<unit{n}>day|days|week|weeks|month|months|year|years|fortnight|fortnights)"
_SPAN = rf"(?P<n1>{COUNT}) {_SPAN_UNIT.format(n=1)}(?:,? (?:and )?(?P<n2>{COUNT}) {_SPAN_UNIT.format(n=2)})?"
_AGO = re.compile(
    rf"(?<![0-9a-z.])(?:(?P<in>in )?(?:exactly |about |around )?{_SPAN}"
    r"(?: (?P<way>ago|back|earlier|from now|from today|hence|later|(?P<step>before|after|from) (?P<base>yesterday|"
    r"today|tomorrow)))?)(?![a-z])"
)
_ZH_AGO = re.compile(
    rf"(?P<n>{HAN_COUNT})(?P<half>个半|個半)? ?(?P<unit>天|日|周|週|个?星期|個星期|个?礼拜|個禮拜|禮拜|个月|個月|"
    rf"年)(?P<half2>半)?"
    r"(?P<way>以前|之前|前|后|後|以后|以後|之后|之後)"
)
_NEXT_DAY = re.compile(r"(?<![a-z])(?:the )?next day(?![a-z])")
_WORKING_DAYS = re.compile(
    rf"(?<![0-9a-z.])(?P<in>in )?(?P<n>{COUNT}) (?:business|working|work) days?(?: (?P<way>ago|from now|from today|"
    rf"later))?(?![a-z])"
)


def _week(match: re.Match[str], frame: Frame) -> Built:
    """A weekday: of the week that is named, else by the tense. Last and next only where both readings of them agree."""
    groups = match.groupdict()
    weekday, today = weekday_of(groups["day"]), frame.today
    monday = today - timedelta(days=today.weekday())
    here = monday + timedelta(days=weekday)
    if groups.get("week"):
        return here + timedelta(weeks=STEP[groups["week"]])
    rel = groups.get("rel") or ""
    if rel in ("last", "past", "previous", "this past"):
        before = here - timedelta(weeks=1)
        if here >= today:
            return before
        return here if rel == "this past" else Unclear("ambiguous", f"{here} / {before}")
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
    here = today + timedelta(days=weekday_of(match["day"]) - today.weekday())
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


PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Frame], Built]], ...] = (
    (_WORKING_DAYS, _working_days),
    (_NEXT_DAY, _next_day),
    (_AGO, _ago),
    (_ZH_AGO, _chinese_ago),
)
RELATIVE: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Frame], Built]], ...] = ((_RELATIVE, _relative),)
WEEKS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Frame], Built]], ...] = (
    (_ON_WEEK, _week),
    (WEEKDAY_NAMED, _week),
    (HAN_WEEKDAY_NAMED, _chinese_week),
)
FROM_AN_EVENT = (_AGO, _ZH_AGO)
"""What may be counted from something else than today."""
