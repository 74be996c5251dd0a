"""Reading numbers and quantities: the value, its unit, and the doubt when a unit or a range does not fit."""

from __future__ import annotations

import re

from care.domain.questionnaire.around import asked_words, clinical, harmless, plain_remark
from care.domain.questionnaire.model import Answer, Item, Span
from care.domain.questionnaire.numbers import Found, Numbers, numbers_in
from care.domain.questionnaire.reading import NOT_UNDERSTOOD, Unclear
from care.domain.questionnaire.said_amounts import DEGREES, Said, said_amount
from care.domain.questionnaire.text import bare
from care.domain.questionnaire.unit_names import ANY_UNIT, unit_named
from care.domain.questionnaire.units import UNITS, convert, label

_METER_LIMIT = re.compile(
    r"(?<![a-z0-9])0?(?P<low>lo|low)(?![a-z])|(?P<low_zh>偏低|太低|低)"
    r"|(?<![a-z0-9])0?(?P<high>hi|high)(?![a-z])|(?P<high_zh>偏高|太高|高)"
)
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")
_OUT_OF = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(?:/|out of) ?([0-9]+)")
_AGE = re.compile(r"(?<![a-z])(?:old|age|aged)(?![a-z])|岁|歲|年龄|年齡|年纪|年紀")
_HOUR = re.compile(r" ?[ap]\.? ?m(?![a-z])")
_ROUND = 100
"""三十多 is asked again; 四百多 and 十多万 are as round as "about 400"."""
_TEMPERATURES = ("Cel", "[degF]")


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
    if only.rough and only.value < _ROUND:
        return Unclear("ambiguous", understood)
    if not _stands_alone(item, numbers.text[: only.start], numbers.text[only.end :], only):
        return Unclear("not-understood", understood)
    if item.type == "integer" and only.value != int(only.value):
        return Unclear("out-of-range", understood)
    if not _within(item, only.value):
        return Unclear("out-of-range", understood)
    return Answer("integer", int(only.value)) if item.type == "integer" else Answer("decimal", only.value)


def _stands_alone(item: Item, before: str, after: str, only: Found) -> bool:
    """Whether nothing around a number makes it another one. A unit may follow only if the question asks in it."""
    if _HOUR.match(after):
        return False
    if harmless(f"{before} {after}", item):
        return True
    unit = ANY_UNIT.match(after.lstrip())
    if unit is not None and unit_named(unit[0]) != "%":
        asked = asked_words(item)
        counted = not asked.strip() and not unit[0].isascii()  # 十斤 said by itself: a number with its measure word
        code = unit_named(unit[0])
        meant = unit[0] in asked or any(unit_named(named[0]) == code for named in ANY_UNIT.finditer(asked))
        if not (meant or counted or (code == "a" and _AGE.search(asked))):
            return False
        after = after.lstrip()[unit.end() :]
        if harmless(f"{before} {after}", item):
            return True
    elif after[:1].isascii() and after[:1].isalpha():
        return False
    left = after.strip(" %")
    if len(left) == 1 and left.isascii() and left.isalpha():
        return False
    return not (clinical(item) or only.loose) and plain_remark(f"{before} {after}", asked_words(item))


def read_quantity(item: Item, text: str, language: str, prefer: str = "") -> Answer | Unclear:
    """A quantity in a normalised text. A number without a unit is taken only if one unit can be meant.

    `prefer` is the unit that this patient is known to use: it settles what is otherwise ambiguous.
    """
    limit = _meter_word(item, text, language)
    if limit is not None:
        return limit
    own = _in_its_own_unit(item, text)
    said = own or said_amount(item, text)
    if isinstance(said, Unclear):
        return said
    if own is None and not _believed(item, said):
        return Unclear("not-understood", number_text(said.value))
    return settle(item, said.value, said.unit, language, prefer)


def _in_its_own_unit(item: Item, text: str) -> Said | None:
    """A number and nothing but the form's own unit behind it, which need not be one that we know: 5 Ltr."""
    for unit in item.units:
        for name in (bare(unit), bare(label(unit, "en"))):
            number = text.removesuffix(name).rstrip()
            if name and number != text and _NUMBER.fullmatch(number):
                return Said(float(number), unit, "", "", True)
    return None


def _believed(item: Item, said: Said) -> bool:
    """Whether what stands around an amount leaves it as it is. A short unit or none needs known words around it."""
    rest = f"{said.before} {said.after}"
    if not said.unit and _HOUR.match(said.after):
        return False  # 8 am is an hour, not eight units
    if harmless(rest, item):
        return True
    if clinical(item) or not said.plain_unit or not plain_remark(rest, asked_words(item)):
        return False
    return not any(len(match[0]) > 2 and _alike(unit_named(match[0]), said.unit) for match in ANY_UNIT.finditer(rest))


def _alike(unit: str, other: str) -> bool:
    return convert(1.0, unit, other) is not None


def settle(item: Item, value: float, unit: str, language: str, prefer: str = "") -> Answer | Unclear:
    """The answer for a number and the unit said with it ("" when none): believed, refused or asked again.

    The unit may be DEGREES: a temperature whose scale was not said.
    """
    if unit in ("jin", "liang") and language != "zh-Hans":
        return Unclear(
            "ambiguous", f"{number_text(value)} {UNITS[unit].name('zh-Hans')}"
        )  # 500 g, or 604.8 in Hong Kong
    if unit == DEGREES:
        if not item.units:
            return Answer("quantity", value, unit=DEGREES)
        if not any(known in _TEMPERATURES for known in item.units):
            return NOT_UNDERSTOOD
        unit = ""
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
    if _is_less_than_nothing(value, unit) or not _possible(item, value, unit) or not _within(item, value):
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
    found = numbers.found
    if len(found) > 1:
        return Unclear("several")
    return found[0] if found else NOT_UNDERSTOOD


def _candidates(item: Item, value: float, language: str) -> list[str]:
    """The units that a bare number can be in.

    By the usual range (a meter's own range where there is one). A number that would be possible in the asked unit too,
    though unusual, stays ambiguous: 200 may be pounds or a very heavy person.
    """
    span = item.meter or item.usual
    if span is None:
        return list(item.units)
    fits = [unit for unit in item.units if _spoken(unit, language) and _in(span, value, unit)]
    asked = item.units[0]
    if item.meter is None and fits and asked not in fits and _possible(item, value, asked):
        return [asked, *fits]
    return fits


def _spoken(unit: str, language: str) -> bool:
    return unit != "jin" or language == "zh-Hans"


def _in(span: Span, value: float, unit: str) -> bool:
    converted = convert(value, unit, span.unit) if span.unit and unit else value
    return converted is not None and span.holds(converted)


def _possible(item: Item, value: float, unit: str) -> bool:
    return item.limits is None or _in(item.limits, value, unit)


def _is_less_than_nothing(value: float, unit: str) -> bool:
    """Whether it is a negative amount of what has none: in "weight -70 kg" the hyphen is no minus."""
    return value < 0 and unit in UNITS and UNITS[unit].dimension != "temperature"


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
