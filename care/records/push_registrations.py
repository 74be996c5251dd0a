"""PushRegistrations: the apps in which a patient is signed in, as a provider of push notifications knows them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.base import Base, OfPatient
from care.records.seal import Sealed, token

KINDS = ("token", "fid")
PLATFORMS = ("android", "ios", "web")


class PushRegistration(OfPatient, Base):
    """One app of one patient. `token` is what its provider knows it by, of a `kind`; one app is one patient's.

    `last_seen_at` is when the app last said that it is there; `language` is the one that it shows.
    """

    __tablename__ = "push_registration"
    __table_args__ = (
        Index("ix_push_registration_patient", "patient_id", "last_seen_at"),
        Index("ix_push_registration_session", "session_id"),
        CheckConstraint("kind IN ('token', 'fid')", name="kind"),
        CheckConstraint("platform IN ('android', 'ios', 'web')", name="platform"),
    )
    session_id: Mapped[UUID] = mapped_column(ForeignKey("patient_session.id"))
    kind: Mapped[str]
    token_sealed: Mapped[bytes]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    platform: Mapped[str]
    language: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]

    token = Sealed()


def push_hash(kind: str, value: str) -> bytes:
    """The look-up token of what a provider knows an app by."""
    return token(f"push:{kind}", value)


def push_registrations(session: Session, patient_id: UUID) -> list[PushRegistration]:
    """A patient's registrations, the one that was there last first."""
    found = select(PushRegistration).where(PushRegistration.patient_id == patient_id)
    return list(session.scalars(found.order_by(PushRegistration.last_seen_at.desc(), PushRegistration.id.desc())))
