"""In which order the items of a form are decided: what something depends on comes first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from care.domain.questionnaire.formulas import Formula
from care.domain.questionnaire.model import Item
from care.errors import Invalid


def sequence(items: tuple[Item, ...], by_id: Mapping[str, Item]) -> tuple[tuple[Item, ...], bool]:
    """The items in an order in which the parent, the questions of the conditions and what the expressions look at come
    first; and whether that is so for all of them.

    It is not where expressions look at one another in a circle, or may look at anything: then one round does not
    settle them. Raises Invalid for a question that is not there and for conditions that run in a circle.
    """
    firm = {item.link_id: _firm(item, by_id) for item in items}
    ordered, stuck = _sorted(items, firm)
    if stuck is not None:
        message = f"item {stuck.link_id!r}: its enableWhen conditions run in a circle"
        raise Invalid("circular-enable-when", message, place=stuck.link_id, link_id=stuck.link_id)
    if not any(_formulas(item) for item in items):
        return ordered, True
    inside = below(items)
    loose = {item.link_id: firm[item.link_id] | _loose(item, by_id, inside) for item in items}
    ordered, stuck = _sorted(items, loose, firm)
    settled = stuck is None and all(formula.needs is not None for item in items for formula in _formulas(item))
    return ordered, settled


def _firm(item: Item, by_id: Mapping[str, Item]) -> set[str]:
    needs = {condition.question for condition in item.enable_when} | set(item.path[-1:])
    for needed in needs:
        if needed not in by_id:
            message = f"item {item.link_id!r}: enableWhen points to {needed!r}, which is not there"
            raise Invalid("unknown-question", message, place=item.link_id, link_id=item.link_id)
    return needs


def _formulas(item: Item) -> list[Formula]:
    return [one for one in (item.calculated, item.enable_formula, item.initial_formula) if one is not None]


def _loose(item: Item, by_id: Mapping[str, Item], inside: Mapping[str, set[str]]) -> set[str]:
    """What the item's expressions are known to look at."""
    found = {needed for formula in _formulas(item) for needed in formula.needs or () if needed in by_id}
    return found - {item.link_id} - inside.get(item.link_id, set())


def _looks_anywhere(item: Item) -> bool:
    return any(formula.needs is None for formula in _formulas(item))


def below(items: Iterable[Item]) -> dict[str, set[str]]:
    """For every linkId the linkIds of everything below it."""
    found: dict[str, set[str]] = {}
    for item in items:
        for above in item.path:
            found.setdefault(above, set()).add(item.link_id)
    return found


def _sorted(
    items: Sequence[Item], needs: Mapping[str, set[str]], at_least: Mapping[str, set[str]] | None = None
) -> tuple[tuple[Item, ...], Item | None]:
    """The items with what they need first, and the first one for which that cannot be (None: it can for all).

    One whose expressions may look at anything waits as long as it can. With `at_least`, which always can be met,
    whatever is stuck comes at the end in an order that meets it.
    """
    waiting = {item.link_id: len(needs[item.link_id]) for item in items}
    dependents: dict[str, list[Item]] = {}
    for item in items:
        for needed in needs[item.link_id]:
            dependents.setdefault(needed, []).append(item)
    ordered: list[Item] = []
    soon: deque[Item] = deque()
    late: deque[Item] = deque()
    for item in items:
        if waiting[item.link_id] == 0:
            (late if _looks_anywhere(item) else soon).append(item)
    while soon or late:
        item = (soon or late).popleft()
        ordered.append(item)
        for dependent in dependents.get(item.link_id, ()):
            waiting[dependent.link_id] -= 1
            if waiting[dependent.link_id] == 0:
                (late if _looks_anywhere(dependent) else soon).append(dependent)
    if len(ordered) == len(items):
        return tuple(ordered), None
    stuck = next(item for item in items if waiting[item.link_id] > 0)
    if at_least is not None:
        done = {item.link_id for item in ordered}
        rest = [item for item in items if item.link_id not in done]
        ordered += _sorted(rest, {item.link_id: at_least[item.link_id] - done for item in rest})[0]
    return tuple(ordered), stuck
