"""Numbers as people write them: digits of any width, Chinese numerals, English words. Works on normalised text."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DIGITS = {
    **dict(zip("零〇一二三四五六七八九", (0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)),
    **dict(zip("壹贰叁肆伍陆柒捌玖", range(1, 10), strict=True)),
    **dict(zip("貳參陸弌两兩俩倆仨叄", (2, 3, 6, 1, 2, 2, 2, 2, 3, 3), strict=True)),
}
_POWERS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "万": 10_000, "萬": 10_000}
_TENS = {"廿": 20, "卄": 20, "卅": 30, "卌": 40}
_PLAIN = "零一二三四五六七八九"
_HAN = "".join({*_DIGITS, *_POWERS, *_TENS})

_SMALL = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
_TENS_NAMES = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {word: value for value, word in enumerate(_SMALL.split())}
_WORD_TENS = {word: 10 * value for value, word in enumerate(_TENS_NAMES, start=2)}
_ENGLISH = "|".join(sorted([*_WORDS, *_WORD_TENS, "hundred", "point"], key=len, reverse=True))

_NUMBER = re.compile(
    rf"(?P<sign>(?<![0-9{_HAN}])[-+]\s?|负|負|零下|minus )?(?:"
    rf"(?P<arabic>[0-9]+(?:[.·。点點,][0-9]+)*)"
    rf"|(?P<han>[{_HAN}]+(?:[点點][{_HAN}]+)?)"
    rf"|(?P<words>(?<![a-z])(?:a hundred|{_ENGLISH})(?:(?:[ -]| and )(?:{_ENGLISH}))*(?![a-z])))"
)
# 38度5, 三十八度五, 38度半, 65公斤半: what follows the unit is a decimal
_AFTER_UNIT = re.compile(rf"(?<=[0-9{_HAN}])(度|公斤|千克|斤|磅)([0-9{_HAN}]|半)(?![0-9{_HAN}.点點])")
_PER_CENT = re.compile(rf"百分之([0-9.{_HAN}点點]+)")
_LOOKALIKE = re.compile(r"[0-9][oil|](?![a-z])|(?<![a-z])[oil|][0-9]")


@dataclass(frozen=True, slots=True)
class Found:
    """One number in a text: its value, where it stands, and whether it was written with decimals."""

    value: float
    start: int
    end: int
    decimal: bool


@dataclass(frozen=True, slots=True)
class Numbers:
    """All numbers in `text` (which may have been rewritten: 38度半 -> 38点5度). `doubt`: not to be trusted."""

    text: str
    found: tuple[Found, ...]
    doubt: bool


def numbers_in(text: str) -> Numbers:
    """Every number in a normalised text. `doubt` for a letter O or l in one, foreign digits, 十分, 三四, 1,200."""
    doubt = _LOOKALIKE.search(text) is not None
    if not text.isascii():
        text = _PER_CENT.sub(r"\1%", _AFTER_UNIT.sub(_decimal_first, text))
        doubt = doubt or any(char.isdecimal() for char in text if not char.isascii()) or "十分" in text
    found: list[Found] = []
    for match in _NUMBER.finditer(text):
        value = _value(match)
        if value is None:
            doubt = True
            continue
        if match["sign"] and match["sign"].strip() != "+":
            value = -value
        decimal = any(mark in match[0] for mark in (".", "·", "。", "点", "點", ",", "point"))
        found.append(Found(value, match.start(), match.end(), decimal))
    return Numbers(text, tuple(found), doubt)


def _decimal_first(match: re.Match[str]) -> str:
    """The decimal before its unit, in the script of the number that it belongs to."""
    digit = "五" if match[2] == "半" else match[2]
    if digit in _POWERS or digit in _TENS:
        return match[0]
    value = _DIGITS.get(digit, digit)
    in_digits = match.string[match.start() - 1].isdigit() and match.string[match.start() - 1].isascii()
    return f"点{value if in_digits else _PLAIN[int(value)]}{match[1]}"


def _value(match: re.Match[str]) -> float | None:
    if match["arabic"]:
        return _arabic(match["arabic"])
    if match["han"]:
        return han_number(match["han"])
    return _english(match["words"])


def _arabic(text: str) -> float | None:
    """38.5, 38,5, 38。5, 38点5; None for two decimal marks and for 1,200 (one thousand or one point two?)."""
    parts = re.split(r"[.·。点點,]", text)
    if len(text) > 15 or len(parts) > 2 or ("," in text and len(parts[1]) > 2):
        return None
    return float(".".join(parts))


def han_number(text: str) -> float | None:
    """The value of a Chinese numeral (三十八点五, 两百五, 廿三, 一二〇); None when it is not one or could be two."""
    whole, *rest = re.split("[点點]", text)
    if len(text) > 15 or len(rest) > 1 or not whole:
        return None
    value = _han_whole(whole)
    if value is None or not rest:
        return value
    decimals = "".join(str(_DIGITS[char]) if char in _DIGITS else char for char in rest[0])
    return float(f"{value:.0f}.{decimals}") if decimals.isascii() and decimals.isdigit() else None


def _han_whole(text: str) -> float | None:
    if all(char in _DIGITS for char in text):
        if len(text) == 2 and text[0] not in "零〇" and text[1] not in "零〇":
            return None  # 三四 says "three or four"
        return float("".join(str(_DIGITS[char]) for char in text))
    total = section = digit = 0
    power = 1
    for char in text:
        if char in _DIGITS:
            if digit:
                return None  # 三十八九 says "38 or 39"
            digit, power = _DIGITS[char], 1 if char in "零〇" else power
        elif char in _TENS:
            section, digit, power = section + _TENS[char], 0, 10
        else:
            power = _POWERS[char]
            if power == 10_000:
                total, section, digit = (total + section + digit) * power, 0, 0
            else:
                if not digit and power > 10:
                    return None
                section, digit = section + (digit or 1) * power, 0
    if digit and power >= 100 and text[-2] in _POWERS:  # 两百五 is 250, 一万二 is 12000
        digit *= power // 10
    return float(total + section + digit)


def _english(text: str) -> float | None:
    """thirty eight point five; None where the words do not make one number (one twenty)."""
    words = text.replace("-", " ").replace(" and ", " ").replace("a hundred", "one hundred").split()
    whole, _, decimals = " ".join(words).partition("point")
    value = _english_whole(whole.split())
    if value is None or "point" not in words:
        return value
    digits = decimals.split()
    if not digits or any(_WORDS.get(word, 99) > 9 for word in digits):
        return None
    return float(f"{value:.0f}." + "".join(str(_WORDS[word]) for word in digits))


def _english_whole(words: list[str]) -> float | None:
    total, last = 0, 1000
    for word in words:
        if word == "hundred":
            if not 0 < total < 10:
                return None
            total, last = total * 100, 100
        elif word in _WORD_TENS and last >= 100:
            total, last = total + _WORD_TENS[word], 10
        elif word in _WORDS and last >= 10 and (last > 10 or 0 < _WORDS[word] < 10):
            total, last = total + _WORDS[word], 1
        else:
            return None
    return float(total) if words else None
