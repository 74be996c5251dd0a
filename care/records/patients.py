"""Patients, their contact points and the tokens by which they are found; and the one rule of who may see whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, Integer, UniqueConstraint, and_, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.domain.codes import Role
from care.domain.people import Staff
from care.errors import NotFound
from care.records.base import Base, OfOrganization, OfPatient
from care.records.seal import Sealed, SealedJson, token


class Patient(OfOrganization, Base):
    """One patient of one care team. `identity` is sealed: {name, birth_date, record_number}; the rest rules need."""

    __tablename__ = "patient"
    __table_args__ = (CheckConstraint("status IN ('active', 'inactive')", name="status"),)
    care_team_id: Mapped[UUID] = mapped_column(ForeignKey("care_team.id"), index=True)
    identity_sealed: Mapped[bytes]
    language: Mapped[str]
    time_zone: Mapped[str]
    country: Mapped[str]
    glucose_unit: Mapped[str] = mapped_column(default="mg/dL", server_default="mg/dL")
    status: Mapped[str] = mapped_column(default="active", server_default="active")
    created_at: Mapped[datetime]

    identity = SealedJson()

    @property
    def name(self) -> str:
        """The patient's name, opened."""
        return str(self.identity["name"])

    @property
    def initials(self) -> str:
        """What lists show: initials of a name in Latin letters, the first character of a Chinese one with a mark."""
        parts = self.name.split()
        return "".join(part[0].upper() for part in parts[:3]) if len(parts) > 1 else f"{self.name[:1]}○"


class Person(NamedTuple):
    """What rules need of a patient, read without opening who it is."""

    id: UUID
    organization_id: UUID
    care_team_id: UUID
    language: str
    time_zone: str
    country: str
    glucose_unit: str
    status: str


PERSON = tuple(getattr(Patient, name) for name in Person._fields)


class PatientToken(Base):
    """One way to find a patient: kind name | pinyin | digits | record; the token is an HMAC."""

    __tablename__ = "patient_token"
    __table_args__ = (
        UniqueConstraint("patient_id", "kind", "token"),
        Index("ix_patient_token_lookup", "organization_id", "kind", "token"),
    )
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"))
    kind: Mapped[str]
    token: Mapped[bytes]


class ContactPoint(OfPatient, Base):
    """An address of a patient on a channel. A shared one has a `label` that tells its people apart without a name."""

    __tablename__ = "contact_point"
    __table_args__ = (
        Index("ix_contact_point_lookup", "channel", "address_token"),
        Index("ix_contact_point_patient", "patient_id"),
        UniqueConstraint("patient_id", "channel", "address_token"),
        CheckConstraint("status IN ('active', 'opted-out', 'failed')", name="status"),
    )
    channel: Mapped[str]
    address_sealed: Mapped[bytes]
    address_token: Mapped[bytes]
    label_sealed: Mapped[bytes | None]
    rank: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    status: Mapped[str] = mapped_column(default="active", server_default="active")
    created_at: Mapped[datetime]

    address = Sealed()
    label = Sealed()


def address_token(channel: str, address: str) -> bytes:
    """The look-up token of an address on a channel."""
    return token(f"address:{channel}", address)


def visible_to(staff: Staff, model: Any = Patient) -> ColumnElement[bool]:
    """The one guard of every query: rows of patients of the staff member's own team, and nothing for anyone else.

    `model` is Patient, a table with `patient_id`, or one that also has `care_team_id` for rows of no patient.
    An administrator keeps accounts and content and sees no patient.
    """
    if staff.role is Role.ADMIN or staff.care_team_id is None:
        return model.id.is_(None)  # type: ignore[no-any-return]
    if model is Patient:
        return and_(Patient.organization_id == staff.organization_id, Patient.care_team_id == staff.care_team_id)
    team = select(Patient.id).where(
        Patient.organization_id == staff.organization_id, Patient.care_team_id == staff.care_team_id
    )
    guard: ColumnElement[bool] = model.patient_id.in_(team)
    if hasattr(model, "care_team_id"):
        orphan = and_(
            model.patient_id.is_(None),
            model.organization_id == staff.organization_id,
            model.care_team_id == staff.care_team_id,
        )
        guard = or_(guard, orphan)
    return guard


def patient_of(session: Session, staff: Staff, patient_id: UUID) -> Patient:
    """The patient, if `staff` may see them. Raises NotFound otherwise: it is not yours to know."""
    found = session.scalars(select(Patient).where(Patient.id == patient_id, visible_to(staff))).first()
    if found is None:
        raise NotFound("patient", "no such patient")
    return found


def contact_points(session: Session, patient_id: UUID) -> list[ContactPoint]:
    """A patient's contact points, preferred first."""
    found = select(ContactPoint).where(ContactPoint.patient_id == patient_id)
    return list(session.scalars(found.order_by(ContactPoint.rank, ContactPoint.id)))


def contacts_at(session: Session, channel: str, address: str) -> list[ContactPoint]:
    """Everyone who uses this address on this channel, oldest first; more than one on a shared phone."""
    found = select(ContactPoint).where(
        ContactPoint.channel == channel, ContactPoint.address_token == address_token(channel, address)
    )
    return list(session.scalars(found.order_by(ContactPoint.created_at, ContactPoint.id)))


def found_by(session: Session, staff: Staff, tokens: list[tuple[str, bytes]], limit: int = 50) -> list[Patient]:
    """Patients visible to `staff` who carry any of these (kind, token) pairs."""
    if not tokens:
        return []
    wanted = or_(*(and_(PatientToken.kind == kind, PatientToken.token == value) for kind, value in tokens))
    ids = select(PatientToken.patient_id).where(PatientToken.organization_id == staff.organization_id, wanted)
    found = select(Patient).where(visible_to(staff), Patient.id.in_(ids)).order_by(Patient.id).limit(limit)
    return list(session.scalars(found))
