"""The audit on pages: who saw and did what, for a patient, for a case, and of staff for an administrator."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request

from care.access import may
from care.errors import NotFound
from care.records import lists
from care.services import audit_views
from care.services.audit_views import Kind, Trail
from dashboard import blueprint
from dashboard.audit_words import sentence
from dashboard.request import runtime, session, staff


@blueprint.get("/patients/<uuid:patient_id>/audit")
@may("nurse", "clinician")
def patient_audit(patient_id: UUID) -> str:
    """Who saw and did what with this patient?"""
    patient, found = audit_views.of_patient(session(), runtime(), staff(), patient_id, _kind(), _id("before"))
    return _page(found, patient=patient, case=None)


@blueprint.get("/escalations/<uuid:escalation_id>/audit")
@may("nurse", "clinician")
def case_audit(escalation_id: UUID) -> str:
    """Who looked at this alert, and what was done?"""
    case, found = audit_views.of_case(session(), runtime(), staff(), escalation_id, _kind(), _id("before"))
    return _page(found, patient=None, case=case)


@blueprint.get("/admin/acts")
@may("admin")
def staff_acts() -> str:
    """What did staff see and do? Of a patient it shows a mark that tells them apart, and no more."""
    person = _id("person")
    found = audit_views.of_staff(session(), runtime(), staff(), person, _kind(), _id("before"))
    return _page(found, patient=None, case=None, people=lists.staff_list(session(), staff()), person=person)


def _page(found: Trail, **about: Any) -> str:
    values = {"people": None, "person": None, **about}
    return render_template("audit.html", found=found, kind=_kind(), kinds=list(Kind), sentence=sentence, **values)


def _kind() -> Kind:
    wanted = request.args.get("kind", "")
    return Kind(wanted) if wanted in set(Kind) else Kind.ALL


def _id(name: str) -> UUID | None:
    wanted = request.args.get(name, "")
    try:
        return UUID(wanted) if wanted else None
    except ValueError:
        raise NotFound(name, "there is no such thing") from None
