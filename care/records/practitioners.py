"""Practitioners (staff) and their sessions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.domain.codes import Role
from care.domain.people import Staff
from care.records.base import Base, OfOrganization
from care.records.seal import Sealed


class Practitioner(OfOrganization, Base):
    """One member of staff. The password is an argon2id hash; where pages go is sealed."""

    __tablename__ = "practitioner"
    __table_args__ = (
        CheckConstraint("role IN ('nurse', 'clinician', 'admin')", name="role"),
        CheckConstraint("role = 'admin' OR care_team_id IS NOT NULL", name="team"),
        CheckConstraint("language IN ('en', 'zh-Hans', 'zh-Hant')", name="language"),
    )
    care_team_id: Mapped[UUID | None] = mapped_column(ForeignKey("care_team.id"), index=True)
    role: Mapped[str]
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True, server_default="true")
    page_channel: Mapped[str] = mapped_column(default="console", server_default="console")
    page_address_sealed: Mapped[bytes | None]
    created_at: Mapped[datetime]
    language: Mapped[str | None]

    page_address = Sealed()

    def staff(self) -> Staff:
        """Who this is, as services see it."""
        return Staff(self.id, self.organization_id, self.care_team_id, Role(self.role), self.name, self.language)


class StaffSession(Base):
    """A signed-in browser. Only the token's hash is kept."""

    __tablename__ = "staff_session"
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


def by_username(session: Session, username: str) -> Practitioner | None:
    """The practitioner who signs in with `username` (case-insensitive), or None."""
    return session.scalars(select(Practitioner).where(Practitioner.username == username.strip().lower())).first()


def on_duty(session: Session, care_team_id: UUID, role: str) -> list[Practitioner]:
    """Everyone of this role in this team who can be paged, longest-serving first."""
    found = select(Practitioner).where(
        Practitioner.care_team_id == care_team_id, Practitioner.role == role, Practitioner.active
    )
    return list(session.scalars(found.order_by(Practitioner.created_at, Practitioner.id)))


def names(session: Session, ids: set[UUID]) -> dict[UUID, str]:
    """The names of these practitioners; nothing is asked for nobody."""
    if not ids:
        return {}
    rows = session.execute(select(Practitioner.id, Practitioner.name).where(Practitioner.id.in_(ids)))
    return {row.id: row.name for row in rows}
