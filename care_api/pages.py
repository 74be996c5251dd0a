"""Pages: a cursor is the place of the last row that was shown, so that new rows never shift a page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from care.errors import Invalid
from care.records import keyset
from care.records.communications import Communication
from care.records.keyset import Place
from care.records.questionnaire_responses import QuestionnaireResponse

SIZE = 50

Row = TypeVar("Row")


def reports(session: Session, patient_id: UUID, cursor: str | None) -> tuple[list[QuestionnaireResponse], str | None]:
    """A page of a patient's reports, newest first, and the cursor of the next page."""
    return _page(lambda place: keyset.reports_before(session, patient_id, place, SIZE + 1), cursor)


def messages(session: Session, patient_id: UUID, cursor: str | None) -> tuple[list[Communication], str | None]:
    """A page of a patient's messages, newest first, and the cursor of the next page."""
    return _page(lambda place: keyset.messages_before(session, patient_id, place, SIZE + 1), cursor)


def _page(
    before: Callable[[Place | None], list[tuple[Place, Row]]], cursor: str | None
) -> tuple[list[Row], str | None]:
    found = before(read(cursor) if cursor else None)
    shown = found[:SIZE]
    return [row for _, row in shown], write(shown[-1][0]) if len(found) > SIZE else None


def write(place: Place) -> str:
    """The cursor of a row."""
    moment, key = place
    return base64.urlsafe_b64encode(f"{moment.isoformat()}|{key}".encode()).decode().rstrip("=")


def read(cursor: str) -> Place:
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
