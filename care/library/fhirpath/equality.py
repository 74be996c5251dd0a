"""Whether two values are equal, alike, or one before the other."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from care.library.fhirpath import moments, quantities
from care.library.fhirpath.moments import Moment
from care.library.fhirpath.nodes import Items, Node, Scope, failed, single, value
from care.library.fhirpath.quantities import Quantity


def same(one: Any, other: Any) -> bool | None:
    """FHIRPath's = on two items; None where it cannot be said."""
    a, b = value(one), value(other)
    if type(a) is Node or type(b) is Node:
        return type(a) is type(b) and a.data == b.data and (a.beside or None) == (b.beside or None)
    if type(a) is bool or type(b) is bool:
        return a is b
    if type(a) is not str and type(b) is not str:
        a, b = as_one_type(a, b)
    if isinstance(a, Moment) and isinstance(b, Moment):
        if (a.kind == "time") != (b.kind == "time"):
            return False
        order = moments.compare(a, b)
        return None if order is None else order == 0
    if isinstance(a, Quantity) and isinstance(b, Quantity):
        if a.calendar != b.calendar and {a.unit, b.unit} & {"year", "month"}:
            return None
        converted = quantities.in_unit_of(a, b)
        return None if converted is None else converted == b.value
    return bool(a == b)


def as_one_type(a: Any, b: Any) -> tuple[Any, Any]:
    """Two values of types that one of them converts to: a text beside a moment, a number beside a quantity."""
    if type(a) is str and isinstance(b, Moment):
        return moments.read(a, "time" if b.kind == "time" else "") or a, b
    if type(b) is str and isinstance(a, Moment):
        return a, moments.read(b, "time" if a.kind == "time" else "") or b
    if isinstance(a, Quantity) and isinstance(b, int | Decimal) and type(b) is not bool:
        return a, Quantity(Decimal(b))
    if isinstance(b, Quantity) and isinstance(a, int | Decimal) and type(a) is not bool:
        return Quantity(Decimal(a)), b
    return a, b


def equal(scope: Scope, left: Items, right: Items) -> bool | None:
    """= on two collections: the same items in the same order; None when one is empty."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    scope.spend(len(left))
    found: bool | None = True
    for one, other in zip(left, right, strict=True):
        each = same(one, other)
        if each is False:
            return False
        found = None if each is None else found
    return found


def alike(one: Any, other: Any) -> bool:
    """FHIRPath's ~ on two items: case and spaces of texts, and digits beyond the less precise number, do not count."""
    a, b = value(one), value(other)
    if type(a) is Node or type(b) is Node:
        if type(a) is not type(b):
            return False
        return _alike_json(a.data, b.data, coded=a.type in ("Coding", "CodeableConcept"))
    if type(a) is bool or type(b) is bool:
        return a is b
    if type(a) is str and type(b) is str:
        return _folded(a) == _folded(b)
    a, b = as_one_type(a, b)
    if isinstance(a, Moment) and isinstance(b, Moment):
        return (a.kind == "time") == (b.kind == "time") and moments.compare(a, b) == 0
    if isinstance(a, Quantity) and isinstance(b, Quantity):
        there, back = (quantities.in_unit_of(*pair, loosely=True) for pair in ((a, b), (b, a)))
        return there is not None and back is not None and (_about(there, b.value) or _about(a.value, back))
    if isinstance(a, int | Decimal) and isinstance(b, int | Decimal):
        return _about(Decimal(a), Decimal(b))
    return bool(a == b)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _about(a: Decimal, b: Decimal) -> bool:
    places = max(min(-int(n.normalize().as_tuple().exponent) for n in (a, b)), 0)
    return round(a, places) == round(b, places)


def _alike_json(a: Any, b: Any, coded: bool = False) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        if coded:
            keys = ("coding",) if "coding" in a or "coding" in b else ("system", "code")
            return all(_alike_json(a.get(key), b.get(key), coded) for key in keys)
        return a.keys() == b.keys() and all(_alike_json(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(any(_alike_json(x, y, coded) for y in b) for x in a)
    return _folded(a) == _folded(b) if isinstance(a, str) and isinstance(b, str) else bool(a == b)


def equivalent(scope: Scope, left: Items, right: Items) -> bool:
    """~ on two collections, in any order; two empty ones are alike."""
    if len(left) != len(right):
        return False
    scope.spend(len(left) * len(left))
    waiting = list(right)
    for one in left:
        at = next((at for at, other in enumerate(waiting) if alike(one, other)), None)
        if at is None:
            return False
        waiting.pop(at)
    return True


def pair(left: Items, right: Items, what: str) -> tuple[Any, Any]:
    """The values of two operands that are one value each; (None, None) as soon as one of them is empty."""
    return (single(left, what), single(right, what)) if left and right else (None, None)


def compare(left: Items, right: Items) -> int | None:
    """-1, 0 or 1 of two single values; None where one is empty or their order cannot be said."""
    a, b = pair(left, right, "a comparison")
    if a is None or b is None:
        return None
    a, b = as_one_type(a, b)
    if isinstance(a, Moment) and isinstance(b, Moment):
        if (a.kind == "time") != (b.kind == "time"):
            raise failed("wrong-type", "a time of day and a date cannot be compared")
        return moments.compare(a, b)
    if isinstance(a, Quantity) and isinstance(b, Quantity):
        converted = quantities.in_unit_of(a, b)
        return None if converted is None else _order(converted, b.value)
    if isinstance(a, int | Decimal) and isinstance(b, int | Decimal) and bool not in (type(a), type(b)):
        return _order(a, b)
    if type(a) is str and type(b) is str:
        return _order(a, b)
    raise failed("wrong-type", "two values of different types cannot be compared")


def _order(a: Any, b: Any) -> int:
    return -1 if a < b else int(a > b)


def distinct(scope: Scope, items: Items) -> Items:
    """Each item once, in the order of the first."""
    kept: Items = []
    seen: set[tuple[type, Any]] = set()
    for item in items:
        worth = value(item)
        if type(worth) in (str, bool) or type(worth) is int:
            key = (type(worth), worth)
            if key in seen:
                continue
            seen.add(key)
            if type(worth) is not int:
                kept.append(item)
                continue
        scope.spend(len(kept) + 1)
        if not any(same(item, other) for other in kept):
            kept.append(item)
    return kept
