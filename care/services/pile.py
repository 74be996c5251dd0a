"""The pile: messages that one transaction queues, written together."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from sqlalchemy.orm import Session

from care.records.arrays import as_arrays, as_shared, insert_arrays
from care.records.communications import Communication, CommunicationContent
from care.records.seal import sealer

_OWN = (
    "id",
    "patient_id",
    "care_team_id",
    "contact_point_id",
    "dedupe",
    "address_token",
    "recorded_at",
    "task_id",
)
_RARE = ("escalation_id", "response_id", "practitioner_id")
# What the messages of one batch mostly have in common.
_SHARED = (
    "organization_id",
    "direction",
    "channel",
    "purpose",
    "priority",
    "status",
    "delivery",
    "at",
    "send_at",
    "attempts",
    "notice",
)
_CONTENT = ("id", "text_sealed", "address_sealed")
_PLAIN, _FULL = insert_arrays(Communication, _OWN, _SHARED), insert_arrays(Communication, (*_OWN, *_RARE), _SHARED)
_CONTENTS = insert_arrays(CommunicationContent, _CONTENT)
_shared = itemgetter(*(name for name in _SHARED if name != "notice"))  # which a message need not have
_words, _address = sealer(CommunicationContent, "text_sealed"), sealer(CommunicationContent, "address_sealed")


class Pile:
    """Messages that one transaction queues, written together: any number of rows in a few statements."""

    def __init__(self) -> None:
        self._groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        self._contents: list[dict[str, Any]] = []

    def __len__(self) -> int:
        return len(self._contents)

    def add(self, message: dict[str, Any], text: str, address: str | None) -> None:
        """One more message (its columns by name; what is missing is NULL), with its words.

        Without an `address` it goes to wherever its contact point leads when it leaves.
        """
        row = message["id"]
        self._groups.setdefault((*_shared(message), message.get("notice")), []).append(message)
        name = str(row)
        sealed = None if address is None else _address(name, address)
        self._contents.append({"id": row, "text_sealed": _words(name, text), "address_sealed": sealed})

    def write(self, session: Session) -> None:
        """Write what has been piled up (no commit)."""
        for rows in self._groups.values():
            plain = not any(name in row for row in rows for name in _RARE)
            own = _OWN if plain else (*_OWN, *_RARE)
            session.execute(_PLAIN if plain else _FULL, as_arrays(rows, own) | as_shared(rows[0], _SHARED))
        if self._contents:
            session.execute(_CONTENTS, as_arrays(self._contents, _CONTENT))
        self._groups, self._contents = {}, []
