"""The one time of day that a text names: 20:15, 8pm, 晚上8点半, half past seven at night. 8点 alone is two times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

from care.domain.questionnaire.chinese_numbers import han_number
from care.domain.questionnaire.date_words import HAN, count
from care.domain.questionnaire.reading import Unclear

_HOUR_WORDS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_MINUTE_WORDS = (
    r"(?:twenty|thirty|forty|fifty)(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?|(?:o|oh|zero)[ -](?:one|"
    r"two|three|four|five|six|seven|eight|nine)"
    r"|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
)
_HALF_DAY = r"(?P<half>[ap] ?\.? ?m\.?(?![a-z])|(?<=[0-9])[ap](?![a-z]))"
_CLOCK = re.compile(
    rf"(?<![0-9:.])(?P<h>[0-9]{{1,2}})(?::(?P<m>[0-9]{{2}})(?::(?P<s>[0-9]{{2}})(?:\.[0-9]+)?)?|"
    rf"[.](?P<m2>[0-9]{{2}})(?= ?[ap]\.?m))"
    rf"(?![0-9:])(?: ?{_HALF_DAY})?"
)
_LETTERED = re.compile(
    r"(?<![0-9:.])(?P<h>[0-9]{1,2}) ?h ?(?P<m>[0-9]{2})?(?![0-9a-z])(?: ?(?P<half>[ap]\.?m\.?)(?![a-z]))?"
)
_HOUR = re.compile(
    rf"(?<![0-9:.a-z])(?P<h>[0-9]{{1,2}}|{_HOUR_WORDS})(?: (?P<w>{_MINUTE_WORDS})(?![a-z]))?"
    rf"(?:(?P<oclock> ?o'? ?clock))?(?: ?{_HALF_DAY})?(?![0-9a-z])"
)
_PAST_TO = re.compile(
    rf"(?<![0-9a-z])(?P<n>half|(?:a )?quarter|(?:[0-9]{{1,2}}|{_MINUTE_WORDS}|five)(?: ?(?:minutes|minute|mins|"
    rf"min))?) (?P<way>past|after|to|before|till) "
    rf"(?P<h>[0-9]{{1,2}}|{_HOUR_WORDS}|noon|midnight)(?:(?P<oclock> ?o'? ?clock))?(?: ?{_HALF_DAY})?(?![0-9a-z:])"
)
_NAMED = re.compile(
    r"(?<![a-z])(?:12 )?(?P<name>noon|midday|mid-day|mid day|midnight|mid night)(?![a-z])|正午|中午(?:12|"
    r"十二)[点點时時]|(?P<zh>午夜|子夜)"
)
_ZH_CLOCK = re.compile(
    rf"(?<![0-9{HAN}.])(?P<h>[0-9]{{1,2}}|[{HAN}]{{1,3}}) ?(?:[点點时時](?!间|間|候)(?:钟|鐘|整|正)?)"
    rf"(?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<words>[一二三四五六七八九十两兩]{{1,3}})[个個]字|"
    rf"零?(?P<m>[0-9]{{1,2}}|[{HAN}]{{1,3}})分?(?![0-9{HAN}]))?"
)
_MORNING = re.compile(r"凌晨|清晨|早晨|早上|上午|今早|明早|朝早|今晨|今朝|早(?!晚)|(?<![a-z])(?:morning|am)(?![a-z])")
_AFTERNOON = re.compile(r"下午|午后|午後|晏晝|晏昼|(?<![a-z])afternoon(?![a-z])")
_EVENING = re.compile(r"傍晚|黄昏|黃昏|晚|夜|(?<![a-z])(?:evening|night|tonight)(?![a-z])")
_NOON = re.compile(r"中午|正午|晌午|(?<![a-z])(?:lunchtime|noon)(?![a-z])")


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day, and the text without it."""

    at: time
    rest: str


def time_in(text: str) -> Clock | Unclear | None:
    """The one time of day in a normalised text; None when it names none.

    8:30 with a colon is taken as written, like 20:30; an hour alone (8点, 8 o'clock) needs to be told by a.m., p.m. or
    a part of the day. A small hour "at night" is Unclear: before or after midnight?
    """
    for pattern, read in ((_PAST_TO, _past_or_to), (_CLOCK, _digits), (_ZH_CLOCK, _chinese), (_LETTERED, _digits)):
        match = pattern.search(text)
        if match is not None:
            return _told(match, *read(match))
    for match in _HOUR.finditer(text):
        groups = match.groupdict()
        if groups["oclock"] or groups["half"] or groups["w"] or _by_its_place(text, match):
            return _told(match, *_in_words(match))
    match = _NAMED.search(text)
    if match is not None:
        midnight = (match["name"] or "").endswith("night") or match["zh"]
        return Unclear("ambiguous", match[0]) if midnight else Clock(time(12), _without(match))
    return None


def _without(match: re.Match[str]) -> str:
    return match.string[: match.start()] + " " + match.string[match.end() :]


