"""Chinese numerals: 三十八点五, 两百五, 廿三, 5万4千, 十多万, 三分之一. Works on normalised text."""

from __future__ import annotations

import re

DIGITS = {
    **dict(zip("零〇一二三四五六七八九", (0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)),
    **dict(zip("壹贰叁肆伍陆柒捌玖", range(1, 10), strict=True)),
    **dict(zip("貳參陸弌两兩俩倆仨叄", (2, 3, 6, 1, 2, 2, 2, 2, 3, 3), strict=True)),
}
POWERS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "兆": 10**12}
TENS = {"廿": 20, "卄": 20, "卅": 30, "卌": 40}
PLAIN = "零一二三四五六七八九"

HAN = "".join({*DIGITS, *POWERS, *TENS, *MYRIADS})
_UNITS = "".join({*POWERS, *MYRIADS})
_ROUGH = "多余餘几幾"
_ARABIC = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?"
_SIGN = rf"(?:(?![两兩])[{HAN}]|[两兩](?= ?[{_UNITS}]))"  # 三百两 is a weight: 两 counts only before a power
_WHOLE = (
    rf"(?:(?![两兩])[{HAN}]|(?<![0-9{HAN}])[两兩]|(?:{_ARABIC})(?= ?[{_ROUGH}]? ?[{_UNITS}]))"
    rf"(?: ?(?:{_SIGN}|(?:{_ARABIC})(?= ?[{_UNITS}])|[{_ROUGH}](?= ?[{_UNITS}])|(?<=[{_UNITS}])[{_ROUGH}](?![{HAN}])|"
    rf"(?<=[{_UNITS}零])[0-9]+))*"
)
_PLAIN_DIGITS = "".join(char for char in DIGITS if char not in "两兩俩倆仨")
NUMERAL = rf"{_WHOLE}(?: ?[点點] ?[{_PLAIN_DIGITS}0-9](?: ?[{_PLAIN_DIGITS}0-9])*(?: ?[{''.join(MYRIADS)}])*)?"
"""The source of a pattern for a numeral. What it matches may still be none (三四, 万): han_number says so."""
_PART = re.compile(rf"(?P<arabic>{_ARABIC})|(?P<han>.)")
FRACTION = re.compile(
    rf"(?P<sign>[负負] ?)?(?:(?P<whole>{_WHOLE}|[0-9]+) ?又 ?)?(?P<under>{_WHOLE}|[0-9]+) ?(?:分 *之|"
    rf"份之) ?(?P<over_sign>[负負])?(?P<over>(?:{_WHOLE}|[0-9]+))"
    rf"|(?:(?P<whole2>{_WHOLE}|[0-9]+)又)?(?<![{HAN}])(?P<under2>[二三四五六七八九十])[分份]一(?![{HAN}0-9])"
)
"""三分之一, 三百五又三分之一; Cantonese 三份一, 一又十分一."""
_LONGEST = 40
_ABOUT = frozenset(("百八十", "千八百", "万八千", "萬八千"))
"""Said of what is about a hundred, a thousand, ten thousand: 百八十块."""


def han_number(text: str) -> float | None:
    """The value of a numeral that NUMERAL matched (多 and 余 in it are passed over); None when it is not one or two.

    三四 says "three or four" and gives None, and so does 三十八九; a last digit alone is of the next lower power
    (两百五 is 250, 九万四 94,000).
    """
    text = "".join(char for char in text if char not in _ROUGH and char != " ")
    whole, *rest = re.split("[点點]", text)
    if len(text) > _LONGEST or len(rest) > 1 or not whole or text in _ABOUT:
        return None
    value = _whole(whole)
    if value is None or not rest:
        return value
    decimals, myriad = rest[0], 1
    while decimals and decimals[-1] in MYRIADS:
        decimals, myriad = decimals[:-1], myriad * MYRIADS[decimals[-1]]
    digits = "".join(str(DIGITS[char]) if char in DIGITS else char for char in decimals)
    return float(f"{value:.0f}.{digits}") * myriad if digits.isascii() and digits.isdigit() else None


