"""Overview: what the patient's page asks about now; each question costs the same however long the history is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from care.domain.codes import EscalationStatus, TaskStatus
from care.domain.people import Staff
from care.records.escalations import Escalation
from care.records.observations import Observation
from care.records.patients import visible_to
from care.records.tasks import Task

OPEN = (TaskStatus.READY.value, TaskStatus.IN_PROGRESS.value)
LONG_AGO = timedelta(days=366)


def open_alerts(session: Session, staff: Staff, patient_id: UUID, limit: int = 20) -> list[Escalation]:
    """A patient's open escalations, the most pressing first."""
    found = select(Escalation).where(
        Escalation.patient_id == patient_id,
        Escalation.status != EscalationStatus.COMPLETED.value,
        visible_to(staff, Escalation),
    )
    return list(session.scalars(found.order_by(Escalation.rank.desc(), Escalation.requested_at).limit(limit)))


def next_tasks(session: Session, patient_id: UUID, now: datetime, limit: int = 5) -> list[Task]:
    """What the patient is asked next: what is open and not expired, the earliest first."""
    found = select(Task).where(
        Task.patient_id == patient_id,
        Task.status.in_(OPEN),
        Task.expires_at > now,
        Task.due_at > now - timedelta(days=31),
    )
    return list(session.scalars(found.order_by(Task.due_at, Task.id).limit(limit)))


def recent_tasks(session: Session, patient_id: UUID, now: datetime, limit: int = 8) -> list[Task]:
    """What the patient was asked last and is over: answered, missed or taken back; the latest first."""
    found = select(Task).where(
        Task.patient_id == patient_id, Task.due_at <= now + timedelta(days=1), Task.status.not_in(OPEN)
    )
    recent = found.where(Task.due_at > now - timedelta(days=31)).order_by(Task.due_at.desc(), Task.id.desc())
    rows = session.scalars(recent.limit(limit + 20))
    return [task for task in rows if task.due_at <= now or task.status == TaskStatus.COMPLETED.value][:limit]


def measured_before(
    session: Session, patient_id: UUID, before: datetime, known: Collection[str]
) -> list[tuple[str, datetime]]:
    """What was measured in the year before and not since (`known` was): each code with its last time, latest first."""
    last = func.max(Observation.at)
    found = select(Observation.code, last).where(
        Observation.patient_id == patient_id,
        Observation.at < before,
        Observation.at >= before - LONG_AGO,
        Observation.value.is_not(None),
        ~Observation.superseded,
        Observation.code.not_in(list(known)),
    )
    rows = session.execute(found.group_by(Observation.code).order_by(last.desc(), Observation.code))
    return [(code, at) for code, at in rows]
