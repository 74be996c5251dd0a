"""Codes by which a patient binds an account of theirs (WeChat) to their record. Only hashes are kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.base import Base, OfPatient
from care.records.seal import Sealed


class BindingCode(OfPatient, Base):
    """One code that a member of staff made for one patient; `label` is for an account that several share."""

    __tablename__ = "binding_code"
    __table_args__ = (Index("ix_binding_code_patient", "patient_id"),)
    code_hash: Mapped[bytes] = mapped_column(unique=True)
    label_sealed: Mapped[bytes | None]
    practitioner_id: Mapped[UUID]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    label = Sealed()


def live_code(session: Session, code_hash: bytes, now: datetime) -> BindingCode | None:
    """The code with this hash, if it can still be used; locked, so that it is used once."""
    found = select(BindingCode).where(
        BindingCode.code_hash == code_hash, BindingCode.used_at.is_(None), BindingCode.expires_at > now
    )
    return session.scalars(found.with_for_update().execution_options(populate_existing=True)).first()
