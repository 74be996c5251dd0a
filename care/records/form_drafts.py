"""FormDrafts: what was filled in of a task's form, by the patient or for them, and not handed in yet; sealed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.among import among
from care.records.base import Base, OfPatient, Queued
from care.records.seal import SealedJson


class FormDraft(OfPatient, Queued, Base):
    """`answers` as the app posted them (files without their data). `settle_at`: when the task's time is over.

    One a task. `author_id` is the member of staff who wrote in it last, for the patient; None is the patient.
    """

    __tablename__ = "form_draft"
    __table_args__ = (Index("ix_form_draft_settle_at", "settle_at", postgresql_where="settle_at IS NOT NULL"),)
    task_id: Mapped[UUID] = mapped_column(ForeignKey("task.id"), unique=True)
    answers_sealed: Mapped[bytes]
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    updated_at: Mapped[datetime]
    settle_at: Mapped[datetime | None]

    answers = SealedJson()


def form_draft(session: Session, task_id: UUID) -> FormDraft | None:
    """The draft of a task, if there is one."""
    return session.scalars(select(FormDraft).where(FormDraft.task_id == task_id)).first()


def tasks_begun(session: Session, task_ids: list[UUID]) -> set[UUID]:
    """Those of these tasks that have a draft."""
    return set(session.scalars(select(FormDraft.task_id).where(among(FormDraft.task_id, task_ids))))


def drop_form_draft(session: Session, task_id: UUID) -> None:
    """The task was answered: its draft has done its work."""
    session.execute(delete(FormDraft).where(FormDraft.task_id == task_id))
