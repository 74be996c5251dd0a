"""RelatedPersons: who may answer for a patient, as what, with whose consent, and until when."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.domain.codes import Relation
from care.errors import NotFound
from care.records.base import Base, OfPatient
from care.records.seal import Sealed


class RelatedPerson(OfPatient, Base):
    """One proxy. With an address, their texts are the patient's: it is one of the patient's contact points then.

    `contact_point_id` is the contact point that was made for them, and goes with them; empty where they share one of
    the patient's own. `consent_source` says how the patient agreed.
    """

    __tablename__ = "related_person"
    __table_args__ = (
        CheckConstraint(f"relation IN ({', '.join(repr(one.value) for one in Relation)})", name="relation"),
        CheckConstraint("(channel IS NULL) = (address_sealed IS NULL)", name="address"),
        CheckConstraint("(ended_at IS NULL) = (ended_by_id IS NULL)", name="ended"),
        Index("ix_related_person_patient", "patient_id"),
    )
    relation: Mapped[str]
    name_sealed: Mapped[bytes]
    channel: Mapped[str | None]
    address_sealed: Mapped[bytes | None]
    contact_point_id: Mapped[UUID | None]
    consent_source: Mapped[str]
    author_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))

    name = Sealed()
    address = Sealed()


def proxies(session: Session, patient_id: UUID) -> list[RelatedPerson]:
    """Everyone who may answer for the patient or once might, who still may first, then the latest."""
    found = select(RelatedPerson).where(RelatedPerson.patient_id == patient_id)
    return list(
        session.scalars(found.order_by(RelatedPerson.ended_at.is_not(None), RelatedPerson.created_at.desc()).limit(50))
    )


def proxy_of(session: Session, patient_id: UUID, proxy_id: UUID) -> RelatedPerson:
    """One proxy of the patient, locked. Raises NotFound."""
    found = select(RelatedPerson).where(RelatedPerson.id == proxy_id, RelatedPerson.patient_id == patient_id)
    row = session.scalars(found.with_for_update().execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("proxy", "no such proxy")
    return row
