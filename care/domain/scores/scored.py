"""Scored: what every score returns, and how inputs are read: missing is said, nonsense refused, nothing guessed."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from care.errors import Invalid


@dataclass(frozen=True, slots=True)
class Scored:
    """One score. `value` is None when an input is missing; `missing` then names them and `reason` is "missing".

    `parts` are the points of each known input, `band` is what the value means, a word of the score's own module.
    """

    value: int | None
    parts: Mapping[str, int] = field(default_factory=dict)
    band: str = ""
    missing: tuple[str, ...] = ()
    reason: str = ""


def added(points: Mapping[str, int | None], bands: Sequence[tuple[int, str]]) -> Scored:
    """The sum of the points (None: missing). `bands` are (lowest value, word), ascending, the first from 0."""
    known = {name: one for name, one in points.items() if one is not None}
    missing = tuple(name for name in points if name not in known)
    if missing:
        return Scored(None, known, "", missing, "missing")
    value = sum(known.values())
    return Scored(value, known, band_of(value, bands))


def band_of(value: int, bands: Sequence[tuple[int, str]]) -> str:
    """The word of the highest band that begins at or below the value."""
    return [word for low, word in bands if low <= value][-1]


def number(name: str, value: float | None, low: float, high: float) -> float | None:
    """The value as it is, None if unknown. Raises Invalid("not-a-number" or "out-of-range", place=name)."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Invalid("not-a-number", f"{name} is a number", place=name)
    if not low <= value <= high:
        raise Invalid("out-of-range", f"{name} is from {low:g} to {high:g}", place=name)
    return float(value)


def whole(name: str, value: float | None, low: int, high: int) -> int | None:
    """The value as a whole number, None if unknown. Raises Invalid as `number` does, and "not-whole"."""
    found = number(name, value, low, high)
    if found is None:
        return None
    if not found.is_integer():
        raise Invalid("not-whole", f"{name} is a whole number", place=name)
    return int(found)


def yes(name: str, value: bool | None, points: int) -> int | None:
    """The points of a yes, 0 for a no, None if unknown. Raises Invalid("not-a-boolean", place=name)."""
    if value is None:
        return None
    if not isinstance(value, bool):
        raise Invalid("not-a-boolean", f"{name} is true or false", place=name)
    return points if value else 0


def one_of(name: str, value: str | None, points: Mapping[str, int]) -> int | None:
    """The points of a word, None if unknown. Raises Invalid("unknown-word", place=name)."""
    if value is None:
        return None
    if value not in points:
        raise Invalid("unknown-word", f"{name} is one of {', '.join(points)}", place=name)
    return points[value]


def stepped(value: float | None, starts: Sequence[float], points: Sequence[int]) -> int | None:
    """points[i] for a value from starts[i - 1] on and below starts[i]; None if unknown."""
    return None if value is None else points[bisect_right(starts, value)]
