"""Cases as clinicians list them: the open ones in the worklist's order, and the closed ones that nobody signed off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select, tuple_
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.errors import Invalid
from care.records.escalations import Escalation
from care.records.patients import visible_to

SHOWS = ("all", "stat", "asap", "urgent", "routine", "mine", "unclaimed")
SOURCES = ("all", "rule", "model", "doubt")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an open case stands in the order of the worklist: what the next page begins after."""

    rank: int
    risk: float | None
    requested_at: datetime
    id: UUID

    @staticmethod
    def of(row: Escalation) -> Place:
        """The place of a case."""
        return Place(row.rank, row.risk, row.requested_at, row.id)

    def written(self) -> str:
        """As a part of an address; it says nothing of a patient."""
        risk = "" if self.risk is None else repr(self.risk)
        return "_".join((str(self.rank), risk, str((self.requested_at - _EPOCH) // _TICK), self.id.hex))

    @staticmethod
    def read(written: str) -> Place:
        """The place that an address names. Raises Invalid for what was not written here."""
        try:
            rank, risk, moment, key = written.split("_")
            found = Place(int(rank), float(risk) if risk else None, _EPOCH + int(moment) * _TICK, UUID(key))
        except (ValueError, OverflowError):
            raise Invalid("cursor", "this address was not made here", place="after") from None
        if not 0 <= found.rank <= 9 or not math.isfinite(found.risk or 0):
            raise Invalid("cursor", "this address was not made here", place="after")
        return found


def open_cases(
    session: Session, staff: Staff, show: str, source: str, after: Place | None, limit: int
) -> list[Escalation]:
    """The team's open cases behind a place (None: from the first): severity, then risk, then the longest waiting.

    `show` is one of SHOWS, `source` one of SOURCES.
    """
    found = select(Escalation).where(
        Escalation.status != "completed", visible_to(staff, Escalation), _shown(staff, show)
    )
    if source != "all":
        found = found.where(Escalation.source == source)
    order = _order()
    if after is not None:
        risk = -1.0 if after.risk is None else after.risk
        found = found.where(tuple_(*order) > tuple_(-after.rank, -risk, after.requested_at, after.id))
    return list(session.scalars(found.order_by(*order).limit(limit)))


def unsigned(session: Session, staff: Staff, limit: int) -> list[Escalation]:
    """The team's closed cases that no clinician has signed off, what was closed first comes first."""
    found = select(Escalation).where(
        Escalation.status == "completed", Escalation.signed_off_at.is_(None), visible_to(staff, Escalation)
    )
    return list(session.scalars(found.order_by(Escalation.completed_at, Escalation.id).limit(limit)))


def unsigned_count(session: Session, staff: Staff) -> int:
    """How many there are."""
    found = select(func.count()).where(
        Escalation.status == "completed", Escalation.signed_off_at.is_(None), visible_to(staff, Escalation)
    )
    return session.scalar(found) or 0


def _order() -> tuple[ColumnElement[Any], ...]:
    """As the worklist's index has it, ascending throughout."""
    risk = func.coalesce(Escalation.risk, literal(-1.0))
    return -Escalation.rank, -risk, Escalation.requested_at, Escalation.id


def _shown(staff: Staff, show: str) -> ColumnElement[bool]:
    if show == "mine":
        return Escalation.owner_id == staff.id
    if show == "unclaimed":
        return Escalation.owner_id.is_(None)
    return Escalation.priority == show if show in ("stat", "asap", "urgent", "routine") else literal(True)
