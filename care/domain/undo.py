"""Undo: the last act on an alert is taken back within ten seconds, as if it had not been.

Only what told nobody anything can be taken back: claiming, setting aside, closing. A message that left is no such act.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from care.domain.codes import EscalationStatus, Priority
from care.domain.escalation import State
from care.errors import Conflict

WITHIN = timedelta(seconds=10)
ON_THE_WAY = timedelta(seconds=5)
"""Ours: whoever pressed the button in the tenth second is not too late because the line is slow."""


@dataclass(frozen=True, slots=True)
class Act:
    """What was done last: by whom, when, the states before and after. `stopped`: it kept pages from leaving."""

    by: str
    at: datetime
    before: State
    after: State
    stopped: bool = False


def undone(act: Act | None, state: State, by: str, now: datetime) -> State:
    """The state as it was before the act. Somebody whose page was stopped by it is paged at once instead.

    Raises Conflict("too-late") after ten seconds or when anything else has happened, ("not-yours") for somebody else.
    """
    if act is None or now - act.at > WITHIN + ON_THE_WAY or state != act.after:
        raise Conflict("too-late", "this cannot be taken back any more")
    if act.by != by:
        raise Conflict("not-yours", "somebody else did this")
    return replace(act.before, page_at=now) if act.stopped else act.before


def document(act: Act) -> dict[str, Any]:
    """As it is kept."""
    return {
        "by": act.by,
        "at": act.at.isoformat(),
        "before": _written(act.before),
        "after": _written(act.after),
        "stopped": act.stopped,
    }


def read_act(kept: Mapping[str, Any]) -> Act:
    """The act that a document describes."""
    at = datetime.fromisoformat(kept["at"])
    return Act(kept["by"], at, _read(kept["before"]), _read(kept["after"]), kept["stopped"])


def _written(state: State) -> dict[str, Any]:
    return {
        "status": state.status.value,
        "priority": state.priority.value,
        "rung": state.rung,
        "pages": state.pages,
        "owner": state.owner,
        "page_at": state.page_at and state.page_at.isoformat(),
        "offered_to": state.offered_to,
        "snoozed_until": state.snoozed_until and state.snoozed_until.isoformat(),
        "snoozes": state.snoozes,
    }


def _read(kept: Mapping[str, Any]) -> State:
    moments = {name: kept[name] and datetime.fromisoformat(kept[name]) for name in ("page_at", "snoozed_until")}
    named = {"status": EscalationStatus(kept["status"]), "priority": Priority(kept["priority"])}
    return State(**{**kept, **named, **moments})
