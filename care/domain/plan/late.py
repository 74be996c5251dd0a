"""Catch-up: what is asked and what is not, of what could not be asked in time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from care.domain.plan.definition import Action, Occurrence, PlanDefinition


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """`asked` is what the patient is asked, `missed` what is over without having been asked; both in order."""

    asked: list[Occurrence]
    missed: list[Occurrence]


def catch_up(plan: PlanDefinition, found: Iterable[Occurrence], now: datetime, *, starting: bool = False) -> CaughtUp:
    """Divide the occurrences `found` by what each action's catch-up policy says of those that were due before `now`.

    What is caught up although it had expired may be answered for the length of its window from now on; what closes
    (sameDay, duringEvent) can't be reopened and is missed. `starting`: the plan is entered now, and the policy also
    decides of what may still be answered; otherwise that is asked anyway.
    """
    ordered = sorted(found, key=lambda one: (one.due_at, one.nominal))
    newest = {one.action_id: one for one in ordered if one.due_at < now}
    actions = {action.id: action for action in plan.actions}
    result = CaughtUp([], [])
    for one in ordered:
        again: Occurrence | None = one
        if one.due_at < now and (starting or one.expires_at <= now):
            action = actions[one.action_id]
            wanted = action.catch_up == "all" or (action.catch_up == "once" and newest[one.action_id] is one)
            again = _reopened(action, one, now) if wanted else None
        if again is None:
            result.missed.append(one)
        else:
            result.asked.append(again)
    return result


def _reopened(action: Action, one: Occurrence, now: datetime) -> Occurrence | None:
    if one.expires_at > now:
        return one
    if one.closes_at is not None:
        return None
    return replace(one, expires_at=now + action.expires_after)
