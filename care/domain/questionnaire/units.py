"""Units that patients write, their spellings, and exact conversion inside one dimension.

Factors: 1 lb = 0.45359237 kg (exact, international pound); the 斤 of mainland China is 0.5 kg (市斤); glucose
1 mmol/L = 18.0182 mg/dL (molar mass 180.182 g/mol).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

UCUM = "http://unitsofmeasure.org"
OWN_UNITS = "https://care.invalid/fhir/CodeSystem/units"


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: value in the dimension's canonical unit = value * factor + offset."""

    code: str
    dimension: str
    factor: float
    offset: float = 0.0
    label: str = ""
    labels: Mapping[str, str] | None = None
    system: str = UCUM

    def name(self, language: str) -> str:
        """What a person reads, in their language."""
        return (self.labels or {}).get(language) or self.label or self.code


_MG_PER_MMOL = 18.0182

UNITS: Mapping[str, Unit] = {
    unit.code: unit
    for unit in (
        Unit("mg/dL", "glucose", 1.0),
        Unit("mmol/L", "glucose", _MG_PER_MMOL),
        Unit("kg", "mass", 1.0, labels={"zh-Hans": "公斤", "zh-Hant": "公斤"}),
        Unit("[lb_av]", "mass", 0.45359237, label="lb", labels={"zh-Hans": "磅", "zh-Hant": "磅"}),
        Unit("jin", "mass", 0.5, label="jin", labels={"zh-Hans": "斤", "zh-Hant": "市斤"}, system=OWN_UNITS),
        Unit("Cel", "temperature", 1.0, label="°C"),
        Unit("[degF]", "temperature", 5 / 9, -160 / 9, label="°F"),
        Unit("U", "insulin", 1.0, label="units", labels={"zh-Hans": "单位", "zh-Hant": "單位"}),
    )
}

CANONICAL = {"glucose": "mg/dL", "mass": "kg", "temperature": "Cel", "insulin": "U"}

_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "mg/dL": ("mg/dl", "mgdl", "mg dl", "mg", "毫克/分升", "毫克每分升", "毫克"),
    "mmol/L": (
        *("mmol/l", "mmoll", "mmol l", "mmol", "mmols", "毫摩尔/升", "毫摩爾/升", "毫摩尔每升", "毫摩爾每升"),
        *("毫摩尔", "毫摩爾", "毫摩/升", "毫摩"),
    ),
    "kg": ("kg", "kgs", "kilo", "kilos", "kilogram", "kilograms", "公斤", "千克"),
    "[lb_av]": ("lb", "lbs", "pound", "pounds", "磅"),
    "jin": ("市斤", "斤"),
    "Cel": (
        *("°c", "º c", "ºc", "° c", "c", "cel", "celsius", "degrees celsius", "degree celsius", "degrees c"),
        *("deg c", "摄氏度", "攝氏度", "摄氏", "攝氏", "度c"),
    ),
    "[degF]": (
        *("°f", "ºf", "° f", "f", "fahrenheit", "degrees fahrenheit", "degree fahrenheit", "degrees f", "deg f"),
        *("华氏度", "華氏度", "华氏", "華氏", "度f"),
    ),
    "U": ("u", "iu", "unit", "units", "单位", "單位", "个单位", "個單位"),
    "": ("degrees", "degree", "deg", "°", "º", "度"),  # a temperature, but the scale is not said
}

_BY_SPELLING = {spelling: code for code, spellings in _SPELLINGS.items() for spelling in spellings}
_LATIN = re.compile(r"[a-z]")


def _alternative(spelling: str) -> str:
    """A Latin spelling must not run on into a longer word; a Chinese one may."""
    tail = r"(?![a-z])" if _LATIN.match(spelling[-1]) else ""
    head = r"(?<![a-z])" if _LATIN.match(spelling[0]) else ""
    return head + re.escape(spelling) + tail


SPELLED = re.compile("|".join(_alternative(s) for s in sorted(_BY_SPELLING, key=len, reverse=True)))


def unit_spelled(word: str) -> str:
    """The unit code of a normalised spelling that SPELLED matched; "" when it says a degree without its scale."""
    return _BY_SPELLING[word]


def to_canonical(value: float, code: str) -> tuple[float, str]:
    """The value in the canonical unit of its dimension, and that unit; an unknown unit is left as it is."""
    unit = UNITS.get(code)
    if unit is None:
        return value, code
    canonical = CANONICAL[unit.dimension]
    if code == canonical:
        return value, code
    return round(value * unit.factor + unit.offset, 4), canonical


def convert(value: float, code: str, wanted: str) -> float | None:
    """The value in another unit of the same dimension; None when the two have nothing to do with one another."""
    if code == wanted:
        return value
    source, target = UNITS.get(code), UNITS.get(wanted)
    if source is None or target is None or source.dimension != target.dimension:
        return None
    return round((value * source.factor + source.offset - target.offset) / target.factor, 6)


def label(code: str, language: str) -> str:
    """What a person reads for a unit code."""
    unit = UNITS.get(code)
    return unit.name(language) if unit else code


def system_of(code: str) -> str:
    """The code system of a unit."""
    unit = UNITS.get(code)
    return unit.system if unit else UCUM
