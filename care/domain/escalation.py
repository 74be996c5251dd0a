"""Escalation: requested, accepted, completed; whom to page, and when. No path leads to silence.

Every open escalation has a next moment (`page_at`), or an owner, or is routine and stays on the worklist. An owner of
anything but routine has a next moment too: an acceptance that leads to nothing is paged again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from care.domain.codes import EscalationStatus, Outcome, Priority, Role
from care.errors import Conflict

OPEN = (EscalationStatus.REQUESTED, EscalationStatus.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Rung:
    """Who is paged, how often before the next rung, and how long an answer is waited for after each page."""

    role: Role
    wait: Mapping[Priority, timedelta]
    repeats: int = 1


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs in order (the last one is paged until somebody answers), and how long an acceptance holds.

    `confirmed_wait` is how long the page of an urgent escalation is put off by a repeated reading that was fine.
    """

    rungs: tuple[Rung, ...]
    hold: Mapping[Priority, timedelta]
    confirmed_wait: timedelta = timedelta(hours=4)

    def __post_init__(self) -> None:
        """A ladder that could fall silent cannot be made."""
        tables = [rung.wait for rung in self.rungs] + [self.hold]
        paged = [p for p in Priority if p is not Priority.ROUTINE]
        if not self.rungs or any(table.get(p, timedelta()) <= timedelta() for table in tables for p in paged):
            raise ValueError("a ladder has a rung, and a positive wait for every priority that pages")
        if any(rung.repeats < 1 for rung in self.rungs) or self.confirmed_wait <= timedelta():
            raise ValueError("a rung is paged at least once, and a put-off page comes later")


def default_ladder() -> Ladder:
    """Nurse, then clinician. The waits are ours (no guideline gives them) and meant to be set by each team."""
    wait = {
        Priority.STAT: timedelta(minutes=5),
        Priority.ASAP: timedelta(minutes=15),
        Priority.URGENT: timedelta(hours=1),
    }
    hold = {
        Priority.STAT: timedelta(minutes=30),
        Priority.ASAP: timedelta(hours=2),
        Priority.URGENT: timedelta(hours=8),
    }
    return Ladder((Rung(Role.NURSE, wait, repeats=2), Rung(Role.CLINICIAN, wait)), hold)


@dataclass(frozen=True, slots=True)
class State:
    """Where one escalation stands. `rung` was paged last, `pages` times on this rung; `page_at` is aware, UTC."""

    status: EscalationStatus
    priority: Priority
    rung: int = 0
    pages: int = 0
    owner: str | None = None
    page_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return self.status in OPEN


@dataclass(frozen=True, slots=True)
class Raise:
    """A report, a text or a doubt asks for a person; `page_after` is the grace before an urgent page."""

    priority: Priority
    page_after: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Worsen:
    """Another report with the same cause while the escalation is open."""

    priority: Priority
    page_after: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Somebody takes it on. By the owner again: still on it, the hold starts anew."""

    by: str


@dataclass(frozen=True, slots=True)
class Complete:
    """Somebody closes it with an outcome, which is the label that alert precision is computed from."""

    by: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A repeated reading was fine: the page of the grace is put off, never the escalation."""


Event = Raise | Worsen | Tick | Accept | Complete | Confirmed


@dataclass(frozen=True, slots=True)
class Step:
    """What comes of an event: the new state, and the role to page now, if any."""

    state: State
    page: Role | None = None


def step(state: State | None, event: Event, now: datetime, ladder: Ladder) -> Step:
    """What an event makes of an escalation; `state` None is: there is none yet (only Raise makes one).

    Raises Conflict("already-accepted", owner=...) when somebody else has it, Conflict("already-completed") when it is
    closed (a new report then needs a new escalation), Conflict("not-raised") when there is none.
    """
    if state is None:
        if not isinstance(event, Raise):
            raise Conflict("not-raised", "there is no escalation")
        return Step(_raised(event.priority, event.page_after, now))
    if not state.is_open:
        if isinstance(event, Tick | Confirmed):
            return Step(state)
        raise Conflict("already-completed", "this escalation is closed", owner=state.owner)
    match event:
        case Raise() | Worsen():
            return Step(_worsened(state, event.priority, event.page_after, now))
        case Tick():
            return _ticked(state, now, ladder)
        case Accept():
            _refuse_others(state, event.by)
            page_at = None if state.priority is Priority.ROUTINE else now + ladder.hold[state.priority]
            return Step(replace(state, status=EscalationStatus.ACCEPTED, owner=event.by, page_at=page_at))
        case Complete():
            _refuse_others(state, event.by)
            return Step(replace(state, status=EscalationStatus.COMPLETED, owner=event.by, page_at=None))
        case Confirmed():
            return Step(_confirmed(state, now, ladder))


def _raised(priority: Priority, page_after: timedelta, now: datetime) -> State:
    return State(EscalationStatus.REQUESTED, priority, page_at=_first_page(priority, page_after, now))


def _first_page(priority: Priority, page_after: timedelta, now: datetime) -> datetime | None:
    """Routine never pages, urgent after its grace, asap and stat at once."""
    if priority is Priority.ROUTINE:
        return None
    return now + max(page_after, timedelta()) if priority is Priority.URGENT else now


def _worsened(state: State, priority: Priority, page_after: timedelta, now: datetime) -> State:
    """Raised, never lowered; a page that is due comes no later than before.

    A report that is not worse pages nobody again, unless the first page has not been sent: then the earlier moment
    holds. A worse one pages even the owner's team, since what was accepted was the lesser case.
    """
    if state.priority is Priority.ROUTINE or priority.rank > state.priority.rank:
        raised = True
    else:
        raised = state.status is EscalationStatus.REQUESTED and not _paged(state)
    candidate = _first_page(priority, page_after, now) if raised else None
    moments = [moment for moment in (state.page_at, candidate) if moment is not None]
    return replace(
        state,
        priority=Priority.highest(state.priority, priority),
        page_at=min(moments) if moments else None,
    )


def _ticked(state: State, now: datetime, ladder: Ladder) -> Step:
    """Page whoever's turn it is, once however long the outage was; an acceptance that ran out starts from below."""
    if state.page_at is None or now < state.page_at:
        return Step(state)
    if state.status is EscalationStatus.ACCEPTED:
        state = replace(state, status=EscalationStatus.REQUESTED, owner=None, rung=0, pages=0)
    last = len(ladder.rungs) - 1
    rung, pages = min(state.rung, last), state.pages
    if pages >= ladder.rungs[rung].repeats and rung < last:
        rung, pages = rung + 1, 0
    page_at = now + ladder.rungs[rung].wait[state.priority]
    return Step(replace(state, rung=rung, pages=pages + 1, page_at=page_at), ladder.rungs[rung].role)


def _confirmed(state: State, now: datetime, ladder: Ladder) -> State:
    waiting = state.status is EscalationStatus.REQUESTED and state.priority is Priority.URGENT and not _paged(state)
    if not waiting or state.page_at is None:
        return state
    return replace(state, page_at=max(state.page_at, now + ladder.confirmed_wait))


def _paged(state: State) -> bool:
    return state.rung > 0 or state.pages > 0


def _refuse_others(state: State, by: str) -> None:
    if state.owner is not None and state.owner != by:
        raise Conflict("already-accepted", "somebody else has this one", owner=state.owner)
