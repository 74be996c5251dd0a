"""PatientThresholds: numbers of rules that a clinician set for one patient, with the reason; history is kept."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Double, ForeignKey, Index, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.among import among
from care.records.base import Base, OfPatient
from care.records.seal import Sealed


class PatientThreshold(OfPatient, Base):
    """One decision: from `at` on, this number of this rule is `value` for the patient (None: as it was reviewed).

    `rule_set` is the set's url without a version, `field` the number's place in the rule's condition. The newest row of
    a patient, rule and field counts, until `ends_at` (None: until another decision); then the number is as reviewed
    again. A trigger refuses to change or delete a decision.
    """

    __tablename__ = "patient_threshold"
    __table_args__ = (Index("ix_patient_threshold_latest", "patient_id", "rule_set", "rule", "field", "at"),)
    rule_set: Mapped[str]
    rule: Mapped[str]
    field: Mapped[str]
    value: Mapped[float | None] = mapped_column(Double())
    reason_sealed: Mapped[bytes]
    author_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    at: Mapped[datetime]
    ends_at: Mapped[datetime | None]

    reason = Sealed()

    def counts(self, now: datetime) -> bool:
        """Whether it sets a number at this moment, if nothing was decided after it."""
        return self.value is not None and (self.ends_at is None or now < self.ends_at)


def thresholds_of(session: Session, patient_ids: Collection[UUID], now: datetime) -> dict[UUID, list[PatientThreshold]]:
    """The decisions that count at a moment, by patient, in the order of their rules; in one query."""
    key = (PatientThreshold.patient_id, PatientThreshold.rule_set, PatientThreshold.rule, PatientThreshold.field)
    found = select(PatientThreshold).where(among(PatientThreshold.patient_id, patient_ids), PatientThreshold.at <= now)
    newest = found.ext(distinct_on(*key)).order_by(*key, PatientThreshold.at.desc(), PatientThreshold.id.desc())
    grouped: dict[UUID, list[PatientThreshold]] = {}
    for row in session.scalars(newest):
        if row.counts(now):
            grouped.setdefault(row.patient_id, []).append(row)
    return grouped


def threshold_history(session: Session, patient_id: UUID) -> list[PatientThreshold]:
    """All decisions about one patient, newest first."""
    found = select(PatientThreshold).where(PatientThreshold.patient_id == patient_id)
    return list(session.scalars(found.order_by(PatientThreshold.at.desc(), PatientThreshold.id.desc())))
