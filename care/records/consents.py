"""The consent ledger: append-only; the newest row of a patient, purpose and channel counts."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, select
from sqlalchemy.orm import Mapped, Session

from care.records.base import Base, OfPatient

FOLLOW_UP = "follow-up"
EVERY_CHANNEL = "*"


class Consent(OfPatient, Base):
    """One decision: given or withdrawn, for a purpose on a channel ('*' is all), with the wording's version.

    `asked_by` is the member of staff who asked the patient, `asked_on` the day; unknown where nobody of ours did.
    """

    __tablename__ = "consent"
    __table_args__ = (Index("ix_consent_latest", "patient_id", "purpose", "channel", "at"),)
    purpose: Mapped[str]
    channel: Mapped[str]
    granted: Mapped[bool]
    version: Mapped[str]
    language: Mapped[str]
    source: Mapped[str]
    at: Mapped[datetime]
    asked_by: Mapped[UUID | None]
    asked_on: Mapped[date | None]


def ledger(session: Session, patient_id: UUID) -> list[Consent]:
    """All decisions of one patient, newest first."""
    return list(session.scalars(select(Consent).where(Consent.patient_id == patient_id).order_by(Consent.at.desc())))
