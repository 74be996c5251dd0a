"""Ladders: who is paged for an alert, after how long the next, by day and by night; and that nobody can end in silence.

A ladder is a team's. Whatever its rungs are, below them stands the last resort, which is no part of it and cannot be
edited away: everyone of the team, then the team's fall-back number, again and again until somebody answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from care.domain.civil import local, zone_of
from care.domain.codes import Priority, Role
from care.domain.week import Hours, document_of, hours_of, minute_of_week, minutes_of
from care.errors import Invalid

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MOST_RUNGS, MOST_REPEATS = 6, 5

MOST_CLIMB = {Priority.STAT: HOUR / 2, Priority.ASAP: 2 * HOUR, Priority.URGENT: 8 * HOUR, Priority.ROUTINE: 14 * DAY}
"""How long the rungs may take until the last resort. Ours: no guideline gives a number for pages; a ladder that takes
longer would let an alert of this priority lie for longer than its name allows."""

MOST_HOLD = {Priority.STAT: HOUR, Priority.ASAP: 4 * HOUR, Priority.URGENT: DAY, Priority.ROUTINE: 14 * DAY}
"""How long an acceptance without any further act may hold. Ours, for the same reason."""


class Whom(StrEnum):
    """Who is paged. A role means those of it who are on duty; the last two are told of a hand-over, not by a rung."""

    NURSE = "nurse"
    CLINICIAN = "clinician"
    TEAM = "team"
    FALL_BACK = "fall-back"
    COLLEAGUE = "colleague"
    OWNER = "owner"

    @property
    def role(self) -> Role | None:
        """The role that it means, if it means one."""
        return Role(self.value) if self in (Whom.NURSE, Whom.CLINICIAN) else None


CHOICES = (Whom.NURSE, Whom.CLINICIAN, Whom.TEAM)
"""What a rung may name."""


@dataclass(frozen=True, slots=True)
class Rung:
    """Who is paged, how long an answer is waited for after each page, and how often before the next rung."""

    whom: Whom
    wait: timedelta
    repeats: int = 1


Rungs = Mapping[Priority, tuple[Rung, ...]]


@dataclass(frozen=True)
class Ladder:
    """The rungs of each priority within working hours and outside them, and how long an acceptance holds.

    Without `hours` the inside rungs are always climbed. `confirmed_wait` is how long the page of an urgent escalation
    is put off by a repeated reading that was fine; `untouched` how long a routine one may lie before somebody is paged.
    Raises Invalid, with words for whoever writes a ladder, when it could fall silent or takes too long.
    """

    inside: Rungs
    outside: Rungs
    hold: Mapping[Priority, timedelta]
    hours: tuple[Hours, ...] = ()
    zone: str = "UTC"
    confirmed_wait: timedelta = 4 * HOUR
    untouched: timedelta = 7 * DAY

    def __post_init__(self) -> None:
        """A ladder that could fall silent cannot be made."""
        zone_of(self.zone)
        for when, table in (("inside", self.inside), ("outside", self.outside)):
            for priority in Priority:
                _check(f"{when}-{priority}", priority, table.get(priority, ()))
        for priority in Priority:
            hold = self.hold.get(priority, timedelta())
            if not MINUTE <= hold <= MOST_HOLD[priority]:
                most = spoken(MOST_HOLD[priority])
                raise Invalid("ladder", f"a {priority} alert is held for 1 minute to {most}", place=f"hold-{priority}")
        if self.confirmed_wait <= timedelta() or self.untouched <= timedelta():
            raise Invalid("ladder", "what is put off comes later", place="hours")

    @cached_property
    def _open(self) -> frozenset[int]:
        return minutes_of(self.hours)

    def works_at(self, now: datetime) -> bool:
        """Whether `now` (aware) lies within working hours; always, for a team without any."""
        return not self.hours or minute_of_week(local(now, zone_of(self.zone))) in self._open

    def opens(self, now: datetime) -> datetime:
        """The first moment from `now` on within working hours, to the minute."""
        at = now
        while not self.works_at(at):  # at most a week of minutes, and an hour when clocks change
            at = at.replace(second=0, microsecond=0) + MINUTE
        return at

    def rungs(self, priority: Priority, now: datetime) -> tuple[Rung, ...]:
        """The rungs that are climbed at `now`."""
        return (self.inside if self.works_at(now) else self.outside)[priority]

    def turn(self, priority: Priority, rung: int, pages: int, now: datetime) -> tuple[int, int, Rung]:
        """Whose turn it is after `pages` pages on `rung`: the new rung and number of pages, and what is done.

        Below the rungs it is the last resort's: the team and the fall-back number in turn, which routine does not call.
        """
        rungs = self.rungs(priority, now)
        rung, pages = (rung, pages) if rung <= len(rungs) else (len(rungs), 0)
        if rung < len(rungs) and pages >= rungs[rung].repeats:
            rung, pages = rung + 1, 0
        if rung < len(rungs):
            return rung, pages + 1, rungs[rung]
        team = pages % 2 == 0 or priority is Priority.ROUTINE
        return rung, pages + 1, Rung(Whom.TEAM if team else Whom.FALL_BACK, rungs[-1].wait)


def default_ladder() -> Ladder:
    """Nurse twice, then clinician, day and night. The waits are ours, no guideline has them; each team sets its own."""
    waits = {
        Priority.STAT: 5 * MINUTE,
        Priority.ASAP: 15 * MINUTE,
        Priority.URGENT: HOUR,
        Priority.ROUTINE: DAY,
    }
    hold = {
        Priority.STAT: 30 * MINUTE,
        Priority.ASAP: 2 * HOUR,
        Priority.URGENT: 8 * HOUR,
        Priority.ROUTINE: 3 * DAY,
    }
    rungs = {one: (Rung(Whom.NURSE, wait, repeats=2), Rung(Whom.CLINICIAN, wait)) for one, wait in waits.items()}
    return Ladder(rungs, rungs, hold)


def spoken(delta: timedelta) -> str:
    """A length of time in the largest unit that says it whole: '30 minutes', '2 hours', '14 days'."""
    for unit, word in ((DAY, "days"), (HOUR, "hours")):
        if delta >= unit and not delta % unit:
            count = delta // unit
            return f"{count} {word if count > 1 else word[:-1]}"
    return f"{delta // MINUTE} minutes"


def document(ladder: Ladder) -> dict[str, Any]:
    """As it is kept: whole minutes."""

    def table(rungs: Rungs) -> dict[str, Any]:
        return {
            priority.value: [
                {"whom": rung.whom.value, "wait": rung.wait // MINUTE, "repeats": rung.repeats} for rung in climbed
            ]
            for priority, climbed in rungs.items()
        }

    return {
        "inside": table(ladder.inside),
        "outside": table(ladder.outside),
        "hold": {priority.value: hold // MINUTE for priority, hold in ladder.hold.items()},
        "hours": [document_of(one) for one in ladder.hours],
        "zone": ladder.zone,
        "confirmed_wait": ladder.confirmed_wait // MINUTE,
        "untouched": ladder.untouched // MINUTE,
    }


def read_ladder(kept: Mapping[str, Any]) -> Ladder:
    """The ladder that a document describes. Raises Invalid where it is none."""

    def table(rungs: Mapping[str, Any]) -> Rungs:
        return {
            Priority(priority): tuple(Rung(Whom(r["whom"]), r["wait"] * MINUTE, r["repeats"]) for r in climbed)
            for priority, climbed in rungs.items()
        }

    try:
        return Ladder(
            table(kept["inside"]),
            table(kept["outside"]),
            {Priority(priority): hold * MINUTE for priority, hold in kept["hold"].items()},
            tuple(hours_of(one) for one in kept["hours"]),
            kept["zone"],
            kept["confirmed_wait"] * MINUTE,
            kept["untouched"] * MINUTE,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Invalid("ladder", "this is not a ladder", place="ladder") from None


def _check(place: str, priority: Priority, rungs: tuple[Rung, ...]) -> None:
    if not 1 <= len(rungs) <= MOST_RUNGS:
        raise Invalid("ladder", f"a {priority} alert has 1 to {MOST_RUNGS} rungs", place=place)
    for rung in rungs:
        if rung.whom not in CHOICES:
            raise Invalid("ladder", "a rung pages nurses, clinicians or the whole team", place=place)
        if rung.wait < MINUTE or not 1 <= rung.repeats <= MOST_REPEATS:
            words = f"a rung waits a minute or more, and is paged 1 to {MOST_REPEATS} times"
            raise Invalid("ladder", words, place=place)
    if sum((rung.wait * rung.repeats for rung in rungs), timedelta()) > MOST_CLIMB[priority]:
        words = f"a {priority} alert reaches the last resort within {spoken(MOST_CLIMB[priority])}"
        raise Invalid("ladder", words, place=place)
