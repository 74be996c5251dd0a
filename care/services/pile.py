"""The pile: messages that one transaction queues, written together."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from care.records.arrays import as_arrays, insert_arrays
from care.records.communications import Communication, CommunicationContent
from care.records.seal import seal

_COLUMNS = (
    "id",
    "organization_id",
    "patient_id",
    "care_team_id",
    "practitioner_id",
    "contact_point_id",
    "direction",
    "channel",
    "purpose",
    "priority",
    "status",
    "delivery",
    "dedupe",
    "address_token",
    "at",
    "recorded_at",
    "send_at",
    "attempts",
    "task_id",
    "escalation_id",
    "response_id",
)
_CONTENT = ("id", "text_sealed", "address_sealed")
_MESSAGES, _CONTENTS = insert_arrays(Communication, _COLUMNS), insert_arrays(CommunicationContent, _CONTENT)
_TABLE = CommunicationContent.__tablename__


class Pile:
    """Messages that one transaction queues, written together: any number of rows in two statements."""

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []
        self._contents: list[dict[str, Any]] = []

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: dict[str, Any], text: str, address: str) -> None:
        """One more message (its columns by name; what is missing is NULL), with its words and its address."""
        row = message["id"]
        self._messages.append(message)
        self._contents.append(
            {
                "id": row,
                "text_sealed": seal(_TABLE, "text_sealed", row, text),
                "address_sealed": seal(_TABLE, "address_sealed", row, address),
            }
        )

    def write(self, session: Session) -> None:
        """Write what has been piled up (no commit)."""
        if self._messages:
            session.execute(_MESSAGES, as_arrays(self._messages, _COLUMNS))
            session.execute(_CONTENTS, as_arrays(self._contents, _CONTENT))
            self._messages, self._contents = [], []
