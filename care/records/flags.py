"""Flags: a standing warning, one active per patient and cause."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from care.records.base import Base, OfOrganization


class Flag(OfOrganization, Base):
    """`patient_id` is empty for a text of an unknown sender; the team then holds it."""

    __tablename__ = "flag"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'inactive')", name="status"),
        Index(
            "uq_flag_cause", "patient_id", "cause", unique=True,
            postgresql_where="status = 'active' AND patient_id IS NOT NULL",
        ),
        Index(
            "uq_flag_orphan_cause", "care_team_id", "cause", unique=True,
            postgresql_where="status = 'active' AND patient_id IS NULL",
        ),
    )  # fmt: skip
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id"))
    care_team_id: Mapped[UUID] = mapped_column(ForeignKey("care_team.id"))
    cause: Mapped[str]
    status: Mapped[str]
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]
