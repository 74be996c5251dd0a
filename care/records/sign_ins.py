"""One-time codes and the sessions that patients get for them. Only hashes are kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.base import Base, OfPatient


class OneTimeCode(OfPatient, Base):
    """A six-digit code for one patient: short-lived, few tries, used once."""

    __tablename__ = "one_time_code"
    __table_args__ = (Index("ix_one_time_code_patient", "patient_id", "created_at"),)
    contact_point_id: Mapped[UUID | None] = mapped_column(ForeignKey("contact_point.id"))
    code_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")


class PatientSession(OfPatient, Base):
    """A signed-in app."""

    __tablename__ = "patient_session"
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Throttle(Base):
    """How often something was tried by someone (a token of an address, a user name) in a window of time."""

    __tablename__ = "throttle"
    key: Mapped[bytes] = mapped_column(unique=True)
    window_start: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")


def replace_code(session: Session, patient_id: UUID, contact_point_id: UUID, now: datetime) -> None:
    """What was sent there before is no longer good: codes that pile up are easier to guess."""
    session.execute(
        update(OneTimeCode)
        .where(OneTimeCode.patient_id == patient_id, OneTimeCode.contact_point_id == contact_point_id)
        .where(OneTimeCode.used_at.is_(None))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )


def live_codes(session: Session, patient_ids: list[UUID], now: datetime) -> list[OneTimeCode]:
    """Unused, unexpired codes of these patients, newest first, locked."""
    found = select(OneTimeCode).where(
        OneTimeCode.patient_id.in_(patient_ids), OneTimeCode.used_at.is_(None), OneTimeCode.expires_at > now
    )
    return list(session.scalars(found.order_by(OneTimeCode.created_at.desc()).with_for_update()))
