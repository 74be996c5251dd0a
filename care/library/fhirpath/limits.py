"""How precisely a value is written, and the lowest and highest that it may stand for: lowBoundary(), highBoundary()."""

from __future__ import annotations

from calendar import monthrange
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from care.library.fhirpath.moments import Moment
from care.library.fhirpath.quantities import Quantity

_MOST_PLACES = 28
_USUAL_PLACES = 8
_DIGITS = {"date": (4, 6, 8), "dateTime": (4, 6, 8, 10, 12, 14, 17), "time": (2, 4, 6, 9)}
_WEST, _EAST = 14 * 60, -12 * 60  # a moment without an offset may be anywhere: the earliest zone, the latest one


def precision(value: Any) -> int | None:
    """The digits after the point of a decimal, or the digits that a moment is written with."""
    if isinstance(value, Moment):
        count = len(value.parts) + _has_milliseconds(value)
        return _DIGITS[value.kind][count - 1]
    if isinstance(value, Decimal):
        return max(-int(value.as_tuple().exponent), 0)
    return 0 if type(value) is int else None


def _has_milliseconds(value: Moment) -> bool:
    last = value.parts[-1]
    return value.seconds_written and isinstance(last, Decimal) and int(last.as_tuple().exponent) < 0


def boundary(value: Any, top: bool, digits: int | None) -> Any:
    """The lowest (or highest) value that this one may stand for, to so many digits; None where there is none."""
    if isinstance(value, Quantity):
        found = boundary(value.value, top, digits)
        return None if found is None else Quantity(found, value.unit, value.calendar)
    if isinstance(value, Moment):
        return _moment(value, top, digits)
    if type(value) is bool or not isinstance(value, int | Decimal):
        return None
    places = _USUAL_PLACES if digits is None else digits
    if not 0 <= places <= _MOST_PLACES:
        return None
    half = Decimal(5).scaleb(-(precision(value) or 0) - 1)
    edge = Decimal(value) + (half if top else -half)
    return edge.quantize(Decimal(1).scaleb(-places), ROUND_CEILING if top else ROUND_FLOOR)


def _moment(value: Moment, top: bool, digits: int | None) -> Moment | None:
    steps = _DIGITS[value.kind]
    wanted = steps[-1] if digits is None else digits
    if wanted not in steps:
        return None
    day = 31 if value.kind == "time" else _last_day(value)
    fill: list[Any] = [9999, 12, day, 23, 59, Decimal("59.999")] if top else [1, 1, 1, 0, 0, Decimal("0.000")]
    fill = {"date": fill[:3], "time": fill[3:]}.get(value.kind, fill)
    full = [*value.parts, *fill[len(value.parts) :]]
    if value.seconds_written and not _has_milliseconds(value):
        full[-1] = Decimal(full[-1]) + (Decimal("0.999") if top else Decimal("0.000"))
    kept = full[: steps.index(wanted) + 1]
    if len(kept) == len(fill) and wanted in (6, 14) and value.kind != "date":
        kept[-1] = Decimal(int(kept[-1]))
    offset = value.offset
    if value.kind == "dateTime" and len(kept) > 3 and offset is None:
        offset = _EAST if top else _WEST
    return Moment(value.kind, tuple(kept), offset if len(kept) > 3 else None)


def _last_day(value: Moment) -> int:
    return monthrange(int(value.parts[0]), int(value.parts[1]) if len(value.parts) > 1 else 12)[1]
