"""The one amount that a text says: a number with its unit, 5 ft 2 in, 3斤5两, one side of 120/80."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from care.domain.questionnaire.around import asked_words
from care.domain.questionnaire.model import Item
from care.domain.questionnaire.numbers import Found, Numbers, numbers_in
from care.domain.questionnaire.reading import NOT_UNDERSTOOD, Unclear
from care.domain.questionnaire.unit_names import ANY_UNIT, BRIEF, unit_named
from care.domain.questionnaire.units import convert

DEGREES = "°"
"""A temperature whose scale was not said."""

_PRESSURE = re.compile(r"(?<![0-9.])([0-9]{2,3}) ?(?:/|-|over|,|\\) ?([0-9]{2,3})(?![0-9.])(?: ?(?:mm ?hg|毫米汞柱))?")
_SYSTOLIC = re.compile(r"systolic|收缩压|收縮壓|高压|高壓|上压|上壓")
_DIASTOLIC = re.compile(r"diastolic|舒张压|舒張壓|低压|低壓|下压|下壓")
_FEET = re.compile(
    r"(?<![0-9])([3-7]) ?(?:'|ft\.?|foot|feet) ?([0-9]|1[01])(?: ?(?:''|\"|in|ins|inch|inches))?(?![0-9a-z'.])"
)
_METRES = re.compile(r"(?<![0-9a-z.])([0-2])m([0-9]{2})(?![0-9a-z])")
_STONE = re.compile(r"(?<![0-9.])([0-9]{1,2}) ?(?:st|stone|stones) ?([0-9]|1[0-3])(?: ?(?:lbs?|pounds?))?(?![0-9a-z.])")
_THOUSAND = re.compile(r"([0-9]) ?k(?![a-z.])")  # of an amount it may be kilograms or kilometres
_LITRES = re.compile(r"([0-9])l(?![a-z0-9])")
_AND_A_HALF = re.compile(
    r"(?<![a-z0-9.])(?P<n>an?|one|[0-9]{1,3}) (?P<unit>minutes?|hours?|days?|weeks?|months?|years?|pounds?|kilos?|"
    r"stones?|litres?|liters?)"
    r" and (?:a )?half(?![a-z])"
)
_SPANS = ("s", "min", "h", "d", "wk", "mo", "a")
_FREEZING = re.compile("below zero|零下")
_PARTS = {
    ("[yd_i]", "[ft_i]"), ("[ft_i]", "[in_i]"), ("[yd_i]", "[in_i]"), ("[stone_av]", "[lb_av]"), ("[lb_av]", "[oz_av]"),
    ("km", "m"), ("m", "cm"), ("km", "cm"), ("m", "dm"), ("kg", "g"), ("jin", "liang"), ("a", "mo"), ("wk", "d"),
    ("d", "h"), ("h", "min"), ("min", "s"), ("L", "mL"),
}  # fmt: skip
_JOINED = re.compile(r"(?: ?(?:,|and|零|又|and a) ?| )?")


@dataclass(frozen=True, slots=True)
class Said:
    """An amount as it was said, with what stands before and after it.

    `unit`: a code, DEGREES, or "" for none; `plain_unit`: it was spelled so that it cannot be something else.
    """

    value: float
    unit: str
    before: str
    after: str
    plain_unit: bool


def said_amount(item: Item, text: str) -> Said | Unclear:
    """The one amount in a normalised text, or why there is none. Nothing is believed yet."""
    side = _one_side(item, text)
    if side is not None:
        return side
    numbers = numbers_in(_spelled_out(item, text))
    if numbers.doubt:
        return Unclear("ambiguous")
    if not numbers.found:
        return NOT_UNDERSTOOD
    joined = _joined(item, numbers)
    if joined is not None:
        return joined
    chosen = numbers.found[0]
    if len(numbers.found) > 1:
        sure = [
            found for found in numbers.found if not _inside_a_word(found) or _unit_after(item, numbers.text, found.end)
        ]
        if len(sure) != 1 or _unit_after(item, numbers.text, sure[0].end) is None:
            return Unclear("several")
        chosen = sure[0]
    if chosen.rough or _THOUSAND.search(text):
        return Unclear("ambiguous")
    said = _with_unit(item, numbers.text, chosen, [found for found in numbers.found if found is not chosen])
    return replace(said, unit=DEGREES) if not said.unit and _FREEZING.search(text) else said


def _one_side(item: Item, text: str) -> Said | None:
    """120/80 where the question asks for one of the two: the systolic is the higher, said first."""
    match = _PRESSURE.search(text)
    if match is None or "mm[Hg]" not in item.units:
        return None
    asked, high, low = asked_words(item), int(match[1]), int(match[2])
    upper, lower = bool(_SYSTOLIC.search(asked)), bool(_DIASTOLIC.search(asked))
    if upper == lower or high <= low:
        return None
    return Said(float(high if upper else low), "mm[Hg]", text[: match.start()], text[match.end() :], True)


def _spelled_out(item: Item, text: str) -> str:
    """5'10 as 5 feet 10 inches, 1m75 as 1.75 m, 11 st 4 as 11 stone 4 pounds, 2l as 2 l where a volume is asked."""
    text = _AND_A_HALF.sub(lambda match: f"{match['n'] if match['n'].isdigit() else 1}.5 {match['unit']}", text)
    text = _FEET.sub(r"\1 feet \2 inches", text)
    text = _METRES.sub(r"\1.\2 metres", text)
    text = _STONE.sub(r"\1 stone \2 pounds", text)
    if any(convert(1.0, unit, "L") is not None for unit in item.units):
        text = _LITRES.sub(r"\1 l", text)
    return text


