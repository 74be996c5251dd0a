"""The summary before a visit, as a page to print and as a PDF."""

from __future__ import annotations

from uuid import UUID

from flask import Response, make_response, render_template

from care.access import may
from care.services.summaries import open_summary
from core import blueprint
from core.request import language, runtime, session, staff
from core.summary import sheet
from core.summary_pdf import pdf


@blueprint.get("/patients/<uuid:patient_id>/summary")
@may("clinician", "nurse")
def summary(patient_id: UUID) -> str:
    """What do I need to know before I see this patient?"""
    patient = open_summary(session(), runtime(), staff(), patient_id, "page")
    return render_template("core/summary.html", patient=patient, sheet=sheet(patient))


@blueprint.get("/patients/<uuid:patient_id>/summary.pdf")
@may("clinician", "nurse")
def summary_pdf(patient_id: UUID) -> Response:
    """The same on one page of A4. Its name says nothing of the patient, and nothing on the way keeps it."""
    patient = open_summary(session(), runtime(), staff(), patient_id, "pdf")
    response = make_response(pdf(sheet(patient), language()))
    response.content_type = "application/pdf"
    response.headers["Content-Disposition"] = "inline; filename=summary.pdf"
    response.cache_control.no_store = True
    return response
