"""Talking: which texts wait, and where their writers stand in talking with us; read with three statements for many."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, and_, any_, bindparam, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from care.domain.codes import TaskStatus
from care.domain.plan import PlanDefinition
from care.domain.turn import Talk
from care.records.care_plans import CarePlan
from care.records.communications import Communication, CommunicationContent
from care.records.conversations import Conversation
from care.records.patients import ContactPoint, Patient
from care.records.takeovers import TakeOver
from care.records.tasks import Task, opened_by
from care.services import content


class Row(NamedTuple):
    """A waiting text with its words, and where it came from."""

    message: Communication
    content: CommunicationContent
    contact: ContactPoint | None


@dataclass(slots=True)
class Talking:
    """One patient in conversation; `taken_over` while a person of the team writes with them instead of the bot."""

    patient: Patient
    talk: Talk
    conversation: Conversation | None
    tasks: dict[UUID, Task] = field(default_factory=dict)
    plans: list[tuple[CarePlan, PlanDefinition]] = field(default_factory=list)
    changed: bool = False
    taken_over: bool = False


# Statements are made once: making one costs about as much as the database needs for it.
_IDS = any_(bindparam("ids", type_=ARRAY(Uuid())))
_TEXTS = (
    select(Communication, CommunicationContent, ContactPoint)
    .join(CommunicationContent, CommunicationContent.id == Communication.id)
    .outerjoin(ContactPoint, ContactPoint.id == Communication.contact_point_id)
    .where(
        Communication.patient_id == _IDS,
        Communication.direction == "in",
        Communication.take_at <= bindparam("now"),
    )
    .order_by(Communication.recorded_at, Communication.id)
    .limit(bindparam("most"))
    .with_for_update(of=Communication)
    .execution_options(populate_existing=True)
)
_PEOPLE = (
    select(Patient, Conversation, CarePlan, TakeOver.id)
    .outerjoin(Conversation, Conversation.patient_id == Patient.id)
    .outerjoin(CarePlan, CarePlan.patient_id == Patient.id)
    .outerjoin(TakeOver, and_(TakeOver.patient_id == Patient.id, TakeOver.ended_at.is_(None)))
    .where(Patient.id == _IDS)
    .order_by(CarePlan.created_at, CarePlan.id)
)
_TASKS = (
    select(Task)
    .where(
        or_(
            and_(
                Task.patient_id == _IDS,
                Task.status.in_((TaskStatus.READY.value, TaskStatus.IN_PROGRESS.value)),
                opened_by(bindparam("now")),
                Task.expires_at > bindparam("earliest"),
            ),
            Task.id == any_(bindparam("asked", type_=ARRAY(Uuid()))),
        )
    )
    .order_by(Task.due_at, Task.id)
)


def waiting_texts(
    session: Session, now: datetime, patient_ids: Sequence[UUID], limit: int, only: UUID | None = None
) -> list[Row]:
    """The texts of these patients that wait for their turn, in the order in which they came; locked."""
    found = _TEXTS if only is None else _TEXTS.where(Communication.id == only)
    rows = session.execute(found, {"ids": list(patient_ids), "now": now, "most": limit})
    return [Row(message, words, contact) for message, words, contact in rows]


def talking(session: Session, now: datetime, ids: Collection[UUID], earliest: datetime) -> dict[UUID, Talking]:
    """Each of these patients with their talk, their plans (the oldest first), and the tasks that may be meant.

    Those are the tasks that were open when the `earliest` text came, and those that somebody is being asked about.
    """
    found: dict[UUID, Talking] = {}
    for patient, conversation, plan, taken_over in session.execute(_PEOPLE, {"ids": list(ids)}):
        one = found.get(patient.id)
        if one is None:
            talk = Talk.from_json(conversation.state) if conversation else Talk.idle()
            one = found[patient.id] = Talking(patient, talk, conversation, taken_over=taken_over is not None)
        if plan is not None:
            one.plans.append((plan, content.plan(session, plan.definition_id)))
    asked = [UUID(one.talk.task_id) for one in found.values() if one.talk.task_id]
    which = {"ids": list(ids), "now": now, "earliest": earliest, "asked": asked}
    for task in session.scalars(_TASKS, which):
        found[task.patient_id].tasks[task.id] = task
    return found
