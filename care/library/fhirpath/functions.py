"""FHIRPath's functions whose arguments are values, in one table: name -> (function, fewest and most arguments)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from care.library.fhirpath import conversions, figures, schema, strings
from care.library.fhirpath.equality import distinct, same
from care.library.fhirpath.moments import Moment
from care.library.fhirpath.nodes import (
    Items,
    Node,
    Scope,
    all_children,
    children,
    failed,
    single,
    single_of,
    truth,
    value,
)
from care.library.fhirpath.operators import union
from care.library.fhirpath.quantities import Quantity, in_unit_of
from care.library.fhirpath.types import type_of

_ORDINALS = (
    "http://hl7.org/fhir/StructureDefinition/itemWeight",
    "http://hl7.org/fhir/StructureDefinition/ordinalValue",
)


def _not(scope: Scope, focus: Items) -> Items:
    found = truth(focus, "not()")
    return [] if found is None else [not found]


def _booleans(focus: Items, what: str) -> Iterable[bool]:
    for item in focus:
        worth = value(item)
        if type(worth) is not bool:
            raise failed("wrong-type", f"{what} was given a value that is neither true nor false")
        yield worth


def _subset(scope: Scope, focus: Items, other: Items) -> Items:
    scope.spend(len(focus) * (len(other) + 1))
    return [all(any(same(item, each) for each in other) for item in focus)]


def _intersect(scope: Scope, focus: Items, other: Items) -> Items:
    scope.spend(len(focus) * (len(other) + 1))
    return distinct(scope, [item for item in focus if any(same(item, each) for each in other)])


def _exclude(scope: Scope, focus: Items, other: Items) -> Items:
    scope.spend(len(focus) * (len(other) + 1))
    return [item for item in focus if not any(same(item, each) for each in other)]


def _single(scope: Scope, focus: Items) -> Items:
    single(focus, "single()")
    return focus


def _some(what: str, cut: Callable[[Items, int], Items]) -> Callable[..., Items]:
    def function(scope: Scope, focus: Items, argument: Items) -> Items:
        count = single_of(argument, int, what)
        return [] if count is None else cut(focus, max(count, 0))

    return function


def _children(scope: Scope, focus: Items) -> Items:
    found = [child for item in focus for child in all_children(item)]
    scope.spend(len(found))
    return found


def _descendants(scope: Scope, focus: Items) -> Items:
    found: Items = []
    here = focus
    while here:
        here = _children(scope, here)
        found += here
    return found


def _extension(scope: Scope, focus: Items, argument: Items) -> Items:
    url = single_of(argument, str, "extension()")
    found = [each for item in focus if type(item) is Node for each in _extensions(item)]
    scope.spend(len(found))
    return [each for each in found if type(each.data) is dict and each.data.get("url") == url]


def _extensions(item: Node) -> Items:
    here = children(item, "extension")
    return here or (children(Node(item.beside, "Element", "Element"), "extension") if item.beside else [])


def _has_value(scope: Scope, focus: Items) -> Items:
    return [len(focus) == 1 and _value_of(focus[0]) is not None]


def _get_value(scope: Scope, focus: Items) -> Items:
    worth = _value_of(focus[0]) if len(focus) == 1 else None
    return [] if worth is None else [worth]


def _value_of(item: Any) -> Any:
    worth = value(item)
    return None if type(worth) is Node else worth


def _type(scope: Scope, focus: Items) -> Items:
    return [Node(dict(type_of(item)._asdict()), "", "") for item in focus]


def _conforms_to(scope: Scope, focus: Items, argument: Items) -> Items:
    """Whether each item is of the type that FHIR's own StructureDefinition of this url describes."""
    url = single_of(argument, str, "conformsTo()")
    base, _, name = (url or "").rpartition("/")
    if base != "http://hl7.org/fhir/StructureDefinition" or not schema.known(name):
        raise failed("unknown-profile", "conformsTo() names a profile that is not FHIR's own")
    return [all(type(item) is Node and schema.is_a(item.type, name) for item in focus)] if focus else []


def _comparable(scope: Scope, focus: Items, argument: Items) -> Items:
    one, other = single_of(focus, Quantity, "comparable()"), single_of(argument, Quantity, "comparable()")
    return [] if one is None or other is None else [in_unit_of(one, other) is not None]


def _now(scope: Scope, focus: Items) -> Items:
    return [scope.now()]


def _today(scope: Scope, focus: Items) -> Items:
    return [scope.now().as_date()]


