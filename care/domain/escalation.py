"""Escalation: requested, accepted, completed; whom to page, and when. No path leads to silence.

Every open escalation has a next moment (`page_at`). An owner has one too: an acceptance that leads to nothing, a time
that was asked for, and an offer to a colleague all run out, and then somebody is paged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from care.domain.codes import EscalationStatus, Outcome, Priority
from care.domain.ladder import Ladder, Whom, spoken
from care.errors import Conflict, Invalid

OPEN = (EscalationStatus.REQUESTED, EscalationStatus.ACCEPTED)

LONGEST_SNOOZE = {
    Priority.STAT: timedelta(minutes=10),
    Priority.ASAP: timedelta(hours=1),
    Priority.URGENT: timedelta(hours=8),
    Priority.ROUTINE: timedelta(days=7),
}
"""How far one snooze reaches. Ours. A stat alert may be set aside only for as long as it takes to end the call in hand:
what raises one (chest pain, a stroke's signs, a glucose under 54 mg/dL) is counted in minutes. An asap alert comes back
within the hour, which is how often NEWS2 (Royal College of Physicians, 2017) has a patient of 5 points looked at."""

MOST_SNOOZES = {Priority.STAT: 1, Priority.ASAP: 2, Priority.URGENT: 3, Priority.ROUTINE: 5}
"""How often one alert may be snoozed at all, by whomever; then it is worked on, handed on, or paged."""


@dataclass(frozen=True, slots=True)
class State:
    """Where one escalation stands. `rung` was paged last, `pages` times on this rung; moments are aware, UTC.

    `offered_to` was asked by the owner to take it over; `snoozed_until` says that the owner has set it aside, for the
    `snoozes`-th time.
    """

    status: EscalationStatus
    priority: Priority
    rung: int = 0
    pages: int = 0
    owner: str | None = None
    page_at: datetime | None = None
    offered_to: str | None = None
    snoozed_until: datetime | None = None
    snoozes: int = 0

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
class HandOn:
    """The owner (or whoever takes it by this) offers it to a named colleague, who has to accept."""

    by: str
    to: str


@dataclass(frozen=True, slots=True)
class Decline:
    """The colleague cannot take it."""

    by: str


@dataclass(frozen=True, slots=True)
class Snooze:
    """The owner (or whoever takes it by this) sets it aside until a moment, with a reason."""

    by: str
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Complete:
    """Somebody closes it with an outcome, which is the label that alert precision is computed from."""

    by: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A repeated reading was fine: the page of the grace is put off, never the escalation."""


Event = Raise | Worsen | Tick | Accept | HandOn | Decline | Snooze | Complete | Confirmed


@dataclass(frozen=True, slots=True)
class Step:
    """What comes of an event: the new state, and whom to page now, if anybody."""

    state: State
    page: Whom | None = None


def step(state: State | None, event: Event, now: datetime, ladder: Ladder) -> Step:
    """What an event makes of an escalation; `state` None is: there is none yet (only Raise makes one).

    Raises Conflict("already-accepted", owner=...) when somebody else has it, Conflict("already-completed") when it is
    closed (a new report then needs a new escalation), Conflict("not-raised") when there is none, Conflict
    ("not-offered") for a colleague who was not asked, and Invalid for a snooze beyond its limits or without a reason.
    """
    if state is None:
        if not isinstance(event, Raise):
            raise Conflict("not-raised", "there is no escalation")
        return Step(_raised(event.priority, event.page_after, now, ladder))
    if not state.is_open:
        if isinstance(event, Tick | Confirmed):
            return Step(state)
        raise Conflict("already-completed", "this escalation is closed", owner=state.owner)
    match event:
        case Raise() | Worsen():
            return Step(_worsened(state, event.priority, event.page_after, now, ladder))
        case Tick():
            return _ticked(state, now, ladder)
        case Confirmed():
            return Step(_confirmed(state, now, ladder))
        case Decline():
            return _declined(state, event, now, ladder)
        case _:
            return _act(state, event, now, ladder)


def _act(state: State, event: Accept | HandOn | Snooze | Complete, now: datetime, ladder: Ladder) -> Step:
    """What only the owner may do, or anybody where there is none; accepting is also for who was asked to take over."""
    asked = isinstance(event, Accept) and state.offered_to == event.by
    if state.owner not in (None, event.by) and not asked:
        raise Conflict("already-accepted", "somebody else has this one", owner=state.owner)
    taken = replace(
        state, status=EscalationStatus.ACCEPTED, owner=event.by, offered_to=None, snoozed_until=None, page_at=None
    )
    match event:
        case Accept():
            return Step(replace(taken, page_at=now + ladder.hold[state.priority]))
        case HandOn():
            if event.to == event.by:
                raise Invalid("hand-on", "choose a colleague", place="to")
            asked_until = now + _answer(state.priority, now, ladder)
            return Step(replace(taken, offered_to=event.to, page_at=asked_until), Whom.COLLEAGUE)
        case Snooze():
            _refuse_long(state, event, now)
            until = event.until
            return Step(replace(taken, snoozed_until=until, page_at=until, snoozes=state.snoozes + 1))
        case Complete():
            return Step(replace(taken, status=EscalationStatus.COMPLETED))


def _declined(state: State, event: Decline, now: datetime, ladder: Ladder) -> Step:
    if state.offered_to is None or state.offered_to != event.by:
        raise Conflict("not-offered", "this one was not offered to you", owner=state.owner)
    return _back(state, now, ladder)


def _back(state: State, now: datetime, ladder: Ladder) -> Step:
    """The colleague did not take it: it is the owner's again, who is told and has to say so before long."""
    answer_by = now + _answer(state.priority, now, ladder)
    return Step(replace(state, offered_to=None, page_at=answer_by), Whom.OWNER)


def _answer(priority: Priority, now: datetime, ladder: Ladder) -> timedelta:
    """How long one person is given to answer: as long as the first rung is."""
    return ladder.rungs(priority, now)[0].wait


def _raised(priority: Priority, page_after: timedelta, now: datetime, ladder: Ladder) -> State:
    return State(EscalationStatus.REQUESTED, priority, page_at=_first_page(priority, page_after, now, ladder))


def _first_page(priority: Priority, page_after: timedelta, now: datetime, ladder: Ladder) -> datetime:
    """Routine when it has lain untouched for long, urgent after its grace, asap and stat at once."""
    if priority is Priority.ROUTINE:
        return now + ladder.untouched
    return now + max(page_after, timedelta()) if priority is Priority.URGENT else now


def _worsened(state: State, priority: Priority, page_after: timedelta, now: datetime, ladder: Ladder) -> State:
    """Raised, never lowered; a page that is due comes no later than before.

    A report that is not worse pages nobody again, unless the first page has not been sent: then the earlier moment
    holds. A worse one pages even the owner's team, since what was accepted, set aside or offered was the lesser case.
    """
    worse = priority.rank > state.priority.rank
    unpaged = state.status is EscalationStatus.REQUESTED and not _paged(state)
    moments = [state.page_at] if state.page_at is not None else []
    if worse or unpaged or not moments:
        moments.append(_first_page(priority, page_after, now, ladder))
    if worse:
        state = replace(state, offered_to=None, snoozed_until=None)
    return replace(state, priority=Priority.highest(state.priority, priority), page_at=min(moments))


def _ticked(state: State, now: datetime, ladder: Ladder) -> Step:
    """Page whoever's turn it is, once however long the outage was; an acceptance that ran out starts from below.

    What is routine waits for working hours.
    """
    if state.page_at is None or now < state.page_at:
        return Step(state)
    if state.offered_to is not None:
        return _back(state, now, ladder)
    if state.priority is Priority.ROUTINE and not ladder.works_at(now):
        return Step(replace(state, page_at=ladder.opens(now)))
    rung, pages = state.rung, state.pages
    if state.status is EscalationStatus.ACCEPTED:
        state = replace(state, status=EscalationStatus.REQUESTED, owner=None, snoozed_until=None)
        rung, pages = 0, 0
    rung, pages, turn = ladder.turn(state.priority, rung, pages, now)
    return Step(replace(state, rung=rung, pages=pages, page_at=now + turn.wait), turn.whom)


def _confirmed(state: State, now: datetime, ladder: Ladder) -> State:
    waiting = state.status is EscalationStatus.REQUESTED and state.priority is Priority.URGENT and not _paged(state)
    if not waiting or state.page_at is None:
        return state
    return replace(state, page_at=max(state.page_at, now + ladder.confirmed_wait))


def _paged(state: State) -> bool:
    return state.rung > 0 or state.pages > 0


def _refuse_long(state: State, event: Snooze, now: datetime) -> None:
    most = LONGEST_SNOOZE[state.priority]
    if not now < event.until <= now + most:
        raise Invalid("snooze", f"a {state.priority} alert can be set aside for {spoken(most)} at most", place="until")
    if state.snoozes >= MOST_SNOOZES[state.priority]:
        raise Invalid("snooze", "this one has been set aside often enough: act on it, or hand it on", place="until")
    if not event.reason.strip():
        raise Invalid("snooze", "say why it can wait", place="reason")
