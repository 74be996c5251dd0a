"""The worklist: a team's open escalations in the order in which they are worked on, page by page, and their counts.

Whoever waits longest, within one severity and risk, is next. Each question is answered from an index in this order, so
that a hundred thousand open alerts take no longer than a hundred.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, literal_column, select, tuple_
from sqlalchemy.orm import Session

from care.domain.codes import EscalationStatus, Priority, Role
from care.domain.people import Staff
from care.records.escalations import Escalation, EscalationLink

SHOWS = ("all", "stat", "asap", "urgent", "routine", "mine", "unclaimed")
MOST_COUNTED = 500
"""Beyond this a count says "more": nobody decides differently for 500 or 5,000, and counting all costs a scan."""

_OPEN = Escalation.status != EscalationStatus.COMPLETED.value
_UNCLAIMED = Escalation.status == EscalationStatus.REQUESTED.value  # in this state nobody has it
# Written out, as the index has them: with a parameter in them the planner would not know them again.
_rank: ColumnElement[int] = literal_column("(- escalation.rank)")
_risk: ColumnElement[float] = literal_column("(- COALESCE(escalation.risk, '-1'::double precision))")
_ORDER: tuple[Any, ...] = (_rank, _risk, Escalation.requested_at, Escalation.id)


class Place(NamedTuple):
    """Where an escalation stands in the list. It is kept as it was: what moves meanwhile moves past it."""

    rank: int
    risk: float | None
    requested_at: datetime
    id: UUID


def place_of(row: Escalation) -> Place:
    """The place of a row as it is now."""
    return Place(row.rank, row.risk, row.requested_at, row.id)


@dataclass(frozen=True)
class Counts:
    """Open escalations by priority, and how many are the reader's own or nobody's; each MOST_COUNTED at the most."""

    by_priority: Mapping[str, int] = field(default_factory=dict)
    mine: int = 0
    unclaimed: int = 0

    @property
    def open(self) -> int:
        """All of them."""
        return sum(self.by_priority.values())

    @property
    def more(self) -> frozenset[str]:
        """What was not counted to its end: `all`, priorities, `mine`, `unclaimed`."""
        counted = {**self.by_priority, "mine": self.mine, "unclaimed": self.unclaimed}
        full = {name for name, number in counted.items() if number >= MOST_COUNTED}
        return frozenset(full | ({"all"} if full & set(self.by_priority) else set()))


def of_team(staff: Staff) -> ColumnElement[bool]:
    """`visible_to` for escalations, which say themselves whose they are, so that an index finds them in their order.

    No patient changes teams; an escalation has its patient's.
    """
    if staff.role is Role.ADMIN or staff.care_team_id is None:
        return Escalation.id.is_(None)
    return (Escalation.care_team_id == staff.care_team_id) & (Escalation.organization_id == staff.organization_id)


def open_escalations(
    session: Session, staff: Staff, show: str = "all", limit: int = 100, after: Place | None = None
) -> list[Escalation]:
    """The team's open escalations from a place on: by severity, then risk, then waiting. `show` is one of SHOWS."""
    return list(session.scalars(_listed(select(Escalation), staff, show, after).limit(limit)))


def glance(session: Session, staff: Staff, show: str, limit: int, after: Place | None = None) -> list[tuple[Any, ...]]:
    """What can change on the first rows of the list, as plain values: as long as they are equal, the list is."""
    found: Any = select(
        Escalation.id,
        Escalation.rank,
        Escalation.risk,
        Escalation.status,
        Escalation.owner_id,
        Escalation.offered_to_id,
        Escalation.snoozed_until,
        Escalation.requested_at,
        Escalation.priority_since,
        Escalation.looked_at,
        Escalation.reason,
        Escalation.params,
    )
    return [tuple(row) for row in session.execute(_listed(found, staff, show, after).limit(limit))]


def counts(session: Session, staff: Staff) -> Counts:
    """How many open escalations the team has, by priority and by owner, up to MOST_COUNTED of each."""
    team = of_team(staff)
    wanted: dict[str, tuple[ColumnElement[bool], ...]] = {
        one.value: (_OPEN, team, _rank == -one.rank) for one in Priority
    }
    wanted["mine"] = (_shown(staff, "mine"), team)
    wanted["unclaimed"] = (_UNCLAIMED, team)
    numbers = [_counted(*where).label(name) for name, where in wanted.items()]
    row = session.execute(select(*numbers)).one()._mapping
    by_priority = {one.value: row[one.value] for one in Priority if row[one.value]}
    return Counts(by_priority, row["mine"], row["unclaimed"])


def link_counts(session: Session, escalation_ids: set[UUID]) -> dict[UUID, int]:
    """How many reports and texts each of these escalations holds."""
    if not escalation_ids:
        return {}
    found = select(EscalationLink.escalation_id, func.count().label("links"))
    found = found.where(EscalationLink.escalation_id.in_(escalation_ids)).group_by(EscalationLink.escalation_id)
    return {row.escalation_id: row.links for row in session.execute(found)}


def _counted(*where: ColumnElement[bool]) -> Any:
    first = select(literal(1)).select_from(Escalation).where(*where).limit(MOST_COUNTED).subquery()
    return select(func.count()).select_from(first).scalar_subquery()


def _listed(found: Select[Any], staff: Staff, show: str, after: Place | None) -> Select[Any]:
    found = found.where(of_team(staff), _shown(staff, show))
    if after is not None:
        risk = -1.0 if after.risk is None else after.risk
        behind = tuple_(literal(-after.rank), literal(-risk), after.requested_at, after.id)
        found = found.where(tuple_(*_ORDER) > behind)
    return found.order_by(*_ORDER)


def _shown(staff: Staff, show: str) -> ColumnElement[bool]:
    if show == "mine":
        return (Escalation.status == EscalationStatus.ACCEPTED.value) & (Escalation.owner_id == staff.id)
    if show == "unclaimed":
        return _UNCLAIMED
    if show in list(Priority):
        return _OPEN & (_rank == -Priority(show).rank)
    return _OPEN
