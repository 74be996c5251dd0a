"""Numbers as people write them: digits of any width, Chinese numerals, English words. Works on normalised text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from care.domain.questionnaire.chinese_numbers import (
    DIGITS,
    FRACTION,
    HAN,
    MYRIADS,
    NUMERAL,
    PLAIN,
    POWERS,
    TENS,
    han_number,
    rough,
)
from care.domain.questionnaire.chinese_numbers import fraction as han_fraction
from care.domain.questionnaire.english_numbers import PHRASE, english_number

__all__ = ["Found", "Numbers", "han_number", "numbers_in"]

_GROUPED = r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?(?![0-9]|[,.][0-9])"
_SPACED = r"(?<![0-9.,] )[1-9][0-9]{0,2}(?:[  ][0-9]{3}){2,}(?:\.[0-9]+)?(?![0-9])"
_DECIMAL = r"(?<![0-9.])\.[0-9]+|[0-9]+(?:[.·。点點,][0-9]+)*"
_NUMBER = re.compile(
    rf"(?P<sign>(?<![0-9{HAN}])[-+]\s?|负 ?|負 ?|零下 ?|(?<![a-z])(?:minus|negative) )?(?:"
    r"(?P<power>[0-9]+(?:\.[0-9]+)?(?:e|\^|(?: ?x ?10\^))[-+]?[0-9]{1,2}(?![0-9a-z]))"
    r"|(?P<mixed>(?<![0-9./])[0-9]{1,4} +[0-9]{1,3}/[0-9]{1,3}(?![0-9./:]))"
    r"|(?P<slash>(?<![0-9./])[0-9]{1,2}/[23458](?![0-9./:]))"
    r"|(?P<over>(?<![0-9a-z])(?:one|1) over )(?=[0-9a-z])"
    rf"|(?P<words>{PHRASE})"
    rf"|(?P<spaced>{_SPACED})|(?P<grouped>{_GROUPED}(?! ?[{''.join(MYRIADS)}]))"
    rf"|(?P<han>{NUMERAL})|(?P<arabic>{_DECIMAL}))"
)
_BEFORE = rf"(?<=[0-9{HAN}])"
# 38度5, 三十八度五, 38度半, 65公斤半, 1米75: what follows the unit is a decimal
_AFTER_UNIT = re.compile(
    rf"{_BEFORE}(?P<unit>度|公斤|千克|斤|磅)(?P<digit>[0-9{HAN}]|半)(?![0-9{HAN}.点點])"
    rf"|{_BEFORE}(?P<unit2>米|公尺)(?P<digit2>[0-9]{{1,2}}|[一二三四五六七八九][零一二三四五六七八九]?|"
    rf"半)(?![0-9{HAN}.点點])"
    rf"|{_BEFORE}(?P<unit3>[个個年岁歲吨噸升尺天两兩克])(?P<digit3>半)(?![0-9{HAN}半])"
    rf"|(?<![0-9{HAN}点點两兩])(?P<unit4>米)(?P<digit4>[一二三四五六七八九])(?![0-9{HAN}.点點])"
)
_HALF = re.compile(r"(?<!半)一半(?!半)|(?<![0-9一-鿿])半(?=[个個公斤升杯片粒颗顆小米磅岁歲年碗加毫])")
_UNSURE_AFTER = re.compile(rf"[0-9]半|[0-9{HAN}] ?[成折]")  # 1半: one half or one and a half; 两成: tenths
_PER_CENT = re.compile(rf"(?<![0-9{HAN}])[百佰] ?分 ?之 ?((?:{_GROUPED})|{NUMERAL}|[0-9.]+)")
_POINTS = re.compile("[个個] ?百 ?分 ?[点點]")
_BELOW_ZERO = re.compile(r"(?<![-0-9.])([0-9]+(?:\.[0-9]+)?)( ?(?:degrees?|deg|°)[a-z ]{0,8})? below zero")
_LOOKALIKE = re.compile(r"[0-9][oil|](?![a-z])|(?<![a-z])[oil|][0-9]")
_ORDINAL = re.compile(r"[0-9](?:st|nd|rd|th)(?![a-z])|(?<=ty)[ -](?:first|second)(?![a-z])")
_PART_NUMBER = re.compile(
    r"[a-z]-[0-9]|(?<=[\u4e00-\u9fff])(?<![零一二三四五六七八九十百千万])-[0-9]|[0-9](?!e[-+]?[0-9]|x ?10\^)[a-z]+[0-9]"
)
_COMPARED = re.compile(r"[<>≤≥] ?=? ?[0-9]|[0-9]\+(?![0-9])")
_PRONOUN = re.compile(
    r"(?<![a-z])(?:(?:the|this|that) (?:[a-z]+ )?|which |each |any |some |every |another |other |no )one(?![a-z-])"
    r"|(?<![a-z-])one (?:of|who|that|which|can|day|should|has|needs)(?![a-z])"
)
_DOZEN = re.compile(r"打(?![\u4e00-\u9fff])")
_GLOSS = re.compile(r" ?\( ?$")
_BEFORE_HAN = re.compile(r"(?:^|[\s(:,.;\"'是有为為了到约約共得过過吃喝打量测測成给給大概度第选選])$")
_AFTER_HAN = re.compile(
    r"$|"
    r"[\s).,:;!?\"'%个個次天级級分年岁歲度名位月周週口条條只隻件人粒片颗顆斤公米克毫厘釐升块塊元杯碗支号號项項题題左右吧了啊呀啦的吨噸磅°]"
    r"|[两兩](?!$)|[对對双雙](?=[一-鿿])"  # 五十对耳环: so many pairs; 五对 alone may be ten
)


@dataclass(frozen=True, slots=True)
class Found:
    """One number in a text: its value, where it stands, and whether it was written with decimals.

    `rough`: said as a round one (四百多). `loose`: letters or characters beside it may make it part of a word (四川).
    """

    value: float
    start: int
    end: int
    decimal: bool
    rough: bool = False
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Numbers:
    """All numbers in `text` (which may have been rewritten: 38度半 -> 38点5度). `doubt`: not to be trusted."""

    text: str
    found: tuple[Found, ...]
    doubt: bool


def numbers_in(text: str) -> Numbers:
    """Every number in a normalised text.

    `doubt` for a letter O or l in one, foreign digits, 十分, 三四, 4th, "this one", 1.2.3 and the like.
    """
    doubt = any(pattern.search(text) for pattern in (_LOOKALIKE, _ORDINAL, _PART_NUMBER, _COMPARED, _PRONOUN))
    if "below zero" in text:
        text = _BELOW_ZERO.sub(r"-\1\2", text)
    if not text.isascii():
        text, more_doubt = _rewritten(text)
        doubt = doubt or more_doubt
    found: list[Found] = []
    for match in _NUMBER.finditer(text):
        value, end = _value(match)
        if value is None:
            doubt = True
            continue
        if match["sign"] and match["sign"].strip() != "+":
            value = -value
        if found and match.start() < found[-1].end:
            continue
        if text[end : end + 1] == "打" and _DOZEN.match(text, end):
            value, end = value * 12, end + 1
        found.append(_found(match, value, end, text))
    return Numbers(text, _without_gloss(text, found), doubt)


def _rewritten(text: str) -> tuple[str, bool]:
    """The text with 38度半 as 38点5度, 百分之五 as 五%, 三分之一 as a decimal; and whether it cannot be trusted."""
    text = _POINTS.sub("%", _PER_CENT.sub(r"\1%", _AFTER_UNIT.sub(_decimal_first, _HALF.sub("0.5", text))))
    doubt = any(char.isdecimal() for char in text if not char.isascii()) or _UNSURE_AFTER.search(text) is not None
    if "分" in text or "份" in text:
        text = FRACTION.sub(_fraction_as_decimal, text)
        doubt = doubt or "分之" in text
        doubt = doubt or "十分" in text
    return text, doubt


def _fraction_as_decimal(match: re.Match[str]) -> str:
    value = han_fraction(match)
    if value is None:
        return match[0]
    return ("负" if value < 0 else "") + (f"{abs(value):.15g}" if abs(value) >= 0.0001 else f"{abs(value):.17f}")


def _decimal_first(match: re.Match[str]) -> str:
    """The decimal before its unit, in the script of the number that it belongs to."""
    groups = match.groupdict()
    unit = next(groups[name] for name in ("unit", "unit2", "unit3", "unit4") if groups[name])
    digits = next(groups[name] for name in ("digit", "digit2", "digit3", "digit4") if groups[name])
    digits = "五" if digits == "半" else digits
    if any(digit in POWERS or digit in TENS or digit in MYRIADS for digit in digits):
        return match[0]
    if groups["unit4"]:
        return f"一点{digits}{unit}"  # 米九: 1.9 m
    in_digits = match.string[match.start() - 1].isdigit() and match.string[match.start() - 1].isascii()
    values = "".join(str(DIGITS.get(digit, digit)) for digit in digits)
    return f"点{values if in_digits else ''.join(PLAIN[int(value)] for value in values)}{unit}"


def _value(match: re.Match[str]) -> tuple[float | None, int]:
    """The value without its sign, and where it ends."""
    groups, end = match.groupdict(), match.end()
    if groups["arabic"]:
        return _arabic(groups["arabic"]), end
    if groups["han"]:
        return han_number(groups["han"]), end
    if groups["words"]:
        return english_number(groups["words"]), end
    if groups["grouped"] or groups["spaced"]:
        return float(re.sub("[, ]", "", groups["grouped"] or groups["spaced"])), end
    if groups["power"]:
        return _power(groups["power"]), end
    if groups["over"]:
        return _one_over(match)
    whole, _, parts = (groups["mixed"] or f"0 {groups['slash']}").rpartition(" ")
    over, under = (int(part) for part in parts.split("/"))
    if not under or (groups["slash"] and (under == 8 if over > under else under == 5)):
        return None, end  # 12/8 is a pressure, 4/5 a score
    return int(whole) + over / under, end


def _one_over(match: re.Match[str]) -> tuple[float | None, int]:
    """One over twenty; a pressure (120 over 80) is two numbers."""
    under = _NUMBER.match(match.string, match.end())
    if under is None or under["sign"]:
        return None, match.end()
    value, end = _value(under)
    return (1 / value if value and value > 1 else None), end


def _power(text: str) -> float | None:
    base, _, exponent = re.sub(r" ?x ?10\^", "e", text).replace("^", "^" if "x" not in text else "e").partition("^")
    try:
        return float(base) ** int(exponent) if exponent else float(base)
    except (OverflowError, ZeroDivisionError):
        return None


def _arabic(text: str) -> float | None:
    """38.5, 38,5, 38。5, 38点5; None for two decimal marks and for a comma that is neither (1,2345)."""
    parts = re.split(r"[.·。点點,]", text)
    if len(text) > 24 or len(parts) > 2 or ("," in text and len(parts[1]) > 2):
        return None
    return float(".".join(parts))


def _found(match: re.Match[str], value: float, end: int, text: str) -> Found:
    decimal = any(mark in match[0] for mark in (".", "·", "。", "点", "點", "point")) or (
        "," in match[0] and not match["grouped"] and not match["words"]
    )
    han = match["han"] is not None
    start = match.start()
    if han and text[start - 1 : start] == "第" and len(text) == end + 1:
        loose = False  # 第三天
    elif han:
        loose = not (_BEFORE_HAN.search(text[:start]) and _AFTER_HAN.match(text, end))
    else:
        loose = start > 0 and text[start].isdigit() and text[start - 1].isascii() and text[start - 1].isalpha()
    return Found(value, start, end, decimal, han and rough(match["han"]), loose)


def _without_gloss(text: str, found: list[Found]) -> tuple[Found, ...]:
    """Forty-five (45) is one number."""
    if len(found) == 2 and found[0].value == found[1].value:
        first, second = found
        if _GLOSS.fullmatch(text, first.end, second.start) and text[second.end : second.end + 1] in ("", ")"):
            return (replace(first, end=min(len(text), second.end + 1)),)
    return tuple(found)
