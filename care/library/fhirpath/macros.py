"""FHIRPath's functions that evaluate their argument themselves, once for each item or only when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cmp_to_key
from typing import Any

from care.library.fhirpath.equality import compare, same
from care.library.fhirpath.nodes import Items, Node, Scope, Step, failed, single_of, truth, value


def where(scope: Scope, focus: Items, body: Step) -> Items:
    """The items for which the condition is true."""
    inner = scope.inner()
    found: Items = []
    for inner.index, item in enumerate(focus):
        scope.spend(2)
        inner.this = [item]
        if truth(body(inner, inner.this), "where()"):
            found.append(item)
    return found


def select(scope: Scope, focus: Items, body: Step) -> Items:
    """What the argument gives for each item, all in one."""
    inner = scope.inner()
    found: Items = []
    for inner.index, item in enumerate(focus):
        inner.this = [item]
        more = body(inner, inner.this)
        found += more
        scope.spend(len(more) + 2)
    return found


def every(scope: Scope, focus: Items, body: Step) -> Items:
    """all(): whether the condition is true for each item; true where there is none."""
    inner = scope.inner()
    for inner.index, item in enumerate(focus):
        scope.spend(2)
        inner.this = [item]
        if not truth(body(inner, inner.this), "all()"):
            return [False]
    return [True]


def exists(scope: Scope, focus: Items, body: Step | None = None) -> Items:
    """Whether there is an item (for which the condition is true)."""
    return [bool(focus if body is None else where(scope, focus, body))]


def repeat(scope: Scope, focus: Items, body: Step) -> Items:
    """What the argument gives for each item, then for each of these, and so on; an equal item comes only once."""
    inner = scope.inner()
    found: Items = []
    seen: dict[Any, Items] = {}
    waiting = list(focus)
    at = 0
    while at < len(waiting):
        scope.spend(2)
        inner.this, inner.index = [waiting[at]], at
        at += 1
        for item in body(inner, inner.this):
            alike = seen.setdefault(_rough(item), [])
            scope.spend(len(alike) + 1)
            if not any(same(item, other) for other in alike):
                alike.append(item)
                found.append(item)
                waiting.append(item)
    return found


def repeat_all(scope: Scope, focus: Items, body: Step) -> Items:
    """repeatAll(): as repeat, without looking for equal items."""
    inner = scope.inner()
    found: Items = []
    waiting = list(focus)
    at = 0
    while at < len(waiting):
        inner.this, inner.index = [waiting[at]], at
        at += 1
        more = body(inner, inner.this)
        scope.spend(2 + len(more))
        found += more
        waiting += more
    return found


def _rough(item: Any) -> Any:
    """What equal items agree in, cheaply."""
    if type(item) is Node and type(item.data) is dict:
        return (len(item.data), item.data.get("linkId"), item.data.get("url"))
    worth = value(item)
    return worth if isinstance(worth, str | int) else type(worth)


def iif(scope: Scope, focus: Items, condition: Step, then: Step, otherwise: Step | None = None) -> Items:
    """One of two, of which only the one is evaluated."""
    if len(focus) > 1:
        raise failed("several-values", "iif() takes one value and was given several")
    inner = scope.inner()
    inner.this, inner.index = focus, scope.index
    if truth(condition(inner, focus), "iif()"):
        return then(inner, focus)
    return otherwise(inner, focus) if otherwise is not None else []


def aggregate(scope: Scope, focus: Items, body: Step, start: Step | None = None) -> Items:
    """The items folded into $total."""
    inner = scope.inner()
    inner.total = start(scope, scope.this) if start is not None else []
    for inner.index, item in enumerate(focus):
        inner.this = [item]
        inner.total = body(inner, inner.this)
        scope.spend(2 + len(inner.total))
    return inner.total


def coalesce(scope: Scope, focus: Items, *bodies: Step) -> Items:
    """The first argument that is not empty."""
    for body in bodies:
        found = body(scope, scope.this)
        if found:
            return found
    return []


def define_variable(scope: Scope, focus: Items, name: Step, body: Step | None = None) -> Items:
    """defineVariable(): a %name for the rest of the path; the items go on unchanged."""
    named = single_of(name(scope, scope.this), str, "defineVariable()")
    if named is None or named in scope.variables or named in ("context", "resource", "now"):
        raise failed("wrong-name", "defineVariable() is given no name, or one that is taken")
    inner = scope.inner()
    inner.this = focus
    scope.variables = {**scope.variables, named: focus if body is None else body(inner, focus)}
    return focus


def sort(scope: Scope, focus: Items, bodies: Sequence[Step] = (), turned: Sequence[bool] = ()) -> Items:
    """sort(): by what the arguments give for each item, or by the items; nothing comes first.

    `turned`: for each argument whether its order is the other way round; nothing comes first even so.
    """
    inner = scope.inner()
    keyed: list[tuple[list[Items], Any]] = []
    for item in focus:
        inner.this = [item]
        keyed.append(([body(inner, inner.this) for body in bodies] or [[item]], item))
    scope.spend(len(keyed) * max(len(keyed).bit_length(), 1))

    def order(one: tuple[list[Items], Any], other: tuple[list[Items], Any]) -> int:
        for mine, theirs, back in zip(one[0], other[0], turned or [False], strict=True):
            if not mine or not theirs:
                found: int | None = bool(mine) - bool(theirs)
            else:
                found = compare(theirs, mine) if back else compare(mine, theirs)
            if found:
                return found
        return 0

    return [item for _, item in sorted(keyed, key=cmp_to_key(order))]


def trace(scope: Scope, focus: Items, *bodies: Step) -> Items:
    """trace(): the items; nothing is written down, since they may be a patient's."""
    return focus


MACROS: Mapping[str, tuple[Callable[..., Items], int, int]] = {
    "where": (where, 1, 1),
    "select": (select, 1, 1),
    "all": (every, 1, 1),
    "exists": (exists, 0, 1),
    "repeat": (repeat, 1, 1),
    "repeatAll": (repeat_all, 1, 1),
    "iif": (iif, 2, 3),
    "aggregate": (aggregate, 1, 2),
    "coalesce": (coalesce, 1, 99),
    "defineVariable": (define_variable, 1, 2),
    "sort": (sort, 0, 9),
    "trace": (trace, 1, 2),
}
