"""The life of a model's version: registered -> shadow -> canary -> active -> retired, a step at a time and by people.

In the shadow a version is computed, stored and heard by nobody. Into the canary and into full use it goes by the word
of a clinician and of an administrator, two people. Either of them alone ends it at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from care.domain.codes import Role
from care.errors import Conflict, Invalid, NotAllowed


class ModelState(StrEnum):
    """Where in its life a version is."""

    REGISTERED = "registered"
    SHADOW = "shadow"
    CANARY = "canary"
    ACTIVE = "active"
    RETIRED = "retired"


Mode = Literal["shadow", "canary", "active"]
Ended = Literal["", "replaced", "killed", "alarm"]

NEXT = {
    ModelState.REGISTERED: ModelState.SHADOW,
    ModelState.SHADOW: ModelState.CANARY,
    ModelState.CANARY: ModelState.ACTIVE,
}
HEARD = frozenset({ModelState.CANARY, ModelState.ACTIVE})
"""States in which a version may put a patient on a worklist: two roles must have agreed."""
APPROVERS = frozenset({Role.CLINICIAN, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's word for the next state."""

    by: str
    role: Role


@dataclass(frozen=True, slots=True)
class Life:
    """A version's state, the approvals given since it entered it, the teams of its canary, and how it ended.

    `blocked`: why its gates did not hold; such a version never leaves the shadow.
    """

    state: ModelState = ModelState.REGISTERED
    approvals: tuple[Approval, ...] = ()
    teams: frozenset[str] = frozenset()
    ended: Ended = ""
    blocked: tuple[str, ...] = ()

    def mode(self, team: str) -> Mode | None:
        """In which mode this version is asked for a patient of `team`; None: it is not asked.

        A canary is a shadow where it is not let in.
        """
        if self.state is ModelState.ACTIVE:
            return "active"
        if self.state is ModelState.CANARY:
            return "canary" if team in self.teams else "shadow"
        return "shadow" if self.state is ModelState.SHADOW else None


def approve(life: Life, by: str, role: Role, teams: frozenset[str] = frozenset()) -> Life:
    """One more approval of the next state; with it the version may enter that state.

    `teams` are those of the canary, named by whoever approves it first. Raises NotAllowed (neither clinician nor
    administrator), Conflict (there is no next state, the gates did not hold, this person or this role has spoken,
    other teams than were approved), Invalid (a canary without teams).
    """
    if role not in APPROVERS:
        raise NotAllowed("role", "a model is approved by a clinician and an administrator")
    wanted = NEXT.get(life.state)
    if wanted is None:
        raise Conflict("no-next-state", f"a version that is {life.state} goes nowhere by approval")
    if wanted in HEARD and life.blocked:
        raise Conflict("gates", "its gates did not hold: it may not leave the shadow")
    if any(one.by == by or one.role is role for one in life.approvals):
        raise Conflict("approved-already", "another person with the other role has to approve")
    if wanted is ModelState.CANARY:
        life = replace(life, teams=_agreed(life, teams))
    life = replace(life, approvals=(*life.approvals, Approval(by, role)))
    if wanted in HEARD and {one.role for one in life.approvals} != APPROVERS:
        return life
    return replace(life, state=wanted, approvals=())


def kill(life: Life, role: Role) -> Life:
    """It is heard no more, at once and for good. Raises NotAllowed, Conflict (it has ended)."""
    if role not in APPROVERS:
        raise NotAllowed("role", "a model is ended by a clinician or an administrator")
    return _end(life, "killed")


def replaced(life: Life) -> Life:
    """A newer version of the model is active; this one may come back if that one fails. Raises Conflict."""
    if life.state is not ModelState.ACTIVE:
        raise Conflict("not-active", "only an active version is replaced")
    return _end(life, "replaced")


def alarmed(life: Life) -> Life:
    """The monitor found it wrong: it is heard no more. Raises Conflict (it has ended)."""
    return _end(life, "alarm")


def restored(life: Life) -> Life:
    """Back in full use after its successor failed: it was approved, and only replaced. Raises Conflict."""
    if life.state is not ModelState.RETIRED or life.ended != "replaced":
        raise Conflict("not-replaced", "only a version that was replaced comes back")
    return replace(life, state=ModelState.ACTIVE, approvals=(), ended="")


def _agreed(life: Life, teams: frozenset[str]) -> frozenset[str]:
    if not teams:
        raise Invalid("teams", "a canary names the teams that hear it", place="teams")
    if life.approvals and teams != life.teams:
        raise Conflict("other-teams", "the first approval named other teams")
    return teams


def _end(life: Life, ended: Ended) -> Life:
    if life.state is ModelState.RETIRED:
        raise Conflict("ended", "this version has ended")
    return replace(life, state=ModelState.RETIRED, approvals=(), ended=ended)
