"""CarePlans: one patient on one version of a protocol from a start day."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.domain.people import Staff
from care.errors import NotFound
from care.records.base import Base, OfPatient, Queued
from care.records.patients import visible_to
from care.records.seal import Sealed


class CarePlan(OfPatient, Queued, Base):
    """`definition_id` pins the version until a named person migrates it; `expand_at` is when more tasks are written.

    On hold, it is when the pause ends (`paused_until`; NULL: when somebody ends it). The reason is sealed.
    """

    __tablename__ = "care_plan"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'active', 'on-hold', 'revoked', 'completed')", name="status"),
        Index("ix_care_plan_patient", "patient_id"),
        Index("ix_care_plan_expand_at", "expand_at", postgresql_where="expand_at IS NOT NULL"),
    )
    definition_id: Mapped[UUID] = mapped_column(ForeignKey("definition.id"))
    status: Mapped[str]
    starts_on: Mapped[date]
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    created_at: Mapped[datetime]
    expanded_until: Mapped[datetime | None]
    expand_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    pause_reason_sealed: Mapped[bytes | None]

    pause_reason = Sealed()


def active_plans(session: Session, patient_id: UUID) -> list[CarePlan]:
    """A patient's active plans, oldest first."""
    found = select(CarePlan).where(CarePlan.patient_id == patient_id, CarePlan.status == "active")
    return list(session.scalars(found.order_by(CarePlan.created_at, CarePlan.id)))


def care_plan_of(session: Session, staff: Staff, care_plan_id: UUID, lock: bool = False) -> CarePlan:
    """The plan, if `staff` may see its patient. Raises NotFound otherwise."""
    found = select(CarePlan).where(CarePlan.id == care_plan_id, visible_to(staff, CarePlan))
    if lock:
        found = found.with_for_update()
    plan = session.scalars(found.execution_options(populate_existing=True)).first()
    if plan is None:
        raise NotFound("care-plan", "no such plan")
    return plan