def rough(text: str) -> bool:
    """Whether a numeral is a round one on purpose: 四百多, 十余万."""
    return any(char in _ROUGH for char in text)


def fraction(match: re.Match[str]) -> float | None:
    """The value of what FRACTION matched, or None."""
    whole = _either(match["whole"] or match["whole2"] or "0")
    under = _either(match["under"] or match["under2"])
    over = _either(match["over"] or "1")
    if whole is None or over is None or not under:
        return None
    value = whole + over / under
    return -value if bool(match["sign"]) != bool(match["over_sign"]) else value


def _either(text: str) -> float | None:
    return float(text) if text.isascii() else han_number(text)


def _whole(text: str) -> float | None:
    if all(char in DIGITS for char in text):
        if len(text) == 2 and text[0] not in "零〇" and text[1] not in "零〇":
            return None
        return float("".join(str(DIGITS[char]) for char in text))
    reader = _Reader()
    for match in _PART.finditer(text):
        if not (reader.number(match["arabic"]) if match["arabic"] else reader.sign(match["han"])):
            return None
    return reader.value()


class _Reader:
    """Reads a numeral from left to right: groups below 10,000, each with its myriad."""

    def __init__(self) -> None:
        self.groups: list[tuple[float, int]] = []  # value, the largest myriad in it
        self.group = 0.0
        self.digit: float | None = None
        self.power = 10**16
        self.unit = 1  # the last power or myriad said; 1 after a zero
        self.said = False

    def number(self, literal: str) -> bool:
        """An arabic literal: 5 in 5万4千."""
        if self.digit is not None:
            return False
        self.digit = float(literal.replace(",", ""))
        if self.said and len(literal) > 1:
            if self.digit >= self.unit and self.unit > 1:
                return False
            self.unit = 1  # 3万4000: no digit of the next lower power
        self.said = True
        return True

    def sign(self, char: str) -> bool:
        """One character of a numeral; False when it cannot stand there."""
        if char in DIGITS:
            return self._digit(DIGITS[char])
        if char in TENS:
            return self._power(10, TENS[char] // 10) if self.digit is None else False
        if char in POWERS:
            return self._power(POWERS[char], None)
        return char in MYRIADS and self._myriad(MYRIADS[char])

    def _digit(self, digit: int) -> bool:
        if digit == 0:
            if self.digit is not None:
                return False
            self.unit, self.said = 1, True
            return True
        if self.digit is not None:
            return False
        self.digit, self.said = float(digit), True
        return True

    def _power(self, power: int, times: float | None) -> bool:
        times = self.digit if times is None else times
        if times is None:
            if power > 10 and self.said:
                return False
            times = 1.0
        if power >= self.power or times >= 1000:
            return False
        self.group += times * power
        self.digit, self.power, self.unit, self.said = None, power, power, True
        return True

    def _myriad(self, myriad: int) -> bool:
        value, largest = self.group + (self._last() if self.unit < 10_000 else self.digit or 0.0), 1
        if not value and not (self.groups and self.unit >= 10_000):
            return False  # 万 alone
        while self.groups and (self.groups[-1][1] < myriad or not value):
            below, its = self.groups.pop()
            value, largest = value + below, max(largest, its)
        self.groups.append((value * myriad, largest * myriad))
        self.group, self.digit, self.power, self.unit, self.said = 0.0, None, 10**16, myriad, True
        return True

    def value(self) -> float:
        """The numeral's value."""
        return sum(value for value, _ in self.groups) + self.group + self._last()

    def _last(self) -> float:
        """A digit left over after a power is of the next lower one: 两百五 is 250 (205 is said 两百零五)."""
        last = self.digit or 0.0
        return last * self.unit / 10 if self.unit > 10 else last
