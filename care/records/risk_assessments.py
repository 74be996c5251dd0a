"""RiskAssessments: one judgement of one report; never edited. From here anyone can walk back to what it came from."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, Double, ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from care.records.base import Base, OfPatient


class RiskAssessment(OfPatient, Base):
    """`bundle_sha256` is empty when the protocol has no bundle; `reason` says why a bundle abstained.

    `inputs` are the ids of the observations used, `findings` what the rules found, `contributions` in logits. In
    `vector` (the numbers that the graph read, float32) null stands for "not a number": the graph was told nothing.
    `carried` are features that an older value stands for, `changes` what differs from the last assessment by the same
    bundle, `previous_band` its band, `counterfactual` the smallest change that would leave the band, `heads` what the
    other heads say. `zone` is where the patient's days were counted. `mode` is active, canary or shadow; what is in the
    shadow is shown to nobody who cares for the patient. `supersedes_id` is the assessment that this one corrects.
    """

    __tablename__ = "risk_assessment"
    __table_args__ = (
        UniqueConstraint("response_id", "bundle_sha256", "rules_sha256", "mode"),
        CheckConstraint("mode IN ('active', 'canary', 'shadow')", name="mode"),
        Index("ix_risk_assessment_patient", "patient_id", "at"),
    )
    response_id: Mapped[UUID] = mapped_column(ForeignKey("questionnaire_response.id"))
    bundle_id: Mapped[str] = mapped_column(default="", server_default="")
    bundle_sha256: Mapped[str] = mapped_column(default="", server_default="")
    rules_sha256: Mapped[str] = mapped_column(default="", server_default="")
    risk: Mapped[float | None] = mapped_column(Double())
    band: Mapped[str | None]
    reason: Mapped[str | None]
    vector: Mapped[list[Any]]
    contributions: Mapped[list[Any]]
    missing: Mapped[list[Any]]
    inputs: Mapped[list[Any]]
    findings: Mapped[list[Any]]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    carried: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    changes: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    heads: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    counterfactual: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    mode: Mapped[str] = mapped_column(default="active", server_default="active")
    zone: Mapped[str] = mapped_column(default="", server_default="")
    previous_band: Mapped[str | None]
    supersedes_id: Mapped[UUID | None] = mapped_column(index=True)


def newest() -> ColumnElement[bool]:
    """Whether no other assessment corrects this one."""
    later = aliased(RiskAssessment)
    return ~select(later.id).where(later.supersedes_id == RiskAssessment.id).exists()


def assessments(session: Session, patient_id: UUID, limit: int = 100) -> list[RiskAssessment]:
    """A patient's latest assessments, newest first: neither those that were corrected nor what is in the shadow."""
    found = select(RiskAssessment).where(
        RiskAssessment.patient_id == patient_id, RiskAssessment.mode != "shadow", newest()
    )
    return list(session.scalars(found.order_by(RiskAssessment.at.desc(), RiskAssessment.id.desc()).limit(limit)))
