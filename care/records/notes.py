"""Notes: what staff write about a patient for one another; sealed, and never changed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.among import among
from care.records.base import Base, OfPatient
from care.records.seal import Sealed


class Note(OfPatient, Base):
    """One note. `once` names the form it was written in: the same form sent twice is one note."""

    __tablename__ = "note"
    __table_args__ = (UniqueConstraint("patient_id", "once"), Index("ix_note_patient", "patient_id", "at"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    text_sealed: Mapped[bytes]
    at: Mapped[datetime]
    once: Mapped[UUID]

    text = Sealed()


def notes_by_id(session: Session, ids: Collection[UUID]) -> dict[UUID, Note]:
    """These notes, by id."""
    if not ids:
        return {}
    return {row.id: row for row in session.scalars(select(Note).where(among(Note.id, ids)))}
