"""Reading numbers and quantities: the value, its unit, and the doubt when a unit or a range does not fit."""

from __future__ import annotations

import re

from care.domain.questionnaire.model import Answer, Item, Span
from care.domain.questionnaire.numbers import Found, Numbers, numbers_in
from care.domain.questionnaire.reading import NOT_UNDERSTOOD, Unclear
from care.domain.questionnaire.units import SPELLED, UNITS, convert, label, unit_spelled
from care.domain.questionnaire.words import FILLER_EN, FILLER_ZH, NEGATIONS

_LATIN_WORD = re.compile(r"[a-z][a-z']*")
_PUNCTUATION = re.compile(r"[\s.,:;=!?。·…()\"'~%/*-]+")
_METER_LIMIT = re.compile(
    r"(?<![a-z0-9])0?(?P<low>lo|low)(?![a-z])|(?P<low_zh>偏低|太低|低)"
    r"|(?<![a-z0-9])0?(?P<high>hi|high)(?![a-z])|(?P<high_zh>偏高|太高|高)"
)
_OUT_OF = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(?:/|out of) ?([0-9]+)")


def read_number(item: Item, text: str) -> Answer | Unclear:
    """An integer or a decimal in a normalised text; 7/10 is 7 where the item ends at 10."""
    out_of = _OUT_OF.search(text)
    if out_of and item.maximum is not None and float(out_of[2]) == item.maximum:
        text = text[: out_of.start()] + out_of[1] + text[out_of.end() :]
    numbers = numbers_in(text)
    only = _only(numbers)
    if isinstance(only, Unclear):
        return only
    understood = number_text(only.value)
    if not harmless(numbers.text[: only.start] + " " + numbers.text[only.end :], item):
        return Unclear("not-understood", understood)
    if item.type == "integer" and only.value != int(only.value):
        return Unclear("out-of-range", understood)
    if not _within(item, only.value):
        return Unclear("out-of-range", understood)
    return Answer("integer", int(only.value)) if item.type == "integer" else Answer("decimal", only.value)


def read_quantity(item: Item, text: str, language: str, prefer: str = "") -> Answer | Unclear:
    """A quantity in a normalised text. A number without a unit is taken only if one unit can be meant.

    `prefer` is the unit that this patient is known to use: it settles what is otherwise ambiguous.
    """
    limit = _meter_word(item, text, language)
    if limit is not None:
        return limit
    numbers = numbers_in(text)
    only = _only(numbers)
    if isinstance(only, Unclear):
        return only
    before, after = numbers.text[: only.start], numbers.text[only.end :]
    unit, before, after = _unit_beside(before, after)
    if not harmless(f"{before} {after}", item):
        return Unclear("not-understood", number_text(only.value))
    return settle(item, only.value, unit, language, prefer)


def settle(item: Item, value: float, unit: str, language: str, prefer: str = "") -> Answer | Unclear:
    """The answer for a number and the unit said with it ("" when none): believed, refused or asked again."""
    if unit == "jin" and language != "zh-Hans":
        return Unclear("ambiguous", f"{number_text(value)} 斤")  # 500 g on the mainland, 604.8 g in Hong Kong
    if unit and item.units and all(convert(value, unit, known) is None for known in item.units):
        return NOT_UNDERSTOOD
    if not unit and item.units:
        candidates = _candidates(item, value, language)
        if prefer in candidates:
            candidates = [prefer]
        if len(candidates) > 1:
            return Unclear("ambiguous", " / ".join(f"{number_text(value)} {label(u, language)}" for u in candidates))
        if not candidates and not _below_meter(item, value, item.units[0]):
            return Unclear("out-of-range", number_text(value))
        unit = candidates[0] if candidates else item.units[0]
    if _below_meter(item, value, unit):
        return meter_answer(item, "<")
    said = f"{number_text(value)} {label(unit, language)}".strip()
    if not _possible(item, value, unit) or not _within(item, value):
        return Unclear("out-of-range", said)
    return Answer("quantity", value, unit=UNITS[unit].label or unit if unit in UNITS else unit, code=unit)


