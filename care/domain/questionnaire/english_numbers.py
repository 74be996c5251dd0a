"""Numbers in English words, alone or mixed with digits: thirty eight point five, one and a half, 3 million."""

from __future__ import annotations

import re

_SMALL = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
_TENS_NAMES = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
WORDS = {word: value for value, word in enumerate(_SMALL.split())} | {"nought": 0, "naught": 0, "nil": 0, "fourty": 40}
TENS = {word: 10 * value for value, word in enumerate(_TENS_NAMES, start=2)} | {"fourty": 40}
del WORDS["fourty"]
SCALES = {
    "hundred": 100,
    "hundreds": 100,
    "thousand": 1000,
    "thousands": 1000,
    "k": 1000,
    "million": 10**6,
    "millions": 10**6,
    "billion": 10**9,
    "billions": 10**9,
    "trillion": 10**12,
    "trillions": 10**12,
    "lakh": 10**5,
    "lakhs": 10**5,
    "lac": 10**5,
    "lacs": 10**5,
    "lkh": 10**5,
    "lkhs": 10**5,
    "crore": 10**7,
    "crores": 10**7,
    "krores": 10**7,
    "krore": 10**7,
    "koti": 10**7,
    "cr": 10**7,
    **dict.fromkeys(("dozen", "dozens", "doz", "dozs"), 12),
}
_ORDINAL_STEMS = """
    third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth
    seventeenth eighteenth nineteenth
"""
UNDER = {word: value for value, word in enumerate(_ORDINAL_STEMS.split(), start=3)} | {
    "half": 2,
    "quarter": 4,
    "twentieth": 20,
    "thirtieth": 30,
    "fortieth": 40,
    "fiftieth": 50,
    "sixtieth": 60,
    "hundredth": 100,
    "thousandth": 1000,
    "millionth": 10**6,
    "billionth": 10**9,
    "trillionth": 10**12,
}
UNDER |= {f"{word}s": value for word, value in UNDER.items()} | {"halves": 2}
UNDER |= {f"{tens}-{firsts}": 10 * n + m for n, tens in enumerate(_TENS_NAMES, 2) for m, firsts in ((1, "firsts"),)}

_ARABIC = r"[0-9]+(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]*\.[0-9]+|[0-9]+"
_ANY = "|".join(sorted([*WORDS, *TENS, *SCALES, *UNDER, "point"], key=len, reverse=True)).replace("|k", r"|k(?!\.)")
_START = "|".join(
    sorted(
        [*WORDS, *TENS, *UNDER, "hundred", "thousand", "million", "billion", "dozen", "point"], key=len, reverse=True
    )
)
_SCALE = "|".join(sorted([*SCALES, *UNDER], key=len, reverse=True)).replace("|k", r"|k(?!\.)")
_JOIN = r"(?: ?- ?| )(?:and )?(?:an? )?"
PHRASE = (
    rf"(?:(?<![a-z-])(?:an? (?=(?:{_SCALE})(?![a-z])))?(?:(?:{_START})(?![a-z])|"
    rf"(?:{_ARABIC})(?= ?(?:{_SCALE})(?![a-z])))"
    rf"|(?<![0-9.,])(?:{_ARABIC})(?= ?(?:{_SCALE})(?![a-z])))"
    rf"(?:(?:{_JOIN}(?:(?:{_ANY})(?![a-z])|(?:{_ARABIC})(?![0-9a-z.,:/])))|(?<=[0-9])(?:{_SCALE})(?![a-z]))*"
)
"""The source of a pattern for a number with at least one word in it. What it matches may still be none or two."""
_TOKEN = re.compile(rf"{_ARABIC}|[a-z]+-firsts|[a-z]+")


def english_number(text: str) -> float | None:
    """The value of what PHRASE matched; None where the words do not make one number (one twenty, twenty five six)."""
    hyphened = text.replace(" - ", "-")
    words = _TOKEN.findall(hyphened)
    if len(words) > 24:
        return None
    fraction = _fraction(hyphened, words)
    if fraction is not False:
        return fraction
    if "point" in words:
        return _decimals(words)
    return _whole([word for word in words if word not in ("and", "a", "an")], words)


