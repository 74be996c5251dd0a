"""A code by which a patient joins their WeChat account to their record."""

from __future__ import annotations

from uuid import UUID

from flask import make_response, render_template
from werkzeug.wrappers import Response

from care.access import may
from care.records import patients as people
from care.services import bindings
from dashboard import blueprint
from dashboard.request import runtime, session, staff, written


@blueprint.post("/patients/<uuid:patient_id>/binding-code")
@may("nurse", "clinician")
def binding_code(patient_id: UUID) -> Response:
    """Make one. Shown once, kept nowhere; what was made for this patient before no longer works."""
    code = bindings.issue(session(), runtime(), staff(), patient_id, written("label", 40))
    patient = people.patient_of(session(), staff(), patient_id)
    response = make_response(render_template("binding_code.html", patient=patient, code=code, days=bindings.LASTS.days))
    response.cache_control.no_store = True
    return response
