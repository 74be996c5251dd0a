"""What is left at the end of a run, written down as the flat records that the checker reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from care.records.communications import Communication, contents
from care.records.dead_letters import DeadLetter
from care.records.escalations import Escalation, EscalationLink
from care.records.patients import ContactPoint
from care.records.tasks import Task
from tests.faults.answers import mark_of


def write(session: Session, path: str) -> None:
    """Append the final rows and every change of what was known of a message to the history at `path`."""
    with open(path, "a", encoding="utf-8") as file:
        for line in _lines(session):
            file.write(json.dumps(line) + "\n")


def _lines(session: Session) -> Iterator[dict[str, Any]]:
    yield from _messages(session)
    addresses = {one.patient_id: one.address for one in session.scalars(select(ContactPoint)) if one.rank == 1}
    for task in session.scalars(select(Task)):
        yield {
            "kind": "task",
            "id": str(task.id),
            "address": addresses[task.patient_id],
            "nominal": task.nominal.isoformat(),
            "status": task.status,
            "reason": task.status_reason,
            "waits": bool(task.remind_at),
        }
    for letter in session.scalars(select(DeadLetter)):
        yield {"kind": "letter", "row": str(letter.row_id), "queue": letter.queue, "error": letter.error}
    for one in session.scalars(select(Escalation)):
        yield {
            "kind": "escalation",
            "id": str(one.id),
            "cause": one.cause,
            "priority": one.priority,
            "status": one.status,
        }
    for link in session.scalars(select(EscalationLink)):
        yield {"kind": "link", "escalation": str(link.escalation_id), "message": str(link.communication_id)}
    for row in session.execute(text("SELECT id, known, handed, begun FROM faults.state ORDER BY n")):
        handed = row.handed.isoformat() if row.handed else None
        yield {"kind": "state", "id": str(row.id), "known": row.known, "handed": handed, "begun": row.begun.timestamp()}


def _messages(session: Session) -> Iterator[dict[str, Any]]:
    rows = session.scalars(select(Communication).order_by(Communication.recorded_at)).all()
    words = contents(session, [row.id for row in rows])
    contacts = {one.id: one.address for one in session.scalars(select(ContactPoint))}
    for row in rows:
        yield {
            "kind": "message",
            "id": str(row.id),
            "direction": row.direction,
            "purpose": row.purpose,
            "known": row.delivery,
            "status": row.status,
            "reason": row.status_reason,
            "dedupe": row.dedupe,
            "external": row.external_id,
            # A message that has not left may hold no address: it goes where its contact point leads then.
            "address": words[row.id].address or contacts.get(row.contact_point_id),
            "words": mark_of(words[row.id].text),
            "task": str(row.task_id),
            "escalation": str(row.escalation_id),
            "waits": bool(row.send_at or row.take_at),
        }