def meter_answer(item: Item, comparator: str) -> Answer:
    """Lo ('<') or Hi ('>') of a meter: the limit of what it shows, with the comparator."""
    meter = item.meter or Span(0.0, 0.0)
    limit = meter.low if comparator == "<" else meter.high
    return Answer("quantity", float(limit or 0), unit=meter.unit, comparator=comparator, code=meter.unit)


def number_text(value: float) -> str:
    """A number as a person writes it: 58, 5.6."""
    return f"{value:.10g}"


def _only(numbers: Numbers) -> Found | Unclear:
    if numbers.doubt:
        return Unclear("ambiguous")
    if not numbers.found:
        return NOT_UNDERSTOOD
    if len(numbers.found) > 1:
        return Unclear("several")
    return numbers.found[0]


def _unit_beside(before: str, after: str) -> tuple[str, str, str]:
    """The unit right after the number, else one written out before it; and the text without it."""
    match = SPELLED.match(after, 1 if after[:1] == " " else 0)
    if match:
        after = after[match.end() :]
        if unit_spelled(match[0]):
            return unit_spelled(match[0]), before, after
    for match in SPELLED.finditer(before):
        if len(match[0]) > 1 or not match[0].isascii():
            return unit_spelled(match[0]), before[: match.start()] + before[match.end() :], after
    return "", before, after


def _candidates(item: Item, value: float, language: str) -> list[str]:
    """The units that a bare number can be in.

    By the usual range (a meter's own range where there is one). A number that would be possible in the asked unit too,
    though unusual, stays ambiguous: 200 may be pounds or a very heavy person.
    """
    span = item.meter or item.usual
    if span is None:
        return [item.units[0]]
    fits = [unit for unit in item.units if _spoken(unit, language) and _in(span, value, unit)]
    asked = item.units[0]
    if item.meter is None and fits and asked not in fits and _possible(item, value, asked):
        return [asked, *fits]
    return fits


def _spoken(unit: str, language: str) -> bool:
    return unit != "jin" or language == "zh-Hans"


def _in(span: Span, value: float, unit: str) -> bool:
    converted = convert(value, unit, span.unit) if span.unit else value
    return converted is not None and span.holds(converted)


def _possible(item: Item, value: float, unit: str) -> bool:
    return item.limits is None or _in(item.limits, value, unit)


def _below_meter(item: Item, value: float, unit: str) -> bool:
    """Below what the device can show, and not negative: kept as '<', since a low in doubt must reach a nurse."""
    if item.meter is None or item.meter.low is None or value < 0:
        return False
    converted = convert(value, unit, item.meter.unit)
    return converted is not None and converted < item.meter.low


def _within(item: Item, value: float) -> bool:
    low, high = item.minimum, item.maximum
    return not (isinstance(low, float) and value < low) and not (isinstance(high, float) and value > high)


def _meter_word(item: Item, text: str, language: str) -> Answer | None:
    if item.meter is None:
        return None
    match = _METER_LIMIT.search(text)
    if match is None or not harmless(text[: match.start()] + " " + text[match.end() :], item, digits=False):
        return None
    return meter_answer(item, "<" if match["low"] or match["low_zh"] else ">")


def harmless(rest: str, item: Item, digits: bool = True) -> bool:
    """Whether what stands around a value cannot change it: filler words, and words of the question itself.

    `digits`: whether digits may still be among it (they were read already).
    """
    rest = _PUNCTUATION.sub(" ", rest).strip()
    if not rest:
        return True
    if NEGATIONS.search(rest) or (not digits and any(char.isdigit() for char in rest)):
        return False
    asked = " ".join(item.text.values()).casefold()
    words = set(_LATIN_WORD.findall(asked))
    for word in _LATIN_WORD.findall(rest):
        if word not in FILLER_EN and word not in words:
            return False
    others = FILLER_ZH.sub(" ", _LATIN_WORD.sub(" ", rest)).split()
    return all(piece in asked for piece in others)