def _by_its_place(text: str, match: re.Match[str]) -> bool:
    """A bare hour beside a part of the day: tonight at 7, 7 this morning, 8 in the evening."""
    if match["h"].isdigit() and int(match["h"]) > 23:
        return False
    before, after = text[: match.start()], text[match.end() :]
    return bool(
        re.search(r"(?:morning|afternoon|evening|tonight|night)(?: (?:at|around|about)|,| @)? $", before)
        or re.match(
            r",? (?:in the |this |at |tomorrow |yesterday )?(?:morning|afternoon|evening|night|tonight)(?![a-z])", after
        )
    )


def _digits(match: re.Match[str]) -> tuple[int, int, int, bool]:
    groups = match.groupdict()
    minute = groups.get("m") or groups.get("m2") or "0"
    return int(groups["h"]), int(minute), int(groups.get("s") or 0), bool(groups.get("m") or groups.get("m2"))


def _in_words(match: re.Match[str]) -> tuple[int, int, int, bool]:
    word = (match["w"] or "").replace("-", " ")
    minute = count(word.split()[-1]) if word.startswith(("o ", "oh ", "zero ")) else _minutes(word) if word else 0
    return count(match["h"]), minute, 0, False


def _minutes(word: str) -> int:
    names = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
    fixed = {"twenty": 20, **{name: n for n, name in enumerate(names, 13)}}
    return fixed.get(word, count(word))


def _past_or_to(match: re.Match[str]) -> tuple[int, int, int, bool]:
    said = match["n"].split()[-1] if match["n"].endswith("quarter") else match["n"].split()[0]
    said = match["n"] if match["n"].replace("-", " ").split()[0] in ("twenty", "thirty") else said
    minutes = {"half": 30, "quarter": 15}.get(said)
    if minutes is None:
        minutes = _minutes(re.sub(r" ?(?:minutes?|mins?)$", "", said))
    hour = 12 if match["h"] == "noon" else 0 if match["h"] == "midnight" else count(match["h"])
    if match["way"] in ("to", "before", "till"):
        hour, minutes = hour - 1 if hour != 0 else 23, 60 - minutes
    return hour, minutes, 0, match["h"] == "noon"


def _chinese(match: re.Match[str]) -> tuple[int, int, int, bool]:
    minute = 30 if match["half"] else 0
    if match["quarter"]:
        minute = 15 if match["quarter"] == "一" else 45
    elif match["words"]:
        minute = 5 * int(han_number(match["words"]) or 0)
    elif match["m"]:
        minute = count(match["m"])
        if (
            len(match["m"]) == 1
            and not match[0].endswith("分")
            and "零" not in match[0][match[0].index(match["m"]) - 1 :]
        ):
            minute = -1  # 三点三: three minutes past, or a quarter past as it is said in Hong Kong
    return count(match["h"]), minute, 0, False


def _may_be_a_range(match: re.Match[str]) -> bool:
    """5 to 6pm: five minutes to six, or from five to six?"""
    if match.re is not _PAST_TO or match["way"] != "to" or "min" in match["n"]:
        return False
    said = count(match["n"])
    return 0 < said <= 12


def _told(match: re.Match[str], hour: int, minute: int, second: int, colon: bool) -> Clock | Unclear:
    """The hour of 24, by a.m. and p.m. or by the part of the day that the text names."""
    rest = _without(match)
    around = match.string
    half = (match.groupdict().get("half") or "").replace(".", "").replace(" ", "")
    if not 0 <= minute < 60 or not 0 <= second < 60 or not 0 <= hour <= 24 or (hour == 24 and minute):
        return Unclear("out-of-range", match[0].strip())
    if _may_be_a_range(match):
        return Unclear("several")
    if half in ("a", "am", "p", "pm"):
        if half.startswith("a") and hour in (12, 1, 2, 3, 4) and _EVENING.search(around):
            return Unclear("ambiguous")  # tonight at 2 am: today, or the day after
        if not 1 <= hour <= 12:
            return Unclear("out-of-range", match[0].strip())
        return Clock(time(hour % 12 + (12 if half.startswith("p") else 0), minute, second), rest)
    if hour > 12 or (hour == 0 and colon):
        return Unclear("ambiguous", match[0]) if hour == 24 else Clock(time(hour, minute, second), rest)
    said = _part(hour, around)
    if said is not None:
        return said if isinstance(said, Unclear) else Clock(time(said, minute, second), rest)
    if colon:
        return Clock(time(hour, minute, second), rest)
    return Unclear("ambiguous", f"{hour:02d}:{minute:02d} / {(hour + 12) % 24:02d}:{minute:02d}")


def _part(hour: int, around: str) -> int | Unclear | None:
    """The hour of 24 by the part of the day in the text; None when it names none."""
    if _MORNING.search(around):
        return Unclear("ambiguous") if hour == 12 else hour
    if _NOON.search(around):
        return hour if hour in (11, 12) else hour + 12 if 1 <= hour <= 3 else Unclear("ambiguous")
    if _AFTERNOON.search(around):
        return 12 if hour == 12 else hour + 12
    if _EVENING.search(around):
        return hour + 12 if 5 <= hour <= 11 else Unclear("ambiguous")
    return None
