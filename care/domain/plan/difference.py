"""The difference between two versions of a protocol: what was added, taken away, changed from what to what. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from care.domain.plan.definition import Action, PlanDefinition

Kind = Literal["added", "removed", "changed", "moved"]
_NAMES = frozenset({"url", "version", "actions"})


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `action` is the action's id, "" for the protocol's own; `field` is "" of one added or removed.

    `moved` is an action that stands elsewhere in the order, from place `before` to place `after`, counted from 1.
    """

    kind: Kind
    action: str = ""
    field: str = ""
    before: Any = None
    after: Any = None


def difference(before: PlanDefinition, after: PlanDefinition) -> tuple[Change, ...]:
    """Every change from one version to another but the version's name itself; none where they ask the same."""
    old, new = ({action.id: action for action in plan.actions} for plan in (before, after))
    found = [*_fields(before, after)]
    found += [Change("removed", name, before=action) for name, action in old.items() if name not in new]
    for name, action in new.items():
        found += _fields(old[name], action, name) if name in old else [Change("added", name, after=action)]
    return (*found, *_moved([name for name in old if name in new], [name for name in new if name in old]))


def _fields(before: Action | PlanDefinition, after: Action | PlanDefinition, action: str = "") -> list[Change]:
    pairs = [(one.name, getattr(before, one.name), getattr(after, one.name)) for one in fields(before)]
    return [
        Change("changed", action, name, old, new)
        for name, old, new in pairs
        if old != new and not (isinstance(before, PlanDefinition) and name in _NAMES)
    ]


def _moved(old: list[str], new: list[str]) -> list[Change]:
    return [
        Change("moved", name, "order", old.index(name) + 1, new.index(name) + 1)
        for name in new
        if old.index(name) != new.index(name)
    ]
