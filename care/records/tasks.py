"""Tasks: one thing a patient should do once."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    Select,
    UniqueConstraint,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.base import Base, OfPatient, Queued
from care.records.care_plans import CarePlan
from care.records.consents import EVERY_CHANNEL, FOLLOW_UP, Consent
from care.records.patients import PERSON, ContactPoint, Patient, Person


class Task(OfPatient, Queued, Base):
    """One occurrence of an action, identified by (care plan, action, nominal local date-time); never an ordinal.

    `remind_at` is the queue: when the next reminder or the closing is decided.
    `asked_at` is when a reminder last put its question to the patient: the conversation opens with their next text, and
    nothing is written for it before. It may be answered from `opens_at`
    (NULL: from `due_at`) until `closes_at` (NULL: however late; only from `expires_at` on nobody is reminded).
    """

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("care_plan_id", "action_id", "nominal"),
        CheckConstraint("status IN ('ready', 'in-progress', 'completed', 'failed', 'cancelled')", name="status"),
        Index("ix_task_patient", "patient_id", "due_at", postgresql_include=["status", "status_reason"]),
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
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    remind_at: Mapped[datetime | None]
    reminders_sent: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    asked_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]


def opened_by(at: Any) -> ColumnElement[bool]:
    """The tasks that may be answered from `at` (a moment or a parameter) or earlier on."""
    return or_(Task.due_at <= at, Task.opens_at <= at)


def open_tasks(session: Session, patient_id: UUID, now: datetime) -> list[Task]:
    """What the patient can answer now: open, not expired, not done; the earliest first."""
    found = select(Task).where(
        Task.patient_id == patient_id,
        Task.status.in_(("ready", "in-progress")),
        opened_by(now),
        Task.expires_at > now,
    )
    return list(session.scalars(found.order_by(Task.due_at, Task.id)))


def tasks_between(session: Session, patient_id: UUID, since: datetime, until: datetime) -> list[Task]:
    """A patient's tasks with since <= due_at < until, in order."""
    found = select(Task).where(Task.patient_id == patient_id, Task.due_at >= since, Task.due_at < until)
    return list(session.scalars(found.order_by(Task.due_at, Task.id)))


class DueTask(NamedTuple):
    """A task whose reminder is being decided, with what the decision needs of its plan, its patient and their address.

    `contact_id` to `address_token` are of the best active contact point with a consent, None when there is none.
    """

    id: UUID
    lease_until: datetime
    care_plan_id: UUID
    action_id: str
    questionnaire: str
    status: str
    due_at: datetime
    expires_at: datetime
    reminders_sent: int
    remind_at: datetime
    asked_at: datetime | None
    plan_status: str
    definition_id: UUID
    contact_id: UUID | None
    channel: str | None
    address_token: bytes | None
    person: Person


_LAST = len(DueTask._fields) - 1
_OF_TASK = DueTask._fields[: DueTask._fields.index("plan_status")]


def due_tasks(rows: FromClause) -> Select[Any]:
    """What is known of `rows` of this table (leased just now, say), earliest due first; `read_due` makes DueTasks."""
    task = rows.c
    wanted = (
        select(Consent.granted)
        .where(
            Consent.patient_id == ContactPoint.patient_id,
            Consent.purpose == FOLLOW_UP,
            or_(Consent.channel == ContactPoint.channel, Consent.channel == EVERY_CHANNEL),
        )
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    best = (
        select(ContactPoint.id, ContactPoint.channel, ContactPoint.address_token)
        .where(ContactPoint.patient_id == task.patient_id, ContactPoint.status == "active", wanted)
        .order_by(ContactPoint.rank, ContactPoint.id)
        .limit(1)
        .lateral("best")
    )
    # One look-up a row, whatever the planner believes of costs: a LIMIT keeps it from reading whole tables for a batch.
    plan = select(CarePlan.status, CarePlan.definition_id).where(CarePlan.id == task.care_plan_id).limit(1)
    person = select(*PERSON).where(Patient.id == task.patient_id).limit(1)
    of_plan, of_person = plan.lateral("of_plan"), person.lateral("of_person")
    own = [task[name] for name in _OF_TASK]
    found: Any = (
        select(
            *own,
            *of_plan.c,
            best.c.id.label("contact_id"),
            best.c.channel,
            best.c.address_token,
            *of_person.c,
        )
        .select_from(rows)
        .join(of_plan, true())
        .join(of_person, true())
        .outerjoin(best, true())
        .order_by(task.remind_at, task.id)
    )
    return cast("Select[Any]", found)


def read_due(row: Any) -> DueTask:
    """A row of `due_tasks` as a value."""
    return DueTask._make((*row[:_LAST], Person._make(row[_LAST:])))
