"""From a tree to one function that evaluates it. Everything that can be decided once is decided here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from care.library.fhirpath import moments, quantities, schema
from care.library.fhirpath.functions import FUNCTIONS
from care.library.fhirpath.macros import MACROS, sort
from care.library.fhirpath.nodes import Items, Node, Scope, Step, children, failed, nodes_of, single_of
from care.library.fhirpath.operators import OPERATORS
from care.library.fhirpath.parsing import Tree, unreadable
from care.library.fhirpath.shortcuts import where_of_a_text
from care.library.fhirpath.types import is_of_type, type_named

_LAZY = {"and": False, "or": True}
"""Operators whose right side does not matter once the left side has this value."""

_GIVEN = {
    "ucum": quantities.UCUM,
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}


def compiled(tree: Tree) -> Step:
    """The evaluation of a tree. Raises Invalid for what this engine does not know."""
    return _COMPILERS[tree.kind](tree)


def _literal(tree: Tree) -> Step:
    held = tree.value
    if isinstance(held, tuple) and held[0] == "quantity":
        held = quantities.quantity(*held[1:])
    elif isinstance(held, tuple):
        held = moments.read(held[1])
        if held is None:
            raise unreadable("there is no such date or time")
    return lambda scope, focus: [held]


def _variable(tree: Tree) -> Step:
    name = tree.value
    if name in _GIVEN:
        return lambda scope, focus: [_GIVEN[name]]
    if name.startswith("vs-"):
        return lambda scope, focus: [f"http://hl7.org/fhir/ValueSet/{name[3:]}"]
    if name.startswith("ext-"):
        return lambda scope, focus: [f"http://hl7.org/fhir/StructureDefinition/{name[4:]}"]

    def variable(scope: Scope, focus: Items) -> Items:
        if name in scope.variables:
            return nodes_of(scope.variables[name])
        if name == "context":
            return scope.root
        if name in ("resource", "rootResource"):
            return nodes_of(scope.variables["resource"]) if "resource" in scope.variables else scope.root
        raise failed("unknown-variable", f"it uses %{name}, which was not given")

    return variable


def _path(tree: Tree) -> Step:
    first, *rest = tree.parts
    start = _start(first.value) if first.kind == "member" else compiled(first)
    steps = [start, *(compiled(part) for part in rest)]
    if len(steps) == 1:
        return start
    scoped = any(part.kind == "call" and part.value == "defineVariable" for part in tree.parts)

    def path(scope: Scope, focus: Items) -> Items:
        if scoped:
            here = scope.inner()
            here.this, here.index, here.variables = scope.this, scope.index, dict(scope.variables)
            scope = here
        found = focus
        for step in steps:
            scope.spend(len(found) + 1)
            found = step(scope, found)
        return found

    return path


def _start(name: str) -> Step:
    """A name at the beginning: a type that the context is of, or a child of it."""
    go = _go(name)
    if not name[:1].isupper():
        return go

    def start(scope: Scope, focus: Items) -> Items:
        if any(type(item) is Node and schema.is_a(item.type, name) for item in focus):
            return [item for item in focus if type(item) is Node and schema.is_a(item.type, name)]
        return go(scope, focus)

    return start


def _member(tree: Tree) -> Step:
    return _go(tree.value)


def _go(name: str) -> Step:
    def go(scope: Scope, focus: Items) -> Items:
        found: Items = []
        for item in focus:
            found += children(item, name)
        return found

    return go


def _call(tree: Tree) -> Step:
    macro = MACROS.get(tree.value)
    function = FUNCTIONS.get(tree.value)
    if macro is None and function is None:
        raise unreadable(f"there is no function {tree.value}()")
    least, most = (macro or function)[1:3]  # type: ignore[index]
    if not least <= len(tree.parts) <= most:
        raise unreadable(f"{tree.value}() is given {len(tree.parts)} arguments")
    if tree.value in ("ofType", "is", "as"):
        return _typed("as" if tree.value == "ofType" else tree.value, tree.parts[0], every=tree.value == "ofType")
    if tree.value == "where":
        quick = where_of_a_text(tree.parts[0])
        if quick is not None:
            return quick
    if tree.value == "sort":
        return _sort(tree)
    arguments = [compiled(part) for part in tree.parts]
    if macro is not None:
        run = macro[0]
        return lambda scope, focus: run(scope, focus, *arguments)
    act = function[0]  # type: ignore[index]

    def call(scope: Scope, focus: Items) -> Items:
        return act(scope, focus, *[argument(scope, scope.this) for argument in arguments])

    return call


def _sort(tree: Tree) -> Step:
    """sort(a, -b): a minus before an argument turns its order round, of texts too."""
    turned = [part.kind == "sign" and part.value == "-" for part in tree.parts]
    bodies = [compiled(part.parts[0] if back else part) for part, back in zip(tree.parts, turned, strict=True)]
    return lambda scope, focus: sort(scope, focus, bodies, turned)


def _index(tree: Tree) -> Step:
    at = compiled(tree.parts[0])

    def index(scope: Scope, focus: Items) -> Items:
        wanted = single_of(at(scope, scope.this), int, "[ ]")
        return [focus[wanted]] if wanted is not None and 0 <= wanted < len(focus) else []

    return index


def _chain(tree: Tree) -> Step:
    first, *rest = (compiled(part) for part in tree.parts)
    links: list[tuple[Callable[[Scope, Items, Items], Items], Step, bool | None]] = [
        (OPERATORS[name], operand, _LAZY.get(name)) for name, operand in zip(tree.value, rest, strict=True)
    ]

    def chain(scope: Scope, focus: Items) -> Items:
        found = first(scope, focus)
        for operator, operand, settled in links:
            scope.spend(1)
            if settled is not None and len(found) == 1 and found[0] is settled:
                continue
            found = operator(scope, found, operand(scope, focus))
        return found

    return chain


def _sign(tree: Tree) -> Step:
    operand = compiled(tree.parts[0])
    if tree.value == "+":
        return operand
    take = OPERATORS["*"]
    return lambda scope, focus: take(scope, operand(scope, focus), [-1])


def _type(tree: Tree) -> Step:
    operator, named = tree.value
    test = _typed(operator, Tree("path", None, tuple(Tree("member", part) for part in named.split("."))), every=False)
    operand = compiled(tree.parts[0])
    return lambda scope, focus: test(scope, operand(scope, focus))


def _typed(operator: str, named: Tree, every: bool) -> Step:
    wanted = type_named(named)

    def test(scope: Scope, focus: Items) -> Items:
        if len(focus) > 1 and not every:
            raise failed("several-values", f"{operator} takes one value and was given several")
        scope.spend(len(focus))
        if operator == "is":
            return [is_of_type(item, wanted) for item in focus]
        return [item for item in focus if is_of_type(item, wanted, exactly=True)]

    return test


def _named(tree: Tree) -> Step:
    def named(scope: Scope, focus: Items) -> Items:
        if tree.kind == "this":
            return scope.this
        if tree.kind == "total":
            return scope.total
        return [] if scope.index is None else [scope.index]

    return named


_COMPILERS: dict[str, Callable[[Any], Step]] = {
    "literal": _literal,
    "empty": lambda tree: lambda scope, focus: [],
    "variable": _variable,
    "path": _path,
    "member": _member,
    "call": _call,
    "index": _index,
    "chain": _chain,
    "sign": _sign,
    "type": _type,
    "this": _named,
    "position": _named,
    "total": _named,
}