def _unit_after(item: Item, text: str, at: int) -> re.Match[str] | None:
    """The unit that follows a number, perhaps in brackets or with a hyphen."""
    match = re.compile(r"[ -]?[(\[{<]?").match(text, at)
    return ANY_UNIT.match(text, match.end() if match else at)


def _code(item: Item, word: str) -> str:
    """The unit's code; mg is short for mg/dL where glucose is asked, degrees without a scale are DEGREES."""
    code = unit_named(word)
    if code == "mg" and "mg/dL" in item.units:
        return "mg/dL"
    return code or DEGREES


def _joined(item: Item, numbers: Numbers) -> Said | None:
    """All numbers of the text as one amount in parts (5 feet 2 inches), in the unit of the first."""
    if not 2 <= len(numbers.found) <= 3:
        return None
    text, total, unit, last, end = numbers.text, 0.0, "", "", 0
    for found in numbers.found:
        match = _unit_after(item, text, found.end)
        if match is None or found.rough or found.value < 0:
            return None
        code = _code(item, match[0])
        if unit:
            if (last, code) not in _PARTS or not _JOINED.fullmatch(text, end, found.start):
                return None
            total += convert(found.value, code, unit) or 0.0
        else:
            unit, total = code, found.value
        last, end = code, match.end()
    return Said(round(total, 6), unit, text[: numbers.found[0].start], text[end:], True)


def _inside_a_word(found: Found) -> bool:
    """Whether it may be no number at all: 三 in 珠三角, 12 in B12."""
    return found.loose and (found.end - found.start == 1 or (not found.decimal and found.value < 100))


def _with_unit(item: Item, text: str, found: Found, others: list[Found]) -> Said:
    """The number with the unit right after it, else with one written out before it."""
    before, after = text[: found.start], text[found.end :]
    for other in reversed(others):
        if other.start >= found.end:
            after = text[found.end : other.start] + " " + text[other.end :]
    match = _unit_after(item, text, found.end)
    unit, plain = "", False
    if match is not None:
        unit, plain = _code(item, match[0]), match[0] not in BRIEF
        after = after[match.end() - found.end :]
        if unit != DEGREES:
            return Said(found.value, unit, before, after, plain)
    for named in ANY_UNIT.finditer(before):
        code = _code(item, named[0])
        if code in _SPANS:
            continue
        wanted = code in ("Cel", "[degF]") if unit == DEGREES or not item.units else code in item.units
        if wanted and (len(named[0]) > 1 or not named[0].isascii()):
            return Said(found.value, code, before[: named.start()] + before[named.end() :], after, True)
    return Said(found.value, unit, before, after, plain)
