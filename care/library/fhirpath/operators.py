"""FHIRPath's operators on collections, in one table: arithmetic, logic, membership, and what equality has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any

from care.library.fhirpath import moments, quantities
from care.library.fhirpath.equality import as_one_type, compare, distinct, equal, equivalent, pair, same
from care.library.fhirpath.moments import Moment
from care.library.fhirpath.nodes import Items, Scope, failed, single, single_of, text_within, truth
from care.library.fhirpath.quantities import Quantity

EXACT = Context(prec=28, Emax=999_999, Emin=-999_999, traps=[DivisionByZero, InvalidOperation, Overflow])
_LARGEST = 10**28


def within_range(found: int | Decimal) -> Items:
    """A computed number; beyond what FHIRPath can hold it is nothing."""
    return [found] if -_LARGEST < found < _LARGEST else []


def plus(scope: Scope, left: Items, right: Items) -> Items:
    """+ : numbers, texts, quantities of one dimension, a moment and a span of time."""
    a, b = pair(left, right, "+")
    if a is None or b is None:
        return []
    if type(a) is str and type(b) is str:
        return [_grown(scope, a + b)]
    return _added(a, b, 1)


def minus(scope: Scope, left: Items, right: Items) -> Items:
    """- : numbers, quantities of one dimension, a span of time from a moment."""
    a, b = pair(left, right, "-")
    return [] if a is None or b is None else _added(a, b, -1)


def _added(a: Any, b: Any, sign: int) -> Items:
    if isinstance(b, Quantity) and type(a) is str:
        a = moments.read(a) or a
    if isinstance(a, Moment) and isinstance(b, Quantity):
        unit = b.unit if b.calendar else moments.DEFINITE.get(b.unit, b.unit)
        if unit not in moments.WORDS:
            raise failed("wrong-type", "only a span of time can be added to a moment")
        moved = moments.add(a, b.value * sign, unit)
        return [] if moved is None else [moved]
    if isinstance(a, Quantity) and isinstance(b, Quantity):
        converted = quantities.in_unit_of(b, a)
        return [] if converted is None else [Quantity(a.value + sign * converted, a.unit, a.calendar)]
    x, y = _numbers(a, b, "+" if sign > 0 else "-")
    return within_range(x + sign * y)


def _numbers(a: Any, b: Any, what: str) -> tuple[Any, Any]:
    for each in (a, b):
        if type(each) is bool or not isinstance(each, int | Decimal):
            raise failed("wrong-type", f"{what} was given a value that is no number")
    return a, b


def times(scope: Scope, left: Items, right: Items) -> Items:
    """* : numbers and quantities."""
    a, b = pair(left, right, "*")
    if a is None or b is None:
        return []
    a, b = as_one_type(a, b)
    if isinstance(a, Quantity) and isinstance(b, Quantity):
        found = quantities.times(a, b, divided=False)
        return [found] if found is not None else []
    x, y = _numbers(a, b, "*")
    return within_range(x * y)


def divided(scope: Scope, left: Items, right: Items) -> Items:
    """/ : a decimal, to 28 digits; empty when the divisor is zero."""
    a, b = pair(left, right, "/")
    if a is None or b is None:
        return []
    a, b = as_one_type(a, b)
    if isinstance(a, Quantity) and isinstance(b, Quantity):
        found = quantities.times(a, b, divided=True) if b.value else None
        return [found] if found is not None else []
    x, y = _numbers(a, b, "/")
    return within_range(EXACT.divide(Decimal(x), Decimal(y))) if y else []


def whole_divided(scope: Scope, left: Items, right: Items) -> Items:
    """div : the quotient without its fraction, towards zero."""
    a, b = pair(left, right, "div")
    if a is None or b is None:
        return []
    x, y = _numbers(a, b, "div")
    return within_range(int(EXACT.divide(Decimal(x), Decimal(y)))) if y else []


def remainder(scope: Scope, left: Items, right: Items) -> Items:
    """mod : what is left after div, with the sign of the left side."""
    a, b = pair(left, right, "mod")
    if a is None or b is None:
        return []
    x, y = _numbers(a, b, "mod")
    if not y:
        return []
    left_over = EXACT.remainder(Decimal(x), Decimal(y))
    return [int(left_over) if type(x) is int and type(y) is int else left_over]


def joined(scope: Scope, left: Items, right: Items) -> Items:
    """& : two texts, an empty side as the empty text."""
    parts = (single_of(side, str, "&") or "" for side in (left, right))
    return [_grown(scope, "".join(parts))]


def _grown(scope: Scope, text: str) -> str:
    scope.spend(len(text) // 100)
    return text_within(text)


def _both(left: Items, right: Items, what: str) -> tuple[bool | None, bool | None]:
    return truth(left, what), truth(right, what)


def conjunction(scope: Scope, left: Items, right: Items) -> Items:
    """and, in three values."""
    both = _both(left, right, "and")
    return [False] if False in both else [] if None in both else [True]


def disjunction(scope: Scope, left: Items, right: Items) -> Items:
    """or, in three values."""
    both = _both(left, right, "or")
    return [True] if True in both else [] if None in both else [False]


def exclusive(scope: Scope, left: Items, right: Items) -> Items:
    """xor, in three values."""
    a, b = _both(left, right, "xor")
    return [] if a is None or b is None else [a is not b]


def implication(scope: Scope, left: Items, right: Items) -> Items:
    """implies, in three values."""
    a, b = _both(left, right, "implies")
    if a is False or b is True:
        return [True]
    return [] if a is None or b is None else [False]


def within(scope: Scope, left: Items, right: Items) -> Items:
    """in : whether the one item on the left is among those on the right."""
    if not left:
        return []
    single(left, "in")
    scope.spend(len(right))
    return [any(same(left[0], each) for each in right)]


def union(scope: Scope, left: Items, right: Items) -> Items:
    """| : all items of both, each once."""
    return distinct(scope, [*left, *right])


def _unless_empty(negated: bool) -> Callable[[Scope, Items, Items], Items]:
    def operator(scope: Scope, left: Items, right: Items) -> Items:
        found = equal(scope, left, right)
        return [] if found is None else [found is not negated]

    return operator


def _ordered(wanted: tuple[int, ...]) -> Callable[[Scope, Items, Items], Items]:
    def operator(scope: Scope, left: Items, right: Items) -> Items:
        order = compare(left, right)
        return [] if order is None else [order in wanted]

    return operator


OPERATORS: Mapping[str, Callable[[Scope, Items, Items], Items]] = {
    "=": _unless_empty(False),
    "!=": _unless_empty(True),
    "~": lambda scope, left, right: [equivalent(scope, left, right)],
    "!~": lambda scope, left, right: [not equivalent(scope, left, right)],
    "<": _ordered((-1,)),
    "<=": _ordered((-1, 0)),
    ">": _ordered((1,)),
    ">=": _ordered((0, 1)),
    "+": plus,
    "-": minus,
    "*": times,
    "/": divided,
    "div": whole_divided,
    "mod": remainder,
    "&": joined,
    "and": conjunction,
    "or": disjunction,
    "xor": exclusive,
    "implies": implication,
    "in": within,
    "contains": lambda scope, left, right: within(scope, right, left),
    "|": union,
}
