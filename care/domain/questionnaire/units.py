"""Units that patients write, and exact conversion inside one dimension; their spellings are in unit_names.

Factors: 1 lb = 0.45359237 kg (exact, international pound), 1 stone = 14 lb, 1 in = 2.54 cm (exact); the 斤 of mainland
China is 0.5 kg and its 两 0.05 kg (市斤, 市两); glucose 1 mmol/L = 18.0182 mg/dL (molar mass 180.182 g/mol);
1 kPa = 7.50062 mmHg; a week 7 days, a year 12 months (months and days are never turned into one another).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from care.domain.questionnaire.unit_names import SPELLED, unit_spelled

__all__ = [
    "OWN_UNITS",
    "SPELLED",
    "UCUM",
    "UNITS",
    "Unit",
    "convert",
    "label",
    "system_of",
    "to_canonical",
    "unit_spelled",
]

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


def _both(hans: str, hant: str = "") -> Mapping[str, str]:
    return {"zh-Hans": hans, "zh-Hant": hant or hans}


_LB = 0.45359237

UNITS: Mapping[str, Unit] = {
    unit.code: unit
    for unit in (
        Unit("mg/dL", "glucose", 1.0),
        Unit("mmol/L", "glucose", 18.0182),
        Unit("kg", "mass", 1.0, labels=_both("公斤")),
        Unit("g", "mass", 0.001, labels=_both("克")),
        Unit("mg", "mass", 1e-6, labels=_both("毫克")),
        Unit("ug", "mass", 1e-9, label="µg", labels=_both("微克")),
        Unit("t", "mass", 1000.0, labels=_both("吨", "噸")),
        Unit("[lb_av]", "mass", _LB, label="lb", labels=_both("磅")),
        Unit("[oz_av]", "mass", _LB / 16, label="oz", labels=_both("盎司")),
        Unit("[stone_av]", "mass", _LB * 14, label="st", labels=_both("英石")),
        Unit("jin", "mass", 0.5, label="jin", labels=_both("斤", "市斤"), system=OWN_UNITS),
        Unit("liang", "mass", 0.05, label="liang", labels=_both("两", "市兩"), system=OWN_UNITS),
        Unit("cm", "length", 1.0, labels=_both("厘米", "公分")),
        Unit("m", "length", 100.0, labels=_both("米", "公尺")),
        Unit("dm", "length", 10.0, labels=_both("分米", "公寸")),
        Unit("mm", "length", 0.1, labels=_both("毫米", "公釐")),
        Unit("km", "length", 100_000.0, labels=_both("公里")),
        Unit("[in_i]", "length", 2.54, label="in", labels=_both("英寸", "吋")),
        Unit("[ft_i]", "length", 30.48, label="ft", labels=_both("英尺", "呎")),
        Unit("[yd_i]", "length", 91.44, label="yd", labels=_both("码", "碼")),
        Unit("[mi_i]", "length", 160_934.4, label="mi", labels=_both("英里")),
        Unit("Cel", "temperature", 1.0, label="°C"),
        Unit("[degF]", "temperature", 5 / 9, -160 / 9, label="°F"),
        Unit("U", "insulin", 1.0, label="units", labels=_both("单位", "單位")),
        Unit("mm[Hg]", "pressure", 1.0, label="mmHg", labels=_both("毫米汞柱")),
        Unit("kPa", "pressure", 7.50062, labels=_both("千帕")),
        Unit("mL", "volume", 1.0, labels=_both("毫升")),
        Unit("L", "volume", 1000.0, labels=_both("升", "公升")),
        Unit("[gal_us]", "volume", 3785.411784, label="gal", labels=_both("加仑", "加侖")),
        Unit("%", "percent", 1.0),
        Unit("/min", "rate", 1.0, labels=_both("次/分")),
        Unit("s", "time", 1.0, labels=_both("秒")),
        Unit("min", "time", 60.0, labels=_both("分钟", "分鐘")),
        Unit("h", "time", 3600.0, labels=_both("小时", "小時")),
        Unit("d", "time", 86_400.0, label="days", labels=_both("天")),
        Unit("wk", "time", 604_800.0, label="weeks", labels=_both("周", "週")),
        Unit("mo", "months", 1.0, label="months", labels=_both("个月", "個月")),
        Unit("a", "months", 12.0, label="years", labels=_both("岁", "歲")),
    )
}

CANONICAL = {
    "glucose": "mg/dL",
    "mass": "kg",
    "temperature": "Cel",
    "insulin": "U",
    "length": "cm",
    "pressure": "mm[Hg]",
    "volume": "mL",
    "percent": "%",
    "rate": "/min",
    "time": "d",
    "months": "a",
}


def to_canonical(value: float, code: str) -> tuple[float, str]:
    """The value in the canonical unit of its dimension, and that unit; an unknown unit is left as it is."""
    unit = UNITS.get(code)
    if unit is None:
        return value, code
    canonical = CANONICAL[unit.dimension]
    if code == canonical:
        return value, code
    target = UNITS[canonical]
    return round((value * unit.factor + unit.offset) / target.factor, 4), canonical


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
