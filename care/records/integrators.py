"""Integrators: the systems of a hospital (laboratory, devices) that may hand in values. Only a key's hash is kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.base import Base, OfOrganization


class Integrator(OfOrganization, Base):
    """One system with its own key; it may hand values in, and reads nothing."""

    __tablename__ = "integrator"
    name: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


def integrators(session: Session, organization_id: UUID) -> list[Integrator]:
    """An organization's integrators, oldest first, revoked ones too."""
    found = select(Integrator).where(Integrator.organization_id == organization_id)
    return list(session.scalars(found.order_by(Integrator.created_at, Integrator.id)))
