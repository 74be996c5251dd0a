"""The first look: by when somebody of staff should have opened an alert, and how its clock stands.

The target is the ladder's: an alert is seen in time while the rung that was asked first could still answer it. What is
routine asks nobody before it has lain untouched for long, and that is its target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from care.domain.codes import Priority
from care.domain.ladder import Ladder, default_ladder

SOON = 0.5
"""Ours: the clock says so when half of the time is gone, which leaves a nurse the other half to act in."""


class Look(StrEnum):
    """How the clock of the first look stands: it runs, it is about to run out, it ran out; or it was stopped."""

    IN_TIME = "in-time"
    DUE_SOON = "due-soon"
    LATE = "late"
    SEEN = "seen"
    SEEN_LATE = "seen-late"


@dataclass(frozen=True, slots=True)
class Clock:
    """`by` is how much time is left, or how late it is or was, never negative; `due_at` the moment it is about."""

    look: Look
    due_at: datetime
    by: timedelta


def target(priority: Priority, ladder: Ladder, since: datetime) -> timedelta:
    """How long after `since` (aware: when it came to have this priority) somebody should have looked."""
    if priority is Priority.ROUTINE:
        return ladder.untouched
    first = ladder.rungs(priority, since)[0]
    return first.wait * first.repeats


def targets(ladder: Ladder, at: datetime) -> Mapping[Priority, timedelta]:
    """The targets of what is raised at `at`."""
    return {priority: target(priority, ladder, at) for priority in Priority}


def clock(priority: Priority, since: datetime, looked_at: datetime | None, now: datetime, ladder: Ladder) -> Clock:
    """How the clock stands at `now`. Moments are aware; a look before `since` was at something milder and is none."""
    allowed = target(priority, ladder, since)
    due_at = since + allowed
    seen = looked_at is not None and looked_at >= since
    left = due_at - (looked_at if seen and looked_at is not None else now)
    if seen:
        return Clock(Look.SEEN if left >= timedelta() else Look.SEEN_LATE, due_at, abs(left))
    if left < timedelta():
        return Clock(Look.LATE, due_at, -left)
    return Clock(Look.DUE_SOON if left <= allowed * (1 - SOON) else Look.IN_TIME, due_at, left)


_ANY_HOUR = datetime(2000, 1, 1, tzinfo=UTC)
TARGETS: Mapping[Priority, timedelta] = {
    priority: target(priority, default_ladder(), _ANY_HOUR) for priority in Priority
}
"""Those of the default ladder, which knows no working hours: for a team that has written none."""
