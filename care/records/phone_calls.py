"""PhoneCalls: each time that staff rang a patient, and what came of it; never changed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, select, tuple_
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from care.domain.codes import CallOutcome
from care.domain.people import Staff
from care.records.among import among
from care.records.base import Base, OfPatient
from care.records.patients import Patient, visible_to
from care.records.seal import Sealed


class PhoneCall(OfPatient, Base):
    """One attempt. `once` names the form it was written in: the same form sent twice is one call.

    `task_id`: what was answered in it, if anything was. `call_back_at`: when staff promised, or mean, to ring again;
    any later call keeps that promise.
    """

    __tablename__ = "phone_call"
    __table_args__ = (
        CheckConstraint(f"outcome IN ({', '.join(repr(one.value) for one in CallOutcome)})", name="outcome"),
        UniqueConstraint("patient_id", "once"),
        Index("ix_phone_call_patient", "patient_id", "at"),
        Index("ix_phone_call_back", "call_back_at", postgresql_where="call_back_at IS NOT NULL"),
    )
    author_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    task_id: Mapped[UUID | None] = mapped_column(ForeignKey("task.id"))
    outcome: Mapped[str]
    call_back_at: Mapped[datetime | None]
    note_sealed: Mapped[bytes | None]
    at: Mapped[datetime]
    once: Mapped[UUID]

    note = Sealed()


def phone_calls(session: Session, patient_id: UUID, limit: int = 30) -> list[PhoneCall]:
    """A patient's latest calls, newest first."""
    found = select(PhoneCall).where(PhoneCall.patient_id == patient_id)
    return list(session.scalars(found.order_by(PhoneCall.at.desc(), PhoneCall.id.desc()).limit(limit)))


def calls_by_id(session: Session, ids: Collection[UUID]) -> dict[UUID, PhoneCall]:
    """These calls, by id."""
    return {row.id: row for row in session.scalars(select(PhoneCall).where(among(PhoneCall.id, ids)))}


def promised_calls(session: Session, staff: Staff, limit: int = 200) -> list[tuple[PhoneCall, Patient]]:
    """The calls that are due to patients whom `staff` may see and were not made since, the earliest first."""
    later = aliased(PhoneCall)
    since = select(later.id).where(
        later.patient_id == PhoneCall.patient_id, tuple_(later.at, later.id) > tuple_(PhoneCall.at, PhoneCall.id)
    )
    found = (
        select(PhoneCall, Patient)
        .join(Patient, Patient.id == PhoneCall.patient_id)
        .where(PhoneCall.call_back_at.is_not(None), visible_to(staff), ~since.exists())
        .order_by(PhoneCall.call_back_at, PhoneCall.id)
    )
    return [(row.PhoneCall, row.Patient) for row in session.execute(found.limit(limit))]
