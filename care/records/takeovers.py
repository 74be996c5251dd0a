"""TakeOvers: that a person of the team writes with a patient instead of the bot, and until when."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.among import among
from care.records.base import Base, OfPatient, Queued


class TakeOver(OfPatient, Queued, Base):
    """One taking over. It is over at `ended_at`: handed back, run out, or taken on by a colleague.

    `ends_at` is the queue of running out (NULL: it is over): nobody is forgotten because somebody went home.
    """

    __tablename__ = "take_over"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (ended_as IS NULL)", name="ended"),
        CheckConstraint("ended_as IN ('handed-back', 'ran-out', 'taken-on')", name="ended_as"),
        Index("uq_take_over_open", "patient_id", unique=True, postgresql_where="ended_at IS NULL"),
        Index("ix_take_over_ends_at", "ends_at", postgresql_where="ends_at IS NOT NULL"),
        Index("ix_take_over_patient", "patient_id", "at"),
    )
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_as: Mapped[str | None]


def take_over_of(session: Session, patient_id: UUID, lock: bool = False) -> TakeOver | None:
    """Who has the patient's conversation now, or None when the bot has it."""
    found = select(TakeOver).where(TakeOver.patient_id == patient_id, TakeOver.ended_at.is_(None))
    if lock:
        found = found.with_for_update().execution_options(populate_existing=True)
    return session.scalars(found).first()


def take_overs_of(session: Session, patient_ids: Collection[UUID]) -> dict[UUID, TakeOver]:
    """Of these patients, the open take-overs by patient."""
    if not patient_ids:
        return {}
    found = select(TakeOver).where(among(TakeOver.patient_id, patient_ids), TakeOver.ended_at.is_(None))
    return {row.patient_id: row for row in session.scalars(found)}
