"""VisitRequests (FHIR's ServiceRequest): a clinician asks the nurses that a patient is seen, how soon and why."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.domain.people import Staff
from care.errors import NotFound
from care.records.base import Base, OfPatient
from care.records.patients import visible_to
from care.records.seal import Sealed


class VisitRequest(OfPatient, Base):
    """active -> completed (seen) or revoked (not needed any more); one active for a case. `rank` is the priority's."""

    __tablename__ = "visit_request"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'completed', 'revoked')", name="status"),
        CheckConstraint("(status = 'active') = (ended_at IS NULL)", name="ended"),
        Index("uq_visit_request_active", "escalation_id", unique=True, postgresql_where="status = 'active'"),
        Index("ix_visit_request_patient", "patient_id", "requested_at"),
        Index("ix_visit_request_escalation", "escalation_id"),
        Index("ix_visit_request_open", "rank", "requested_at", postgresql_where="status = 'active'"),
    )
    escalation_id: Mapped[UUID] = mapped_column(ForeignKey("escalation.id"))
    status: Mapped[str]
    priority: Mapped[str]
    rank: Mapped[int] = mapped_column(SmallInteger)
    note_sealed: Mapped[bytes]
    requester_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    requested_at: Mapped[datetime]
    ended_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    ended_at: Mapped[datetime | None]

    note = Sealed()


def visit_of(session: Session, staff: Staff, visit_id: UUID, lock: bool = False) -> VisitRequest:
    """The request, if `staff` may see its patient. Raises NotFound otherwise."""
    found = select(VisitRequest).where(VisitRequest.id == visit_id, visible_to(staff, VisitRequest))
    row = session.scalars(found.with_for_update() if lock else found).first()
    if row is None:
        raise NotFound("visit", "no such visit")
    return row


def open_visits(session: Session, staff: Staff, limit: int = 200) -> list[VisitRequest]:
    """What the team's nurses are asked to arrange: the most pressing first, then what was asked first."""
    found = select(VisitRequest).where(VisitRequest.status == "active", visible_to(staff, VisitRequest))
    ordered = found.order_by(VisitRequest.rank.desc(), VisitRequest.requested_at, VisitRequest.id)
    return list(session.scalars(ordered.limit(limit)))


def ended_visits(session: Session, staff: Staff, since: datetime, limit: int = 50) -> list[VisitRequest]:
    """What was arranged or called off since then, the latest first."""
    found = select(VisitRequest).where(
        VisitRequest.status != "active", VisitRequest.ended_at >= since, visible_to(staff, VisitRequest)
    )
    return list(session.scalars(found.order_by(VisitRequest.ended_at.desc(), VisitRequest.id.desc()).limit(limit)))


def visits_of(
    session: Session, staff: Staff, patient_id: UUID, escalation_ids: Collection[UUID] = (), limit: int = 20
) -> list[VisitRequest]:
    """One patient's visits (of some cases only, if any are named), newest first."""
    found = select(VisitRequest).where(VisitRequest.patient_id == patient_id, visible_to(staff, VisitRequest))
    if escalation_ids:
        found = found.where(VisitRequest.escalation_id.in_(escalation_ids))
    return list(session.scalars(found.order_by(VisitRequest.requested_at.desc(), VisitRequest.id.desc()).limit(limit)))
