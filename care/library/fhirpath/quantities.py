"""Quantities: a number and a unit, with the conversions that expressions of forms need.

Units of one dimension convert by a factor (UCUM 2.1; the international pound, inch and foot are exact). A unit that is
not listed is only ever equal to itself. Temperatures in Cel and [degF] have an offset and are not converted here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

UCUM = "http://unitsofmeasure.org"

_DIMENSIONS: dict[str, dict[str, str]] = {
    "mass": {
        "kg": "1000",
        "g": "1",
        "mg": "0.001",
        "ug": "0.000001",
        "[lb_av]": "453.59237",
        "[oz_av]": "28.349523125",
    },
    "length": {"km": "1000", "m": "1", "cm": "0.01", "mm": "0.001", "[in_i]": "0.0254", "[ft_i]": "0.3048"},
    "volume": {"L": "1", "dL": "0.1", "mL": "0.001", "uL": "0.000001", "l": "1", "dl": "0.1", "ml": "0.001"},
    "time": {"wk": "604800", "d": "86400", "h": "3600", "min": "60", "s": "1", "ms": "0.001"},
    "years": {"a": "12", "mo": "1"},
    "calendar": {"year": "12", "month": "1"},
    "share": {"1": "1", "%": "0.01"},
    "pressure": {"kPa": "1000", "Pa": "1", "mm[Hg]": "133.322"},
    "mass concentration": {"g/L": "1", "mg/L": "0.001", "mg/dL": "0.01", "g/dL": "10", "ug/mL": "0.001"},
    "substance concentration": {"mol/L": "1", "mmol/L": "0.001", "umol/L": "0.000001", "nmol/L": "0.000000001"},
}
_FACTORS = {code: (name, Decimal(factor)) for name, codes in _DIMENSIONS.items() for code, factor in codes.items()}
_SAME = {"week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s", "millisecond": "ms"}
_CALENDAR = ("year", "month", *_SAME)
_WORDS = {**{word: word for word in _CALENDAR}, **{f"{word}s": word for word in _CALENDAR}}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a unit (a UCUM code, '1' for none; `calendar`: a word such as 'year', which is not UCUM's 'a')."""

    value: Decimal
    unit: str = "1"
    calendar: bool = False

    def __str__(self) -> str:
        number = f"{self.value:f}"
        if not self.calendar:
            return f"{number} '{self.unit}'"
        return f"{number} {self.unit}{'' if self.value == 1 else 's'}"

    def to_json(self) -> dict[str, object]:
        """As FHIR writes it."""
        number = int(self.value) if self.value == int(self.value) else float(self.value)
        code = (
            _SAME.get(self.unit, {"year": "a", "month": "mo"}.get(self.unit, self.unit)) if self.calendar else self.unit
        )
        return {"value": number, "unit": self.unit, "system": UCUM, "code": code}


def quantity(value: Decimal, unit: str, word: bool = False) -> Quantity:
    """A quantity as an expression writes it: `word` when the unit stands there without quotes."""
    return Quantity(value, _WORDS[unit], True) if word and unit in _WORDS else Quantity(value, unit)


def read(text: str) -> Quantity | None:
    """A quantity from its text (4 days, 4 'mg', 4); None when it is none."""
    number, _, unit = text.strip().partition(" ")
    unit = unit.strip()
    try:
        value = Decimal(number)
    except ArithmeticError:
        return None
    if not number[-1:].isdigit() or not value.is_finite():
        return None
    if unit in _WORDS:
        return quantity(value, unit, True)
    if unit and not (len(unit) > 2 and unit[0] == unit[-1] == "'"):
        return None
    return Quantity(value, unit[1:-1] or "1")


def _scale(one: Quantity, loosely: bool) -> tuple[str, Decimal] | None:
    if one.calendar and one.unit in _SAME:
        return _FACTORS[_SAME[one.unit]]
    if one.calendar:
        name, factor = _FACTORS[one.unit]
        return ("years" if loosely else name), factor
    return _FACTORS.get(one.unit)


def in_unit_of(one: Quantity, other: Quantity, loosely: bool = False) -> Decimal | None:
    """`one` as a number of `other`'s unit; None where the two have nothing to do with one another.

    A calendar year is UCUM's average year only `loosely` (for ~).
    """
    if one.unit == other.unit and one.calendar == other.calendar:
        return one.value
    mine, theirs = _scale(one, loosely), _scale(other, loosely)
    if mine is None or theirs is None or mine[0] != theirs[0]:
        return None
    return one.value * mine[1] / theirs[1]


def times(one: Quantity, other: Quantity, divided: bool) -> Quantity | None:
    """The product or the quotient of two; the unit is worked out only where one of them has none or both the same."""
    if divided:
        same = in_unit_of(one, other)
        if same is not None:
            return Quantity(same / other.value)
        return (
            Quantity(one.value / other.value, one.unit, one.calendar)
            if other.unit == "1"
            else (Quantity(one.value / other.value, f"{one.unit}/{other.unit}"))
        )
    if "1" in (one.unit, other.unit):
        united = other if one.unit == "1" else one
        return Quantity(one.value * other.value, united.unit, united.calendar)
    return Quantity(one.value * other.value, f"{one.unit}2" if one.unit == other.unit else f"{one.unit}.{other.unit}")
