"""RiskAssessments: one judgement of one report; never edited. From here anyone can walk back to what it came from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Double,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    bindparam,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from care.domain.assessment import Assessment, Before, Carried, Change, Contribution, Counterfactual, HeadSays
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


NOTHING_SAID: dict[str, Any] = {
    "risk": None,
    "band": None,
    "vector": [],
    "contributions": [],
    "missing": [],
    "carried": [],
    "changes": [],
    "heads": [],
    "counterfactual": None,
    "previous_band": None,
}


def columns(made: Assessment) -> dict[str, Any]:
    """What a row keeps of an assessment; `read` gives it back to the last bit."""
    other = made.counterfactual
    return {
        "risk": made.risk,
        "band": made.band,
        "vector": [None if math.isnan(number) else number for number in made.vector],
        "contributions": [_contribution(share) for share in made.contributions],
        "missing": list(made.missing),
        "carried": [{"name": one.name, "day": one.day.isoformat()} for one in made.carried],
        "changes": [_change(one) for one in made.changes],
        "heads": [{"name": one.name, "risk": one.risk, "band": one.band} for one in made.heads],
        "counterfactual": None if other is None else _counterfactual(other),
        "previous_band": made.previous_band,
    }


def _contribution(share: Contribution) -> dict[str, Any]:
    found = {"name": share.name, "label": dict(share.label), "value": share.value, "logit": share.logit}
    return found | ({"filled": share.filled} if share.filled else {})


def _change(one: Change) -> dict[str, Any]:
    return {"name": one.name, "label": dict(one.label), "before": one.before, "now": one.now, "logit": one.logit}


def _counterfactual(one: Counterfactual) -> dict[str, Any]:
    return {"name": one.name, "label": dict(one.label), "now": one.now, "value": one.value, "band": one.band}


def read(row: RiskAssessment) -> Assessment | None:
    """The assessment as it was made, but for its priority, which is on the escalation; None where there was none."""
    if row.risk is None or row.band is None:
        return None
    return Assessment(
        row.bundle_id,
        row.bundle_sha256,
        row.risk,
        row.band,
        None,
        tuple(Contribution(**share) for share in row.contributions),
        tuple(row.missing),
        tuple(math.nan if number is None else number for number in row.vector),
        tuple(row.inputs),
        tuple(Carried(one["name"], date.fromisoformat(one["day"])) for one in row.carried),
        tuple(Change(**one) for one in row.changes),
        Counterfactual(**row.counterfactual) if row.counterfactual else None,
        tuple(HeadSays(**one) for one in row.heads),
        row.previous_band,
    )


# Of each asked patient and bundle the last assessment before a moment that nothing corrected.
_LAST = text(
    """
    SELECT asked.place, last.at, last.bundle_sha256, last.band, last.contributions
    FROM unnest(:patients, :bundles, :moments, :corrected) WITH ORDINALITY
        AS asked (patient_id, bundle_id, at, corrected, place)
    CROSS JOIN LATERAL (
        SELECT r.at, r.bundle_sha256, r.band, r.contributions FROM risk_assessment r
        WHERE r.patient_id = asked.patient_id AND r.at < asked.at AND r.bundle_id = asked.bundle_id
            AND r.risk IS NOT NULL AND r.mode <> 'shadow' AND r.response_id IS DISTINCT FROM asked.corrected
            AND NOT EXISTS (SELECT 1 FROM risk_assessment l WHERE l.supersedes_id = r.id)
        ORDER BY r.at DESC, r.id DESC LIMIT 1
    ) last
    """
).bindparams(
    bindparam("patients", type_=ARRAY(Uuid())),
    bindparam("bundles", type_=ARRAY(Text())),
    bindparam("moments", type_=ARRAY(TIMESTAMP(timezone=True))),
    bindparam("corrected", type_=ARRAY(Uuid())),
)


def last_before(
    session: Session, asked: Sequence[tuple[UUID, str, datetime, UUID | None]]
) -> dict[int, tuple[datetime, Before]]:
    """By the place of each (patient, bundle id, moment, response that is being corrected): what was said last."""
    if not asked:
        return {}
    patients, bundles, moments, corrected = (list(column) for column in zip(*asked, strict=True))
    values = {"patients": patients, "bundles": bundles, "moments": moments, "corrected": corrected}
    return {row[0] - 1: (row[1], _before(*row[2:])) for row in session.execute(_LAST, values)}


def _before(sha256: str, band: str, shares: Sequence[Mapping[str, Any]]) -> Before:
    values = {share["name"]: share["value"] for share in shares}
    return Before(sha256, band, values, {share["name"]: share["logit"] for share in shares})


def standing(session: Session, response_ids: Sequence[UUID]) -> list[RiskAssessment]:
    """The assessments of these reports that nothing corrected yet, oldest first."""
    if not response_ids:
        return []
    found = select(RiskAssessment).where(RiskAssessment.response_id.in_(response_ids), newest())
    return list(session.scalars(found.order_by(RiskAssessment.recorded_at, RiskAssessment.id)))


def corrected(session: Session, assessment: RiskAssessment) -> RiskAssessment:
    """What stands in this assessment's place today: itself, or the last of those that corrected it."""
    found = assessment
    while True:
        later = select(RiskAssessment).where(RiskAssessment.supersedes_id == found.id)
        row = session.scalars(later.order_by(RiskAssessment.recorded_at.desc(), RiskAssessment.id.desc())).first()
        if row is None:
            return found
        found = row