def _fraction(text: str, words: list[str]) -> float | bool | None:
    """Three quarters, two and a half, half a million; False when no word of it is a fraction."""
    places = [n for n, word in enumerate(words) if word in UNDER]
    if not places:
        return False
    at = places[0]
    if words[at] == "half" or words[at] == "quarter":
        scaled = _half_of(words, at)
        if scaled is not False:
            return scaled
    if len(places) > 1 or at != len(words) - 1 or "point" in words:
        return None
    before = words[:at]
    while before and before[-1] in ("a", "an") and len(before) > 1 and before[-2] != "and":
        before.pop()
    if "and" in before:
        return _mixed(before, UNDER[words[at]])
    if before in ([], ["a"], ["an"]):
        return 1.0 / UNDER[words[at]] if before or words[at] in ("half", "quarter") else None
    if before[-1] in TENS and UNDER[words[at]] < 10 and len(before) > 1:
        return None  # one hundred thirty fifths: 130/5 or 100/35
    over = _whole([word for word in before if word not in ("a", "an")], before)
    if over is None:
        return None
    plural = words[at].endswith("s") or words[at] == "halves"
    if not plural and over != 1 and words[at] not in ("half", "quarter"):
        return None  # twenty fifth: the 25th
    return over / UNDER[words[at]]


def _mixed(before: list[str], under: int) -> float | None:
    """What stands before a fraction's last word, with an "and" in it: two and a [half], ten and two [fifths]."""
    last = len(before) - 1 - before[::-1].index("and")
    over = before[last + 1 :]
    whole = _whole([word for word in before[:last] if word not in ("and", "a", "an")], before)
    top = 1.0 if over in ([], ["a"], ["an"]) else _whole([word for word in over if word not in ("a", "an")], over)
    if whole is None or top is None or (over and over[-1] in TENS and under < 10):
        return None
    if top < under:
        scale = SCALES.get(before[last - 1], 1)
        if scale >= 10**6:
            return whole + scale * top / under  # three million and a quarter: of a million
        return whole + top / under if whole < 1000 else None
    joined = _whole([word for word in before if word not in ("and", "a", "an")], before)
    return joined / under if joined is not None else None


def _half_of(words: list[str], at: int) -> float | bool | None:
    """Half a dozen, half million, quarter of a million: the part before a scale."""
    rest = [word for word in words[at + 1 :] if word not in ("a", "an", "of")]
    if not rest or any(word not in SCALES for word in rest):
        return False
    before = [word for word in words[:at] if word not in ("a", "an")]
    part = 1.0 / UNDER[words[at]]
    for word in rest:
        part *= SCALES[word]
    if not before:
        return part
    if before[-1] != "and":
        return None
    whole = _whole([word for word in before if word != "and"], before)
    return whole + part if whole is not None and part < whole else None


def _decimals(words: list[str]) -> float | None:
    at = words.index("point")
    whole = _whole([word for word in words[:at] if word not in ("and", "a")], words[:at]) if at else 0.0
    decimals, scale = words[at + 1 :], 1.0
    while decimals and decimals[-1] in SCALES:
        scale *= SCALES[decimals.pop()]
    values = [int(word) if word.isdigit() else WORDS.get(word, 99) for word in decimals]
    if whole is None or not values or (any(value > 9 for value in values) and len(values) > 1) or max(values) > 99:
        return None
    if len(values) == 1 and not decimals[0].isdigit() and values[0] == 99:
        return None
    return float(f"{whole:.0f}." + "".join(str(value) for value in values)) * scale


def _whole(words: list[str], said: list[str]) -> float | None:
    """Words without "and" and articles to their number, each scale smaller than the one before it."""
    total, group, last, largest = 0.0, 0.0, 1000, 10**18
    begun = False
    for word in words:
        if word in ("hundred", "hundreds"):
            if begun and not (0 < group < 100 or (group >= 100 and last == 0)):
                return None
            group, last, begun = (group if begun and group else 1.0) * 100, 100, True
        elif word in SCALES:
            scale = SCALES[word]
            if scale >= largest and not (total and not group):
                return None
            if not group and total:
                total *= scale  # three thousand millions
            else:
                total += (group if begun and group else 1.0) * scale
            group, last, largest, begun = 0.0, 1000, min(scale, largest), True
        elif word[0].isdigit() or word[0] == ".":
            value = float(word.replace(",", ""))
            if (group and (last < 100 or value >= 100)) or (total and value >= largest):
                return None
            group, last, begun = group + value, 1 if group else 0, True
        elif word in TENS and last >= 100:
            group, last, begun = group + TENS[word], 10, True
        elif word in WORDS and last >= 10 and (last > 10 or 0 < WORDS[word] < 10):
            group, last, begun = group + WORDS[word], 1, True
        else:
            return None
    return total + group if words and (not total or group < largest) else None
