"""RiskAssessments: one judgement of one report; never edited. From here anyone can walk back to what it came from."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Double, ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.base import Base, OfPatient


class RiskAssessment(OfPatient, Base):
    """`bundle_sha256` is empty when the protocol has no bundle; `reason` says why a bundle abstained.

    `inputs` are the ids of the observations used, `findings` what the rules found, `contributions` in logits.
    """

    __tablename__ = "risk_assessment"
    __table_args__ = (
        UniqueConstraint("response_id", "bundle_sha256", "rules_sha256"),
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


def assessments(session: Session, patient_id: UUID, limit: int = 100) -> list[RiskAssessment]:
    """A patient's latest assessments, newest first."""
    found = select(RiskAssessment).where(RiskAssessment.patient_id == patient_id)
    return list(session.scalars(found.order_by(RiskAssessment.at.desc(), RiskAssessment.id.desc()).limit(limit)))
