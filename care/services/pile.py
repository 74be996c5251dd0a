"""The pile: messages that one transaction queues, written together."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from care.records.communications import Communication, CommunicationContent
from care.records.seal import seal


class Pile:
    """Messages that one transaction queues, written together: many rows in two statements."""

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []
        self._contents: list[dict[str, Any]] = []

    def add(self, message: dict[str, Any], text: str, address: str) -> None:
        """One more message, with its words and its address."""
        table, row = CommunicationContent.__tablename__, message["id"]
        self._messages.append(message)
        self._contents.append(
            {
                "id": row,
                "text_sealed": seal(table, "text_sealed", row, text),
                "address_sealed": seal(table, "address_sealed", row, address),
            }
        )

    def write(self, session: Session) -> None:
        """Write what has been piled up (no commit)."""
        if self._messages:
            session.execute(insert(Communication), self._messages)
            session.execute(insert(CommunicationContent), self._contents)
            self._messages, self._contents = [], []
