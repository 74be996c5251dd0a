"""FHIRPath's functions on numbers, and on collections of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from care.library.fhirpath import limits
from care.library.fhirpath.equality import compare
from care.library.fhirpath.nodes import Items, Scope, failed, single, single_of
from care.library.fhirpath.operators import EXACT, divided, plus, within_range
from care.library.fhirpath.quantities import Quantity

_MOST_PLACES = 28


def _number(focus: Items, what: str) -> Any:
    return single_of(focus, int | Decimal, what)


def _whole(what: str, rounding: str) -> Callable[[Scope, Items], Items]:
    def function(scope: Scope, focus: Items) -> Items:
        found = _number(focus, what)
        return [] if found is None else [int(Decimal(found).to_integral_value(rounding))]

    return function


def _computed(what: str, act: Callable[[Decimal], Decimal | None]) -> Callable[[Scope, Items], Items]:
    def function(scope: Scope, focus: Items) -> Items:
        found = _number(focus, what)
        computed = None if found is None else act(Decimal(found))
        return [] if computed is None else within_range(computed)

    return function


def _abs(scope: Scope, focus: Items) -> Items:
    found = single(focus, "abs()")
    if isinstance(found, Quantity):
        return [Quantity(abs(found.value), found.unit, found.calendar)]
    number = _number(focus, "abs()")
    return [] if number is None else [abs(number)]


def _round(scope: Scope, focus: Items, argument: Items | None = None) -> Items:
    """To so many decimals, half away from zero."""
    places = 0 if argument is None else single_of(argument, int, "round()")
    found = _number(focus, "round()")
    if found is None or places is None:
        return []
    if places < 0:
        raise failed("wrong-value", "round() is given a number of decimals below zero")
    if places == 0:
        return [int(Decimal(found).to_integral_value(ROUND_HALF_UP))]
    if type(found) is int or -int(found.as_tuple().exponent) <= places:
        return [found]
    return [found.quantize(Decimal(1).scaleb(-min(places, _MOST_PLACES)), ROUND_HALF_UP)]


def _power(scope: Scope, focus: Items, argument: Items) -> Items:
    base, exponent = _number(focus, "power()"), _number(argument, "power()")
    if base is None or exponent is None:
        return []
    if base < 0 and exponent != int(exponent):
        return []
    if base == 0 and exponent <= 0:
        return [1] if exponent == 0 else []
    found = within_range(EXACT.power(Decimal(base), Decimal(exponent)))
    whole = type(base) is int and type(exponent) is int and exponent >= 0
    return [int(each) for each in found] if whole else found


def _log(scope: Scope, focus: Items, argument: Items) -> Items:
    found, base = _number(focus, "log()"), _number(argument, "log()")
    if found is None or base is None or found <= 0 or base <= 0 or base == 1:
        return []
    return [EXACT.divide(EXACT.ln(Decimal(found)), EXACT.ln(Decimal(base)))]


def _sum(scope: Scope, focus: Items) -> Items:
    """The sum; empty of nothing: a score that nobody has answered a question of is not zero."""
    total = focus[:1]
    scope.spend(len(focus))
    for item in focus[1:]:
        total = plus(scope, total, [item])
    if len(focus) == 1:
        found = single(focus, "sum()")
        return [] if found is None else [found]
    return total


def _avg(scope: Scope, focus: Items) -> Items:
    return divided(scope, _sum(scope, focus), [len(focus)]) if focus else []


def _extreme(wanted: int) -> Callable[[Scope, Items], Items]:
    def function(scope: Scope, focus: Items) -> Items:
        scope.spend(len(focus))
        found = focus[:1]
        for item in focus[1:]:
            if compare([item], found) == wanted:
                found = [item]
        return found

    return function


def _bounded(top: bool) -> Callable[..., Items]:
    def function(scope: Scope, focus: Items, argument: Items | None = None) -> Items:
        digits = None if argument is None else single_of(argument, int, "a boundary")
        found = limits.boundary(single(focus, "a boundary"), top, digits)
        return [] if found is None else [found]

    return function


def _precision(scope: Scope, focus: Items) -> Items:
    found = limits.precision(single(focus, "precision()"))
    return [] if found is None else [found]


FUNCTIONS: Mapping[str, tuple[Callable[..., Items], int, int]] = {
    "abs": (_abs, 0, 0),
    "ceiling": (_whole("ceiling()", ROUND_CEILING), 0, 0),
    "floor": (_whole("floor()", ROUND_FLOOR), 0, 0),
    "truncate": (_whole("truncate()", ROUND_DOWN), 0, 0),
    "round": (_round, 0, 1),
    "exp": (_computed("exp()", EXACT.exp), 0, 0),
    "ln": (_computed("ln()", lambda found: EXACT.ln(found) if found > 0 else None), 0, 0),
    "sqrt": (_computed("sqrt()", lambda found: EXACT.sqrt(found) if found >= 0 else None), 0, 0),
    "log": (_log, 1, 1),
    "power": (_power, 1, 1),
    "sum": (_sum, 0, 0),
    "avg": (_avg, 0, 0),
    "min": (_extreme(-1), 0, 0),
    "max": (_extreme(1), 0, 0),
    "lowBoundary": (_bounded(False), 0, 1),
    "highBoundary": (_bounded(True), 0, 1),
    "precision": (_precision, 0, 0),
}
