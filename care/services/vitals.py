"""Vitals: how much waits, how long it has, and what went wrong; read when somebody asks, for the metrics.

Numbers and names of parts only. Each is read through an index of what is due, open or lost, so that reading costs
little however large the tables are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, text
from sqlalchemy.orm import Session

from care.domain.codes import Delivery
from care.records.communications import Communication
from care.records.dead_letters import DeadLetter
from care.records.escalations import Escalation
from care.services import attachments, audits, deliveries, heartbeats, pages, plans, reminders, scoring
from care.services.queue import Queue

TURNS = Queue("turns", Communication, "take_at")
QUEUES = (plans.QUEUE, reminders.QUEUE, TURNS, scoring.QUEUE, pages.QUEUE, deliveries.QUEUE, attachments.FETCH)
COUNTED = 100_000  # rows of a queue that are counted at most: more is "very many", and counting them is work too
RECENT = timedelta(days=1)
LOST = (Delivery.FAILED.value, Delivery.UNKNOWN.value)


@dataclass(frozen=True)
class Backlog:
    """What is due in one queue: rows (counted up to COUNTED), and the seconds that the oldest has waited."""

    due: int
    oldest: float


@dataclass(frozen=True)
class Vitals:
    """All of it. Times are seconds; `without_moment` are open escalations, but routine ones, that will page nobody."""

    queues: Mapping[str, Backlog]
    dead_letters: Mapping[str, int]
    lost: Mapping[str, int]
    heartbeats: Mapping[str, float]
    escalations: Mapping[str, int]
    without_moment: Mapping[str, int]
    unsealed: float


def vitals(session: Session, now: datetime, seconds: float = 5) -> Vitals:
    """Read them, each statement within `seconds`. Raises what the database raises; ends the transaction."""
    session.execute(
        text("SELECT set_config('statement_timeout', :milliseconds, true)"),
        {"milliseconds": str(int(seconds * 1000))},
    )
    try:
        return _read(session, now)
    finally:
        session.rollback()


def _read(session: Session, now: datetime) -> Vitals:
    lost = select(Communication.delivery, func.count()).where(
        Communication.delivery.in_(LOST), Communication.recorded_at > now - RECENT
    )
    letters = select(DeadLetter.queue, func.count()).where(DeadLetter.resolved_at.is_(None))
    is_open = Escalation.status != "completed"
    escalations = select(Escalation.priority, func.count()).where(is_open)
    forgotten = select(Escalation.priority, func.count()).where(
        is_open, Escalation.page_at.is_(None), Escalation.priority != "routine"
    )
    unsealed = audits.oldest_unsealed(session)
    return Vitals(
        queues={queue.name: _backlog(session, queue, now) for queue in QUEUES},
        dead_letters=_counts(session, letters, DeadLetter.queue.expression),
        lost=dict.fromkeys(LOST, 0) | _counts(session, lost, Communication.delivery.expression),
        heartbeats=heartbeats.ages(session),
        escalations=_counts(session, escalations, Escalation.priority.expression),
        without_moment=_counts(session, forgotten, Escalation.priority.expression),
        unsealed=max(0.0, (now - unsealed).total_seconds()) if unsealed else 0.0,
    )


def _backlog(session: Session, queue: Queue, now: datetime) -> Backlog:
    column = getattr(queue.model, queue.column)
    due = select(column.label("at")).where(column <= now)
    if queue.only is not None:
        due = due.where(queue.only)
    some = due.order_by(column).limit(COUNTED).subquery()
    count, oldest = session.execute(select(func.count(), func.min(some.c.at))).one()
    return Backlog(count, (now - oldest).total_seconds() if oldest else 0.0)


def _counts(session: Session, found: Select[Any, Any], by: ColumnElement[Any]) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in session.execute(found.group_by(by))}
