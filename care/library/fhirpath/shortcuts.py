"""Conditions that most expressions of forms have, evaluated in one go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from care.library.fhirpath.nodes import Items, Node, Scope, Step
from care.library.fhirpath.parsing import Tree

_PLAIN = frozenset(("linkId", "url", "code", "system", "use", "id"))
"""Fields that are one text wherever they stand, or that are no text where they are not."""


def where_of_a_text(body: Tree) -> Step | None:
    """where(linkId = 'a'), where(linkId in ('a' | 'b')), where(linkId.startsWith('a')), without a scope for each item;
    None for any other condition.
    """
    asked = _test_of_a_text(body)
    if asked is None or asked[0] not in _PLAIN:
        return None
    name, test = asked

    def where(scope: Scope, focus: Items) -> Items:
        scope.spend(len(focus))
        return [item for item in focus if type(item) is Node and type(item.data) is dict and test(item.data.get(name))]

    return where


def _test_of_a_text(body: Tree) -> tuple[str, Callable[[Any], bool]] | None:
    """The name of the field that a condition is about, and whether a value of it passes."""
    if body.kind == "chain" and len(body.parts) == 2:
        name, wanted = _own_field(body.parts[0]), _texts(body.parts[1])
        if name and wanted and (body.value == ("in",) or (body.value == ("=",) and len(wanted) == 1)):
            return name, lambda held: type(held) is str and held in wanted
    if body.kind == "path" and body.parts[-1].kind == "call" and body.parts[-1].value == "startsWith":
        name, wanted = _own_field(Tree("path", None, body.parts[:-1])), _texts(*body.parts[-1].parts)
        if name and wanted and len(wanted) == 1:
            (start,) = wanted
            return name, lambda held: type(held) is str and held.startswith(start)
    return None


def _own_field(tree: Tree) -> str:
    """name, or $this.name; "" for anything else."""
    parts = tree.parts[1:] if tree.kind == "path" and tree.parts and tree.parts[0].kind == "this" else tree.parts
    return str(parts[0].value) if tree.kind == "path" and len(parts) == 1 and parts[0].kind == "member" else ""


def _texts(tree: Tree) -> frozenset[str]:
    """The texts of 'a' or of 'a' | 'b'; none for anything else."""
    parts = tree.parts if tree.kind == "chain" and set(tree.value) == {"|"} else (tree,)
    plain = all(part.kind == "literal" and type(part.value) is str for part in parts)
    return frozenset(part.value for part in parts) if plain else frozenset()
