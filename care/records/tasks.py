"""Tasks: one thing a patient should do once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, select
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.base import Base, OfPatient, Queued


class Task(OfPatient, Queued, Base):
    """One occurrence of an action, identified by (care plan, action, nominal local date-time); never an ordinal.

    `remind_at` is the queue: when the next reminder or the closing is decided.
    """

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("care_plan_id", "action_id", "nominal"),
        CheckConstraint("status IN ('ready', 'in-progress', 'completed', 'failed', 'cancelled')", name="status"),
        Index("ix_task_patient", "patient_id", "due_at"),
        Index("ix_task_remind_at", "remind_at", postgresql_where="remind_at IS NOT NULL"),
    )
    care_plan_id: Mapped[UUID] = mapped_column(ForeignKey("care_plan.id"))
    action_id: Mapped[str]
    nominal: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=False))
    questionnaire: Mapped[str]
    status: Mapped[str]
    status_reason: Mapped[str | None]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    remind_at: Mapped[datetime | None]
    reminders_sent: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    completed_at: Mapped[datetime | None]


def open_tasks(session: Session, patient_id: UUID, now: datetime) -> list[Task]:
    """What the patient can answer now: due, not expired, not done; the earliest first."""
    found = select(Task).where(
        Task.patient_id == patient_id,
        Task.status.in_(("ready", "in-progress")),
        Task.due_at <= now,
        Task.expires_at > now,
    )
    return list(session.scalars(found.order_by(Task.due_at, Task.id)))


def tasks_between(session: Session, patient_id: UUID, since: datetime, until: datetime) -> list[Task]:
    """A patient's tasks with since <= due_at < until, in order."""
    found = select(Task).where(Task.patient_id == patient_id, Task.due_at >= since, Task.due_at < until)
    return list(session.scalars(found.order_by(Task.due_at, Task.id)))
