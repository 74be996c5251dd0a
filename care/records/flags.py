"""Flags: a standing warning, one active per patient and cause."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

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


def active_flags(session: Session, patient_ids: set[UUID]) -> dict[tuple[UUID, str], Flag]:
    """The active flags of these patients, by (patient, cause)."""
    found = session.scalars(select(Flag).where(Flag.patient_id.in_(patient_ids), Flag.status == "active"))
    return {(flag.patient_id, flag.cause): flag for flag in found if flag.patient_id is not None}


def orphan_flag(session: Session, care_team_id: UUID, cause: str) -> Flag | None:
    """The team's active flag of this cause that belongs to no patient."""
    found = select(Flag).where(
        Flag.care_team_id == care_team_id, Flag.cause == cause, Flag.patient_id.is_(None), Flag.status == "active"
    )
    return session.scalars(found).first()
