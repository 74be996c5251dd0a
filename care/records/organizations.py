"""Organizations (hospitals) and their care teams."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Double, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.base import Base, OfOrganization


class Organization(Base):
    """A hospital. `inbound_address` is its own number, by which a text from an unknown sender finds its team.

    `second_factor`: its administrators must have one.
    """

    __tablename__ = "organization"
    name: Mapped[str]
    country: Mapped[str]
    time_zone: Mapped[str]
    inbound_address: Mapped[str | None]
    second_factor: Mapped[bool] = mapped_column(default=False, server_default="false")


class CareTeam(OfOrganization, Base):
    """The people who share a list of patients. The default team gets what belongs to nobody yet.

    `second_factor`: its people must have one. `alerts_per_day`: how many routine alerts of models its nurses can look
    at (None: nobody has said).
    """

    __tablename__ = "care_team"
    name: Mapped[str]
    default: Mapped[bool] = mapped_column(default=False, server_default="false")
    second_factor: Mapped[bool] = mapped_column(default=False, server_default="false")
    alerts_per_day: Mapped[float | None] = mapped_column(Double())


def team_for_address(session: Session, address: str) -> CareTeam | None:
    """The default team of the organization that owns `address`; of the first organization when none does."""
    owner = select(CareTeam).join(Organization, Organization.id == CareTeam.organization_id)
    ordered = owner.order_by(
        (Organization.inbound_address == address).desc().nulls_last(), CareTeam.default.desc(), CareTeam.id
    )
    return session.scalars(ordered.limit(1)).first()


def care_team(session: Session, team_id: UUID) -> CareTeam | None:
    """The team with this id, or None."""
    return session.get(CareTeam, team_id)
