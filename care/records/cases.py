"""Cases as clinicians list them: the closed ones that nobody signed off, and how an open one's place is written."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.errors import Invalid
from care.records.escalations import Escalation
from care.records.worklist import Place, of_team

MOST_COUNTED = 1_000
"""Beyond this a count says "more"."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def unsigned(session: Session, staff: Staff, limit: int) -> list[Escalation]:
    """The team's closed cases that no clinician has signed off; what was closed first comes first."""
    found = select(Escalation).where(*_unsigned(staff))
    return list(session.scalars(found.order_by(Escalation.completed_at, Escalation.id).limit(limit)))


def unsigned_count(session: Session, staff: Staff) -> int:
    """How many there are, up to MOST_COUNTED."""
    first = select(Escalation.id).where(*_unsigned(staff)).limit(MOST_COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(first)) or 0


def _unsigned(staff: Staff) -> tuple[ColumnElement[bool], ...]:
    return Escalation.status == "completed", Escalation.signed_off_at.is_(None), of_team(staff)


def write_place(place: Place) -> str:
    """A place in the list of open cases as a part of an address; it says nothing of a patient."""
    risk = "" if place.risk is None else repr(place.risk)
    return "_".join((str(place.rank), risk, str((place.requested_at - _EPOCH) // _TICK), place.id.hex))


def read_place(written: str) -> Place:
    """The place that an address names. Raises Invalid for what was not written here."""
    try:
        rank, risk, moment, key = written.split("_")
        found = Place(int(rank), float(risk) if risk else None, _EPOCH + int(moment) * _TICK, UUID(key))
    except (ValueError, OverflowError):
        raise Invalid("cursor", "this address was not made here", place="after") from None
    if not 0 <= found.rank <= 9 or not math.isfinite(found.risk or 0):
        raise Invalid("cursor", "this address was not made here", place="after")
    return found
