"""Versions of models and what people decided about them; and what the monitor found each week."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, Integer, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.domain.codes import Role
from care.domain.model_life import Approval, Life, ModelState
from care.records.base import Base


class ModelVersion(Base):
    """One version of a bundle, known by its hash. `card` is its model card, `blocked` the gates that did not hold.

    `shipped`: it came with the product and went into use without approvals. `approvals` are those since the last state.
    `routine_from` is the risk at which its bands ask for a routine look, None where they ask for none.
    """

    __tablename__ = "model_version"
    __table_args__ = (
        UniqueConstraint("bundle_id", "version"),
        CheckConstraint("state IN ('registered', 'shadow', 'canary', 'active', 'retired')", name="state"),
        Index("uq_model_version_active", "bundle_id", unique=True, postgresql_where="state = 'active'"),
    )
    bundle_id: Mapped[str]
    version: Mapped[str]
    sha256: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    ended: Mapped[str] = mapped_column(default="", server_default="")
    shipped: Mapped[bool] = mapped_column(default=False, server_default="false")
    routine_from: Mapped[float | None] = mapped_column(Double())
    teams: Mapped[list[Any]]
    approvals: Mapped[list[Any]]
    blocked: Mapped[list[Any]]
    card: Mapped[dict[str, Any]]
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("model_version.id"))
    registered_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    @property
    def life(self) -> Life:
        """The row as the state machine sees it."""
        given = tuple(Approval(one["by"], Role(one["role"])) for one in self.approvals)
        teams, blocked = frozenset(self.teams), tuple(self.blocked)
        return Life(ModelState(self.state), given, teams, self.ended, blocked)  # type: ignore[arg-type]

    @life.setter
    def life(self, life: Life) -> None:
        self.state, self.ended, self.teams = life.state.value, life.ended, sorted(life.teams)
        self.approvals = [{"by": one.by, "role": one.role.value} for one in life.approvals]


class ModelEvent(Base):
    """One decision or one finding about a version; never changed. Nobody's (`by_id` None) is the system's."""

    __tablename__ = "model_event"
    __table_args__ = (Index("ix_model_event_model", "model_id", "at"),)
    model_id: Mapped[UUID] = mapped_column(ForeignKey("model_version.id"))
    at: Mapped[datetime]
    kind: Mapped[str]
    by_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    role: Mapped[str] = mapped_column(default="", server_default="")
    state: Mapped[str]
    note: Mapped[str] = mapped_column(default="", server_default="")


class ModelReview(Base):
    """What one week showed of one version, in one group ('all', 'site:<team>', 'sex:…'). `alarms`: what is wrong."""

    __tablename__ = "model_review"
    __table_args__ = (UniqueConstraint("model_id", "week", "group"),)
    model_id: Mapped[UUID] = mapped_column(ForeignKey("model_version.id"))
    week: Mapped[date]
    group: Mapped[str]
    figures: Mapped[dict[str, Any]]
    alarms: Mapped[list[Any]]
    recorded_at: Mapped[datetime]


class AlertThreshold(Base):
    """From `at` on a team's routine alerts of a model begin at this risk: never above the `floor`.

    `per_day` is what the nurses can look at, `evaluated` how many are looked at for one that is right (NNE; None: not
    known). The newest row of a team and model counts.
    """

    __tablename__ = "alert_threshold"
    __table_args__ = (Index("ix_alert_threshold_latest", "care_team_id", "bundle_sha256", "at"),)
    care_team_id: Mapped[UUID] = mapped_column(ForeignKey("care_team.id"))
    bundle_sha256: Mapped[str]
    threshold: Mapped[float] = mapped_column(Double())
    floor: Mapped[float | None] = mapped_column(Double())
    per_day: Mapped[float] = mapped_column(Double())
    scores: Mapped[int] = mapped_column(Integer)
    evaluated: Mapped[float | None] = mapped_column(Double())
    at: Mapped[datetime]


def versions(session: Session, bundle_id: str | None = None) -> list[ModelVersion]:
    """Every version (of one bundle), by bundle and the order in which they were registered."""
    found = select(ModelVersion).order_by(ModelVersion.bundle_id, ModelVersion.registered_at, ModelVersion.id)
    return list(session.scalars(found if bundle_id is None else found.where(ModelVersion.bundle_id == bundle_id)))


def events(session: Session, model_id: UUID) -> list[ModelEvent]:
    """All that was decided and found about a version, oldest first."""
    found = select(ModelEvent).where(ModelEvent.model_id == model_id)
    return list(session.scalars(found.order_by(ModelEvent.at, ModelEvent.id)))


def reviews(session: Session, model_id: UUID, group: str | None = None) -> list[ModelReview]:
    """What the weeks showed of a version (in one group), oldest first."""
    found = select(ModelReview).where(ModelReview.model_id == model_id)
    if group is not None:
        found = found.where(ModelReview.group == group)
    return list(session.scalars(found.order_by(ModelReview.week, ModelReview.group)))


def live_thresholds(session: Session, shas: list[str]) -> dict[tuple[UUID, str], AlertThreshold]:
    """The threshold that counts, by team and bundle hash."""
    found = select(AlertThreshold).where(AlertThreshold.bundle_sha256.in_(shas)).order_by(AlertThreshold.at)
    return {(row.care_team_id, row.bundle_sha256): row for row in session.scalars(found)}
