"""From a FHIR R4 Questionnaire document to a Questionnaire that can be run, or a refusal that names the item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from care.domain.questionnaire.extensions import ADAPTIVE, extension_values, translated
from care.domain.questionnaire.model import MAX_DEPTH, MAX_ITEMS, Item, Questionnaire
from care.domain.questionnaire.order import sequence
from care.domain.questionnaire.read_expressions import read_constraints, variables_of
from care.domain.questionnaire.read_item import Source, read_item
from care.domain.questionnaire.refusal import refuse
from care.domain.questionnaire.scopes import Scope
from care.domain.questionnaire.tools import NO_TOOLS, Tools
from care.domain.questionnaire.value_sets import contained_value_sets
from care.errors import Invalid

LONGEST_LINK_ID = 200
MAX_WORK = 100_000
"""Answers that all expressions of a form may look at together, each counted as often as it is looked at."""
_Raw = Mapping[str, Any]


def read_questionnaire(document: Mapping[str, Any], tools: Tools = NO_TOOLS, to_run: bool = True) -> Questionnaire:
    """Read and check a FHIR R4 Questionnaire; `tools` are what needs more than the standard library.

    With `to_run` false it is read only to judge the responses of others by it: a choice may then lack its options, and
    a constraint that cannot be read is left out, with a note.

    Raises Invalid; `detail` holds `place` (what to look at) and `link_id` where an item is at fault. Refused: a linkId
    twice or missing, an unknown type or operator, a choice without options or with a value set that is not at hand, an
    enableWhen that points nowhere or runs in a circle, CQL or a server's query that computes or hides, a part that is
    another questionnaire, an adaptive form, more than MAX_DEPTH levels or MAX_ITEMS items.
    """
    if not isinstance(document, Mapping) or document.get("resourceType") != "Questionnaire":
        raise Invalid("not-a-questionnaire", "this is not a FHIR Questionnaire", place="resourceType")
    if any(value not in (False, None) for value in extension_values(document, *ADAPTIVE)):
        raise Invalid("adaptive", "an adaptive form asks a server for each question", place="extension")
    raws = _raws(document)
    inside: dict[str, set[str]] = {}
    for raw, path in raws:
        for above in path:
            inside.setdefault(above, set()).add(str(raw["linkId"]))
    scope = Scope(tools, {str(raw["linkId"]): path for raw, path in raws}, inside, variables=variables_of(document))
    notes: list[str] = []
    source = Source(tools, contained_value_sets(document, tools.value_set), notes, {"": scope}, to_run=to_run)
    by_id = _items(raws, source)
    _bound_work(by_id.values())
    items = tuple(by_id.values())
    ordered, settles = sequence(items, by_id)
    return Questionnaire(
        url=str(document.get("url") or ""),
        version=str(document.get("version") or ""),
        title=translated(document, "title"),
        items=items,
        by_id=by_id,
        questions=tuple(item for item in items if item.is_asked),
        sequence=ordered,
        children=_children_by_parent(items),
        variables=scope.read(),
        constraints=read_constraints(document, "", scope, None if to_run else notes),
        has_loops=any(item.is_loop for item in items),
        settles=settles,
        asking=frozenset(loop for item in items if item.is_asked for loop in item.loops),
        optional=_optional(items, by_id),
        document=document,
        notes=tuple(dict.fromkeys(notes)),
    )


def _raws(document: _Raw) -> list[tuple[_Raw, tuple[str, ...]]]:
    """Every item with the linkIds above it, in document order. Raises Invalid."""
    found = list(_walk(document))
    seen: set[str] = set()
    for raw, _ in found:
        if raw["linkId"] in seen:
            raise refuse("duplicate-link-id", raw["linkId"], "two items have this linkId")
        seen.add(raw["linkId"])
    if not found:
        raise Invalid("no-items", "the questionnaire has no items", place="item")
    return found


def _walk(document: _Raw) -> Iterator[tuple[_Raw, tuple[str, ...]]]:
    """No recursion, so that depth cannot break it."""
    stack: list[tuple[_Raw, tuple[str, ...]]] = [(raw, ()) for raw in reversed(_children(document, "item"))]
    count = 0
    while stack:
        raw, path = stack.pop()
        count += 1
        if count > MAX_ITEMS:
            raise Invalid("too-many-items", f"more than {MAX_ITEMS} items", place="item")
        link_id = _link_id(raw, path)
        yield raw, path
        children = _children(raw, link_id)
        if children and len(path) + 1 >= MAX_DEPTH:
            raise refuse("too-deep", link_id, f"items are nested deeper than {MAX_DEPTH}")
        stack.extend((child, (*path, link_id)) for child in reversed(children))


def _link_id(raw: _Raw, path: tuple[str, ...]) -> str:
    link_id = raw.get("linkId")
    if not isinstance(link_id, str) or not link_id.strip():
        raise Invalid("no-link-id", "an item has no linkId", place=path[-1] if path else "item")
    if any(char < " " or "\ud800" <= char <= "\udfff" for char in link_id):
        raise refuse("no-link-id", ascii(link_id)[1:-1], "its linkId holds characters that cannot be kept")
    if len(link_id) > LONGEST_LINK_ID:
        raise refuse("no-link-id", link_id[:60], f"its linkId is longer than {LONGEST_LINK_ID} characters")
    return link_id


def _children(raw: _Raw, place: str) -> list[_Raw]:
    children = raw.get("item", [])
    if not isinstance(children, list) or not all(isinstance(child, Mapping) for child in children):
        raise Invalid("malformed-item", "item must be a list of objects", place=place)
    return children


def _items(raws: list[tuple[_Raw, tuple[str, ...]]], source: Source) -> dict[str, Item]:
    """The items by linkId, each knowing what repeats above it and whether it repeats itself."""
    holding = {path[-1] for raw, path in raws if path and raw.get("type") != "display"}
    found: dict[str, Item] = {}
    for raw, path in raws:
        above = found[path[-1]] if path else None
        try:
            item = read_item(raw, path, above is not None and above.hidden, source)
        except OverflowError:
            raise refuse("malformed-item", str(raw["linkId"]), "a number in it is too large") from None
        loops = (*above.loops, above.link_id) if above is not None and above.is_loop else above.loops if above else ()
        is_loop = item.repeats and item.type != "display" and item.link_id in holding
        found[item.link_id] = replace(item, loops=loops, is_loop=is_loop) if loops or is_loop else item
    return found | _asked_after_all(found, source.notes)


def _asked_after_all(by_id: Mapping[str, Item], notes: list[str]) -> dict[str, Item]:
    """Two values that are each computed from the other (pounds and kilograms): either is asked, the other proposed."""
    shown = {link_id: item.calculated for link_id, item in by_id.items() if not (item.hidden or item.read_only)}
    names = {link_id: one.run.link_ids or frozenset() for link_id, one in shown.items() if one is not None}
    mutual = [one for one, named in names.items() if any(one in names.get(other, ()) for other in named - {one})]
    for link_id in mutual:
        notes.append(
            f"item {link_id!r}: computed from another that is computed from it; asked, with the value proposed"
        )
    return {one: replace(by_id[one], calculated=None, initial_formula=by_id[one].calculated) for one in mutual}


def _bound_work(items: Iterable[Item]) -> None:
    """Refuse what would take seconds to ask the next question of: too many expressions that look at too much."""
    work, size = 0, sum(item.is_question for item in items)
    for item in items:
        work += sum(size if formula.needs is None else len(formula.needs) for formula in item.formulas)
        if work > MAX_WORK:
            raise refuse(
                "too-many-items", item.link_id, "the form's expressions look at more than can be computed in time"
            )


def _children_by_parent(items: tuple[Item, ...]) -> dict[str, tuple[Item, ...]]:
    found: dict[str, list[Item]] = {"": []}
    for item in items:
        found.setdefault(item.path[-1] if item.path else "", []).append(item)
    return {above: tuple(below) for above, below in found.items()}


def _optional(items: tuple[Item, ...], by_id: Mapping[str, Item]) -> frozenset[str]:
    """The repeating groups that may be left out although a question inside must be answered once they are there."""
    asking = {loop for item in items if item.is_asked and item.required for loop in item.loops[-1:]}
    groups = (by_id[link_id] for link_id in asking)
    return frozenset(
        group.link_id for group in groups if not group.is_question and not group.required and not group.min_occurs
    )
