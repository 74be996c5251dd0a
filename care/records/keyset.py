"""A patient's own lists, newest first, from a place on: what comes in meanwhile never shifts them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from care.domain.codes import Purpose
from care.records.communications import Communication
from care.records.questionnaire_responses import MEASUREMENTS, QuestionnaireResponse

Place = tuple[datetime, UUID]
"""Where a row stands in its list."""


def reports_before(
    session: Session, patient_id: UUID, place: Place | None, limit: int
) -> list[tuple[Place, QuestionnaireResponse]]:
    """A patient's own reports that stand behind `place`, or the newest ones, each with its own place."""
    found = select(QuestionnaireResponse).where(
        QuestionnaireResponse.patient_id == patient_id, QuestionnaireResponse.questionnaire != MEASUREMENTS
    )
    return _before(session, found, QuestionnaireResponse.authored_at, QuestionnaireResponse.id, place, limit)


def messages_before(
    session: Session, patient_id: UUID, place: Place | None, limit: int
) -> list[tuple[Place, Communication]]:
    """A patient's messages that stand behind `place`, or the newest ones; one-time codes are not among them."""
    found = select(Communication).where(
        Communication.patient_id == patient_id, Communication.purpose.not_in([Purpose.SIGN_IN.value])
    )
    return _before(session, found, Communication.recorded_at, Communication.id, place, limit)


def _before(
    session: Session,
    found: Select[Any],
    at: InstrumentedAttribute[datetime],
    key: InstrumentedAttribute[UUID],
    place: Place | None,
    limit: int,
) -> list[tuple[Place, Any]]:
    if place is not None:
        found = found.where(tuple_(at, key) < tuple_(*place))
    rows = session.scalars(found.order_by(at.desc(), key.desc()).limit(limit))
    return [((getattr(row, at.key), row.id), row) for row in rows]
