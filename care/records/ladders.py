"""Ladders and rotas of care teams: versions that are never changed; the newest counts for what comes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.domain.people import Staff
from care.errors import NotFound
from care.records.among import among
from care.records.base import Base, OfOrganization
from care.records.organizations import CareTeam
from care.records.practitioners import Practitioner
from care.records.seal import Sealed


class LadderVersion(OfOrganization, Base):
    """One version of a team's ladder. Escalations keep the version they were opened with."""

    __tablename__ = "ladder"
    __table_args__ = (Index("ix_ladder_newest", "care_team_id", "at"),)
    care_team_id: Mapped[UUID] = mapped_column(ForeignKey("care_team.id"))
    document: Mapped[dict[str, Any]]
    author_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    at: Mapped[datetime]


class Rota(OfOrganization, Base):
    """One version of a team's rota, and the number that is called when nobody answers at all."""

    __tablename__ = "rota"
    __table_args__ = (
        CheckConstraint("(fall_back_channel IS NULL) = (fall_back_sealed IS NULL)", name="fall_back"),
        Index("ix_rota_newest", "care_team_id", "at"),
    )
    care_team_id: Mapped[UUID] = mapped_column(ForeignKey("care_team.id"))
    shifts: Mapped[list[Any]]
    fall_back_channel: Mapped[str | None]
    fall_back_sealed: Mapped[bytes | None]
    author_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    at: Mapped[datetime]

    fall_back = Sealed()


def newest_ladders(session: Session, teams: Collection[UUID]) -> dict[UUID, LadderVersion]:
    """The ladder that counts for what is raised now, by team; none where a team has the default one."""
    found = select(LadderVersion).where(among(LadderVersion.care_team_id, teams))
    newest = found.ext(distinct_on(LadderVersion.care_team_id)).order_by(
        LadderVersion.care_team_id, LadderVersion.at.desc(), LadderVersion.id.desc()
    )
    return {row.care_team_id: row for row in session.scalars(newest)}


def ladders_by_id(session: Session, ids: Collection[UUID]) -> dict[UUID, LadderVersion]:
    """These versions, by id."""
    if not ids:
        return {}
    return {row.id: row for row in session.scalars(select(LadderVersion).where(among(LadderVersion.id, ids)))}


def newest_rotas(session: Session, teams: Collection[UUID] | None = None) -> dict[UUID, Rota]:
    """The rota that counts now, by team (of all teams without `teams`); none where a team has never written one."""
    found = select(Rota)
    if teams is not None:
        found = found.where(among(Rota.care_team_id, teams))
    newest = found.ext(distinct_on(Rota.care_team_id)).order_by(Rota.care_team_id, Rota.at.desc(), Rota.id.desc())
    return {row.care_team_id: row for row in session.scalars(newest)}


def team_of(session: Session, staff: Staff, care_team_id: UUID) -> CareTeam:
    """A team of the staff member's own organization. Raises NotFound otherwise."""
    found = select(CareTeam).where(CareTeam.id == care_team_id, CareTeam.organization_id == staff.organization_id)
    row = session.scalars(found).first()
    if row is None:
        raise NotFound("care-team", "no such care team")
    return row


def people_of(session: Session, organization_id: UUID) -> list[Practitioner]:
    """Everyone of the organization, closed accounts too, longest-serving first: a rota may still name them."""
    found = select(Practitioner).where(Practitioner.organization_id == organization_id)
    return list(session.scalars(found.order_by(Practitioner.created_at, Practitioner.id)))
