"""The words and patterns of dates, in the normalised form: months, weekdays, ordinals, what says past or future."""

from __future__ import annotations

import re

from care.domain.questionnaire.chinese_numbers import han_number

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
MONTHS = {name: n for n, name in enumerate(_MONTHS, 1)} | {name: n for n, name in enumerate(_FULL, 1)} | {"sept": 9}
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS = (
    {name: n for n, name in enumerate(_DAYS)}
    | {name[:3]: n for n, name in enumerate(_DAYS)}
    | {
        "tues": 1,
        "weds": 2,
        "thur": 3,
        "thurs": 3,
        **dict(zip("一二三四五六日天", (0, 1, 2, 3, 4, 5, 6, 6), strict=True)),
    }
)
_ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
]
_CARDINALS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
SMALL = {word: n for n, word in enumerate(_CARDINALS, 1)} | {"a": 1, "an": 1, "thirty": 30, "forty": 40, "fifty": 50}
SMALL |= {"sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_ORDINAL_DAYS = {word: n for n, word in enumerate(_ORDINALS, 1)} | {"thirtieth": 30, "thirty": 30}


def _compounds(ones: list[str]) -> dict[str, int]:
    """Twenty-one to thirty-one, with a hyphen and with a space."""
    return {
        f"{tens}{gap}{word}": base + n
        for tens, base in (("twenty", 20), ("thirty", 30))
        for gap in (" ", "-")
        for n, word in enumerate(ones[:9], 1)
        if base + n <= 31
    }


DAY_WORDS = (
    _ORDINAL_DAYS
    | _compounds(_ORDINALS)
    | _compounds(_CARDINALS)
    | {word: n for n, word in enumerate(_CARDINALS, 1) if n > 9}
)
NTH = {word: n for n, word in enumerate(_ORDINALS[:5], 1)} | {f"{n}{end}": n for n, end in
       ((1, "st"), (2, "nd"), (3, "rd"), (4, "th"), (5, "th"))} | {"last": -1}  # fmt: skip


def _any(words: object) -> str:
    return "|".join(sorted((re.escape(str(word)) for word in words), key=len, reverse=True))  # type: ignore[attr-defined]


HAN = "零〇一二三四五六七八九十两兩廿卅"
MONTH = rf"(?:{_any(MONTHS)})(?![a-z])\.?"
WEEKDAY = rf"(?:{_any(name for name in WEEKDAYS if name.isascii())})(?![a-z])\.?"
HAN_WEEKDAY = r"(?:星期|礼拜|禮拜|周|週)[一二三四五六日天]"
DAY_WORD = rf"(?:{_any(DAY_WORDS)})(?![a-z])"
COUNT = (
    rf"(?:[0-9]{{1,4}}|(?:{_any(SMALL)})(?![a-z])|(?:twenty|thirty|forty|fifty)[ -](?:{_any(_CARDINALS[:9])})(?![a-z]))"
)
HAN_COUNT = rf"(?:[0-9]{{1,4}}|[{HAN}百]{{1,4}}|半)"

LUNAR = re.compile(
    r"农历|農曆|阴历|陰曆|旧历|舊曆|初[一二三四五六七八九十]|正月|腊月|臘月|冬月|大年|除夕|春节|春節|元宵|端午|中秋|"
    r"重阳|重陽|清明|lunar"
)
PAST = re.compile(
    r"(?<![a-z])(?:was|were|went|came|did|had|got|began|started|happened|saw|took|fell|met|returned|left|made|ate|"
    r"been|done|"
    r"ended|stopped|finished|noticed|felt)(?![a-z])|[了过過曾]|已经|已經|开始|開始|那天"
)
FUTURE = re.compile(
    r"(?<![a-z])(?:will|shall|going to|gonna|plan|planning|would)(?![a-z])|'ll(?![a-z])|[会會将將]|打算|预约|預約|"
    r"准备|準備"
)
ASKS_PAST = re.compile(
    r"(?<![a-z])(?:did|was|were|have you|had|last|since|began|begun|started|onset|happened|diagnos\w+|birth|born|"
    r"previous|recent|taken|performed|received|admitted|discharged|noticed|became|stopped|ended)(?![a-z])"
    r"|[开開]始.{0,6}(?:的|了|㗎|疼|痛|发|發|咳|肿|腫)|上次|上一次|最近一次|末次|出生|发生|發生|发现|發現|确诊|確診|"
    r"住院|出院|发病|發病|接种|接種|做过|做過|"
    r"得过|得過|了吗|了嗎|的时候"
)
ASKS_FUTURE = re.compile(
    r"(?<![a-z])(?:next|will|appointment|plan\w*|scheduled|due|upcoming|would you like)(?![a-z])|下次|下一次|预约|"
    r"預約|计划|計劃|打算|预产期|預產期"
)


def count(word: str) -> int:
    """A small whole number in digits, English or Chinese words; -1 when it is none."""
    if word.isascii() and word.isdigit():
        return int(word)
    if word in SMALL:
        return SMALL[word]
    if word and word.isascii():
        tens, _, ones = word.replace("-", " ").partition(" ")
        tens_value = {"twenty": 20}.get(tens, SMALL.get(tens, 0))
        return tens_value + SMALL[ones] if tens_value and ones in SMALL else -1
    value = han_number(word) if word else None
    return int(value) if value is not None and value == int(value) else -1


def day_number(word: str) -> int:
    """The day of a month: 20, 20th, twentieth, 二十; -1 when it is none."""
    if word in DAY_WORDS:
        return DAY_WORDS[word]
    return count(re.sub(r"(?:st|nd|rd|th|[日号號])$", "", word))