def _time_of_day(scope: Scope, focus: Items) -> Items:
    return [Moment("time", scope.now().parts[3:])]


def _ordinal(scope: Scope, focus: Items) -> Items:
    """ordinal() and weight(): the weight of each coding: its own, or its answer's, else its option's in the form."""
    found: Items = []
    for item in focus:
        scope.spend(1)
        weights = _weights(item) or _weights_in_form(scope, item)
        found += weights[:1]
    return found


def _weights(item: Any) -> Items:
    if type(item) is not Node:
        return []
    own = [each for each in _extensions(item) if type(each.data) is dict and each.data.get("url") in _ORDINALS]
    if own:
        return [child for each in own for child in children(each, "value")]
    return [weight for child in children(item, "value") for weight in _weights(child)]


def _weights_in_form(scope: Scope, item: Any) -> Items:
    """The form's options with this coding; %questionnaire has them. Options of other questions may share a code, so the
    first that fits counts only when all that fit agree.
    """
    coding = item if type(item) is Node and item.type == "Coding" else next(iter(children(item, "value")), None)
    form = scope.variables.get("questionnaire")
    if type(coding) is not Node or type(coding.data) is not dict or not isinstance(form, dict):
        return []
    wanted = (coding.data.get("system"), coding.data.get("code"))
    found: Items = []
    waiting: list[Any] = [scope.variables.get("qitem") or form]
    while waiting:
        here = waiting.pop()
        waiting.extend(each for each in here.get("item") or () if isinstance(each, dict))
        for option in here.get("answerOption") or ():
            scope.spend(1)
            held = option.get("valueCoding") if isinstance(option, dict) else None
            if isinstance(held, dict) and (held.get("system"), held.get("code")) == wanted:
                found += _weights(Node(option, "Questionnaire.item.answerOption", "BackboneElement"))
    return found[:1] if found and all(same(found[0], each) for each in found) else []


def _plain(function: Callable[[Items], Items]) -> tuple[Callable[..., Items], int, int]:
    return (lambda scope, focus: function(focus), 0, 0)


FUNCTIONS: Mapping[str, tuple[Callable[..., Items], int, int]] = {
    "empty": _plain(lambda focus: [not focus]),
    "not": (_not, 0, 0),
    "count": _plain(lambda focus: [len(focus)]),
    "allTrue": _plain(lambda focus: [all(_booleans(focus, "allTrue()"))]),
    "anyTrue": _plain(lambda focus: [any(_booleans(focus, "anyTrue()"))]),
    "allFalse": _plain(lambda focus: [not any(_booleans(focus, "allFalse()"))]),
    "anyFalse": _plain(lambda focus: [not all(_booleans(focus, "anyFalse()"))]),
    "subsetOf": (_subset, 1, 1),
    "supersetOf": (lambda scope, focus, other: _subset(scope, other, focus), 1, 1),
    "distinct": (distinct, 0, 0),
    "isDistinct": (lambda scope, focus: [len(distinct(scope, focus)) == len(focus)], 0, 0),
    "union": (union, 1, 1),
    "combine": (lambda scope, focus, other: [*focus, *other], 1, 2),
    "intersect": (_intersect, 1, 1),
    "exclude": (_exclude, 1, 1),
    "single": (_single, 0, 0),
    "first": _plain(lambda focus: focus[:1]),
    "last": _plain(lambda focus: focus[-1:]),
    "tail": _plain(lambda focus: focus[1:]),
    "skip": (_some("skip()", lambda focus, count: focus[count:]), 1, 1),
    "take": (_some("take()", lambda focus, count: focus[:count]), 1, 1),
    "children": (_children, 0, 0),
    "descendants": (_descendants, 0, 0),
    "extension": (_extension, 1, 1),
    "hasValue": (_has_value, 0, 0),
    "getValue": (_get_value, 0, 0),
    "type": (_type, 0, 0),
    "ofType": (_type, 1, 1),
    "is": (_type, 1, 1),
    "as": (_type, 1, 1),
    "conformsTo": (_conforms_to, 1, 1),
    "comparable": (_comparable, 1, 1),
    "now": (_now, 0, 0),
    "today": (_today, 0, 0),
    "timeOfDay": (_time_of_day, 0, 0),
    "ordinal": (_ordinal, 0, 0),
    "weight": (_ordinal, 0, 0),
    **conversions.FUNCTIONS,
    **figures.FUNCTIONS,
    **strings.FUNCTIONS,
}
"""ofType, is and as stand here for their number of arguments: their argument is a name, which compiling reads."""
