"""Conversations: where a patient stands in talking with us; one row a patient, its state sealed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.domain.talk import Talk
from care.records.base import Base
from care.records.seal import SealedJson


class Conversation(Base):
    """The domain's Talk as JSON, sealed, because it holds answers."""

    __tablename__ = "conversation"
    organization_id: Mapped[UUID]
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"), unique=True)
    state_sealed: Mapped[bytes]
    updated_at: Mapped[datetime]

    state = SealedJson()


def conversation_of(session: Session, patient_id: UUID) -> Conversation | None:
    """The patient's conversation, or None before the first word."""
    return session.scalars(select(Conversation).where(Conversation.patient_id == patient_id)).first()


def end_talk(session: Session, patient_id: UUID, task_id: UUID, now: datetime) -> None:
    """The task was answered elsewhere: a conversation about it is over (no commit). The patient must be locked."""
    found = select(Conversation).where(Conversation.patient_id == patient_id)
    row = session.scalars(found.execution_options(populate_existing=True)).first()
    if row is not None and Talk.from_json(row.state).task_id == str(task_id):
        row.state, row.updated_at = Talk.idle().to_json(), now
