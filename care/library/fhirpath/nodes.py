"""What FHIRPath walks over: elements of a resource, values, and the scope that an evaluation happens in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from care.domain.questionnaire.tools import ExpressionFailed
from care.library.fhirpath import moments, schema
from care.library.fhirpath.moments import Moment
from care.library.fhirpath.quantities import UCUM, Quantity

MAX_STEPS = 200_000
MAX_TEXT = 1_000_000

Items = list[Any]
"""A collection: Nodes, and values that were computed (bool, int, Decimal, str, Moment, Quantity)."""
Step = Callable[["Scope", Items], Items]


class Node:
    """One element. `data`: its JSON; `path`: where the schema describes it; `type`: its FHIR type ("" unknown).

    `beside`: what stands in the field with an underscore (the id and extensions of a primitive).
    """

    __slots__ = ("beside", "data", "path", "type")

    def __init__(self, data: Any, path: str, type: str, beside: Any = None) -> None:
        self.data = data
        self.path = path
        self.type = type
        self.beside = beside


class Scope:
    """One evaluation, or one step of it into an element: `this`, `index` and `total` are FHIRPath's $-names.

    `budget` is one list for all scopes of an evaluation: the steps that are left.
    """

    __slots__ = ("budget", "index", "root", "this", "total", "variables")

    def __init__(self, root: Items, variables: Mapping[str, Any], budget: list[int]) -> None:
        self.root = root
        self.variables = variables
        self.budget = budget
        self.this = root
        self.index: int | None = None
        self.total: Items = []

    def inner(self) -> Scope:
        """A scope for the elements of a collection, one after another."""
        scope = Scope(self.root, self.variables, self.budget)
        scope.total = self.total
        return scope

    def spend(self, steps: int) -> None:
        """Count steps; raises ExpressionFailed when there are none left."""
        self.budget[0] -= steps
        if self.budget[0] < 0:
            raise failed("too-long", "it takes too many steps")

    def now(self) -> Moment:
        """The moment that was given; raises ExpressionFailed where none was."""
        given = self.variables.get("now")
        if isinstance(given, datetime):
            return moments.from_datetime(given)
        read = moments.read(given, "dateTime") if isinstance(given, str) else None
        if read is None:
            raise failed("no-clock", "it asks for the time, which was not given")
        return read


def failed(code: str, why: str) -> ExpressionFailed:
    """The error of an evaluation that gives no value."""
    return ExpressionFailed(code, f"the expression gave no value: {why}")


def nodes_of(given: Any) -> Items:
    """What a context or a variable holds, as a collection."""
    if given is None:
        return []
    if isinstance(given, Values):
        return list(given.nodes)
    if isinstance(given, list | tuple):
        return [_node(each) for each in given if each is not None]
    return [_node(given)]


def _node(given: Any) -> Any:
    if isinstance(given, dict):
        path = schema.path_of(given)
        return Node(given, path, path if "." not in path else "BackboneElement")
    if isinstance(given, float):
        return Decimal(str(given))
    return moments.from_datetime(given) if isinstance(given, datetime) else given


class Values(list[Any]):
    """The JSON values of a result. `nodes` is the same with its types: a variable keeps them from one expression to the
    next.
    """

    def __init__(self, nodes: Items) -> None:
        super().__init__(each for each in map(_json, nodes) if each is not None)
        self.nodes = tuple(nodes)


def _json(item: Any) -> Any:
    if type(item) is Node:
        return item.data
    if isinstance(item, Decimal):
        return int(item) if item == item.to_integral_value() else float(item)
    if isinstance(item, Moment):
        return str(item)
    return item.to_json() if isinstance(item, Quantity) else item


def children(item: Any, name: str) -> Items:
    """The children of this name."""
    if type(item) is not Node or type(item.data) is not dict:
        if type(item) is Node and item.beside:
            return children(Node(item.beside, "Element", "Element"), name)
        return quantity_part(item, name) if isinstance(item, Quantity) else []
    data = item.data
    fields = schema.fields(item.path, name) if item.path else schema.open_fields(name, data)
    for field in fields:
        value = data.get(field.name)
        beside = data.get("_" + field.name)
        if value is None and beside is None:
            continue
        if type(value) is list or type(beside) is list:
            return _listed(value, beside, field)
        return [_child(value, beside, field)]
    return []


def _child(value: Any, beside: Any, field: schema.Field) -> Node:
    if type(value) is dict and "resourceType" in value:
        return Node(value, value["resourceType"], value["resourceType"])
    return Node(value, field.path, field.type, beside)


def _listed(value: Any, beside: Any, field: schema.Field) -> Items:
    values, besides = (each if isinstance(each, list) else [] for each in (value, beside))
    found = []
    for at in range(max(len(values), len(besides))):
        one = values[at] if at < len(values) else None
        other = besides[at] if at < len(besides) else None
        if one is not None or other is not None:
            found.append(_child(one, other, field))
    return found


def all_children(item: Any) -> Iterator[Any]:
    """Every child, in the order of the JSON."""
    if type(item) is not Node or type(item.data) is not dict:
        return
    for name, value in item.data.items():
        if name[:1] == "_" or f"_{name}" in item.data:
            if name[:1] != "_" or name[1:] not in item.data:
                yield from children(item, name.removeprefix("_"))
        elif name != "resourceType" and value is not None:
            field = schema.fields(item.path, name)[0]
            if type(value) is list:
                for each in value:
                    if each is not None:
                        yield _child(each, None, field)
            else:
                yield _child(value, None, field)


def value(item: Any) -> Any:
    """What an item is worth when it is computed with: a FHIR primitive as its System value, a Quantity as one; an
    element without a value stays the Node; a primitive that only has extensions is None.
    """
    if type(item) is not Node:
        return item
    data, kind = item.data, item.type
    if type(data) is float or kind == "decimal":
        return Decimal(str(data)) if type(data) is not bool and isinstance(data, int | float) else data
    if kind in schema.MOMENTS and type(data) is str:
        return moments.read(data, "time" if kind == "time" else "date" if kind == "date" else "dateTime") or data
    if type(data) is dict:
        return _quantity(item) if schema.is_a(kind, "Quantity") or (not kind and _looks_like_one(data)) else item
    return data


def _looks_like_one(data: dict[str, Any]) -> bool:
    return "value" in data and ("code" in data or "unit" in data) and "url" not in data


def _quantity(item: Node) -> Any:
    number = item.data.get("value")
    if isinstance(number, bool) or not isinstance(number, int | float) or item.data.get("comparator"):
        return item
    coded = item.data.get("code") if item.data.get("system", UCUM) == UCUM else None
    return Quantity(Decimal(str(number)), str(coded or item.data.get("unit") or "1"))


def quantity_part(one: Quantity, name: str) -> Items:
    """The parts that a computed quantity has."""
    if name == "value":
        return [one.value]
    return [one.unit] if name in ("unit", "code") else [UCUM] if name == "system" and not one.calendar else []


def single(items: Items, what: str) -> Any:
    """The value of the only item, None when there is none. Raises ExpressionFailed when there are several."""
    if not items:
        return None
    if len(items) > 1:
        raise failed("several-values", f"{what} takes one value and was given several")
    return value(items[0])


def single_of(items: Items, kinds: Any, what: str) -> Any:
    """As `single`, of these Python types; a bool is no number. Raises ExpressionFailed for another type."""
    found = single(items, what)
    if found is None or (isinstance(found, kinds) and (type(found) is not bool or kinds is bool)):
        return found
    raise failed("wrong-type", f"{what} was given a value of another type")


def truth(items: Items, what: str) -> bool | None:
    """A collection as a condition: empty is None, one boolean is itself, one of anything else is true."""
    found = single(items, what)
    if found is None and items:
        return True
    return found if found is None or type(found) is bool else True


def text_within(text: str) -> str:
    """The text, unless it has grown out of bounds."""
    if len(text) > MAX_TEXT:
        raise failed("too-big", "a text grows too long")
    return text
