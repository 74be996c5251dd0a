"""QuestionnaireResponses ("reports"): the whole document sealed; the coded values rules need are Observations."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.records.base import Base, OfPatient, Queued
from care.records.seal import SealedJson

MEASUREMENTS = "https://care.invalid/fhir/measurements"
"""What stands for a questionnaire in a report that nobody answered: values of a laboratory, a device or a nurse."""

COUNTED = (
    "status IN ('completed', 'amended') AND supersedes_id IS NULL"
    " AND questionnaire <> 'https://care.invalid/fhir/measurements'"
)
"""The reports that numbers count: each once, however often it was corrected."""
OF_DRAFTS = ("app", "phone")
"""The sources of reports that may have been a form's draft: in the patient's app, or written down by staff."""


class QuestionnaireResponse(OfPatient, Queued, Base):
    """One report. `score_at` is the queue of scoring; `authored_at` is when it was true, `recorded_at` when we knew.

    `judged` says what came of it: nothing | flagged | unscorable.
    """

    __tablename__ = "questionnaire_response"
    __table_args__ = (
        CheckConstraint(
            "status IN ('in-progress', 'completed', 'amended', 'stopped', 'entered-in-error')", name="status"
        ),
        Index("ix_questionnaire_response_patient", "patient_id", "authored_at"),
        Index("ix_questionnaire_response_score_at", "score_at", postgresql_where="score_at IS NOT NULL"),
        Index("ix_questionnaire_response_counted", "patient_id", "authored_at", postgresql_where=COUNTED),
        Index("uq_questionnaire_response_task", "task_id", unique=True, postgresql_where="status = 'completed'"),
    )
    questionnaire: Mapped[str]
    care_plan_id: Mapped[UUID | None] = mapped_column(ForeignKey("care_plan.id"))
    task_id: Mapped[UUID | None] = mapped_column(ForeignKey("task.id"))
    communication_id: Mapped[UUID | None]
    status: Mapped[str]
    source: Mapped[str]
    document_sealed: Mapped[bytes]
    authored_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    supersedes_id: Mapped[UUID | None]
    score_at: Mapped[datetime | None]
    judged: Mapped[str | None]

    document = SealedJson()


def reports(session: Session, patient_id: UUID, limit: int = 100) -> list[QuestionnaireResponse]:
    """A patient's latest reports, newest first."""
    found = select(QuestionnaireResponse).where(QuestionnaireResponse.patient_id == patient_id)
    newest = found.order_by(QuestionnaireResponse.authored_at.desc(), QuestionnaireResponse.id.desc())
    return list(session.scalars(newest.limit(limit)))


def told_of_draft(session: Session, task_id: UUID) -> list[UUID]:
    """The stopped reports that were made of what was filled in of a task's form before it was handed in."""
    found = select(QuestionnaireResponse.id).where(
        QuestionnaireResponse.task_id == task_id,
        QuestionnaireResponse.status == "stopped",
        QuestionnaireResponse.source.in_(OF_DRAFTS),
    )
    return list(session.scalars(found))
