"""What a clinician reads of one case: every score over time, what was measured before, and what was done so far."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from care.records.audit_events import AuditEvent
from care.records.communications import Communication
from care.records.escalations import Escalation
from care.records.model_versions import ModelVersion
from care.records.observations import Observation
from care.records.risk_assessments import RiskAssessment

MOST = 500


@dataclass(frozen=True, slots=True)
class Spoke:
    """One time that a model spoke, or said why it did not. `superseded`: a later assessment corrects it."""

    id: UUID
    bundle_id: str
    bundle_sha256: str
    at: datetime
    risk: float | None
    band: str | None
    reason: str | None
    superseded: bool


def spoken(session: Session, patient_id: UUID, since: datetime, until: datetime) -> list[Spoke]:
    """What models said of a patient in since <= at <= until, oldest first; nothing of what is in the shadow."""
    row, later = RiskAssessment, aliased(RiskAssessment)
    corrected = select(later.id).where(later.supersedes_id == row.id, later.mode != "shadow").exists()
    found = select(row.id, row.bundle_id, row.bundle_sha256, row.at, row.risk, row.band, row.reason, corrected)
    mine = found.where(
        row.patient_id == patient_id, row.at >= since, row.at <= until, row.mode != "shadow", row.bundle_id != ""
    )
    newest = session.execute(mine.order_by(row.at.desc(), row.recorded_at.desc(), row.id.desc()).limit(MOST))
    return [Spoke(*values) for values in reversed(newest.all())]


def measured(
    session: Session, patient_id: UUID, since: datetime, until: datetime, codes: Collection[str]
) -> list[Observation]:
    """A patient's values of these codes, oldest first; those that stopped counting too."""
    found = select(Observation).where(
        Observation.patient_id == patient_id,
        Observation.at >= since,
        Observation.at <= until,
        Observation.code.in_(codes),
        Observation.value.is_not(None),
    )
    newest = found.order_by(Observation.at.desc(), Observation.recorded_at.desc(), Observation.id.desc()).limit(MOST)
    return list(reversed(list(session.scalars(newest))))


def last_values(
    session: Session, patient_id: UUID, before: datetime, codes: Collection[str] = ()
) -> dict[str, Observation]:
    """The last value of each code before a moment (of `codes` only, if any are named) that counts."""
    found = select(Observation).where(
        Observation.patient_id == patient_id,
        Observation.at < before,
        Observation.value.is_not(None),
        ~Observation.superseded,
    )
    if codes:
        found = found.where(Observation.code.in_(codes))
    newest = found.ext(distinct_on(Observation.code)).order_by(
        Observation.code, Observation.at.desc(), Observation.id.desc()
    )
    return {row.code: row for row in session.scalars(newest)}


def acts(session: Session, case: Escalation) -> list[AuditEvent]:
    """What staff did with a case and the visits that were asked for by it, oldest first."""
    of_case = and_(AuditEvent.entity == "escalation", AuditEvent.entity_id == case.id)
    of_visit = and_(AuditEvent.entity == "visit_request", AuditEvent.detail["escalation"].astext == str(case.id))
    found = select(AuditEvent).where(
        AuditEvent.patient_id == case.patient_id if case.patient_id else AuditEvent.patient_id.is_(None),
        AuditEvent.at >= case.requested_at,
        or_(of_case, of_visit),
    )
    return list(session.scalars(found.order_by(AuditEvent.at, AuditEvent.id).limit(MOST)))


def pages(session: Session, escalation_id: UUID) -> list[Communication]:
    """The pages to staff about a case, oldest first."""
    found = select(Communication).where(Communication.escalation_id == escalation_id, Communication.purpose == "page")
    return list(session.scalars(found.order_by(Communication.recorded_at, Communication.id).limit(MOST)))


def written(session: Session, patient_id: UUID, since: datetime) -> list[Communication]:
    """What staff wrote to a patient since then, oldest first."""
    found = select(Communication).where(
        Communication.patient_id == patient_id,
        Communication.recorded_at >= since,
        Communication.direction == "out",
        Communication.purpose == "nurse",
    )
    return list(session.scalars(found.order_by(Communication.recorded_at, Communication.id).limit(MOST)))


def model_versions(session: Session, hashes: Collection[str]) -> dict[str, ModelVersion]:
    """The registered versions with these hashes."""
    if not hashes:
        return {}
    found = session.scalars(select(ModelVersion).where(ModelVersion.sha256.in_(hashes)))
    return {row.sha256: row for row in found}


def waiting_texts(session: Session, patient_id: UUID, limit: int) -> list[Communication]:
    """A patient's texts that wait for a person, the longest waiting first."""
    found = select(Communication).where(
        Communication.patient_id == patient_id, Communication.direction == "in", Communication.waits_since.is_not(None)
    )
    return list(session.scalars(found.order_by(Communication.waits_since, Communication.id).limit(limit)))
