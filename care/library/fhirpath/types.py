"""Types by name: is, as, ofType(), type()."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from care.library.fhirpath import schema
from care.library.fhirpath.moments import Moment
from care.library.fhirpath.nodes import Node, value
from care.library.fhirpath.parsing import Tree, unreadable
from care.library.fhirpath.quantities import Quantity


class TypeName(NamedTuple):
    """A type as an expression names it: the namespace ("" either) and the name."""

    namespace: str
    name: str


def type_named(tree: Tree) -> TypeName:
    """The type that an expression names. Raises Invalid for one that neither FHIR R4 nor System has."""
    named = [part.value for part in tree.parts] if tree.kind == "path" else []
    if not named or len(named) > 2 or any(part.kind != "member" for part in tree.parts):
        raise unreadable("a name of a type is missing")
    namespace, name = ("", named[0]) if len(named) == 1 else named
    if namespace not in ("", "FHIR", "System"):
        raise unreadable(f"there is no type {namespace}.{name}")
    if not schema.known(name) and not (namespace != "FHIR" and name in schema.SYSTEM):
        raise unreadable(f"there is no type {name}")
    return TypeName(namespace, name)


def type_of(item: Any) -> TypeName:
    """The type that an item is."""
    if type(item) is Node:
        return TypeName("FHIR", item.type or _guessed(value(item)).name)
    return _guessed(item)


def _guessed(worth: Any) -> TypeName:
    if isinstance(worth, Moment):
        return TypeName("System", {"date": "Date", "time": "Time"}.get(worth.kind, "DateTime"))
    names = {bool: "Boolean", int: "Integer", Decimal: "Decimal", str: "String", Quantity: "Quantity"}
    return TypeName("System", names.get(type(worth), ""))


def is_of_type(item: Any, wanted: TypeName, exactly: bool = False) -> bool:
    """Whether an item is of a type or of a kind of it. `exactly`: a primitive must be of the very type."""
    actual = type_of(item)
    if exactly and actual.namespace == "FHIR" and actual.name in schema.PRIMITIVES and actual.name != wanted.name:
        return False
    if wanted.namespace not in ("", actual.namespace):
        return False
    if actual.namespace == "FHIR":
        return schema.is_a(actual.name, wanted.name)
    return actual.name == wanted.name
