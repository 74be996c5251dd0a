"""FHIRPath's conversions: toInteger(), convertsToInteger() and their kin. What cannot be converted is empty."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from care.library.fhirpath import moments, quantities
from care.library.fhirpath.moments import Moment
from care.library.fhirpath.nodes import Items, Node, Scope, single, single_of
from care.library.fhirpath.quantities import Quantity

_INTEGER = re.compile(r"[+-]?\d{1,28}")
_DECIMAL = re.compile(r"[+-]?\d{1,60}(\.\d{1,60})?")
_TRUE = frozenset(("true", "t", "yes", "y", "1", "1.0"))
_FALSE = frozenset(("false", "f", "no", "n", "0", "0.0"))


def _integer(found: Any) -> int | None:
    if isinstance(found, bool | int):
        return int(found)
    return int(found) if isinstance(found, str) and _INTEGER.fullmatch(found) else None


def _decimal(found: Any) -> Decimal | None:
    if isinstance(found, bool | int | Decimal):
        return Decimal(found)
    return Decimal(found) if isinstance(found, str) and _DECIMAL.fullmatch(found) else None


def _boolean(found: Any) -> bool | None:
    if isinstance(found, bool):
        return found
    if isinstance(found, int | Decimal):
        return found == 1 if found in (0, 1) else None
    if isinstance(found, str):
        return True if found.lower() in _TRUE else False if found.lower() in _FALSE else None
    return None


def _string(found: Any) -> str | None:
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, Decimal):
        return f"{found:f}"
    return str(found) if isinstance(found, str | int | Moment | Quantity) else None


def _moment(kind: str) -> Callable[[Any], Moment | None]:
    def convert(found: Any) -> Moment | None:
        read = moments.read(found, "time" if kind == "time" else "") if isinstance(found, str) else found
        if not isinstance(read, Moment) or (read.kind == "time") != (kind == "time"):
            return None
        return read.as_date() if kind == "date" else Moment(kind, read.parts, read.offset)

    return convert


def _quantity(found: Any) -> Quantity | None:
    if isinstance(found, Quantity):
        return found
    if isinstance(found, str):
        return quantities.read(found)
    number = _decimal(found)
    return None if number is None else Quantity(number)


def _to(what: str, convert: Callable[[Any], Any]) -> Callable[..., Items]:
    def function(scope: Scope, focus: Items, argument: Items | None = None) -> Items:
        found = single(focus, what)
        converted = None if found is None or type(found) is Node else convert(found)
        if converted is not None and argument:
            converted = _in_unit(converted, single_of(argument, str, what))
        return [] if converted is None else [converted]

    return function


def _in_unit(converted: Any, unit: str) -> Quantity | None:
    wanted = quantities.quantity(Decimal(1), unit.strip("'"), word=not unit.startswith("'"))
    value = quantities.in_unit_of(converted, wanted)
    return None if value is None else Quantity(value, wanted.unit, wanted.calendar)


def _converts(what: str, convert: Callable[[Any], Any]) -> Callable[..., Items]:
    to = _to(what, convert)

    def function(scope: Scope, focus: Items, argument: Items | None = None) -> Items:
        return [bool(to(scope, focus, argument))] if focus else []

    return function


_CONVERSIONS: Mapping[str, tuple[Callable[[Any], Any], int]] = {
    "Integer": (_integer, 0),
    "Decimal": (_decimal, 0),
    "Boolean": (_boolean, 0),
    "String": (_string, 0),
    "Date": (_moment("date"), 0),
    "DateTime": (_moment("dateTime"), 0),
    "Time": (_moment("time"), 0),
    "Quantity": (_quantity, 1),
}

FUNCTIONS: Mapping[str, tuple[Callable[..., Items], int, int]] = {
    **{f"to{name}": (_to(f"to{name}()", convert), 0, most) for name, (convert, most) in _CONVERSIONS.items()},
    **{f"convertsTo{name}": (_converts(name, convert), 0, most) for name, (convert, most) in _CONVERSIONS.items()},
}
