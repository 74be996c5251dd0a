"""A patient's own reports and measures, as they are read back to the patient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.questionnaire import from_response, in_language
from care.domain.questionnaire.read_back import Line, read_back
from care.domain.trend import Chart, charts, usual
from care.errors import CareError, NotFound
from care.records.observations import series
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.services import content

BACK = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class ReadBack:
    """One report in words."""

    id: UUID
    title: str
    authored_at: datetime
    lines: list[Line]


def report_in_words(session: Session, patient: Patient, report_id: UUID, language: str | None = None) -> ReadBack:
    """One of the patient's own reports. Raises NotFound."""
    found = select(QuestionnaireResponse).where(
        QuestionnaireResponse.id == report_id, QuestionnaireResponse.patient_id == patient.id
    )
    report = session.scalars(found).first()
    if report is None:
        raise NotFound("report", "no such report")
    spoken = language or patient.language
    form = content.questionnaire(session, report.questionnaire).at(report.authored_at)
    lines = read_back(form, from_response(form, report.document), spoken)
    return ReadBack(report.id, in_language(form.title, spoken), report.authored_at, lines)


def title_of(session: Session, questionnaire: str, language: str) -> str:
    """What a questionnaire is called; "" when it is not there any more."""
    try:
        return in_language(content.questionnaire(session, questionnaire).title, language)
    except CareError:
        return ""


def own_trends(session: Session, patient: Patient, now: datetime) -> list[tuple[Chart, tuple[float, float] | None]]:
    """What the patient measured in the last weeks, each with their own usual range (of the days before today)."""
    measured = [one.measure() for one in series(session, patient.id, now - BACK, now)]
    before = now - timedelta(days=1)
    return [(one, usual(one.points, before)) for one in charts(measured, patient.glucose_unit)]
