"""One report of a patient as it was given: its questions with their answers, what corrected it, what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import render_template
from sqlalchemy import or_, select

from care.access import may
from care.domain.questionnaire import Questionnaire, answer_text, from_response, in_language
from care.domain.questionnaire.places import link_id_of
from care.errors import CareError, NotFound
from care.records import lists
from care.records.questionnaire_responses import MEASUREMENTS, QuestionnaireResponse
from care.services import content, patients
from dashboard import blueprint
from dashboard.request import language, runtime, session, staff


@dataclass(frozen=True)
class Said:
    """One question in the reader's language with its answers."""

    question: str
    answers: list[str]


@blueprint.get("/patients/<uuid:patient_id>/reports/<uuid:response_id>")
@may("nurse", "clinician")
def report(patient_id: UUID, response_id: UUID) -> str:
    """The report, if it is this patient's. Opening it is opening the patient, and audited as such."""
    patient = patients.open_patient(session(), runtime(), staff(), patient_id)
    row = session().get(QuestionnaireResponse, response_id)
    if row is None or row.patient_id != patient.id:
        raise NotFound("report", "no such report")
    form = _form(row)
    found = select(QuestionnaireResponse).where(
        QuestionnaireResponse.patient_id == patient.id,
        or_(QuestionnaireResponse.supersedes_id == row.id, QuestionnaireResponse.id == row.supersedes_id),
    )
    around = list(session().scalars(found.order_by(QuestionnaireResponse.recorded_at)))
    return render_template(
        "report.html",
        patient=patient,
        report=row,
        title=in_language(form.title, language()) if form else "",
        said=_said(form, row) if form else [],
        measures=[value.measure() for value in lists.observations_of(session(), {row.id})],
        corrected_by=[one for one in around if one.supersedes_id == row.id],
        corrects=[one for one in around if one.id == row.supersedes_id],
    )


def _form(row: QuestionnaireResponse) -> Questionnaire | None:
    if row.questionnaire == MEASUREMENTS:
        return None
    try:
        return content.questionnaire(session(), row.questionnaire)
    except CareError:
        return None


def _said(form: Questionnaire, row: QuestionnaireResponse) -> list[Said]:
    """Every question that was answered, in the order of the form; what cannot be read is left to the values."""
    try:
        answers = from_response(form, row.document)
    except CareError:
        return []
    order = {item.link_id: place for place, item in enumerate(form.sequence)}
    found = []
    for at in sorted(answers, key=lambda one: (order.get(link_id_of(one), len(order)), one)):
        item = form.by_id.get(link_id_of(at))
        if item is None or not answers[at]:
            continue
        told = [answer_text(item, one, language()) for one in answers[at]]
        found.append(Said(in_language(item.text, language()) or item.link_id, told))
    return found
