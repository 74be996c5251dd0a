"""How a finding names what it saw: numbers as devices show them, symptoms by their codes, the worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from care.domain.measure import Measure

_DECIMALS = {"mg/dL": 0, "mmol/L": 1, "kg": 1, "Cel": 1, "mm[Hg]": 0, "%": 0, "/min": 0}
"""What meters and scales show."""


def number(value: float, unit: str = "") -> str:
    """A number as a person writes it: 70, 2.1, 38.5; with a unit, as its devices show it."""
    return f"{round(float(value), _DECIMALS.get(unit, 2)):g}"


def shown(measure: Measure, when: Mapping[str, Any]) -> dict[str, str | float]:
    """The value and its unit, and the same in another unit where the rule names one."""
    found: dict[str, str | float] = {"value": measure.comparator + _digits(measure, when), "unit": measure.unit}
    also = when.get("also")
    if also:  # the same value in the unit that other countries read
        digits = int(also["digits"])
        found[also["name"]] = f"{measure.comparator}{worth(measure) / float(also['divide_by']):.{digits}f}"
    return found


def _digits(measure: Measure, when: Mapping[str, Any]) -> str:
    """The value as its devices show it; with all its decimals where rounding would put it on the threshold."""
    short, limit = number(worth(measure), measure.unit), when.get("threshold")
    return number(worth(measure)) if limit is not None and short == number(float(limit)) else short


def named(found: Sequence[Measure], worst: Measure, when: Mapping[str, Any]) -> dict[str, str]:
    """For a rule about many symptoms, their codes, the worst first: the reader's language has a label for each."""
    if "code_prefix" not in when:
        return {}
    return {"symptoms": ", ".join(dict.fromkeys([worst.code, *(m.code for m in found)]))}


def most_extreme(found: Sequence[Measure], op: str) -> Measure:
    """The one farthest beyond a threshold of this direction."""
    return min(found, key=worth) if op in ("<", "<=") else max(found, key=worth)


def worth(measure: Measure) -> float:
    """The number of a readable measure."""
    return float(measure.value or 0)
