"""Keyset pages: a cursor is the place of the last row that was shown, so that new rows never shift a page."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from care.domain.codes import Purpose
from care.errors import Invalid
from care.records.communications import Communication
from care.records.questionnaire_responses import QuestionnaireResponse

SIZE = 50


def reports(session: Session, patient_id: UUID, cursor: str | None) -> tuple[list[QuestionnaireResponse], str | None]:
    """A page of a patient's reports, newest first, and the cursor of the next page."""
    found = select(QuestionnaireResponse).where(QuestionnaireResponse.patient_id == patient_id)
    return _page(session, found, QuestionnaireResponse.authored_at, QuestionnaireResponse.id, cursor)


def messages(session: Session, patient_id: UUID, cursor: str | None) -> tuple[list[Communication], str | None]:
    """A page of a patient's messages, newest first, and the cursor of the next page."""
    found = select(Communication).where(
        Communication.patient_id == patient_id, Communication.purpose.not_in([Purpose.SIGN_IN.value])
    )
    return _page(session, found, Communication.recorded_at, Communication.id, cursor)


def _page(
    session: Session,
    found: Select[Any],
    at: InstrumentedAttribute[datetime],
    key: InstrumentedAttribute[UUID],
    cursor: str | None,
) -> tuple[list[Any], str | None]:
    if cursor:
        moment, last = read(cursor)
        found = found.where(tuple_(at, key) < tuple_(moment, last))
    rows: list[Any] = list(session.scalars(found.order_by(at.desc(), key.desc()).limit(SIZE + 1)))
    shown = rows[:SIZE]
    return shown, write(getattr(shown[-1], at.key), shown[-1].id) if len(rows) > SIZE else None


def write(moment: datetime, key: UUID) -> str:
    """The cursor of a row."""
    return base64.urlsafe_b64encode(f"{moment.isoformat()}|{key}".encode()).decode().rstrip("=")


def read(cursor: str) -> tuple[datetime, UUID]:
    """The place that a cursor names. Raises Invalid."""
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
        moment, _, key = text.partition("|")
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError("no zone")
        return at, UUID(key)
    except (ValueError, binascii.Error):
        raise Invalid("cursor", "this cursor was not made here", place="cursor") from None
