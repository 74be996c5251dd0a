"""The rota: who is on call when, week by week, on the wall clock of the team; and where nobody is.

Changing clocks opens no hole: a rota that holds every minute of the week holds every instant, because each instant is
some minute on the wall.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from care.domain.civil import local, zone_of
from care.domain.codes import Role
from care.domain.ladder import Ladder
from care.domain.week import WEEK, Hours, document_of, hours_of, minute_of_week, minutes_of, said, stretches


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's hours on call, every week."""

    person: str
    hours: Hours


@dataclass(frozen=True, slots=True)
class Gap:
    """Minutes of the week (first, end) in which the ladder would page a role and nobody of it is on call."""

    role: Role
    first: int
    end: int

    def __str__(self) -> str:
        """In words: 'no nurse from Monday 22:00 to Tuesday 06:00'."""
        if self.end - self.first == WEEK:
            return f"no {self.role} all week"
        return f"no {self.role} from {said(self.first)} to {said(self.end)}"


def on_duty(shifts: Iterable[Shift], at: datetime, zone: str) -> frozenset[str]:
    """Who is on call at an instant (aware)."""
    minute = minute_of_week(local(at, zone_of(zone)))
    return frozenset(shift.person for shift in shifts if shift.hours.hold(minute))


def rostered(shifts: Iterable[Shift], roles: Mapping[str, Role]) -> frozenset[Role]:
    """The roles that the rota speaks of. Of a role without any shift everybody is always on call."""
    return frozenset(role for shift in shifts if (role := roles.get(shift.person)) is not None)


def gaps(
    ladder: Ladder, shifts: Collection[Shift], roles: Mapping[str, Role], able: Collection[str]
) -> tuple[Gap, ...]:
    """Where the ladder would page a role and nobody of it who is `able` to be paged is on call, in order.

    `roles` says what everyone is or was, `able` who can be paged today. A role that nobody able has is one gap.
    """
    inside = minutes_of(ladder.hours) if ladder.hours else frozenset(range(WEEK))
    spoken_of = rostered(shifts, roles)
    found: list[Gap] = []
    for role in (Role.NURSE, Role.CLINICIAN):
        needed: frozenset[int] = frozenset()
        for table, minutes in ((ladder.inside, inside), (ladder.outside, frozenset(range(WEEK)) - inside)):
            if any(rung.whom.role is role for rungs in table.values() for rung in rungs):
                needed |= minutes
        if role in spoken_of:
            mine = (shift.hours for shift in shifts if shift.person in able and roles.get(shift.person) is role)
            needed -= minutes_of(mine)
        elif any(roles.get(person) is role for person in able):
            needed = frozenset()
        found += [Gap(role, first, end) for first, end in stretches(needed)]
    return tuple(found)


def document(shifts: Iterable[Shift]) -> list[dict[str, Any]]:
    """As it is kept."""
    return [{"person": shift.person, **document_of(shift.hours)} for shift in shifts]


def read_shifts(kept: Iterable[Mapping[str, Any]]) -> tuple[Shift, ...]:
    """The shifts that a document holds. Raises Invalid."""
    return tuple(Shift(str(one["person"]), hours_of(one)) for one in kept)
