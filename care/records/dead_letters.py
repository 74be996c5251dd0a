"""Dead letters: rows that failed all their attempts. Nothing is dropped; a nurse and the metrics see them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from care.records.base import Base


class DeadLetter(Base):
    """`error` is the error's type, never its text."""

    __tablename__ = "dead_letter"
    __table_args__ = (
        Index("ix_dead_letter_open", "queue", "at", postgresql_where="resolved_at IS NULL"),
        Index("ix_dead_letter_row", "row_id"),
    )
    queue: Mapped[str]
    row_id: Mapped[UUID]
    patient_id: Mapped[UUID | None]
    error: Mapped[str]
    at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
